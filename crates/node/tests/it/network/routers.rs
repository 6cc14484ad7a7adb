//! Interfaces that pass on what isn't theirs, among others that are to know of it only what they let pass.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::time::{Duration, Instant};

use landfall_model::plan::{NatGatewayPlan, Piece, PieceKey, Place, PortLocation, RoutePlan, RouteTargetPlan};
use landfall_model::{Mac, NatGatewayId};
use landfall_node::driver::Network;
use landfall_node::metadata::port_device;
use landfall_node::network::{HostNetwork, inside::GATEWAY_MAC, namespace};

use super::attack::frames;
use super::cloud::*;
use super::spoof::{frame, frames, udp};
use super::stand::*;
use super::{driver, uplink};

fn tap(network: &HostNetwork, number: u32) -> File {
    File::from(network.open(port_id(number)).unwrap().tap.unwrap())
}

/// Whether a datagram to that port comes out of a TAP within a time.
fn gets(tap: &File, port: u16, time: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < time {
        let is_it = |frame: &Vec<u8>| frame.get(36..38) == Some(&port.to_be_bytes()[..]);
        if frames(tap).iter().any(is_it) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_router_opens_no_flow_in_anothers_name() {
    on_own_machine("routers::a_router_opens_no_flow_in_anothers_name", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![], vec![anything()]).group(2, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(2, 2, &[2], None).port(3, 2, &[2], None);
        cloud.edit_port(2, |port| port.source_dest_check = false);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [victim, router, accomplice] = [1, 2, 3].map(|number| tap(&network, number));
        let [own, theirs] = [Ipv4Addr::new(10, 1, 1, 11), Ipv4Addr::new(10, 1, 2, 13)];
        let send = |mut tap: &File, from: Mac, packet: &[u8]| {
            tap.write_all(&frame(GATEWAY_MAC, from, 0x0800, packet)).unwrap();
        };
        // Links take a moment to run; what is sent before is lost.
        let until = Instant::now() + COMES;
        loop {
            send(&router, mac(2), &udp((own, 5000), (theirs, 6000)));
            if gets(&accomplice, 6000, Duration::from_millis(100)) {
                break;
            }
            assert!(Instant::now() < until, "a router passes on what others sent");
        }
        for _ in 0..3 {
            send(&accomplice, mac(3), &udp((theirs, 6000), (own, 5000)));
        }
        assert!(!gets(&victim, 5000, LOST), "what answers a router isn't an answer to the one it spoke for");
        send(&victim, mac(1), &udp((own, 5001), (theirs, 6001)));
        assert!(gets(&accomplice, 6001, COMES));
        send(&accomplice, mac(3), &udp((theirs, 6001), (own, 5001)));
        assert!(gets(&victim, 5001, COMES), "what it asked itself is answered");
        send(&router, mac(2), &udp((theirs, 6001), (own, 5001)));
        assert!(gets(&victim, 5001, COMES), "by whatever way the answer comes");
        send(&router, mac(2), &udp((theirs, 6002), (own, 5001)));
        assert!(!gets(&victim, 5001, LOST), "another flow isn't");
    });
}

#[test]
fn what_comes_back_another_way_is_known() {
    on_own_machine("routers::what_comes_back_another_way_is_known", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 1, vec![], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(2, 2, &[2], Some("198.18.0.12"));
        cloud.edit_port(1, |port| port.source_dest_check = false);
        cloud.edit_subnet(2, |subnet| subnet.routes[0].target = RouteTargetPlan::Interface(port_id(1)));
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [router, inner] = [1, 2].map(|number| Guest::start(&network, &cloud, number));
        namespace::within(&router.name, || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).unwrap();
        let internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:80")).unwrap();
        let mut near = connect(Some(&inner.name), [8, 8, 8, 8].into(), 80, COMES).expect("past the router");
        let (mut far, _) = internet.accept().unwrap();
        for stream in [&near, &far] {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        }
        let mut talk = |what: &str| {
            let mut byte = [0];
            near.write_all(b"x").unwrap();
            far.read_exact(&mut byte).expect(what);
            far.write_all(b"y").unwrap();
            near.read_exact(&mut byte).expect(what);
        };
        for _ in 0..3 {
            talk("the answer comes straight to it");
        }
        cloud.edit_port(2, |port| port.groups = vec![group_id(2), group_id(1)]);
        network.apply(&cloud.0).unwrap();
        talk("also after new rules");
    });
}

