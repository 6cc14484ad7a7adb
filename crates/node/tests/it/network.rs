//! The network driver with real packets.

mod attack;
mod cloud;
mod converge;
mod differences;
mod endpoint;
mod exhaustion;
mod flows;
mod golden;
mod hosts;
mod leaving;
mod namesake;
mod routers;
mod services;
mod spoof;
mod stand;
mod traffic;
mod underlay;
mod untracked;
mod vpn;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::PathBuf;

use cloud::*;
use landfall_model::plan::*;
use landfall_model::*;
use landfall_node::driver::Network;
use landfall_node::network::{Allowance, HostNetwork, NetworkConfig, machine, namespace, ruleset};
use spoof::{arp, frame};
use stand::*;

fn driver() -> HostNetwork {
    HostNetwork::new(NetworkConfig::new(PathBuf::from("/run/landfall")))
}

#[test]
fn instances_reach_what_groups_allow() {
    on_own_machine("instances_reach_what_groups_allow", || {
        let mut cloud = Cloud::new();
        let both =
            |ports| vec![rule("tcp", ports, PeerPlan::Group(group_id(1))), rule("icmp", (8, -1), from("10.1.1.11/32"))];
        cloud
            .group(1, 1, vec![], vec![anything()])
            .group(2, 1, both((5000, 5001)), vec![anything()])
            .group(3, 1, vec![anything()], vec![rule("udp", (53, 53), from("10.0.0.0/8"))])
            .group(4, 2, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(2, 1, &[2], None).port(3, 2, &[1, 2], None).port(4, 1, &[3], None);
        cloud.port(5, 3, &[4], None);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(|number| Guest::start(&network, &cloud, number));
        let _listeners: Vec<_> =
            [&a, &b, &c, &d, &e].iter().flat_map(|guest| [guest.listen(5000), guest.listen(5002)]).collect();

        assert!(a.reaches(b.address, 5000), "by reference to the group, within the subnet");
        assert!(a.reaches(c.address, 5000), "the same to another subnet");
        assert!(c.reaches(b.address, 5000), "a member by one of two groups");
        assert!(a.connect(b.address, 5002).is_err(), "a port that no rule has");
        assert!(b.connect(a.address, 5000).is_err(), "a group without rules lets nothing in");
        assert!(d.connect(b.address, 5000).is_err(), "neither sent nor received");
        assert!(a.pings(b.address, COMES) && !c.pings(b.address, LOST), "ICMP by type and sender");
        assert!(!d.pings(c.address, LOST), "egress rules hold for ICMP too");
        assert!(a.connect([10, 1, 1, 15], 5000).is_err(), "the other network has the same addresses");
        assert!(!a.pings([10, 1, 1, 99].into(), LOST), "nobody answers for a free address");
        let neighbours = run("ip", "-n guest-1 neigh show 10.1.1.99");
        assert!(!neighbours.contains("lladdr"), "{neighbours}");

        let server = namespace::within(&c.name, || UdpSocket::bind("0.0.0.0:53")).unwrap();
        server.set_read_timeout(Some(LOST)).unwrap();
        let client = namespace::within(&d.name, || UdpSocket::bind("0.0.0.0:0")).unwrap();
        client.send_to(b"x", (c.address, 53)).unwrap();
        assert!(server.recv_from(&mut [0; 9]).is_err(), "sent but not received");
        cloud.group(2, 1, vec![rule("udp", (0, 60), from("10.1.1.0/24"))], vec![]);
        network.apply(&cloud.0).unwrap();
        let from = arrives(&server, || _ = client.send_to(b"x", (c.address, 53)).unwrap());
        // The answer to what was allowed is allowed.
        arrives(&client, || _ = server.send_to(b"y", from).unwrap());
    });
}

/// A machine with an uplink to a namespace that stands for the internet: 203.0.113.1 here, .254 and 8.8.8.8 there.
fn uplink() {
    namespace::ensure("internet").unwrap();
    run("ip", "link add wan0 type veth peer name wan0 netns internet");
    run("ip", "addr add 203.0.113.1/24 dev wan0");
    run("ip", "link set wan0 up");
    for step in
        ["link set lo up", "addr add 8.8.8.8/32 dev lo", "addr add 203.0.113.254/24 dev wan0", "link set wan0 up"]
    {
        run("ip", &format!("-n internet {step}"));
    }
    run("ip", "route add default via 203.0.113.254");
}

/// As many ports as its addresses have are only there where flows to one destination use them all.
#[test]
fn flows_to_one_destination_leave_by_all_addresses_of_a_nat_gateway() {
    on_own_machine("flows_to_one_destination_leave_by_all_addresses_of_a_nat_gateway", || {
        uplink();
        run("ip", "-n internet route add 198.18.0.0/16 via 203.0.113.1");
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(3, 2, &[], None);
        let gateway = NatGatewayId::from_random(7);
        let own: [Ipv4Addr; 2] = [[10, 1, 2, 13].into(), [10, 1, 2, 23].into()];
        let public: [Ipv4Addr; 2] = [[198, 18, 0, 30].into(), [198, 18, 0, 31].into()];
        cloud.edit_port(3, |port| (port.location, port.addresses) = (PortLocation::Service, own.to_vec()));
        cloud.edit_subnet(1, |subnet| subnet.routes[0].target = RouteTargetPlan::NatGateway(gateway));
        let plan = NatGatewayPlan {
            id: gateway,
            vpc: vpc_id(1),
            subnet: subnet_id(2),
            interface: port_id(3),
            addresses: own.into_iter().zip(public.map(Some)).collect(),
            place: Place::Here,
        };
        cloud.0.pieces.insert(PieceKey::NatGateway(gateway), Piece::NatGateway(plan));
        let mut config = NetworkConfig::new(PathBuf::from("/run/landfall"));
        config.masquerade = false;
        let network = HostNetwork::new(config);
        network.apply(&cloud.0).unwrap();
        let guest = Guest::start(&network, &cloud, 1);
        let internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:80")).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        // All by the same one: less than once in a million million times.
        for _ in 0..40 {
            assert!(guest.reaches([8, 8, 8, 8], 80));
            seen.insert(peer(&internet));
        }
        assert_eq!(seen, public.into());
    });
}

#[test]
fn public_addresses_lead_in_and_out() {
    on_own_machine("public_addresses_lead_in_and_out", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 2, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 1, &[1], Some("198.18.0.12")).port(3, 1, &[1], None);
        cloud.port(4, 3, &[2], Some("198.18.0.14"));
        // The machine's administrator has settings of his own, which a namespace as new takes over.
        namespace::ensure("lf-1").unwrap();
        let stubborn = ["all/rp_filter", "default/rp_filter", "all/arp_ignore", "default/arp_ignore"];
        for name in stubborn {
            let set = || std::fs::write(format!("/proc/sys/net/ipv4/conf/{name}"), "1");
            namespace::within("lf-1", set).unwrap();
        }
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [a, b, c, d] = [1, 2, 3, 4].map(|number| Guest::start(&network, &cloud, number));
        let listener = b.listen(80);
        let at_d = d.listen(80);
        let internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:80")).unwrap();

        connect(None, [198, 18, 0, 12].into(), 80, COMES).expect("the machine itself reaches a public address");
        assert_eq!(peer(&listener), Ipv4Addr::new(198, 18, 0, 1));
        assert!(a.reaches([8, 8, 8, 8], 80), "the internet");
        assert_eq!(peer(&internet), Ipv4Addr::new(203, 0, 113, 1), "as the machine");
        assert!(c.connect([8, 8, 8, 8], 80).is_err(), "no public address, no internet");
        assert!(a.reaches([198, 18, 0, 12], 80), "a public address of the same network");
        assert_eq!(peer(&listener), Ipv4Addr::new(198, 18, 0, 11), "seen by its public address");
        assert!(b.reaches([198, 18, 0, 12], 80), "its own public address");
        assert_eq!(peer(&listener), Ipv4Addr::new(198, 18, 0, 12));
        assert!(a.reaches([198, 18, 0, 14], 80), "a public address of another network");
        assert_eq!(peer(&at_d), Ipv4Addr::new(198, 18, 0, 11));
        run("ip", "-n internet route add 198.18.0.0/16 via 203.0.113.1");
        connect(Some("internet"), [198, 18, 0, 12].into(), 80, COMES).expect("from outside");
        assert_eq!(
            peer(&listener),
            Ipv4Addr::new(8, 8, 8, 8).min(Ipv4Addr::new(203, 0, 113, 254)).max(Ipv4Addr::new(203, 0, 113, 254))
        );

        let refused = connect(None, [198, 18, 0, 99].into(), 80, LOST).unwrap_err();
        assert_ne!(refused.kind(), io::ErrorKind::TimedOut, "a public address that nobody has is refused at once");
        let blackhole = RoutePlan { destination: cidr("8.8.8.0/24"), target: RouteTargetPlan::Blackhole };
        cloud.edit_subnet(1, |subnet| subnet.routes.push(blackhole));
        network.apply(&cloud.0).unwrap();
        assert!(a.connect([8, 8, 8, 8], 80).is_err(), "the longer prefix leads nowhere");
        assert!(d.reaches([8, 8, 8, 8], 80), "in another network it doesn't");
        assert!(a.reaches([198, 18, 0, 12], 80), "other destinations neither");
        cloud.edit_port(2, |port| port.public.clear());
        network.apply(&cloud.0).unwrap();
        assert!(connect(None, [198, 18, 0, 12].into(), 80, LOST).is_err(), "the address was taken away");
    });
}

