//! The internet, NAT, peering, VPN, endpoints.

use landfall_model::*;

use super::net::{Net, any_rule, cidr, ip, scope};
use super::{pair, peer};
use crate::reach::*;
use crate::value::{EgressOnlyGateways, Endpoints, PrefixLists, RouteTables, VpnConnections, VpnGateways};

#[test]
fn the_internet_is_reached_by_a_public_address() {
    let (net, vpc, [near, far], [a, b]) = pair();
    let gateway = net.internet_gateway(vpc);
    net.route(net.main(vpc), "0.0.0.0/0", gateway);
    net.route(net.main(vpc), "::/0", gateway);
    assert_eq!(net.tcp(a, "203.0.113.9", 80), Some("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"));
    assert_eq!(net.tcp(a, "2001:db8:ffff::9", 80), None);
    net.elastic(a, "10.0.0.4", "198.18.0.9");
    net.change(b, |row| row.public_address = Some("198.18.0.10".parse().unwrap()));
    for machine in [a, b] {
        assert_eq!(net.tcp(machine, "203.0.113.9", 80), None);
        assert_eq!(net.tcp(machine, "192.168.7.7", 80), Some("IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"));
        assert_eq!(net.tcp(machine, "100.64.7.7", 80), Some("IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"));
    }
    assert_eq!(net.dial("198.18.0.9", 22), None);
    assert_eq!(net.dial("198.18.0.10", 22), None);
    assert_eq!(net.dial("198.18.0.11", 22), Some("IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"));
    assert_eq!(net.dial("2001:db8:0:1::4", 22), None);
    // By its public address, within the network too: out and in again.
    assert_eq!(net.tcp(a, "198.18.0.10", 22), None);
    let gateways = net.try_tcp(a, "198.18.0.10", 22).forward;
    assert_eq!(gateways.iter().filter(|hop| hop.component.kind() == "internet-gateway").count(), 2);
    // Without a route the answer stays.
    net.table(vpc, false, &[far]);
    assert_eq!(net.dial("198.18.0.10", 22), Some("NO_ROUTE_TO_DESTINATION"));
    net.acl(vpc, &[near], vec![any_rule(1, true, "10.0.0.0/8")], None);
    assert_eq!(net.dial("198.18.0.9", 22), Some("SUBNET_ACL_RESTRICTION"));
}

#[test]
fn ingress_routing_leads_through_a_router() {
    let (net, vpc, [near, far], [a, b]) = pair();
    let gateway = net.internet_gateway(vpc);
    net.route(net.main(vpc), "0.0.0.0/0", gateway);
    net.elastic(b, "10.0.1.4", "198.18.0.10");
    net.change(a, |row| row.source_dest_check = false);
    let RouteTarget::InternetGateway(id) = gateway else { panic!("{gateway:?}") };
    let edge = net.table(vpc, false, &[]);
    net.edit(|tx| {
        let association = net.id();
        tx.update::<RouteTables, _>(&scope().key(edge), |row| {
            row.gateways.push((association, EdgeGateway::Internet(id)));
        });
    });
    assert_eq!(net.dial("198.18.0.10", 22), None);
    net.route(edge, "10.0.1.0/24", RouteTarget::Interface(a));
    let back = net.table(vpc, false, &[far]);
    net.route(back, "0.0.0.0/0", RouteTarget::Interface(a));
    let packet = Packet::tcp(ip("203.0.113.9"), 40_000, ip("198.18.0.10"), 22);
    let verdict = reach(&net.cloud(), Source::Internet, packet, &Assumptions::default());
    assert!(verdict.is_reached(), "{verdict:?}");
    for way in [&verdict.forward, &verdict.back] {
        assert!(way.iter().any(|hop| hop.component == Component::Interface(a)), "{way:?}");
    }
    assert_ne!(near, far);
}

