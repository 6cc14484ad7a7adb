//! Transit gateways: from an attachment, by the table that it is associated with, to another attachment.
//!
//! ACLs of the attachments' subnets are evaluated as AWS's "Network ACLs for transit gateways" says: of what goes from
//! instances to the gateway, the instances' subnet outwards and the attachment's inwards, though they be the same; of what
//! comes from it, the attachment's outwards and the instances' inwards, and neither where they are the same.

use std::net::IpAddr;

use landfall_model::{
    AttachedResource, Cidr, LinkState, RuleDirection, SubnetId, TransitGatewayAttachment, TransitGatewayAttachmentId,
    TransitGatewayId, TransitGatewayRouteTable, VpcId, ZoneName,
};

use super::route::{blocks, length};
use super::walk::{Flight, Step, Turn, Walk, stop};
use landfall_model::reachability::{Code, Component, Decision, Stop, TransitRouteSeen};

impl<'c> Walk<'c> {
    pub(super) fn pass_transit(
        &mut self,
        id: TransitGatewayId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let mut attachments = self.cloud.transit_attachments.by_vpc(&turn.vpc.id);
        let attachment = attachments.find(|row| row.gateway == id && row.state == LinkState::Available);
        let (attachment, from) = attachment.zip(turn.from).ok_or_else(|| turn.stop(Code::BadStateRoute, packet))?;
        let component = Component::TransitAttachment(attachment.id);
        let end = |code| stop(code, component, Some(turn.vpc.id), packet);
        // A network is no way from a gateway to itself: only what somebody in it sends or sends on goes there.
        if flight.is_passing {
            return Err(turn.stop(Code::BadStateRoute, packet));
        }
        let subnet = self.subnet_in(attachment, from.zone).ok_or_else(|| end(Code::TransitZone))?;
        self.pass_acl(from.id, RuleDirection::Egress, packet)?;
        let route = Decision::Route(turn.route.clone());
        self.note(turn.table, Some(turn.vpc.id), Some(from.id), packet, route);
        self.pass_acl(subnet, RuleDirection::Ingress, packet)?;
        self.note_attachment(attachment, flight);
        self.cross_transit(attachment.id, Some(from.zone), flight)
    }

    /// Through the gateway, by the routes of what comes from an attachment.
    pub(super) fn cross_transit(
        &mut self,
        id: TransitGatewayAttachmentId,
        zone: Option<ZoneName>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let end = |code| stop(code, Component::TransitAttachment(id), None, packet);
        let from = self.attachment(id).ok_or_else(|| end(Code::BadStateAttachment))?;
        if packet.destination.is_ipv6() && !takes_ipv6(from) {
            return Err(end(Code::Protocol));
        }
        let table = from.association.and_then(|table| self.cloud.transit_tables.by_id(&table).next());
        let table = table.filter(|row| row.state == LinkState::Available);
        let table = table.ok_or_else(|| end(Code::TransitAssociation))?;
        let component = Component::TransitTable(table.id);
        let route = self.transit_route(table, packet.destination);
        let route = route.ok_or_else(|| stop(Code::TransitNoRoute, component, None, packet))?;
        let decision = Decision::TransitRoute(route.clone());
        let broken = || {
            let mut stop = stop(Code::TransitRoute, component, None, packet);
            stop.decision = decision.clone();
            stop
        };
        let to = route.attachment.and_then(|id| self.attachment(id)).ok_or_else(broken)?;
        // Nothing is sent back by the attachment that it came by. Of that AWS says nothing.
        if to.id == from.id {
            return Err(broken());
        }
        if packet.destination.is_ipv6() && !takes_ipv6(to) {
            return Err(broken());
        }
        self.note(component, None, None, packet, decision.clone());
        self.note_attachment(to, flight);
        flight.is_foreign = false;
        flight.is_passing = matches!(to.resource, AttachedResource::Vpc { .. });
        if !self.keeps_groups(from, to) {
            flight.sender = None;
        }
        match &to.resource {
            AttachedResource::Vpn(vpn) => {
                let vpn = self.cloud.vpn_connections.by_id(vpn).find(|row| row.state == LinkState::Available);
                self.enter_vpn(vpn.ok_or_else(broken)?, packet)
            }
            // In appliance mode a flow is taken in by one subnet both ways ("Appliance in a shared services VPC").
            AttachedResource::Vpc { subnets, appliance_mode: true, .. } if !subnets.is_empty() => {
                Ok(Step::Route(subnets[self.assumptions.appliance % subnets.len()]))
            }
            AttachedResource::Vpc { subnets, .. } => {
                let near = zone.and_then(|zone| self.subnet_in(to, zone));
                Ok(Step::Route(near.or(subnets.first().copied()).ok_or_else(broken)?))
            }
        }
    }