#[test]
fn the_machine_is_out_of_reach() {
    on_own_machine("the_machine_is_out_of_reach", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], Some("198.18.0.11"));
        let mut config = NetworkConfig::new(PathBuf::from("/run/landfall"));
        config.blocked = vec![cidr("8.8.8.8/32")];
        let network = HostNetwork::new(config.clone());
        network.apply(&cloud.0).unwrap();
        let a = Guest::start(&network, &cloud, 1);
        let _machine = TcpListener::bind("0.0.0.0:81").unwrap();
        let _internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:81")).unwrap();
        run("ip", "addr add 192.168.7.1/24 dev wan0");
        run("ip", "-n internet addr add 192.168.9.9/32 dev lo");
        for own in [[198, 18, 0, 1], [203, 0, 113, 1], [192, 168, 7, 1], [169, 254, 0, 1], [127, 0, 0, 1]] {
            assert!(a.connect(own, 81).is_err(), "{own:?}");
            assert!(!a.pings(own.into(), LOST) || own[0] == 127, "{own:?}");
        }
        for gateway in [[10, 1, 1, 1], [10, 1, 0, 2], [169, 254, 169, 254]] {
            assert!(a.connect(gateway, 81).is_err(), "{gateway:?}");
        }
        assert!(a.connect([8, 8, 8, 8], 81).is_err(), "configured");
        assert!(a.connect([203, 0, 113, 254], 81).is_err(), "the machine's own network");
        assert!(a.reaches([192, 168, 9, 9], 81), "what is merely beyond it isn't barred");
        let forwarding =
            |link: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{link}/forwarding")).unwrap();
        assert_eq!([forwarding("wan0"), forwarding("lo"), forwarding("all")], ["1\n", "0\n", "0\n"]);

        config.lan_allowed = true;
        HostNetwork::new(config).apply(&cloud.0).unwrap();
        assert!(a.reaches([203, 0, 113, 254], 81), "the LAN is a setting");
        assert!(a.connect([203, 0, 113, 1], 81).is_err(), "the machine isn't");
        drop(a);
        driver().apply(&HostPlan::default()).unwrap();
        assert_eq!(forwarding("wan0"), "0\n", "forwarding is as it was");
    });
}

