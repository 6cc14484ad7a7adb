//! Every hop, as AWS's guides describe it.

mod edge;
mod net;
mod property;
mod transit;

use landfall_model::*;
use net::{Net, any_rule, cidr, ip};

use super::*;

fn peer(text: &str) -> Peer {
    Peer::Cidr(cidr(text))
}

/// A network of two subnets in a zone each, with a machine in each.
fn pair() -> (Net, VpcId, [SubnetId; 2], [InterfaceId; 2]) {
    let net = Net::new();
    let vpc = net.vpc("10.0.0.0/16", Some("2001:db8:0:1::/56"));
    let subnets = [
        net.subnet(vpc, "10.0.0.0/24", Some("2001:db8:0:1::/64"), 0),
        net.subnet(vpc, "10.0.1.0/24", Some("2001:db8:0:2::/64"), 1),
    ];
    let group = net.open_group(vpc);
    let a = net.machine(subnets[0], &["10.0.0.4", "2001:db8:0:1::4"], &[group]);
    let b = net.machine(subnets[1], &["10.0.1.4", "2001:db8:0:2::4"], &[group]);
    (net, vpc, subnets, [a, b])
}

#[test]
fn a_network_is_whole_by_its_local_routes() {
    let (net, .., [a, b]) = pair();
    assert_eq!(net.tcp(a, "10.0.1.4", 80), None);
    assert_eq!(net.tcp(a, "2001:db8:0:2::4", 80), None);
    assert_eq!(net.tcp(a, "10.0.1.5", 80), Some("NO_POSSIBLE_DESTINATION"));
    assert_eq!(net.tcp(a, "10.0.0.5", 80), Some("NO_POSSIBLE_DESTINATION"));
    assert_eq!(net.tcp(a, "10.1.0.4", 80), Some("NO_ROUTE_TO_DESTINATION"));
    let verdict = net.try_tcp(a, "10.0.1.4", 80);
    assert_eq!(verdict.arrival, Ok(End::Interface(b)));
    let kinds: Vec<_> = verdict.forward.iter().map(|hop| hop.component.kind()).collect();
    let way = ["instance", "network-interface", "security-group", "network-acl", "route-table"];
    let arrival = ["network-acl", "security-group", "network-interface", "instance"];
    assert_eq!(kinds, [&way[..], &arrival[..]].concat());
    assert_eq!(verdict.back.len(), verdict.forward.len());
}

#[test]
fn a_sender_speaks_as_itself_unless_its_check_is_off() {
    let (net, .., [a, _]) = pair();
    let packet = Packet::tcp(ip("10.0.0.99"), 40_000, ip("10.0.1.4"), 80);
    let judge = |net: &Net| reach(&net.cloud(), Source::Interface(a), packet, &Assumptions::default());
    assert_eq!(judge(&net).stop().unwrap().code, Code::SourceDestCheck);
    net.change(a, |row| row.source_dest_check = false);
    // It is sent; the answer goes to whom it names, who isn't there.
    let verdict = judge(&net);
    assert!(verdict.arrival.is_ok());
    assert_eq!(verdict.stop().unwrap().code, Code::NoDestination);
}

#[test]
fn groups_are_the_union_of_their_rules_and_remember() {
    let net = Net::new();
    let vpc = net.vpc("10.0.0.0/16", None);
    let subnet = net.subnet(vpc, "10.0.0.0/24", None, 0);
    let (empty, client, server) = (net.group(vpc), net.group(vpc), net.group(vpc));
    let a = net.machine(subnet, &["10.0.0.4"], &[client]);
    let b = net.machine(subnet, &["10.0.0.5"], &[empty, server]);
    assert_eq!(net.tcp(a, "10.0.0.5", 443), Some("SG_HAS_NO_RULES"));
    net.rule(client, RuleDirection::Egress, Some(80), peer("0.0.0.0/0"));
    assert_eq!(net.tcp(a, "10.0.0.5", 443), Some("ENI_SG_RULES_MISMATCH"));
    net.rule(client, RuleDirection::Egress, Some(443), peer("10.0.0.5/32"));
    assert_eq!(net.tcp(a, "10.0.0.5", 443), Some("SG_HAS_NO_RULES"));
    net.rule(server, RuleDirection::Ingress, Some(443), Peer::Group(client));
    // The server may send nothing of its own, and answers all the same.
    assert_eq!(net.tcp(a, "10.0.0.5", 443), None);
    assert_eq!(net.tcp(b, "10.0.0.4", 443), Some("SG_HAS_NO_RULES"));
    assert!(net.try_tcp(a, "10.0.0.5", 443).back.iter().any(|hop| hop.decision == Decision::Tracked));
}

