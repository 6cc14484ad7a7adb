//! Rules that name groups hold for their members, and for nobody who merely has an address of theirs: neither somebody
//! behind a VPN nor somebody in another network with the same block.

use super::hosts::{self, Host};
use super::vpn::vpn_plan;
use super::*;

/// An address that two networks have.
const SHARED: Ipv4Addr = Ipv4Addr::new(10, 2, 1, 14);

/// The network 1, peered with 2 and 3, which both are 10.2.0.0/16. Of those the first has the routes, and the ports 4 and 6
/// are at the same address.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new();
    let named = |protocol, port, group| rule(protocol, (port, port), PeerPlan::Group(group_id(group)));
    let mut third = cloud.0.vpc(vpc_id(2)).unwrap().clone();
    (third.id, third.number) = (vpc_id(3), 3);
    cloud.0.pieces.insert(PieceKey::Vpc(third.id), Piece::Vpc(third));
    let fourth = SubnetPlan { id: subnet_id(4), vpc: vpc_id(3), ..cloud.0.subnet(subnet_id(3)).unwrap().clone() };
    cloud.0.pieces.insert(PieceKey::Subnet(fourth.id), Piece::Subnet(fourth));
    for number in [2, 3] {
        let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(number))) else { panic!() };
        vpc.cidrs = vec!["10.2.0.0/16".parse().unwrap()];
        let id = PeeringId::from_random(u128::from(number));
        let peering = PeeringPlan { id, vpcs: [vpc_id(1), vpc_id(number)], dns: [false; 2] };
        cloud.0.pieces.insert(PieceKey::Peering(id), Piece::Peering(peering));
        cloud.edit_subnet(number + 1, |subnet| {
            subnet.cidr = "10.2.1.0/24".parse().unwrap();
            let target = RouteTargetPlan::Peering(id);
            subnet.routes = vec![RoutePlan { destination: cidr("10.1.0.0/16"), target }];
        });
    }
    cloud.edit_subnet(1, |subnet| {
        let target = RouteTargetPlan::Peering(PeeringId::from_random(2));
        subnet.routes = vec![RoutePlan { destination: cidr("10.2.0.0/16"), target }];
    });
    let inwards = vec![named("udp", 514, 6), named("udp", 515, 4), rule("udp", (516, 516), from("0.0.0.0/0"))];
    cloud.group(1, 1, inwards, vec![named("udp", 514, 6), named("udp", 515, 4)]);
    cloud.group(4, 2, vec![anything()], vec![anything()]).group(6, 3, vec![anything()], vec![anything()]);
    cloud.port(1, 1, &[1], None).port(4, 3, &[4], None).port(6, 4, &[6], None);
    cloud.edit_port(6, |port| port.addresses = vec![SHARED]);
    assert_eq!(cloud.0.port(port_id(4)).unwrap().addresses, [SHARED]);
    cloud
}

/// The ports of UDP at which a guest hears what is sent to it from a namespace, of those three. The last of them is heard.
fn heard(at: &Guest, from: &str, source: Ipv4Addr, to: Ipv4Addr, last: u16) -> Vec<u16> {
    let listeners = [514, 515, 516]
        .map(|port| (port, namespace::within(&at.name, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))).unwrap()));
    let sender = namespace::within(from, || UdpSocket::bind((source, 0))).unwrap();
    let send = |port: u16| _ = sender.send_to(b"x", (to, port)).unwrap();
    let (_, listener) = listeners.iter().find(|(port, _)| *port == last).unwrap();
    arrives(listener, || send(last));
    listeners.iter().for_each(|(port, _)| send(*port));
    let heard = listeners.iter().filter(|(_, listener)| {
        listener.set_read_timeout(Some(LOST)).unwrap();
        listener.recv_from(&mut [0; 9]).is_ok()
    });
    heard.map(|(port, _)| *port).collect()
}

