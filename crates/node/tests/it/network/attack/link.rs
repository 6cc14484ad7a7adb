//! What is said on a link: hardware addresses, tags, other protocols than IP, ARP, neighbour discovery, DHCP.

use super::*;

fn data(tag: &[u8]) -> Vec<u8> {
    ipv4(v4(BAD), v4(VICTIM), UDP, udp((9, 9), tag))
}

fn data_v6(tag: &[u8]) -> Vec<u8> {
    ipv6(v6(BAD), v6(VICTIM), UDP, udp((9, 9), tag))
}

/// Frames of other kinds than IP.
const KINDS: [(&str, u16); 27] = [
    ("IPv4 called IPv6", 0x86dd),
    ("LLDP", 0x88cc),
    ("EAPOL", 0x888e),
    ("PPPoE discovery", 0x8863),
    ("PPPoE", 0x8864),
    ("MPLS", 0x8847),
    ("MPLS to many", 0x8848),
    ("LACP", 0x8809),
    ("MACsec", 0x88e5),
    ("pause", 0x8808),
    ("wake on LAN", 0x0842),
    ("a bridged frame", 0x6558),
    ("service chains", 0x894f),
    ("precise time", 0x88f7),
    ("reverse ARP", 0x8035),
    ("X.25", 0x0805),
    ("IPX", 0x8137),
    ("AppleTalk", 0x809b),
    ("FCoE", 0x8906),
    ("RoCE", 0x8915),
    ("AoE", 0x88a2),
    ("a ring's", 0x8892),
    ("AVTP", 0x22f0),
    ("a private one", 0x88b5),
    ("batman", 0x4305),
    ("MAC in MAC", 0x88e7),
    ("loopback", 0x9000),
];

/// Calls for each attempt, and wants nothing to be believed that wasn't before.
fn try_all(add: impl FnOnce(&mut Attempts)) {
    let stage = Stage::new();
    let before = ["lf-1", "lf-2", "lf-3"].map(beliefs);
    let mut attempts = Attempts::default();
    add(&mut attempts);
    stage.try_all("bad", &attempts);
    assert_eq!(["lf-1", "lf-2", "lf-3"].map(beliefs), before, "nobody believes anything else than before");
}

#[test]
fn frames_that_are_no_guests() {
    on_own_machine("attack::link::frames_that_are_no_guests", || {
        try_all(|attempts| {
            add_addresses(attempts);
            add_tags(attempts);
            add_kinds(attempts);
            add_odd(attempts);
        });
    });
}

/// From and to other hardware addresses.
fn add_addresses(attempts: &mut Attempts) {
    let group = |last: [u8; 3]| Mac([1, 0, 0x5e, last[0], last[1], last[2]]);
    let senders =
        [mac(VICTIM), mac(REMOTE), ROUTER, Mac([2, 0, 0, 0, 0, 2]), Mac([2, 0, 0, 0, 0, 3]), EVERYBODY, Mac([0; 6])];
    for from in senders {
        for (kind, packet) in [(IPV4, &data as &dyn Fn(&[u8]) -> Vec<u8>), (IPV6, &data_v6)] {
            attempts.add(format!("from {from}"), |tag| vec![ethernet(ROUTER, from, kind, &packet(tag))]);
        }
    }
    let receivers = [
        mac(VICTIM),
        mac(REMOTE),
        mac(BAD),
        EVERYBODY,
        group([0, 0, 1]),
        Mac([0x33, 0x33, 0, 0, 0, 1]),
        Mac([2, 0, 0, 0, 0, 2]),
        Mac([2, 0, 0, 0, 0, 4]),
        Mac([0; 6]),
    ];
    for to in receivers {
        for (kind, packet) in [(IPV4, &data as &dyn Fn(&[u8]) -> Vec<u8>), (IPV6, &data_v6)] {
            attempts.add(format!("to {to}"), |tag| vec![ethernet(to, mac(BAD), kind, &packet(tag))]);
        }
    }
}

/// Within tags.
fn add_tags(attempts: &mut Attempts) {
    // Tags of one's own, of a priority, two of them, and inner ones that the outer hides.
    for (name, tags) in [
        ("a VLAN", vec![[0x81, 0, 0, 7]]),
        ("a priority", vec![[0x81, 0, 0x20, 0]]),
        ("a service tag", vec![[0x88, 0xa8, 0, 7]]),
        ("an old service tag", vec![[0x91, 0, 0, 7]]),
        ("two tags", vec![[0x88, 0xa8, 0, 7], [0x81, 0, 0, 7]]),
        ("two priorities", vec![[0x81, 0, 0, 0], [0x81, 0, 0, 0]]),
    ] {
        for (kind, packet) in [(IPV4, &data as &dyn Fn(&[u8]) -> Vec<u8>), (IPV6, &data_v6)] {
            for to in [ROUTER, mac(VICTIM), EVERYBODY] {
                attempts.add(format!("within {name}, to {to}"), |tag| {
                    let tagged = [&tags.concat()[..], &kind.to_be_bytes(), &packet(tag)].concat();
                    vec![[&to.0[..], &mac(BAD).0, &tagged].concat()]
                });
            }
        }
    }
}