    /// The route of a transit gateway's table: the longest prefix; of equal ones those that were made, then those to
    /// networks.
    fn transit_route(&self, table: &TransitGatewayRouteTable, destination: IpAddr) -> Option<TransitRouteSeen> {
        let mut found: Vec<(u8, u8, TransitRouteSeen)> = Vec::new();
        let mut add = |rank: u8, cidr: Cidr, attachment: Option<&TransitGatewayAttachment>, propagated: bool| {
            if cidr.contains(destination) {
                let resource = attachment.map(|row| (row.resource.kind().to_owned(), resource_id(&row.resource)));
                let attachment = attachment.map(|row| row.id);
                let route = TransitRouteSeen { destination: cidr, attachment, resource, propagated };
                found.push((length(cidr), rank, route));
            }
        };
        for route in &table.routes {
            let attachment = route.attachment.and_then(|id| self.cloud.transit_attachments.by_id(&id).next());
            add(2, route.destination, attachment, false);
        }
        for attachment in self.cloud.transit_attachments.by_table(&table.id) {
            let is_learnt = attachment.propagations.contains(&table.id) && attachment.state == LinkState::Available;
            if !is_learnt {
                continue;
            }
            match &attachment.resource {
                AttachedResource::Vpc { vpc, .. } => {
                    for cidr in self.cloud.vpcs.by_id(vpc).flat_map(blocks) {
                        if takes_ipv6(attachment) || matches!(cidr, Cidr::V4(_)) {
                            add(1, cidr, Some(attachment), true);
                        }
                    }
                }
                AttachedResource::Vpn(id) => {
                    for cidr in self.cloud.vpn_connections.by_id(id).flat_map(|row| row.routes.iter().copied()) {
                        add(0, cidr, Some(attachment), true);
                    }
                }
            }
        }
        let best = found.iter().map(|(length, rank, _)| (*length, *rank)).max()?;
        found.into_iter().find(|(length, rank, _)| (*length, *rank) == best).map(|(.., route)| route)
    }

    /// Whether groups of one attachment's network may be named by the other's.
    fn keeps_groups(&self, from: &TransitGatewayAttachment, to: &TransitGatewayAttachment) -> bool {
        let gateway = self.cloud.transit_gateways.by_id(&from.gateway).next();
        let keeps = |row: &TransitGatewayAttachment| {
            matches!(row.resource, AttachedResource::Vpc { group_references: true, .. })
        };
        gateway.is_some_and(|row| row.options.group_references) && keeps(from) && keeps(to)
    }

    fn attachment(&self, id: TransitGatewayAttachmentId) -> Option<&'c TransitGatewayAttachment> {
        self.cloud.transit_attachments.by_id(&id).find(|row| row.state == LinkState::Available)
    }

    /// The attachment's subnet in a zone.
    fn subnet_in(&self, attachment: &TransitGatewayAttachment, zone: ZoneName) -> Option<SubnetId> {
        let AttachedResource::Vpc { subnets, .. } = &attachment.resource else { return None };
        let in_zone = |id: &&SubnetId| self.cloud.subnets.by_id(id).any(|row| row.zone == zone);
        subnets.iter().find(in_zone).copied()
    }

    fn note_attachment(&mut self, row: &TransitGatewayAttachment, flight: &Flight<'c>) {
        let vpc: Option<VpcId> = row.resource.vpc();
        self.note(Component::TransitAttachment(row.id), vpc, None, flight.packet, Decision::None);
        if let Some(hop) = self.hops.last_mut() {
            hop.attached_to = Some(Component::TransitGateway(row.gateway));
        }
    }
}

fn takes_ipv6(attachment: &TransitGatewayAttachment) -> bool {
    matches!(attachment.resource, AttachedResource::Vpc { ipv6: true, .. })
}

fn resource_id(resource: &AttachedResource) -> String {
    match resource {
        AttachedResource::Vpc { vpc, .. } => vpc.to_string(),
        AttachedResource::Vpn(vpn) => vpn.to_string(),
    }
}