#[test]
fn acls_are_asked_for_every_packet() {
    on_own_machine("acls_are_asked_for_every_packet", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(2, 2, &[1], None).port(3, 2, &[1], None);
        cloud.edit_subnet(2, |subnet| {
            subnet.acl_ingress = vec![
                acl(200, true, "tcp", (0, 65535), "10.1.0.0/16"),
                acl(100, false, "tcp", (22, 22), "0.0.0.0/0"),
                acl(150, true, "icmp", (8, -1), "0.0.0.0/0"),
            ];
            subnet.acl_egress = vec![acl(100, true, "tcp", (1024, 65535), "10.1.1.0/24")];
        });
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [a, b, c] = [1, 2, 3].map(|number| Guest::start(&network, &cloud, number));
        let _listeners = [b.listen(22), b.listen(80)];
        assert!(a.reaches(b.address, 80), "in by number 200, out by the client's port");
        assert!(a.connect(b.address, 22).is_err(), "the lower number decides");
        assert!(c.reaches(b.address, 22), "within the subnet it isn't asked");
        assert!(!a.pings(b.address, LOST), "the answer isn't let out: there is no state");
        cloud.edit_subnet(2, |subnet| subnet.acl_egress.push(acl(90, true, "icmp", (0, 0), "0.0.0.0/0")));
        network.apply(&cloud.0).unwrap();
        assert!(a.pings(b.address, COMES));
        let mut stream = a.connect(b.address, 80).unwrap();
        cloud.edit_subnet(2, |subnet| subnet.acl_ingress.clear());
        network.apply(&cloud.0).unwrap();
        stream.write_all(b"x").unwrap();
        std::thread::sleep(LOST);
        assert!(run("ss", "-N guest-1 -tnoi").contains("unacked:1"), "an open connection is cut off too");
    });
}

