//! What the interfaces of NAT gateways and endpoints pass, and what is sent where no route leads.

use super::*;
use crate::network::uplink;

const FIELDS: &str = "interface-id instance-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport protocol packets \
                      action flow-direction log-status";

/// A guest, and an interface that is nobody's machine's in another subnet.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new();
    cloud.group(1, 1, vec![], vec![anything()]);
    cloud.group(2, 1, vec![rule("tcp", (80, 80), from("0.0.0.0/0"))], vec![]);
    cloud.port(1, 1, &[1], None).port(3, 2, &[2], None);
    cloud.edit_port(3, |port| port.location = PortLocation::Service);
    put(&mut cloud, log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, FIELDS));
    cloud
}

/// The one record with these values.
fn only(found: &[BTreeMap<String, String>], values: &[(&str, &str)]) -> BTreeMap<String, String> {
    let records = with(found, values);
    let [record] = records.as_slice() else { panic!("{values:?}: {found:#?}") };
    record.clone()
}

#[test]
fn a_nat_gateway_is_recorded_on_both_its_sides() {
    on_own_machine("flows::services::a_nat_gateway_is_recorded_on_both_its_sides", || {
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        uplink();
        let id = NatGatewayId::from_random(7);
        let mut cloud = cloud();
        cloud.edit_port(3, |port| port.groups.clear());
        cloud.edit_subnet(1, |subnet| subnet.routes[0].target = RouteTargetPlan::NatGateway(id));
        let private = cloud.0.port(port_id(3)).unwrap().addresses[0];
        let addresses = vec![(private, Some([198, 18, 0, 30].into()))];
        let (vpc, subnet, interface, place) = (vpc_id(1), subnet_id(2), port_id(3), Place::Here);
        let plan = NatGatewayPlan { id, vpc, subnet, interface, addresses, place };
        cloud.0.pieces.insert(PieceKey::NatGateway(id), Piece::NatGateway(plan));
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(0)).is_empty());
        let guest = Guest::start(&network, &cloud, 1);
        let _internet = namespace::within("internet", || std::net::TcpListener::bind("0.0.0.0:80")).unwrap();
        assert!(guest.reaches([8, 8, 8, 8], 80) && guest.pings([8, 8, 8, 8].into(), COMES));
        assert_eq!(network.record(&cloud.0, at(60)).into_values().collect::<Vec<_>>(), [None]);

        let (found, gateway) = (records(&folder), port_id(3).to_string());
        let (own, private, there) = (guest.address.to_string(), private.to_string(), "8.8.8.8");
        let of_gateway = with(&found, &[("interface-id", &gateway)]);
        assert!(of_gateway.iter().all(|record| record["instance-id"] == "-" && record["log-status"] == "OK"));
        for protocol in ["6", "1"] {
            let side = |direction, shown: [&str; 2], carried: [&str; 2]| {
                only(
                    &of_gateway,
                    &[
                        ("protocol", protocol),
                        ("flow-direction", direction),
                        ("srcaddr", shown[0]),
                        ("dstaddr", shown[1]),
                        ("pkt-srcaddr", carried[0]),
                        ("pkt-dstaddr", carried[1]),
                        ("action", "ACCEPT"),
                    ],
                )
            };
            let came = side("ingress", [&own, &private], [&own, there]);
            let went = side("egress", [&private, there], [&private, there]);
            let answer = side("ingress", [there, &private], [there, &private]);
            let back = side("egress", [&private, &own], [there, &own]);
            assert_eq!((&came["packets"], &answer["packets"]), (&went["packets"], &back["packets"]));
            assert_eq!((&went["srcport"], &came["srcport"]), (&answer["dstport"], &back["dstport"]));
        }
        let of_guest = with(&found, &[("interface-id", &port_id(1).to_string()), ("protocol", "6")]);
        assert_eq!(of_guest.len(), 2, "there and back: {of_guest:#?}");
        // Nothing more passes: the next window says so.
        network.record(&cloud.0, at(120));
        only(&records(&folder), &[("interface-id", &gateway), ("log-status", "NODATA")]);
    });
}

#[test]
fn each_address_of_a_nat_gateway_is_recorded_apart() {
    on_own_machine("flows::services::each_address_of_a_nat_gateway_is_recorded_apart", || {
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        uplink();
        run("ip", "-n internet route add 198.18.0.0/16 via 203.0.113.1");
        let id = NatGatewayId::from_random(7);
        let mut cloud = cloud();
        let own: [Ipv4Addr; 2] = [[10, 1, 2, 13].into(), [10, 1, 2, 14].into()];
        let public: [Ipv4Addr; 2] = [[198, 18, 0, 30].into(), [198, 18, 0, 31].into()];
        cloud.edit_port(3, |port| (port.groups, port.addresses) = (vec![], own.to_vec()));
        cloud.edit_subnet(1, |subnet| subnet.routes[0].target = RouteTargetPlan::NatGateway(id));
        let addresses = vec![(own[0], Some(public[0])), (own[1], Some(public[1]))];
        let (vpc, subnet, interface, place) = (vpc_id(1), subnet_id(2), port_id(3), Place::Here);
        let plan = NatGatewayPlan { id, vpc, subnet, interface, addresses, place };
        cloud.0.pieces.insert(PieceKey::NatGateway(id), Piece::NatGateway(plan));
        let mut config = recording_driver(&folder).config().clone();
        config.masquerade = false;
        let network = HostNetwork::new(config);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(0)).is_empty());
        let guest = Guest::start(&network, &cloud, 1);
        let internet = namespace::within("internet", || std::net::TcpListener::bind("0.0.0.0:80")).unwrap();
        let mut seen: BTreeMap<Ipv4Addr, BTreeSet<String>> = BTreeMap::new();
        while seen.len() < 2 {
            assert!(guest.reaches([8, 8, 8, 8], 80));
            let std::net::SocketAddr::V4(peer) = internet.accept().unwrap().1 else { panic!() };
            seen.entry(*peer.ip()).or_default().insert(peer.port().to_string());
        }
        network.record(&cloud.0, at(60));
        let (found, gateway) = (records(&folder), port_id(3).to_string());
        for (own, public) in own.into_iter().zip(public) {
            let own = own.to_string();
            let of = [("interface-id", gateway.as_str()), ("flow-direction", "egress"), ("pkt-srcaddr", &own)];
            let went = with(&found, &of);
            let ports: BTreeSet<_> = went.iter().map(|record| record["srcport"].clone()).collect();
            assert_eq!(ports, seen[&public], "{own}: {found:#?}");
        }
    });
}