/// Both have the same label: it is made from the id.
#[test]
fn a_router_in_anothers_place_is_asked_about_its_flows() {
    on_own_machine("routers::a_router_in_anothers_place_is_asked_about_its_flows", || {
        let (first, second) = (3, 3 + 62);
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 1, vec![], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(2, 2, &[1], None).port(first, 2, &[1], None);
        let lead_by = |cloud: &mut Cloud, router: u32| {
            cloud.edit_port(router, |port| port.source_dest_check = false);
            for (subnet, other) in [(1, "10.1.2.0/24"), (2, "10.1.1.0/24")] {
                cloud.edit_subnet(subnet, |subnet| {
                    let target = RouteTargetPlan::Interface(port_id(router));
                    subnet.routes = vec![RoutePlan { destination: cidr(other), target }];
                });
            }
        };
        lead_by(&mut cloud, first);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [one, other, router] = [1, 2, first].map(|number| tap(&network, number));
        let [near, far] = [Ipv4Addr::new(10, 1, 1, 11), Ipv4Addr::new(10, 1, 2, 12)];
        let send = |mut tap: &File, from: Mac, packet: &[u8]| {
            tap.write_all(&frame(GATEWAY_MAC, from, 0x0800, packet)).unwrap();
        };
        let passes = |what: &str, send: &dyn Fn(), at: &File, port: u16| {
            let until = Instant::now() + COMES;
            loop {
                send();
                if gets(at, port, Duration::from_millis(100)) {
                    return;
                }
                assert!(Instant::now() < until, "{what}");
            }
        };
        let question = udp((near, 5000), (far, 6000));
        passes("a question to the router", &|| send(&one, mac(1), &question), &router, 6000);
        passes("the router's handing it on", &|| send(&router, mac(3), &question), &other, 6000);
        let answer = || send(&other, mac(2), &udp((far, 6000), (near, 5000)));
        passes("the answer to the router", &answer, &router, 5000);

        cloud.0.pieces.remove(&PieceKey::Port(port_id(first)));
        cloud.port(second, 2, &[2], None);
        lead_by(&mut cloud, second);
        // A process that comes after has seen nothing of the one before.
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let router = tap(&network, second);
        for _ in 0..3 {
            answer();
        }
        assert!(!gets(&router, 5000, LOST), "the new one lets nothing in, whatever the one before let pass");
        cloud.edit_port(second, |port| port.groups = vec![group_id(1)]);
        network.apply(&cloud.0).unwrap();
        passes("the answer to one that lets it in", &answer, &router, 5000);
    });
}

/// What interfaces let pass is remembered where a router is in between: nobody fills that memory for others.
#[test]
fn one_guest_takes_no_more_than_its_share_of_what_is_remembered() {
    on_own_machine("routers::one_guest_takes_no_more_than_its_share_of_what_is_remembered", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, halves(), halves());
        cloud.port(1, 1, &[1], None).port(2, 1, &[1], None).port(3, 2, &[1], None);
        cloud.edit_port(3, |port| port.source_dest_check = false);
        cloud.edit_subnet(1, |subnet| {
            let target = RouteTargetPlan::Interface(port_id(3));
            subnet.routes = vec![RoutePlan { destination: cidr("10.7.0.0/16"), target }];
        });
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [greedy, other] = [1, 2].map(|number| tap(&network, number));
        let addresses = [1, 2].map(|number| cloud.0.port(port_id(number)).unwrap().addresses[0]);
        let send = |mut tap: &File, number: u32, port: u16| {
            let packet = udp((addresses[number as usize - 1], port), (Ipv4Addr::new(10, 7, 0, 1), 6000));
            tap.write_all(&frame(GATEWAY_MAC, mac(number), 0x0800, &packet)).unwrap();
        };
        let remembered = |number: u32| {
            let listed = run("ip", "netns exec lf-1 nft -n list set inet landfall let_udp");
            listed.matches(&port_device(port_id(number))).count()
        };
        let until = Instant::now() + COMES;
        while remembered(1) == 0 {
            send(&greedy, 1, 1);
            assert!(Instant::now() < until, "nothing is remembered of what a router gets");
        }
        const SHARE: usize = 16_384;
        for port in 0..2 * SHARE as u16 {
            send(&greedy, 1, 2 + port);
        }
        let taken = remembered(1);
        assert!((SHARE / 2..SHARE + SHARE / 8).contains(&taken), "{taken} flows of one guest");
        send(&greedy, 1, 1);
        send(&other, 2, 1);
        let until = Instant::now() + COMES;
        while remembered(2) == 0 {
            assert!(Instant::now() < until, "there is no room for another's");
        }
    });
}

