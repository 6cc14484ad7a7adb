//! Packets in another's name, and honest ones to where nobody has anything to say.

use super::*;

/// Who a guest may claim to be.
fn names() -> Vec<(&'static str, Ipv4Addr)> {
    vec![
        ("the neighbour", v4(VICTIM)),
        ("one of another subnet", v4(CLOSED)),
        ("one on another host", v4(REMOTE)),
        ("one of a peered network", v4(PEER)),
        ("a free address", [10, 1, 1, 77].into()),
        ("the subnet itself", [10, 1, 1, 0].into()),
        ("the subnet's last address", [10, 1, 1, 255].into()),
        ("the gateway", [10, 1, 1, 1].into()),
        ("another subnet's gateway", [10, 1, 2, 1].into()),
        ("the network's resolver", [10, 1, 0, 2].into()),
        ("the metadata service", [169, 254, 169, 254].into()),
        ("the resolver", [169, 254, 169, 253].into()),
        ("the machine's end of the uplink", [169, 254, 0, 1].into()),
        ("the other end of it", [169, 254, 0, 2].into()),
        ("a peering's end", [169, 254, 0, 5].into()),
        ("itself, by its public address", public(BAD)),
        ("the neighbour, by its public address", public(VICTIM)),
        ("the machine towards its guests", [198, 18, 0, 1].into()),
        ("the machine", MACHINE.0),
        ("the machine on the underlay", UNDERLAY[0]),
        ("another host", UNDERLAY[1]),
        ("somebody in the internet", STRANGER.0),
        ("loopback", [127, 0, 0, 1].into()),
        ("nobody", [0, 0, 0, 0].into()),
        ("everybody", [255, 255, 255, 255].into()),
        ("a group", [224, 0, 0, 1].into()),
        ("a reserved address", [240, 0, 0, 1].into()),
    ]
}

fn names_v6() -> Vec<(&'static str, Ipv6Addr)> {
    let address = |text: &str| text.parse().unwrap();
    vec![
        ("the neighbour", v6(VICTIM)),
        ("one of another subnet", v6(CLOSED)),
        ("one on another host", v6(REMOTE)),
        ("one of a peered network", v6(PEER)),
        ("one of another network", v6(DOUBLE)),
        ("a free address", address("2a00:1111:1:1::77")),
        ("the subnet's routers", address("2a00:1111:1:1::")),
        ("the gateway", GATEWAY_V6),
        ("its own link-local address", local(BAD)),
        ("the neighbour's link-local address", local(VICTIM)),
        ("the machine's end of the uplink", address("fe80::2")),
        ("the other end of it", address("fe80::3")),
        ("the metadata service", address("fd00:ec2::254")),
        ("the resolver", address("fd00:ec2::253")),
        ("the machine", MACHINE.1),
        ("somebody in the internet", STRANGER.1),
        ("loopback", Ipv6Addr::LOCALHOST),
        ("nobody", Ipv6Addr::UNSPECIFIED),
        ("a group", address("ff02::1")),
        ("the neighbour's IPv4 address, mapped", v4(VICTIM).to_ipv6_mapped()),
        ("its own IPv4 address, mapped", v4(BAD).to_ipv6_mapped()),
        ("the neighbour, compatible", address("::10.1.1.12")),
        ("the neighbour by 6to4", address("2002:a01:10c::1")),
        ("the neighbour by NAT64", address("64:ff9b::10.1.1.12")),
        ("a site-local address", address("fec0::1")),
        ("a unique local address", address("fd12:3456::1")),
    ]
}

/// What may be carried, with a tag in it.
pub fn carried(tag: &[u8]) -> Vec<(&'static str, u8, Vec<u8>)> {
    let inner = ipv4(v4(VICTIM), v4(CLOSED), UDP, udp((9, 53), tag));
    let inner_v6 = ipv6(v6(VICTIM), v6(CLOSED), UDP, udp((9, 53), tag));
    vec![
        ("UDP", UDP, udp((9, 9), tag)),
        ("UDP to a resolver's port", UDP, udp((9, 53), tag)),
        ("DHCP from a client", UDP, udp((68, 67), tag)),
        ("a first TCP segment", TCP, tcp((9, 80), 2, tag)),
        ("a TCP reset", TCP, tcp((80, 9), 4, tag)),
        ("TCP out of nothing", TCP, tcp((9, 80), 0x10, tag)),
        ("IPv4 in IP", 4, inner.clone()),
        ("IPv6 in IP", 41, inner_v6),
        ("GRE", 47, [&[0, 0, 8, 0][..], &inner].concat()),
        ("ESP", 50, [&[0, 0, 0, 1, 0, 0, 0, 1][..], tag].concat()),
        ("a protocol that is nobody's", 253, tag.to_vec()),
    ]
}

