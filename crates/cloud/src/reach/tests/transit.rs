//! Transit gateways.

use landfall_model::*;

use super::edge::vpn;
use super::net::{Net, any_rule, cidr, scope};
use crate::reach::*;
use crate::value::{TransitAttachments, TransitGateways, TransitTables};

/// A transit gateway with one table, and as many networks, each with a subnet for its machine in two zones and one for
/// the attachment in the first.
struct Hub {
    net: Net,
    gateway: TransitGatewayId,
    table: TransitGatewayRouteTableId,
    vpcs: Vec<VpcId>,
    attached: Vec<SubnetId>,
    attachments: Vec<TransitGatewayAttachmentId>,
    machines: Vec<InterfaceId>,
}

impl Hub {
    fn new(count: u8) -> Self {
        let net = Net::new();
        let (gateway, table) = (net.id(), net.id());
        net.put::<TransitGateways>(TransitGateway {
            scope: scope(),
            id: gateway,
            number: 1,
            description: String::new(),
            options: TransitGatewayOptions {
                asn: 64512,
                auto_accept: false,
                default_association: true,
                default_propagation: true,
                vpn_ecmp: true,
                dns: true,
                group_references: false,
                cidrs: vec![],
            },
            association_table: Some(table),
            propagation_table: Some(table),
            state: LinkState::Available,
            created_at: Timestamp(0),
            expires_at: None,
        });
        let mut hub =
            Self { net, gateway, table, vpcs: vec![], attached: vec![], attachments: vec![], machines: vec![] };
        hub.add_table(table);
        for n in 0..count {
            hub.spoke(n);
        }
        hub
    }

    fn add_table(&self, id: TransitGatewayRouteTableId) {
        self.net.put::<TransitTables>(TransitGatewayRouteTable {
            scope: scope(),
            id,
            gateway: self.gateway,
            routes: vec![],
            state: LinkState::Available,
            created_at: Timestamp(0),
            expires_at: None,
        });
    }

    fn spoke(&mut self, n: u8) {
        let net = &self.net;
        let vpc = net.vpc(&format!("10.{n}.0.0/16"), None);
        let place = net.subnet(vpc, &format!("10.{n}.0.0/24"), None, 0);
        let door = net.subnet(vpc, &format!("10.{n}.1.0/28"), None, 0);
        let group = net.open_group(vpc);
        self.machines.push(net.machine(place, &[&format!("10.{n}.0.4")], &[group]));
        net.route(net.main(vpc), "10.0.0.0/8", RouteTarget::TransitGateway(self.gateway));
        let resource = AttachedResource::Vpc {
            vpc,
            subnets: vec![door],
            dns: true,
            ipv6: false,
            appliance_mode: false,
            group_references: true,
        };
        let attachment = self.attach(resource);
        self.vpcs.push(vpc);
        self.attached.push(door);
        self.attachments.push(attachment);
    }

    fn attach(&self, resource: AttachedResource) -> TransitGatewayAttachmentId {
        let id = self.net.id();
        self.net.put::<TransitAttachments>(TransitGatewayAttachment {
            scope: scope(),
            id,
            gateway: self.gateway,
            gateway_scope: scope(),
            resource,
            association: Some(self.table),
            propagations: vec![self.table],
            state: LinkState::Available,
            awaits_acceptance: false,
            created_at: Timestamp(0),
            expires_at: None,
        });
        id
    }

    fn change(&self, n: usize, change: impl FnOnce(&mut TransitGatewayAttachment)) {
        let id = self.attachments[n];
        self.net.edit(|tx| {
            tx.update::<TransitAttachments, _>(&scope().key(id), change);
        });
    }

    fn fix(&self, to: &str, attachment: Option<TransitGatewayAttachmentId>) {
        let table = self.table;
        self.net.edit(|tx| {
            tx.update::<TransitTables, _>(&scope().key(table), |row| {
                row.routes.push(TransitGatewayRoute { destination: cidr(to), attachment });
            });
        });
    }
}