#[test]
fn the_egress_only_gateway_lets_nobody_in() {
    let (net, vpc, _, [a, _]) = pair();
    let id = net.id();
    net.put::<EgressOnlyGateways>(EgressOnlyGateway { scope: scope(), id, vpc });
    net.route(net.main(vpc), "::/0", RouteTarget::EgressOnly(id));
    assert_eq!(net.tcp(a, "2001:db8:ffff::9", 443), None);
    assert_eq!(net.dial("2001:db8:0:1::4", 443), Some("IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"));
    // Neither where an internet gateway is there too: the answer isn't to a flow that began inside.
    net.internet_gateway(vpc);
    assert_eq!(net.dial("2001:db8:0:1::4", 443), Some("NO_POSSIBLE_DESTINATION"));
}

#[test]
fn nat_gateways_speak_for_others() {
    let (net, vpc, [near, far], [a, b]) = pair();
    let gateway = net.internet_gateway(vpc);
    net.route(net.main(vpc), "0.0.0.0/0", gateway);
    let nat = net.nat(near, "10.0.0.50", Some("198.18.0.50"));
    let private = net.table(vpc, false, &[far]);
    net.route(private, "0.0.0.0/0", nat);
    assert_eq!(net.tcp(b, "203.0.113.9", 443), None);
    let verdict = net.try_tcp(b, "203.0.113.9", 443);
    assert_eq!(verdict.arrival, Ok(End::Internet));
    assert_eq!(verdict.forward.last().unwrap().outbound.source, ip("198.18.0.50"));
    let gre = Packet { protocol: 47, header: Header::Other, ..Packet::echo(ip("10.0.1.4"), ip("203.0.113.9")) };
    let verdict = reach(&net.cloud(), Source::Interface(b), gre, &Assumptions::default());
    assert_eq!(verdict.stop().unwrap().code, Code::Protocol);
    // Nobody comes in by it, and it answers for nobody.
    assert_eq!(net.dial("198.18.0.50", 443), Some("NO_POSSIBLE_DESTINATION"));
    net.elastic(b, "10.0.1.4", "198.18.0.10");
    assert_eq!(net.dial("198.18.0.10", 22), Some("NGW_SOURCE_ADDRESS_REASSIGN"));
    // Its own subnet's ACL is passed four times: in from the private subnet, out to the internet, and back.
    let all = || vec![any_rule(1, true, "0.0.0.0/0")];
    for (ingress, egress, expected) in [
        (vec![any_rule(1, true, "10.0.1.0/24"), any_rule(2, true, "203.0.113.0/24")], all(), None),
        (vec![any_rule(1, true, "203.0.113.0/24")], all(), Some("SUBNET_ACL_RESTRICTION")),
        (vec![any_rule(1, true, "10.0.1.0/24")], all(), Some("SUBNET_ACL_RESTRICTION")),
        (all(), vec![any_rule(1, true, "203.0.113.0/24")], Some("SUBNET_ACL_RESTRICTION")),
        (all(), vec![any_rule(1, true, "203.0.113.0/24"), any_rule(2, true, "10.0.1.0/24")], None),
    ] {
        net.acl(vpc, &[near], ingress.clone(), Some(egress.clone()));
        assert_eq!(net.tcp(b, "203.0.113.9", 443), expected, "{ingress:?} {egress:?}");
    }
    assert_ne!(a, b);
}

#[test]
fn private_nat_gateways_reach_other_networks() {
    let (net, one, [near, far], [_, b]) = pair();
    let two = net.vpc("10.1.0.0/16", None);
    let there = net.subnet(two, "10.1.0.0/24", None, 0);
    let server = net.group(two);
    net.machine(there, &["10.1.0.4"], &[server]);
    let peering = net.peering(one, two, PeeringState::Active);
    let nat = net.nat(near, "10.0.0.50", None);
    let (public, private) = (net.table(one, false, &[near]), net.table(one, false, &[far]));
    net.route(private, "10.1.0.0/16", nat);
    net.route(public, "10.1.0.0/16", peering);
    net.route(net.main(two), "10.0.0.0/24", peering);
    net.rule(server, RuleDirection::Ingress, Some(443), peer("10.0.1.0/24"));
    assert_eq!(net.tcp(b, "10.1.0.4", 443), Some("ENI_SG_RULES_MISMATCH"));
    net.rule(server, RuleDirection::Ingress, Some(443), peer("10.0.0.50/32"));
    assert_eq!(net.tcp(b, "10.1.0.4", 443), None);
    // It has no address on the internet.
    let gateway = net.internet_gateway(one);
    net.route(public, "0.0.0.0/0", gateway);
    net.route(private, "0.0.0.0/0", nat);
    assert_eq!(net.tcp(b, "203.0.113.9", 443), Some("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"));
}