/// A NAT gateway in a subnet whose rest goes by a router, as where a firewall stands between the two: with the internet
/// gateway's own routes back to the router, and without.
#[test]
fn what_a_nat_gateway_translated_goes_on_by_a_router() {
    on_own_machine("routers::what_a_nat_gateway_translated_goes_on_by_a_router", || {
        let id = NatGatewayId::from_random(7);
        let elastic = Ipv4Addr::new(198, 18, 0, 30);
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 1, vec![], vec![anything()]);
        let mut middle = cloud.0.subnet(subnet_id(2)).unwrap().clone();
        (middle.id, middle.cidr) = (subnet_id(4), "10.1.4.0/24".parse().unwrap());
        middle.routes[0].target = RouteTargetPlan::Interface(port_id(2));
        cloud.0.pieces.insert(PieceKey::Subnet(middle.id), Piece::Subnet(middle));
        cloud.port(1, 1, &[2], None).port(2, 2, &[1], None).port(3, 4, &[], None);
        cloud.edit_port(2, |port| port.source_dest_check = false);
        cloud.edit_port(3, |port| port.location = PortLocation::Service);
        cloud.edit_subnet(1, |subnet| subnet.routes[0].target = RouteTargetPlan::NatGateway(id));
        let private = cloud.0.port(port_id(3)).unwrap().addresses[0];
        let (vpc, subnet, interface, place) = (vpc_id(1), subnet_id(4), port_id(3), Place::Here);
        let plan = NatGatewayPlan { id, vpc, subnet, interface, addresses: vec![(private, Some(elastic))], place };
        cloud.0.pieces.insert(PieceKey::NatGateway(id), Piece::NatGateway(plan));
        uplink();
        run("ip", "-n internet route add 198.18.0.0/16 via 203.0.113.1");
        let mut config = driver().config().clone();
        config.masquerade = false;
        let network = HostNetwork::new(config);
        network.apply(&cloud.0).unwrap();
        let [inner, router] = [1, 2].map(|number| Guest::start(&network, &cloud, number));
        namespace::within(&router.name, || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).unwrap();
        let internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:80")).unwrap();
        assert!(inner.reaches([8, 8, 8, 8], 80), "out by both");
        assert_eq!(peer(&internet), elastic);
        assert!(inner.pings([8, 8, 8, 8].into(), COMES));

        // The internet gateway's own routes lead back by the router.
        let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(1))) else { panic!() };
        let target = RouteTargetPlan::Interface(port_id(2));
        vpc.internet_routes = vec![RoutePlan { destination: cidr("10.1.4.0/24"), target }];
        network.apply(&cloud.0).unwrap();
        assert!(inner.reaches([8, 8, 8, 8], 80), "out and back by both");
        assert_eq!(peer(&internet), elastic);
        assert!(connect(Some("internet"), elastic, 80, LOST).is_err(), "nobody calls a NAT gateway");

        // Without a router there is no need for a second pass.
        cloud.edit_port(2, |port| port.source_dest_check = true);
        network.apply(&cloud.0).unwrap();
        assert!(!run("ip", "-n lf-1 -o link").contains("nl0"));
    });
}

/// One that has no address of IPv6 is known on its link by the address that its hardware address makes.
#[test]
fn a_router_passes_on_what_it_has_no_address_of() {
    on_own_machine("routers::a_router_passes_on_what_it_has_no_address_of", || {
        let mut cloud = Cloud::new();
        let everything = || vec![anything(), rule("-1", (-1, -1), from("::/0"))];
        cloud.group(1, 1, everything(), everything());
        cloud.port(1, 1, &[1], None).port(2, 2, &[1], None).port(3, 2, &[1], None);
        let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(1))) else { panic!() };
        vpc.ipv6 = vec!["fd4c:4641:0:100::/56".parse().unwrap()];
        for number in [1, 2] {
            cloud.edit_subnet(number, |subnet| {
                subnet.ipv6 = Some(format!("fd4c:4641:0:10{number}::/64").parse().unwrap());
                subnet.acl_ingress.push(acl(101, true, "-1", (-1, -1), "::/0"));
                subnet.acl_egress.push(acl(101, true, "-1", (-1, -1), "::/0"));
            });
        }
        let [near, far] = ["fd4c:4641:0:101::b", "fd4c:4641:0:102::d"].map(|text| text.parse::<Ipv6Addr>().unwrap());
        cloud.edit_port(1, |port| port.ipv6 = vec![near]).edit_port(3, |port| port.ipv6 = vec![far]);
        cloud.edit_port(2, |port| port.source_dest_check = false);
        cloud.edit_subnet(1, |subnet| {
            let target = RouteTargetPlan::Interface(port_id(2));
            subnet.routes.push(RoutePlan { destination: cidr("fd4c:4641:0:102::/64"), target });
        });
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [one, router, other] = [1, 2, 3].map(|number| tap(&network, number));
        let passes = |mut by: &File, from: Mac, at: &File, what: &str| {
            let packet = frames::ipv6(near, far, 17, frames::udp((5000, 6000), b"on"));
            let until = Instant::now() + COMES;
            loop {
                by.write_all(&frame(GATEWAY_MAC, from, frames::IPV6, &packet)).unwrap();
                std::thread::sleep(Duration::from_millis(20));
                // The Ethernet header, IPv6's, and the port that it is from.
                let is_it = |frame: &Vec<u8>| frame.get(56..58) == Some(&6000_u16.to_be_bytes()[..]);
                if super::spoof::frames(at).iter().any(is_it) {
                    return;
                }
                assert!(Instant::now() < until, "{what}");
            }
        };
        passes(&one, mac(1), &router, "a route leads to it");
        passes(&router, mac(2), &other, "it sends it on");
    });
}