#[test]
fn group_rules_name_prefix_lists_families_and_other_protocols() {
    let net = Net::new();
    let vpc = net.vpc("10.0.0.0/16", Some("2001:db8::/56"));
    let subnet = net.subnet(vpc, "10.0.0.0/24", Some("2001:db8::/64"), 0);
    let (open, server) = (net.open_group(vpc), net.group(vpc));
    let a = net.machine(subnet, &["10.0.0.4", "2001:db8::4"], &[open]);
    net.machine(subnet, &["10.0.0.5", "2001:db8::5"], &[server]);
    let list = net.id();
    let entry = PrefixListEntry { cidr: cidr("10.0.0.0/28"), description: None };
    let versions = vec![vec![], vec![entry]];
    let (scope, name) = (net::scope(), "own".to_owned());
    net.put::<crate::value::PrefixLists>(PrefixList {
        scope,
        id: list,
        name,
        ipv6: false,
        max_entries: 5,
        versions,
        oldest: 1,
        last_change: landfall_model::ListChange::Created,
    });
    net.rule(server, RuleDirection::Ingress, Some(80), Peer::PrefixList(list));
    assert_eq!(net.tcp(a, "10.0.0.5", 80), None);
    assert_eq!(net.tcp(a, "2001:db8::5", 80), Some("ENI_SG_RULES_MISMATCH"));
    let send = |packet| {
        let verdict = reach(&net.cloud(), Source::Interface(a), packet, &Assumptions::default());
        verdict.stop().map(|stop| stop.code)
    };
    let gre = Packet { protocol: 47, header: Header::Other, ..Packet::echo(ip("10.0.0.4"), ip("10.0.0.5")) };
    assert_eq!(send(gre), Some(Code::GroupRules));
    assert_eq!(send(Packet::echo(ip("10.0.0.4"), ip("10.0.0.5"))), Some(Code::GroupRules));
    for (protocol, kind) in [(IpProtocol::Number(47), -1), (IpProtocol::ICMP, 8), (IpProtocol::ICMPV6, 128)] {
        let all = if protocol == IpProtocol::ICMPV6 { "::/0" } else { "0.0.0.0/0" };
        net.put::<crate::value::SecurityGroupRules>(SecurityGroupRule {
            scope,
            id: net.id(),
            group: server,
            direction: RuleDirection::Ingress,
            protocol,
            ports: PortRange { from: kind, to: -1 },
            peer: peer(all),
            description: None,
            peered: None,
        });
    }
    assert_eq!(send(gre), None);
    assert_eq!(send(Packet::echo(ip("10.0.0.4"), ip("10.0.0.5"))), None);
    assert_eq!(send(Packet::echo(ip("2001:db8::4"), ip("2001:db8::5"))), None);
}

#[test]
fn acls_decide_by_the_lowest_number_and_remember_nothing() {
    let (net, vpc, [_, far], [a, _]) = pair();
    let port = |number, allow, from, to| AclRulePlanOf { number, allow, from, to }.row();
    let all = || vec![any_rule(1, true, "0.0.0.0/0")];
    for (ingress, egress, expected) in [
        (vec![], all(), Some("SUBNET_ACL_RESTRICTION")),
        (vec![port(10, true, 80, 80)], all(), None),
        (vec![port(10, true, 81, 90)], all(), Some("SUBNET_ACL_RESTRICTION")),
        (vec![port(10, false, 80, 80), port(20, true, 0, 65535)], all(), Some("SUBNET_ACL_RESTRICTION")),
        (vec![port(30, false, 80, 80), port(20, true, 0, 65535)], all(), None),
        // The answer goes to the port that the client chose, and must be let out by itself.
        (all(), vec![port(10, true, 80, 80)], Some("SUBNET_ACL_RESTRICTION")),
        (all(), vec![port(10, true, 1024, 65535)], None),
    ] {
        net.acl(vpc, &[far], ingress.clone(), Some(egress.clone()));
        assert_eq!(net.tcp(a, "10.0.1.4", 80), expected, "{ingress:?} {egress:?}");
    }
}

#[test]
fn acls_are_at_the_edge_of_a_subnet() {
    let (net, vpc, [near, far], [a, b]) = pair();
    let group = net.cloud().interfaces.by_id(&b).next().unwrap().groups[0];
    let beside = net.machine(near, &["10.0.0.9"], &[group]);
    net.acl(vpc, &[near], vec![], None);
    assert_eq!(net.tcp(a, "10.0.0.9", 80), None);
    assert_eq!(net.tcp(beside, "10.0.1.4", 80), Some("SUBNET_ACL_RESTRICTION"));
    let stop = net.try_tcp(beside, "10.0.1.4", 80).arrival.unwrap_err();
    assert_eq!((stop.subnet, stop.direction), (Some(near), Some(RuleDirection::Egress)));
    let stop = net.try_tcp(b, "10.0.0.9", 80).arrival.unwrap_err();
    assert_eq!((stop.subnet, stop.direction), (Some(near), Some(RuleDirection::Ingress)));
    assert_ne!(near, far);
}