/// Called something else than IP.
fn add_kinds(attempts: &mut Attempts) {
    for (name, kind) in KINDS {
        for to in [ROUTER, mac(VICTIM), EVERYBODY, Mac([1, 0x80, 0xc2, 0, 0, 0xe])] {
            attempts.add(format!("{name} to {to}"), |tag| vec![ethernet(to, mac(BAD), kind, &data(tag))]);
        }
    }
}

/// Other protocols as they are, and sizes that don't fit.
fn add_odd(attempts: &mut Attempts) {
    attempts.add("IPv6 called IPv4", |tag| vec![ethernet(ROUTER, mac(BAD), IPV4, &data_v6(tag))]);
    attempts.add("PPPoE with IPv4 in it", |tag| {
        let packet = data(tag);
        let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
        let payload = [&[0x11, 0, 0, 1][..], &length, &[0, 0x21], &packet].concat();
        vec![ethernet(ROUTER, mac(BAD), 0x8864, &payload)]
    });
    attempts.add("MPLS with IPv4 in it", |tag| {
        vec![ethernet(ROUTER, mac(BAD), 0x8847, &[&[0, 0, 0x11, 64][..], &data(tag)].concat())]
    });
    for to in [Mac([1, 0x80, 0xc2, 0, 0, 0]), EVERYBODY] {
        attempts.add("spanning tree", |tag| {
            vec![ethernet(to, mac(BAD), 0x27, &[&[0x42, 0x42, 3, 0, 0, 0, 0, 0][..], &[0; 30], tag].concat())]
        });
        attempts.add("IP in SNAP", |tag| {
            let payload = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &data(tag)].concat();
            vec![ethernet(to, mac(BAD), u16::try_from(payload.len()).unwrap(), &payload)]
        });
    }
    attempts.add("larger than its network's packets, in one piece", |tag| {
        let segment = udp((9, 9), &[tag, &[0; 4000]].concat());
        let segment = sealed(v4(BAD).into(), v4(VICTIM).into(), UDP, segment);
        vec![Stage::ip(&ipv4_raw(v4(BAD), v4(VICTIM), UDP, 0x4000, &[], &segment))]
    });
    attempts.add("the same of IPv6", |tag| {
        vec![Stage::ip(&ipv6(v6(BAD), v6(VICTIM), UDP, udp((9, 9), &[tag, &[0; 4000]].concat())))]
    });
}

#[test]
fn nobody_answers_for_another() {
    on_own_machine("attack::link::nobody_answers_for_another", || {
        try_all(|attempts| {
            add_arp(attempts);
            add_discovery(attempts);
        });
    });
}

/// ARP and DHCP.
fn add_arp(attempts: &mut Attempts) {
    let gateway: Ipv4Addr = [10, 1, 1, 1].into();
    let senders = [
        (mac(BAD), v4(BAD)),
        (mac(BAD), v4(VICTIM)),
        (mac(VICTIM), v4(VICTIM)),
        (mac(BAD), gateway),
        (ROUTER, gateway),
    ];
    for sender in senders {
        for (mac_of_target, target) in
            [(mac(VICTIM), v4(VICTIM)), (EVERYBODY, v4(VICTIM)), (ROUTER, gateway), (Mac([0; 6]), sender.1)]
        {
            for kind in [1, 2, 3, 4, 8, 9] {
                for to in [EVERYBODY, mac(VICTIM), ROUTER] {
                    // What one asks of the gateway is one's own affair.
                    attempts.add(format!("ARP {kind}: {} has {}, to {to} about {target}", sender.0, sender.1), |tag| {
                        vec![ethernet(to, mac(BAD), ARP, &arp(kind, sender, (mac_of_target, target), tag))]
                    });
                }
            }
        }
    }
    for (name, at, value) in
        [("hardware", 1, 6), ("protocol", 2, 0x86), ("long hardware address", 4, 8), ("long address", 5, 16)]
    {
        attempts.add(format!("ARP of another {name}"), |tag| {
            let mut message = arp(2, (mac(BAD), v4(BAD)), (mac(VICTIM), v4(VICTIM)), tag);
            message[at] = value;
            vec![ethernet(EVERYBODY, mac(BAD), ARP, &message)]
        });
    }
    for to in [Ipv4Addr::BROADCAST, v4(VICTIM), v4(CLOSED), [10, 1, 1, 255].into()] {
        for from in [v4(BAD), gateway, [169, 254, 169, 254].into(), Ipv4Addr::UNSPECIFIED] {
            for target in [EVERYBODY, ROUTER, mac(VICTIM)] {
                attempts.add(format!("DHCP's answer as {from} to {to}"), |tag| {
                    let offer = ipv4(from, to, UDP, dhcp_offer(mac(VICTIM), [10, 1, 1, 66].into(), tag));
                    vec![ethernet(target, mac(BAD), IPV4, &offer)]
                });
            }
        }
    }
}