#[test]
fn nobody_speaks_in_another_name() {
    on_own_machine("attack::forged::nobody_speaks_in_another_name", || {
        let stage = Stage::new();
        let before = ["lf-1", "lf-2", "lf-3"].map(beliefs);
        let mut attempts = Attempts::default();
        let targets =
            [v4(VICTIM), v4(CLOSED), v4(REMOTE), v4(PEER), STRANGER.0, public(VICTIM), [169, 254, 169, 254].into()];
        for (who, from) in names() {
            for to in targets {
                attempts.add(format!("as {who} ({from}) to {to}"), |tag| {
                    vec![Stage::ip(&ipv4(from, to, UDP, udp((9, 53), tag)))]
                });
            }
            for index in 0..carried(b"").len() {
                let name = carried(b"")[index].0;
                attempts.add(format!("as {who} ({from}), {name}"), |tag| {
                    let (_, protocol, segment) = carried(tag).swap_remove(index);
                    vec![Stage::ip(&ipv4(from, v4(CLOSED), protocol, segment))]
                });
            }
        }
        let targets = [v6(VICTIM), v6(CLOSED), v6(REMOTE), v6(PEER), v6(DOUBLE), STRANGER.1, local(VICTIM)];
        let services = ["fd00:ec2::254", "fd00:ec2::253", "fe80::1", "ff02::1", "ff02::2", "ff05::2"];
        for (who, from) in names_v6() {
            for to in targets.into_iter().chain(services.map(|text| text.parse().unwrap())) {
                attempts.add(format!("as {who} ({from}) to {to}"), |tag| {
                    vec![Stage::ip(&ipv6(from, to, UDP, udp((9, 53), tag)))]
                });
            }
            for index in 0..carried(b"").len() {
                let name = carried(b"")[index].0;
                attempts.add(format!("as {who} ({from}), {name}"), |tag| {
                    let (_, protocol, segment) = carried(tag).swap_remove(index);
                    vec![Stage::ip(&ipv6(from, v6(CLOSED), protocol, segment))]
                });
            }
        }
        stage.try_all("bad", &attempts);
        assert_eq!(["lf-1", "lf-2", "lf-3"].map(beliefs), before, "nobody believes anything else than before");
    });
}

/// What there is to reach in a network's namespace, on the machine and on the underlay, and who may be meant by it.
fn nowhere() -> Vec<(Ipv4Addr, &'static [&'static str])> {
    let nowhere: [[u8; 4]; 18] = [
        [127, 0, 0, 1],
        [127, 255, 255, 254],
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [255, 255, 255, 255],
        [10, 1, 1, 0],
        [10, 1, 1, 255],
        [10, 1, 255, 255],
        [224, 0, 0, 1],
        [224, 0, 0, 22],
        [239, 1, 1, 1],
        [240, 0, 0, 1],
        [169, 254, 0, 1],
        [169, 254, 0, 2],
        [169, 254, 0, 5],
        [169, 254, 7, 7],
        [10, 1, 1, 77],
        // A guest of the other network with the same addresses.
        [10, 1, 1, 14],
    ];
    let outside = [MACHINE.0, [203, 0, 113, 254].into(), [203, 0, 113, 255].into(), UNDERLAY[0], UNDERLAY[1]];
    let outside = outside.into_iter().chain([[10, 9, 0, 255].into(), [198, 18, 0, 1].into(), [198, 18, 0, 200].into()]);
    let nowhere = nowhere.into_iter().map(|octets| (octets.into(), &[][..]));
    let nowhere = nowhere.chain([([10, 3, 1, 1].into(), ACROSS), ([10, 3, 1, 77].into(), ACROSS)]);
    nowhere.chain(outside.map(|address| (address, UP_TO_THE_MACHINE))).collect()
}