#[test]
fn peerings_join_two_networks_and_no_third() {
    let net = Net::new();
    let vpcs = ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"].map(|block| net.vpc(block, None));
    let machines = [0_u8, 1, 2].map(|n| {
        let subnet = net.subnet(vpcs[usize::from(n)], &format!("10.{n}.0.0/24"), None, 0);
        let group = net.open_group(vpcs[usize::from(n)]);
        net.machine(subnet, &[&format!("10.{n}.0.4")], &[group])
    });
    let first = net.peering(vpcs[0], vpcs[1], PeeringState::Active);
    let second = net.peering(vpcs[1], vpcs[2], PeeringState::Active);
    net.route(net.main(vpcs[0]), "10.1.0.0/16", first);
    assert_eq!(net.tcp(machines[0], "10.1.0.4", 80), Some("NO_ROUTE_TO_DESTINATION"), "no way back");
    assert!(net.try_tcp(machines[0], "10.1.0.4", 80).arrival.is_ok());
    net.route(net.main(vpcs[1]), "10.0.0.0/16", first);
    assert_eq!(net.tcp(machines[0], "10.1.0.4", 80), None);
    assert_eq!(net.tcp(machines[1], "10.0.0.4", 80), None);
    net.route(net.main(vpcs[1]), "10.2.0.0/16", second);
    net.route(net.main(vpcs[2]), "10.0.0.0/8", second);
    net.route(net.main(vpcs[0]), "10.2.0.0/16", first);
    assert_eq!(net.tcp(machines[0], "10.2.0.4", 80), Some("PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"));
    // Groups are known across it.
    let client = net.open_group(vpcs[0]);
    let server = net.group(vpcs[1]);
    net.rule(server, RuleDirection::Ingress, Some(80), Peer::Group(client));
    net.change(machines[1], |row| row.groups = vec![server]);
    assert_eq!(net.tcp(machines[0], "10.1.0.4", 80), Some("ENI_SG_RULES_MISMATCH"));
    net.change(machines[0], |row| row.groups = vec![client]);
    assert_eq!(net.tcp(machines[0], "10.1.0.4", 80), None);
    // And it must be in use.
    let waiting = net.peering(vpcs[0], vpcs[2], PeeringState::PendingAcceptance);
    net.route(net.main(vpcs[0]), "10.2.0.0/24", waiting);
    assert_eq!(net.tcp(machines[0], "10.2.0.4", 80), Some("BAD_STATE_ROUTE"));
}

/// A VPN of that side, with what lies behind it.
pub fn vpn(net: &Net, gateway: VpnSide, behind: &str, up: bool) -> VpnConnectionId {
    let id = net.id();
    let tunnel = VpnTunnel {
        key_version: 1,
        outside: "198.18.0.80".parse().unwrap(),
        inside: "169.254.10.0/30".parse().unwrap(),
        key: String::new(),
        options: TunnelOptions::default(),
        up,
        since: Timestamp(0),
        message: String::new(),
    };
    net.put::<VpnConnections>(VpnConnection {
        scope: scope(),
        id,
        customer_gateway: CustomerGatewayId::from_random(1),
        gateway,
        static_routes_only: true,
        local: Ipv4Cidr::ALL,
        remote: Ipv4Cidr::ALL,
        routes: vec![cidr(behind)],
        tunnels: vec![tunnel],
        state: LinkState::Available,
        created_at: Timestamp(0),
        expires_at: None,
        host: None,
        number: 0,
    });
    id
}