#[test]
fn a_route_leads_to_a_router() {
    on_own_machine("a_route_leads_to_a_router", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 2, &[1], None);
        cloud.edit_port(1, |port| port.source_dest_check = false);
        cloud.edit_subnet(2, |subnet| subnet.routes[0].target = RouteTargetPlan::Interface(port_id(1)));
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [router, inner] = [1, 2].map(|number| Guest::start(&network, &cloud, number));
        namespace::within(&router.name, || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).unwrap();
        std::fs::write(
            "/run/nat",
            "add table ip t\nadd chain ip t c { type nat hook postrouting priority 100; }\nadd rule ip t c masquerade",
        )
        .unwrap();
        run("ip", "netns exec guest-1 nft -f /run/nat");
        let internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:80")).unwrap();
        assert!(inner.reaches([8, 8, 8, 8], 80), "through the router, a NAT instance");
        assert_eq!(peer(&internet), Ipv4Addr::new(203, 0, 113, 1));
        cloud.edit_port(1, |port| port.source_dest_check = true);
        network.apply(&cloud.0).unwrap();
        assert!(inner.connect([8, 8, 8, 8], 80).is_err(), "it may no longer take what isn't its own");
    });
}

#[test]
fn a_guest_that_spoke_is_heard() {
    on_own_machine("a_guest_that_spoke_is_heard", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![], vec![]);
        cloud.port(1, 1, &[1], None).port(2, 1, &[1], None);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        assert!(network.heard().unwrap().is_empty());
        let tap = File::from(network.open(port_id(1)).unwrap().tap.unwrap());
        let gateway = Ipv4Addr::new(10, 1, 1, 1);
        let forged = frame(Mac([0xff; 6]), mac(1), 0x0806, &arp(1, (mac(2), gateway), gateway));
        (&tap).write_all(&forged).unwrap();
        std::thread::sleep(LOST);
        assert!(network.heard().unwrap().is_empty(), "who forges isn't believed");
        let honest = frame(Mac([0xff; 6]), mac(1), 0x0806, &arp(1, (mac(1), [10, 1, 1, 11].into()), gateway));
        let spoken = || {
            (&tap).write_all(&honest).unwrap();
            until("a word", || !network.heard().unwrap().is_empty());
        };
        spoken();
        cloud.group(1, 1, vec![anything()], vec![]);
        network.apply(&cloud.0).unwrap();
        assert_eq!(
            driver_after(&cloud).heard().unwrap(),
            [port_id(1)].into(),
            "also after new rules, by another process"
        );
        assert_eq!(network.heard().unwrap(), [port_id(1)].into());
        network.forget(port_id(1));
        network.forget(port_id(2));
        assert!(network.heard().unwrap().is_empty());
        network.apply(&cloud.0).unwrap();
        spoken();
        assert_eq!(network.heard().unwrap(), [port_id(1)].into());
    });
}

fn driver_after(cloud: &Cloud) -> HostNetwork {
    let network = driver();
    network.apply(&cloud.0).unwrap();
    network
}