#[test]
fn an_endpoint_is_recorded_as_it_is_called() {
    on_own_machine("flows::services::an_endpoint_is_recorded_as_it_is_called", || {
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        let mut cloud = cloud();
        let plan = EndpointPlan { id: EndpointId::from_random(1), vpc: vpc_id(1), interfaces: vec![port_id(3)] };
        cloud.0.pieces.insert(PieceKey::Endpoint(plan.id), Piece::Endpoint(plan));
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(0)).is_empty());
        let guest = Guest::start(&network, &cloud, 1);
        let address = cloud.0.port(port_id(3)).unwrap().addresses[0];
        let listener = namespace::within("lf-1", || std::net::TcpListener::bind((address, 80))).unwrap();
        assert!(guest.reaches(address, 80), "what its group allows");
        assert!(guest.connect(address, 81).is_err(), "and what it doesn't");
        drop(listener);
        assert_eq!(network.record(&cloud.0, at(60)).into_values().collect::<Vec<_>>(), [None]);

        // Nothing more is said: the next window tells so, since no other host has the network.
        network.record(&cloud.0, at(120));
        let (found, face) = (records(&folder), port_id(3).to_string());
        only(&found, &[("interface-id", &face), ("log-status", "NODATA")]);
        let (own, address) = (guest.address.to_string(), address.to_string());
        for (interface, there, refused) in [(port_id(1).to_string(), "egress", "ACCEPT"), (face, "ingress", "REJECT")] {
            let call = |port, action| {
                let ends = [("srcaddr", own.as_str()), ("dstaddr", &address), ("flow-direction", there)];
                let of = [("interface-id", interface.as_str()), ("dstport", port), ("action", action)];
                only(&found, &[&ends[..], &of[..]].concat())
            };
            call("80", "ACCEPT");
            call("81", refused);
            let back = if there == "egress" { "ingress" } else { "egress" };
            let ends = [("srcaddr", address.as_str()), ("dstaddr", &own), ("flow-direction", back)];
            only(
                &found,
                &[&ends[..], &[("interface-id", &interface), ("srcport", "80"), ("action", "ACCEPT")]].concat(),
            );
        }
        // When the endpoint is gone, so is what counted for it, once its windows are told.
        let counts = || run("ip", "netns exec lf-1 nft list sets inet").contains("_face_");
        cloud.0.pieces.retain(|key, _| !matches!(key, PieceKey::Endpoint(_)) && *key != PieceKey::Port(port_id(3)));
        network.apply(&cloud.0).unwrap();
        network.record(&cloud.0, at(150));
        assert!(counts(), "its window isn't over");
        network.record(&cloud.0, at(180));
        network.record(&cloud.0, at(240));
        assert!(!counts(), "nothing of it is left");
    });
}

#[test]
fn what_no_route_takes_on_is_recorded_where_it_was_sent() {
    on_own_machine("flows::services::what_no_route_takes_on_is_recorded_where_it_was_sent", || {
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        let mut cloud = cloud();
        cloud.edit_subnet(1, |subnet| {
            let target = RouteTargetPlan::Blackhole;
            subnet.routes = vec![RoutePlan { destination: cidr("192.168.0.0/16"), target }];
        });
        cloud.group(1, 1, vec![], vec![rule("udp", (53, 54), from("0.0.0.0/0"))]);
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(0)).is_empty());
        let guest = Guest::start(&network, &cloud, 1);
        let sender = namespace::within(&guest.name, || UdpSocket::bind((guest.address, 0))).unwrap();
        // The resolver is the network's own, and the last address nobody's.
        let sent = [("8.8.8.8", 53), ("192.168.0.1", 54), ("8.8.8.8", 55), ("169.254.169.253", 53), ("10.1.2.77", 53)];
        for to in sent {
            for _ in 0..3 {
                sender.send_to(b"x", to).unwrap();
            }
        }
        std::thread::sleep(LOST);
        assert_eq!(network.record(&cloud.0, at(60)).into_values().collect::<Vec<_>>(), [None]);
        let (found, own) = (records(&folder), port_id(1).to_string());
        for (to, port, action) in [
            ("8.8.8.8", "53", "ACCEPT"),
            ("192.168.0.1", "54", "ACCEPT"),
            ("8.8.8.8", "55", "REJECT"),
            ("10.1.2.77", "53", "ACCEPT"),
        ] {
            let of = [("interface-id", own.as_str()), ("dstaddr", to), ("dstport", port), ("protocol", "17")];
            let record = only(&found, &of);
            assert_eq!((record["action"].as_str(), record["packets"].as_str()), (action, "3"), "{to} {port}");
        }
        assert!(with(&found, &[("dstaddr", "169.254.169.253")]).is_empty(), "nor is what the network answers itself");
    });
}