/// Neighbour discovery and DHCPv6.
fn add_discovery(attempts: &mut Attempts) {
    let all_nodes: Ipv6Addr = "ff02::1".parse().unwrap();
    let asked: Ipv6Addr = "ff02::1:ff00:2".parse().unwrap();
    let from = [local(BAD), local(VICTIM), GATEWAY_V6, v6(BAD), v6(VICTIM), Ipv6Addr::UNSPECIFIED];
    for from in from {
        for to in [
            all_nodes,
            asked,
            "ff02::2".parse().unwrap(),
            GATEWAY_V6,
            v6(VICTIM),
            local(VICTIM),
            v6(REMOTE),
            v6(PEER),
            v6(DOUBLE),
        ] {
            for (name, kind) in [
                ("solicits a router", 133),
                ("advertises a router", 134),
                ("asks for", 135),
                ("answers for", 136),
                ("redirects", 137),
            ] {
                for about in [v6(VICTIM), GATEWAY_V6, v6(BAD)] {
                    for target in [ROUTER, mac(VICTIM), Mac([0x33, 0x33, 0, 0, 0, 1])] {
                        // The network's namespace hears what is a guest's to say, and believes none of it.
                        let passes: &[&str] = if matches!(kind, 133 | 135 | 136) { &["own programs"] } else { &[] };
                        attempts.add_past(passes, format!("{from} {name} {about} to {to}"), |tag| {
                            let message = ipv6(from, to, ICMPV6, discovery(kind, about, mac(BAD), tag));
                            vec![ethernet(target, mac(BAD), IPV6, &message)]
                        });
                    }
                }
            }
            attempts.add(format!("DHCPv6's answer, {from} to {to}"), |tag| {
                let message = udp((547, 546), &[&[7, 0, 0, 1][..], tag].concat());
                vec![Stage::ip(&ipv6(from, to, UDP, message))]
            });
        }
    }
}

/// A machine has room for so many neighbours, for all that runs on it: one guest may not take it.
#[test]
fn a_guest_does_not_fill_the_tables_of_neighbours() {
    on_own_machine("attack::link::a_guest_does_not_fill_the_tables_of_neighbours", || {
        let stage = Stage::new();
        let known = || {
            let all = ["lf-1", "lf-2", "lf-3"].map(|name| run("ip", &format!("-n {name} -6 neigh show"))).join("");
            all.lines().count() + run("ip", "neigh show").lines().count()
        };
        let before = known();
        for number in 0..300u16 {
            let many = Ipv6Addr::new(0xfe80, 0, 0, 0, 7, 0, 0, 100 + number);
            let message = ipv6(many, GATEWAY_V6, ICMPV6, discovery(135, GATEWAY_V6, mac(BAD), b"many"));
            stage.send("bad", &Stage::ip(&message));
            stage.send("bad", &Stage::ip(&ipv6(v6(BAD), many, UDP, udp((9, 9), b"many"))));
            let solicited = ipv6(v6(BAD), GATEWAY_V6, ICMPV6, discovery(135, many, mac(BAD), b"many"));
            stage.send("bad", &Stage::ip(&solicited));
            let free = Ipv4Addr::new(10, 1, 7, u8::try_from(number % 250).unwrap());
            stage.send("bad", &Stage::ip(&ipv4(v4(BAD), free, UDP, udp((9, 9), b"many"))));
        }
        let last = Stage::ip(&ipv4(v4(BAD), v4(VICTIM), UDP, udp((7, 7), b"honest last")));
        stage.arrives("an honest packet", "bad", &[last], "victim");
        let after = known();
        assert!(after < before + 20, "{after} neighbours instead of {before}");
    });
}