#[test]
fn of_two_peered_networks_with_the_same_block_each_speaks_for_itself() {
    on_own_machine("namesake::of_two_peered_networks_with_the_same_block_each_speaks_for_itself", || {
        let cloud = cloud();
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let own = Guest::start(&network, &cloud, 1);
        let second = Guest::start(&network, &cloud, 4);
        assert_eq!(heard(&own, &second.name, SHARED, own.address, 515), [515, 516], "as the second network's member");
        assert_eq!(heard(&second, &own.name, own.address, SHARED, 515), [515], "to the second network's member");
        drop(second);
        let third = Guest::start(&network, &cloud, 6);
        assert_eq!(heard(&own, &third.name, SHARED, own.address, 514), [514, 516], "as the third one's");
    });
}

/// The first network's port is on one host, those of the others on another, where packets pass its namespace there.
#[test]
fn networks_with_the_same_block_are_told_apart_across_hosts() {
    on_own_machine("namesake::networks_with_the_same_block_are_told_apart_across_hosts", || {
        let mut hosts = hosts::hosts(|plan| {
            *plan = cloud();
            plan.port(2, 2, &[1], None);
        });
        let (host, address) = hosts[1].place();
        for number in [4, 6] {
            hosts[0].cloud.edit_port(number, |port| port.location = PortLocation::Remote { host, address });
        }
        // Where nothing of the first network runs, nobody knows with whom else it is peered.
        hosts[1].cloud.0.pieces.remove(&PieceKey::Peering(PeeringId::from_random(3)));
        hosts.iter().for_each(Host::apply);
        let own = Guest::start(&hosts[0].network, &hosts[0].cloud, 1);
        let second = Guest::start(&hosts[1].network, &hosts[1].cloud, 4);
        assert_eq!(heard(&own, &second.name, SHARED, own.address, 515), [515, 516], "as the second network's member");
        assert_eq!(heard(&second, &own.name, own.address, SHARED, 515), [515], "to the second network's member");
        drop(second);
        let id = PeeringId::from_random(3);
        let third = hosts[0].cloud.0.pieces[&PieceKey::Peering(id)].clone();
        hosts[1].cloud.0.pieces.insert(PieceKey::Peering(id), third);
        hosts[1].apply();
        let third = Guest::start(&hosts[1].network, &hosts[1].cloud, 6);
        assert_eq!(heard(&own, &third.name, SHARED, own.address, 514), [514, 516], "as the third one's");
    });
}

#[test]
fn nobody_behind_a_vpn_is_a_member_of_a_group() {
    on_own_machine("namesake::nobody_behind_a_vpn_is_a_member_of_a_group", || {
        let mut cloud = cloud();
        // One of the two, so that its addresses are nobody else's.
        cloud.0.pieces.remove(&PieceKey::Peering(PeeringId::from_random(3)));
        let vpn = vpn_plan();
        cloud.0.pieces.insert(PieceKey::Vpn(vpn.id), Piece::Vpn(vpn));
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let own = Guest::start(&network, &cloud, 1);
        // What comes out of the tunnels, as the daemon would give it.
        namespace::ensure("office").unwrap();
        run("ip", "link add tunnel netns office type veth peer name ipsec0 netns lf-9");
        run("ip", "-n lf-9 link set ipsec0 up");
        for step in [
            "link set lo up",
            "link set tunnel up",
            "addr add 10.2.1.14/32 dev lo",
            "addr add 169.254.98.2/30 dev tunnel",
            "route add 10.1.0.0/16 via 169.254.98.1 dev tunnel",
        ] {
            run("ip", &format!("-n office {step}"));
        }
        run("ip", "-n lf-9 addr add 169.254.98.1/30 dev ipsec0");
        assert_eq!(heard(&own, "office", SHARED, own.address, 516), [516], "with a member's address");
        let second = Guest::start(&network, &cloud, 4);
        assert_eq!(heard(&own, &second.name, SHARED, own.address, 515), [515, 516], "the member itself");
    });
}