#[test]
fn spokes_reach_each_other_by_what_the_hub_learnt() {
    let hub = Hub::new(3);
    let net = &hub.net;
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), None);
    assert_eq!(net.tcp(hub.machines[2], "10.0.0.4", 80), None);
    assert_eq!(net.tcp(hub.machines[0], "10.9.0.4", 80), Some("TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"));
    // A made route of the same length is before a learnt one; a longer one before both.
    hub.fix("10.1.0.0/16", None);
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), Some("TGW_RTB_BAD_STATE_ROUTE"));
    hub.fix("10.1.0.0/24", Some(hub.attachments[1]));
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), None);
    // What isn't propagated isn't learnt.
    hub.change(2, |row| row.propagations.clear());
    assert_eq!(net.tcp(hub.machines[0], "10.2.0.4", 80), Some("TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"));
    assert_eq!(net.tcp(hub.machines[2], "10.0.0.4", 80), Some("TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"));
    assert!(net.try_tcp(hub.machines[2], "10.0.0.4", 80).arrival.is_ok(), "only the answer has no way");
    hub.change(0, |row| row.association = None);
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), Some("TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION"));
    hub.change(0, |row| row.state = LinkState::Deleted);
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), Some("BAD_STATE_ROUTE"));
    assert_eq!(hub.vpcs.len(), 3);
}

#[test]
fn an_attachment_serves_its_zones() {
    let hub = Hub::new(2);
    let net = &hub.net;
    let elsewhere = net.subnet(hub.vpcs[0], "10.0.2.0/24", None, 1);
    let group = net.open_group(hub.vpcs[0]);
    let machine = net.machine(elsewhere, &["10.0.2.4"], &[group]);
    assert_eq!(net.tcp(machine, "10.1.0.4", 80), Some("TGW_ROUTE_AZ_RESTRICTION"));
    // It is reached from the attachment's zone; its answer isn't sent.
    assert!(net.try_tcp(hub.machines[1], "10.0.2.4", 80).arrival.is_ok());
    assert_eq!(net.tcp(hub.machines[1], "10.0.2.4", 80), Some("TGW_ROUTE_AZ_RESTRICTION"));
}

#[test]
fn acls_of_the_attachments_subnets_are_passed_once_a_way() {
    let hub = Hub::new(2);
    let net = &hub.net;
    let all = || vec![any_rule(1, true, "0.0.0.0/0")];
    for (ingress, egress, expected) in [
        // What goes to the hub passes inwards; what comes from it passes outwards; never the other way about.
        (vec![any_rule(1, true, "10.0.0.0/24")], vec![any_rule(1, true, "10.0.0.0/24")], None),
        (vec![], all(), Some("SUBNET_ACL_RESTRICTION")),
        (all(), vec![], Some("SUBNET_ACL_RESTRICTION")),
        (vec![any_rule(1, true, "10.1.0.0/24")], all(), Some("SUBNET_ACL_RESTRICTION")),
        (all(), vec![any_rule(1, true, "10.1.0.0/24")], Some("SUBNET_ACL_RESTRICTION")),
    ] {
        net.acl(hub.vpcs[0], &[hub.attached[0]], ingress.clone(), Some(egress.clone()));
        assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), expected, "{ingress:?} {egress:?}");
    }
}

#[test]
fn in_the_attachments_own_subnet_only_what_goes_is_looked_at() {
    let hub = Hub::new(2);
    let net = &hub.net;
    let group = net.open_group(hub.vpcs[0]);
    let beside = net.machine(hub.attached[0], &["10.0.1.5"], &[group]);
    let door = hub.attached[0];
    let (out, own) = (vec![any_rule(1, true, "10.1.0.0/16")], vec![any_rule(1, true, "10.0.1.0/28")]);
    net.acl(hub.vpcs[0], &[door], own.clone(), Some(out.clone()));
    assert_eq!(net.tcp(beside, "10.1.0.4", 80), None);
    net.acl(hub.vpcs[0], &[door], vec![], Some(out));
    assert_eq!(net.tcp(beside, "10.1.0.4", 80), Some("SUBNET_ACL_RESTRICTION"));
    net.acl(hub.vpcs[0], &[door], own, Some(vec![]));
    assert_eq!(net.tcp(beside, "10.1.0.4", 80), Some("SUBNET_ACL_RESTRICTION"));
}

