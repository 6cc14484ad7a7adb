//! What comes into a network from a transit gateway, and would leave it again: only whoever in it sends it on lets it.

use super::*;

/// In the network 3, which is peered with the network 1.
const BEYOND: u32 = 5;

/// The network 1 with the machine 1, a NAT gateway in its subnet 6 (port 50), and the subnet 2 for its attachment to a
/// transit gateway; the network 2 with the machine 4, attached too; and the network 3 with the machine 5, peered with the
/// first. The gateway leads all that is for the third to the first, where the attachment's subnet has that route.
fn cloud(door: RouteTargetPlan) -> Cloud {
    let mut cloud = Cloud::new();
    let mut third = cloud.0.vpc(vpc_id(2)).unwrap().clone();
    (third.id, third.number) = (vpc_id(3), 3);
    cloud.0.pieces.insert(PieceKey::Vpc(third.id), Piece::Vpc(third));
    for (number, vpc) in [(5, 3), (6, 1)] {
        let plan =
            SubnetPlan { id: subnet_id(number), vpc: vpc_id(vpc), ..cloud.0.subnet(subnet_id(3)).unwrap().clone() };
        cloud.0.pieces.insert(PieceKey::Subnet(plan.id), Piece::Subnet(plan));
    }
    for number in [2, 3] {
        let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(number))) else { panic!() };
        vpc.cidrs = vec![format!("10.{number}.0.0/16").parse().unwrap()];
    }
    let peering = PeeringId::from_random(1);
    let plan = PeeringPlan { id: peering, vpcs: [vpc_id(1), vpc_id(3)], dns: [false; 2] };
    cloud.0.pieces.insert(PieceKey::Peering(peering), Piece::Peering(plan));
    let id = TransitGatewayId::from_random(8);
    let [first, second] = [1, 2].map(TransitGatewayAttachmentId::from_random);
    let attached = |id, vpc, subnet| {
        let to = AttachmentTo::Vpc { vpc: vpc_id(vpc), subnets: vec![subnet_id(subnet)], appliance: false, dns: true };
        let routes = [("10.3.0.0/16", first), ("10.1.0.0/16", first), ("10.2.0.0/16", second)];
        AttachmentPlan { id, to, routes: routes.map(|(to, id)| (cidr(to), Some(id))).into() }
    };
    let gateway =
        TransitGatewayPlan { id, number: 8, attachments: vec![attached(first, 1, 2), attached(second, 2, 3)] };
    cloud.0.pieces.insert(PieceKey::TransitGateway(id), Piece::TransitGateway(gateway));
    let (transit, over) = (RouteTargetPlan::TransitGateway(id), RouteTargetPlan::Peering(peering));
    for (number, block, routes) in [
        (1, "10.1.1.0/24", vec![("10.3.0.0/16", transit)]),
        (2, "10.1.2.0/24", vec![("10.3.0.0/16", door)]),
        (3, "10.2.1.0/24", vec![("10.3.0.0/16", transit)]),
        (5, "10.3.1.0/24", vec![("10.1.0.0/16", over)]),
        (6, "10.1.6.0/24", vec![("10.3.0.0/16", over), ("10.2.0.0/16", transit)]),
    ] {
        cloud.edit_subnet(number, |subnet| {
            subnet.cidr = block.parse().unwrap();
            let route = |(to, target)| RoutePlan { destination: cidr(to), target };
            subnet.routes = routes.into_iter().map(route).collect();
        });
    }
    for (group, vpc) in [(1, 1), (4, 2), (5, 3)] {
        cloud.group(group, vpc, vec![anything()], vec![anything()]);
    }
    cloud.port(1, 1, &[1], None).port(4, 3, &[4], None).port(BEYOND, 5, &[5], None).port(50, 6, &[], None);
    cloud.edit_port(50, |port| port.location = PortLocation::Service);
    cloud.edit_port(4, |port| port.source_dest_check = false);
    let plan = NatGatewayPlan {
        id: nat(),
        vpc: vpc_id(1),
        subnet: subnet_id(6),
        interface: port_id(50),
        addresses: vec![(cloud.0.port(port_id(50)).unwrap().addresses[0], None)],
        place: Place::Here,
    };
    cloud.0.pieces.insert(PieceKey::NatGateway(plan.id), Piece::NatGateway(plan));
    cloud
}

fn nat() -> NatGatewayId {
    NatGatewayId::from_random(7)
}

#[test]
fn what_a_transit_gateway_hands_over_goes_on_by_no_peering_unless_it_is_sent_on() {
    let name = "leaving::what_a_transit_gateway_hands_over_goes_on_by_no_peering_unless_it_is_sent_on";
    on_own_machine(name, || {
        let over = RouteTargetPlan::Peering(PeeringId::from_random(1));
        let mut direct = cloud(over);
        direct.edit_subnet(1, |subnet| subnet.routes[0].target = over);
        let network = driver();
        network.apply(&direct.0).unwrap();
        let [own, spoke, beyond] = [1, 4, BEYOND].map(|number| Guest::start(&network, &direct, number));
        let [here, there] = [&own, &beyond].map(|guest| guest.listen(5000));
        assert!(own.reaches(beyond.address, 5000), "what its own interface sends goes by the peering");
        assert!(beyond.reaches(own.address, 5000), "and comes");
        assert!(spoke.connect(beyond.address, 5000).is_err(), "what another network's sends doesn't");

        // Nor what it says in the name of the first's.
        run("ip", &format!("-n {} addr add {}/32 dev eth0", spoke.name, own.address));
        let forged = namespace::within(&spoke.name, || UdpSocket::bind((own.address, 0))).unwrap();
        let hears = namespace::within(&beyond.name, || UdpSocket::bind((beyond.address, 514))).unwrap();
        let honest = namespace::within(&own.name, || UdpSocket::bind((own.address, 0))).unwrap();
        forged.send_to(b"forged", (beyond.address, 514)).unwrap();
        arrives(&hears, || _ = honest.send_to(b"honest", (beyond.address, 514)).unwrap());
        hears.set_read_timeout(Some(LOST)).unwrap();
        forged.send_to(b"forged", (beyond.address, 514)).unwrap();
        let mut text = [0; 6];
        while hears.recv_from(&mut text).is_ok() {
            assert_eq!(&text, b"honest");
        }
        run("ip", &format!("-n {} addr del {}/32 dev eth0", spoke.name, own.address));

        // Its own, by way of the gateway, which hands nothing back to the network that it is from.
        network.apply(&cloud(over).0).unwrap();
        assert!(own.connect(beyond.address, 5000).is_err(), "in the name of its own interface");
        here.set_nonblocking(true).unwrap();
        while here.accept().is_ok() {}
        assert!(beyond.connect(own.address, 5000).is_err(), "nor as an answer");

        network.apply(&cloud(RouteTargetPlan::NatGateway(nat())).0).unwrap();
        there.set_nonblocking(true).unwrap();
        while there.accept().is_ok() {}
        there.set_nonblocking(false).unwrap();
        assert!(spoke.reaches(beyond.address, 5000), "what a NAT gateway sends on is the network's own");
        assert_eq!(peer(&there), Ipv4Addr::new(10, 1, 6, 60));
    });
}