#[test]
fn vpns_lead_behind_the_other_side() {
    let (net, vpc, _, [a, _]) = pair();
    let gateway: VpnGatewayId = net.id();
    net.put::<VpnGateways>(VpnGateway {
        zone: None,
        scope: scope(),
        id: gateway,
        asn: 64512,
        vpc: Some(vpc),
        detached: None,
        state: LinkState::Available,
        expires_at: None,
    });
    let down = vpn(&net, VpnSide::Gateway(gateway), "192.168.0.0/16", false);
    assert_eq!(net.tcp(a, "192.168.7.7", 22), Some("NO_ROUTE_TO_DESTINATION"));
    let main = net.main(vpc);
    net.edit(|tx| {
        tx.update::<RouteTables, _>(&scope().key(main), |row| row.propagating.push(gateway));
    });
    assert_eq!(net.tcp(a, "192.168.7.7", 22), Some("BAD_STATE_VPN"));
    let up = vpn(&net, VpnSide::Gateway(gateway), "192.168.7.0/24", true);
    assert_eq!(net.try_tcp(a, "192.168.7.7", 22).arrival, Ok(End::Vpn(up)));
    assert_eq!(net.tcp(a, "192.168.7.7", 22), None);
    let packet = Packet::tcp(ip("192.168.7.7"), 40_000, ip("10.0.0.4"), 22);
    let ask = |source| reach(&net.cloud(), source, packet, &Assumptions::default()).stop().map(|stop| stop.code);
    assert_eq!(ask(Source::Vpn(up)), None);
    assert_eq!(ask(Source::Vpn(down)), Some(Code::BadStateVpn));
    // Nobody beyond the tunnels has an address of the network.
    let local = Packet::tcp(ip("10.0.1.77"), 40_000, ip("10.0.0.4"), 22);
    let local = reach(&net.cloud(), Source::Vpn(up), local, &Assumptions::default());
    assert_eq!(local.stop().map(|stop| stop.code), Some(Code::Spoofed));
    // A made route is before a learnt one of the same length; a local one before all that is learnt.
    net.route(main, "192.168.7.0/24", RouteTarget::Interface(a));
    assert_eq!(net.tcp(a, "192.168.7.7", 22), Some("ENI_SOURCE_DEST_CHECK_RESTRICTION"));
    vpn(&net, VpnSide::Gateway(gateway), "10.0.1.4/32", true);
    assert_eq!(net.tcp(a, "10.0.1.4", 22), None);
}

#[test]
fn gateway_endpoints_serve_their_own_network() {
    let (net, vpc, _, [a, _]) = pair();
    let (id, list) = (net.id(), net.id());
    let (versions, name) =
        (vec![vec![PrefixListEntry { cidr: cidr("198.19.0.0/24"), description: None }]], "s3".to_owned());
    net.put::<PrefixLists>(PrefixList {
        scope: scope(),
        id: list,
        name,
        ipv6: false,
        max_entries: 5,
        versions,
        oldest: 1,
        last_change: landfall_model::ListChange::Created,
    });
    net.put::<Endpoints>(Endpoint {
        scope: scope(),
        id,
        vpc,
        service: "com.amazonaws.us-east-1.s3".into(),
        kind: EndpointKind::Gateway { route_tables: vec![net.main(vpc)] },
        policy: None,
        state: LinkState::Available,
        created_at: Timestamp(0),
        expires_at: None,
    });
    let main = net.main(vpc);
    net.edit(|tx| {
        tx.update::<RouteTables, _>(&scope().key(main), |row| {
            let (destination, target) = (Destination::PrefixList(list), RouteTarget::Endpoint(id));
            row.routes.push(Route { destination, target, origin: "CreateRoute".into() });
        });
    });
    assert_eq!(net.tcp(a, "198.19.0.7", 443), None);
    let udp = Packet::udp(ip("10.0.0.4"), 4000, ip("198.19.0.7"), 53);
    let verdict = reach(&net.cloud(), Source::Interface(a), udp, &Assumptions::default());
    assert_eq!(verdict.stop().unwrap().code, Code::EndpointProtocol);
    // A made route to the same block is before the list's.
    let gateway = net.internet_gateway(vpc);
    net.route(main, "198.19.0.0/24", gateway);
    assert_eq!(net.tcp(a, "198.19.0.7", 443), Some("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"));
}