#[test]
fn groups_are_known_across_where_all_three_say_so() {
    let hub = Hub::new(2);
    let net = &hub.net;
    let (client, server) = (net.open_group(hub.vpcs[0]), net.group(hub.vpcs[1]));
    net.rule(server, RuleDirection::Ingress, Some(80), Peer::Group(client));
    net.change(hub.machines[0], |row| row.groups = vec![client]);
    net.change(hub.machines[1], |row| row.groups = vec![server]);
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), Some("ENI_SG_RULES_MISMATCH"));
    let gateway = scope().key(hub.gateway);
    net.edit(|tx| {
        tx.update::<TransitGateways, _>(&gateway, |row| row.options.group_references = true);
    });
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), None);
}

#[test]
fn a_hub_has_one_nat_gateway_for_all() {
    let hub = Hub::new(2);
    let net = &hub.net;
    let public = net.subnet(hub.vpcs[1], "10.1.9.0/24", None, 0);
    let gateway = net.internet_gateway(hub.vpcs[1]);
    let nat = net.nat(public, "10.1.9.5", Some("198.18.0.5"));
    let table = net.table(hub.vpcs[1], false, &[public]);
    net.route(table, "0.0.0.0/0", gateway);
    net.route(table, "10.0.0.0/16", RouteTarget::TransitGateway(hub.gateway));
    net.route(net.main(hub.vpcs[1]), "0.0.0.0/0", nat);
    net.route(net.main(hub.vpcs[0]), "0.0.0.0/0", RouteTarget::TransitGateway(hub.gateway));
    assert_eq!(net.tcp(hub.machines[0], "203.0.113.9", 443), Some("TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT"));
    hub.fix("0.0.0.0/0", Some(hub.attachments[1]));
    assert_eq!(net.tcp(hub.machines[0], "203.0.113.9", 443), None);
    assert_eq!(net.try_tcp(hub.machines[0], "203.0.113.9", 443).arrival, Ok(End::Internet));
}

#[test]
fn vpns_are_attached_too() {
    let hub = Hub::new(1);
    let net = &hub.net;
    let attachment = net.id();
    let id = vpn(net, VpnSide::Transit(hub.gateway, attachment), "192.168.0.0/16", true);
    net.put::<TransitAttachments>(TransitGatewayAttachment {
        scope: scope(),
        id: attachment,
        gateway: hub.gateway,
        gateway_scope: scope(),
        resource: AttachedResource::Vpn(id),
        association: Some(hub.table),
        propagations: vec![hub.table],
        state: LinkState::Available,
        awaits_acceptance: false,
        created_at: Timestamp(0),
        expires_at: None,
    });
    net.route(net.main(hub.vpcs[0]), "192.168.0.0/16", RouteTarget::TransitGateway(hub.gateway));
    assert_eq!(net.try_tcp(hub.machines[0], "192.168.7.7", 22).arrival, Ok(End::Vpn(id)));
    assert_eq!(net.tcp(hub.machines[0], "192.168.7.7", 22), None);
    let packet = Packet::tcp(super::ip("192.168.7.7"), 4000, super::ip("10.0.0.4"), 22);
    assert!(reach(&net.cloud(), Source::Vpn(id), packet, &Assumptions::default()).is_reached());
}