#[test]
fn the_longest_route_is_taken_and_a_dead_one_drops() {
    let (net, vpc, [near, _], [a, b]) = pair();
    let gateway = net.internet_gateway(vpc);
    let table = net.table(vpc, false, &[near]);
    net.elastic(a, "10.0.0.4", "198.18.0.9");
    net.route(table, "0.0.0.0/0", gateway);
    assert_eq!(net.tcp(a, "203.0.113.1", 80), None);
    // A route to an interface that isn't attached, and one to a gateway that isn't there.
    let loose = net.interface(near, &["10.0.0.77"], &[], None, InterfacePurpose::Instance);
    net.route(table, "203.0.113.0/24", RouteTarget::Interface(loose));
    assert_eq!(net.tcp(a, "203.0.113.1", 80), Some("BAD_STATE_ROUTE"));
    net.route(table, "203.0.113.128/25", RouteTarget::InternetGateway(InternetGatewayId::from_random(999)));
    assert_eq!(net.tcp(a, "203.0.113.129", 80), Some("BAD_STATE_ROUTE"));
    assert_eq!(net.tcp(a, "203.0.112.1", 80), None);
    // What replaces the local route holds for that table alone.
    net.route(table, "10.0.0.0/16", RouteTarget::Interface(loose));
    assert_eq!(net.tcp(a, "10.0.1.4", 80), Some("BAD_STATE_ROUTE"));
    assert_eq!(net.tcp(b, "10.0.0.4", 80), Some("BAD_STATE_ROUTE"), "the answer has no way");
    assert!(net.try_tcp(b, "10.0.0.4", 80).arrival.is_ok());
}

#[test]
fn an_instance_routes_where_its_check_is_off() {
    let (net, vpc, [near, far], [a, b]) = pair();
    let group = net.open_group(vpc);
    let middle = net.subnet(vpc, "10.0.2.0/24", None, 0);
    let router = net.machine(middle, &["10.0.2.4"], &[group]);
    let table = net.table(vpc, false, &[near]);
    net.route(table, "10.0.1.0/24", RouteTarget::Interface(router));
    assert_eq!(net.tcp(a, "10.0.1.4", 80), Some("ENI_SOURCE_DEST_CHECK_RESTRICTION"));
    net.change(router, |row| row.source_dest_check = false);
    assert_eq!(net.tcp(a, "10.0.1.4", 80), None);
    let packet = Packet::tcp(ip("10.0.0.4"), 40_000, ip("10.0.1.4"), 80);
    let still = Assumptions { forwarding: Forwarding::These(BTreeSet::new()), ..Assumptions::default() };
    let verdict = reach(&net.cloud(), Source::Interface(a), packet, &still);
    assert_eq!(verdict.stop().unwrap().component, Component::Interface(router));
    // Behind the router, nobody knows any more whose interface an address is.
    let (client, server) = (net.open_group(vpc), net.group(vpc));
    net.rule(server, RuleDirection::Ingress, Some(80), Peer::Group(client));
    net.change(a, |row| row.groups = vec![client]);
    net.change(b, |row| row.groups = vec![server]);
    assert_eq!(net.tcp(a, "10.0.1.4", 80), Some("ENI_SG_RULES_MISMATCH"));
    net.edit(|tx| {
        tx.delete::<crate::value::RouteTables>(&net::scope().key(table));
    });
    assert_eq!(net.tcp(a, "10.0.1.4", 80), None);
    assert_ne!(far, middle);
}

#[test]
fn what_stands_still_neither_sends_nor_gets() {
    let (net, .., [a, b]) = pair();
    let instance = net.cloud().interfaces.by_id(&b).next().unwrap().instance().unwrap();
    net.edit(|tx| {
        let key = net::scope().key(instance);
        tx.update::<crate::value::Instances, _>(&key, |row| row.status.state = InstanceState::Stopped);
    });
    assert_eq!(net.tcp(a, "10.0.1.4", 80), Some("BAD_STATE"));
    assert_eq!(net.tcp(b, "10.0.0.4", 80), Some("BAD_STATE"));
    net.change(b, |row| row.attachment = None);
    assert_eq!(net.tcp(a, "10.0.1.4", 80), Some("BAD_STATE_ATTACHMENT"));
}

/// A rule of an ACL about ports of TCP.
struct AclRulePlanOf {
    number: u16,
    allow: bool,
    from: i32,
    to: i32,
}

impl AclRulePlanOf {
    fn row(self) -> landfall_model::plan::AclRulePlan {
        let ports = PortRange { from: self.from, to: self.to };
        landfall_model::plan::AclRulePlan {
            protocol: IpProtocol::TCP,
            ports,
            ..any_rule(self.number, self.allow, "0.0.0.0/0")
        }
    }
}