#[test]
fn what_is_nobodys_is_not_reached() {
    on_own_machine("attack::forged::what_is_nobodys_is_not_reached", || {
        let stage = Stage::new();
        let before = ["lf-1", "lf-2", "lf-3"].map(beliefs);
        let mut attempts = Attempts::default();
        let mut to = |passes, to: Ipv4Addr, name: &str, protocol, segment: &dyn Fn(&[u8]) -> Vec<u8>| {
            attempts.add_past(passes, format!("to {to}: {name}"), |tag| {
                let mut all = vec![Stage::ip(&ipv4(v4(BAD), to, protocol, segment(tag)))];
                // To everybody on the link, too.
                all.push([&EVERYBODY.0[..], &all[0][6..]].concat());
                all
            });
        };
        // The VXLAN of another host's, with a frame for the neighbour in it.
        let tunnelled = |tag: &[u8]| {
            let packet = ipv4(v4(REMOTE), v4(VICTIM), UDP, udp((9, 9), tag));
            let inner = ethernet(mac(VICTIM), mac(REMOTE), IPV4, &packet);
            udp((4789, 4789), &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat())
        };
        for (target, passes) in nowhere() {
            for index in 0..carried(b"").len() {
                let (name, protocol, _) = carried(b"").swap_remove(index);
                // A client of DHCP may call everybody.
                if protocol != UDP || !name.starts_with("DHCP") {
                    to(passes, target, name, protocol, &|tag| carried(tag).swap_remove(index).2);
                }
            }
            to(passes, target, "VXLAN", UDP, &tunnelled);
            to(passes, target, "an echo", ICMP, &|tag| icmp(8, 0, [0, 1, 0, 1], tag));
            to(passes, target, "a time stamp", ICMP, &|tag| icmp(13, 0, [0, 1, 0, 1], tag));
            to(passes, target, "a group's member", 2, &|tag| [&[0x16, 0, 0, 0, 224, 0, 0, 1][..], tag].concat());
        }
        to(UP_TO_THE_MACHINE, STRANGER.0, "VXLAN to the internet", UDP, &tunnelled);
        for service in [[169, 254, 169, 254], [169, 254, 169, 253], [169, 254, 169, 123], [10, 1, 0, 2], [10, 1, 1, 1]]
        {
            to(&[], service.into(), "ssh", TCP, &|tag| tcp((9, 22), 2, tag));
            to(&[], service.into(), "an echo", ICMP, &|tag| icmp(8, 0, [0, 1, 0, 1], tag));
            to(&[], service.into(), "VXLAN", UDP, &tunnelled);
        }
        stage.try_all("bad", &attempts);
        assert_eq!(["lf-1", "lf-2", "lf-3"].map(beliefs), before, "nobody believes anything else than before");
    });
}

#[test]
fn what_is_nobodys_is_not_reached_over_ipv6() {
    on_own_machine("attack::forged::what_is_nobodys_is_not_reached_over_ipv6", || {
        let stage = Stage::new();
        let before = ["lf-1", "lf-2", "lf-3"].map(beliefs);
        let mut attempts = Attempts::default();
        let inside = [
            "::",
            "::1",
            "::7",
            "::10.1.1.12",
            "::ffff:10.1.1.12",
            "::ffff:203.0.113.1",
            "fe80::1",
            "fe80::2",
            "fe80::3",
            "fe80::5",
            "fe80::77",
            "ff01::1",
            "ff02::1",
            "ff02::2",
            "ff02::16",
            "ff02::1:2",
            "ff05::2",
            "ff0e::1",
            "ff02::1:ff00:2",
            "fd00:ec2::254",
            "fd00:ec2::253",
            "fd00:ec2::123",
            "fd00:ec2::77",
            "2a00:1111:1:1::77",
            "2a00:1111:1:1::",
        ];
        let inside = inside.into_iter().map(|text| (text.parse::<Ipv6Addr>().unwrap(), &[][..]));
        let outside = [MACHINE.1, "2a00:113::fe".parse().unwrap(), "2a00:113::".parse().unwrap()];
        let own = run("ip", "-6 -o addr show dev wan0 scope link");
        let own = own.split_whitespace().nth(3).and_then(|text| text.split('/').next()?.parse().ok());
        let outside = outside.into_iter().map(|address| (address, UP_TO_THE_MACHINE));
        let outside = outside.chain([("2a00:1111:3:4::77".parse().unwrap(), ACROSS)]);
        for (to, passes) in inside.chain(outside).chain(own.map(|address| (address, &[][..]))) {
            for index in 0..carried(b"").len() {
                let (name, protocol, _) = carried(b"").swap_remove(index);
                let served = [("fd00:ec2::253", "resolver"), ("fd00:ec2::254", "TCP")];
                let served = served.iter().any(|(at, kind)| at.parse() == Ok(to) && name.contains(kind));
                if !served {
                    attempts.add_past(passes, format!("to {to}: {name}"), |tag| {
                        vec![Stage::ip(&ipv6(v6(BAD), to, protocol, carried(tag).swap_remove(index).2))]
                    });
                }
            }
            for (name, kind) in
                [("an echo", 128), ("a listener's query", 130), ("a listener", 143), ("who are you", 139)]
            {
                attempts.add_past(passes, format!("to {to}: {name}"), |tag| {
                    vec![Stage::ip(&ipv6(v6(BAD), to, ICMPV6, icmp(kind, 0, [0; 4], &[tag, &[0; 16]].concat())))]
                });
            }
        }
        stage.try_all("bad", &attempts);
        assert_eq!(["lf-1", "lf-2", "lf-3"].map(beliefs), before, "nobody believes anything else than before");
    });
}
