//! Pieces of transit gateways.

use std::collections::BTreeMap;

use landfall_model::plan::{AttachmentPlan, AttachmentTo, TransitGatewayPlan};
use landfall_model::{
    AttachedResource, Cidr, LinkState, TransitGatewayAttachment, TransitGatewayAttachmentId, TransitGatewayId,
    TransitGatewayRouteTableId,
};

use super::presence::Presence;
use crate::value::Cloud;

/// A transit gateway, if it is in use.
pub(super) fn transit_gateway(
    cloud: &Cloud,
    presence: &Presence<'_>,
    id: TransitGatewayId,
) -> Option<TransitGatewayPlan> {
    let row = cloud.transit_gateways.by_id(&id).next().filter(|row| row.state.is_live())?;
    let attachments = cloud.transit_attachments.by_gateway(&id).filter(|row| is_working(row));
    let mut attachments: Vec<_> = attachments
        .filter_map(|row| {
            let to = match &row.resource {
                AttachedResource::Vpc { vpc, subnets, .. } if presence.is_present(*vpc) => {
                    AttachmentTo::Vpc { vpc: *vpc, subnets: subnets.clone() }
                }
                AttachedResource::Vpc { .. } => return None,
                AttachedResource::Vpn(vpn) => AttachmentTo::Vpn(*vpn),
            };
            let routes = row.association.map(|table| routes(cloud, table)).unwrap_or_default();
            Some(AttachmentPlan { id: row.id, to, routes })
        })
        .collect();
    attachments.sort_by_key(|attachment| attachment.id);
    Some(TransitGatewayPlan { id, number: row.number, attachments })
}

fn is_working(row: &TransitGatewayAttachment) -> bool {
    matches!(row.state, LinkState::Available | LinkState::Modifying)
}

/// The routes of a table, each destination once: static ones before those that attachments propagate.
fn routes(cloud: &Cloud, table: TransitGatewayRouteTableId) -> Vec<(Cidr, Option<TransitGatewayAttachmentId>)> {
    let mut routes = BTreeMap::new();
    for row in cloud.transit_attachments.by_table(&table).filter(|row| row.propagations.contains(&table)) {
        if is_working(row) {
            for block in propagated(cloud, row) {
                routes.entry(block).or_insert(Some(row.id));
            }
        }
    }
    if let Some(row) = cloud.transit_tables.by_id(&table).next() {
        routes.extend(row.routes.iter().map(|route| (route.destination, route.attachment)));
    }
    routes.into_iter().collect()
}

/// The blocks that an attachment tells: its VPC's, or what lies behind its VPN.
fn propagated(cloud: &Cloud, row: &TransitGatewayAttachment) -> Vec<Cidr> {
    match &row.resource {
        AttachedResource::Vpc { vpc, ipv6, .. } => {
            let Some(vpc) = cloud.vpcs.by_id(vpc).next() else { return Vec::new() };
            let v6 = vpc.ipv6.iter().filter(|_| *ipv6).map(|(_, block)| Cidr::V6(*block));
            vpc.cidrs.iter().map(|(_, block)| Cidr::V4(*block)).chain(v6).collect()
        }
        AttachedResource::Vpn(id) => {
            let rows = cloud.vpn_connections.by_id(id);
            rows.filter(|row| row.state.is_live()).flat_map(|row| row.routes.iter().copied()).collect()
        }
    }
}