#[test]
fn services_answer_their_own_ports_only() {
    on_own_machine("services_answer_their_own_ports_only", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![], vec![]);
        cloud.port(1, 1, &[1], Some("198.18.0.11"));
        let mut config = NetworkConfig::new(PathBuf::from("/run/landfall"));
        config.api = Some(SocketAddrV4::new([169, 254, 169, 250].into(), 4566));
        let network = HostNetwork::new(config);
        network.apply(&cloud.0).unwrap();
        let guest = Guest::start(&network, &cloud, 1);
        let serve = |port: u16| namespace::within("lf-1", || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))).unwrap();
        let _listeners = [53, 80, 81].map(serve);
        let api = namespace::within("lf-1", || TcpListener::bind("169.254.169.250:4566")).unwrap();
        assert!(guest.reaches(ruleset::METADATA, 80), "though its group allows nothing");
        assert!(guest.reaches(ruleset::RESOLVER, 53) && guest.reaches([10, 1, 0, 2], 53));
        assert!(guest.reaches([169, 254, 169, 250], 4566));
        assert_eq!(peer(&api), guest.address, "the API sees who calls");
        assert!(guest.connect(ruleset::METADATA, 81).is_err() && guest.connect([10, 1, 1, 1], 80).is_err());
        run("ip", "route add 10.1.0.0/16 via 169.254.0.2 dev lf-1 onlink");
        run("ip", "route add 169.254.169.254/32 via 169.254.0.2 dev lf-1 onlink");
        for address in [[169, 254, 169, 254], [10, 1, 0, 2], [10, 1, 1, 11]] {
            for port in [53, 80] {
                assert!(
                    connect(None, address.into(), port, LOST).is_err(),
                    "from the machine's side: {address:?} {port}"
                );
            }
        }
        let dhcp = namespace::within("lf-1", || UdpSocket::bind("0.0.0.0:67")).unwrap();
        let client = namespace::within(&guest.name, || UdpSocket::bind("0.0.0.0:68")).unwrap();
        client.set_broadcast(true).unwrap();
        // DHCP comes in.
        arrives(&dhcp, || _ = client.send_to(b"x", "255.255.255.255:67").unwrap());
    });
}

#[test]
fn any_rules_load() {
    on_own_machine("any_rules_load", || {
        // A small generator is enough: what is to be shown is that the kernel takes what is made of the rules.
        let mut seed = 7u64;
        let mut next = move |below: u32| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(seed >> 33).unwrap() % below
        };
        let network = driver();
        for round in 0..12 {
            let mut cloud = Cloud::new();
            for group in 1..=3 {
                let mut rules = [Vec::new(), Vec::new()];
                for rules in &mut rules {
                    for _ in 0..next(if round == 11 { 1000 } else { 60 }) {
                        let protocol = ["tcp", "udp", "icmp", "icmpv6", "-1", "47", "50", "tcp"][next(8) as usize];
                        let low = i32::try_from(next(70)).unwrap() * i32::try_from(next(900)).unwrap();
                        let ports = match protocol {
                            "icmp" | "icmpv6" => [(-1, -1), (8, -1), (3, 4), (255, 255)][next(4) as usize],
                            "tcp" | "udp" => [(low, low), (low, 65535), (0, 65535), (0, low)][next(4) as usize],
                            _ => (-1, -1),
                        };
                        let peer = match next(5) {
                            0 => PeerPlan::Group(group_id(1 + next(4))),
                            1 => PeerPlan::Cidr(
                                format!("2001:db8:{:x}::/{}", next(9), next(129)).parse().map(Cidr::V6).unwrap(),
                            ),
                            _ => from(&format!("10.{}.{}.0/{}", next(3), next(5), next(33))),
                        };
                        rules.push(rule(protocol, ports, peer));
                    }
                }
                let [ingress, egress] = rules;
                cloud.group(group, 1, ingress, egress);
            }
            cloud.port(1, 1, &[1], None).port(2, 1, &[1, 2, 3], Some("198.18.0.9")).port(3, 2, &[], None);
            network.apply(&cloud.0).unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        let config = NetworkConfig::new(PathBuf::from("/run/landfall"));
        let public = [("lf-1".to_owned(), [cidr("198.18.0.9/32")].into())].into();
        let blocked = [cidr("10.0.0.0/8"), cidr("10.1.0.0/16"), cidr("fd00::/8")];
        let text = machine::ruleset(&machine::Machine {
            table: "landfall",
            links: "lf-",
            masquerade: Some(config.pool),
            public: &public,
            blocked: &blocked,
            guarded_ipv6: false,
            allowance: Allowance::of(262_144),
            pool: None,
            underlay: None,
            guarded: Some("eth0"),
        });
        std::fs::write("/run/machine", text).unwrap();
        run("nft", "-f /run/machine");
    });
}

#[test]
fn this_machine_has_what_it_needs() {
    on_own_machine("this_machine_has_what_it_needs", || {
        assert_eq!(landfall_node::network::requirements(), []);
    });
}