#[test]
fn a_network_is_no_way_from_the_gateway_to_itself() {
    let hub = Hub::new(3);
    let net = &hub.net;
    // The first is associated with a table by which all goes to the second.
    let detour = net.id();
    hub.add_table(detour);
    net.edit(|tx| {
        tx.update::<TransitTables, _>(&scope().key(detour), |row| {
            row.routes
                .push(TransitGatewayRoute { destination: cidr("0.0.0.0/0"), attachment: Some(hub.attachments[1]) });
        });
    });
    hub.change(0, |row| row.association = Some(detour));
    assert_eq!(net.tcp(hub.machines[0], "10.1.0.4", 80), None);
    assert_eq!(net.tcp(hub.machines[0], "10.2.0.4", 80), Some("BAD_STATE_ROUTE"));
    // What somebody there sends on is another matter.
    let group = net.open_group(hub.vpcs[1]);
    let beside = net.subnet(hub.vpcs[1], "10.1.2.0/28", None, 0);
    let router = net.machine(beside, &["10.1.2.5"], &[group]);
    net.change(router, |row| row.source_dest_check = false);
    let table = net.table(hub.vpcs[1], false, &[hub.attached[1]]);
    net.route(table, "10.2.0.0/16", RouteTarget::Interface(router));
    assert_eq!(net.try_tcp(hub.machines[0], "10.2.0.4", 80).arrival, Ok(End::Interface(hub.machines[2])));
}

#[test]
fn what_the_gateway_hands_over_leaves_the_network_only_by_who_takes_it() {
    let hub = Hub::new(2);
    let net = &hub.net;
    let (own, other) = (hub.machines[0], hub.machines[1]);
    let door = net.table(hub.vpcs[0], false, &[hub.attached[0]]);
    let beyond = net.vpc("192.168.0.0/16", None);
    let place = net.subnet(beyond, "192.168.0.0/24", None, 0);
    let there = net.machine(place, &["192.168.0.4"], &[net.open_group(beyond)]);
    let peering = net.peering(hub.vpcs[0], beyond, PeeringState::Active);
    net.route(net.main(beyond), "10.0.0.0/16", peering);
    let gateway = net.internet_gateway(hub.vpcs[0]);
    net.elastic(own, "10.0.0.4", "198.18.0.4");
    for (block, target) in [("192.168.0.0/16", peering), ("203.0.113.0/24", gateway)] {
        hub.vpcs.iter().for_each(|vpc| net.route(net.main(*vpc), block, RouteTarget::TransitGateway(hub.gateway)));
        hub.fix(block, Some(hub.attachments[0]));
        net.route(door, block, target);
    }
    // What is said from elsewhere in the name of the network's own interface is from none of its interfaces.
    net.change(other, |row| row.source_dest_check = false);
    for to in ["192.168.0.4", "203.0.113.9"] {
        let packet = Packet::tcp(super::ip("10.0.0.4"), 4000, super::ip(to), 80);
        let verdict = reach(&net.cloud(), Source::Interface(other), packet, &Assumptions::default());
        assert_eq!(verdict.stop().unwrap().code.name(), "GATEWAY_REJECTS_SPOOFED_TRAFFIC", "{to}");
        // And its own aren't handed back to it, answers as little as questions.
        assert_eq!(net.tcp(own, to, 80), Some("TGW_RTB_BAD_STATE_ROUTE"));
    }
    assert!(net.try_tcp(there, "10.0.0.4", 80).arrival.is_ok());
    assert_eq!(net.tcp(there, "10.0.0.4", 80), Some("TGW_RTB_BAD_STATE_ROUTE"));
    assert_eq!(net.dial("198.18.0.4", 80), Some("TGW_RTB_BAD_STATE_ROUTE"));

    // A NAT gateway sends on in its own name.
    let inner = net.subnet(hub.vpcs[0], "10.0.9.0/24", None, 0);
    let nat = net.nat(inner, "10.0.9.5", None);
    let table = net.table(hub.vpcs[0], false, &[inner]);
    net.route(table, "192.168.0.0/16", peering);
    net.route(table, "10.1.0.0/16", RouteTarget::TransitGateway(hub.gateway));
    net.route(door, "192.168.0.0/24", nat);
    assert_eq!(net.tcp(other, "192.168.0.4", 80), None);
}
