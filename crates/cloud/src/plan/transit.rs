//! Pieces of transit gateways.

use landfall_model::plan::{AttachmentPlan, AttachmentTo, TransitGatewayPlan};
use landfall_model::{
    AttachedResource, Cidr, LinkState, TransitGatewayAttachment, TransitGatewayAttachmentId, TransitGatewayId,
};

use super::presence::Presence;
use crate::transit_gateway::{TableRoute, routes_of};
use crate::value::Cloud;

/// A transit gateway, if it is in use.
pub(super) fn transit_gateway(
    cloud: &Cloud,
    presence: &Presence<'_>,
    id: TransitGatewayId,
) -> Option<TransitGatewayPlan> {
    let gateway = cloud.transit_gateways.by_id(&id).next().filter(|row| row.state.is_live())?;
    let attachments = cloud.transit_attachments.by_gateway(&id).filter(|row| is_working(row));
    let mut attachments: Vec<_> = attachments
        .filter_map(|row| {
            let to = match &row.resource {
                AttachedResource::Vpc { vpc, subnets, appliance_mode, dns, .. } if presence.is_present(*vpc) => {
                    AttachmentTo::Vpc {
                        vpc: *vpc,
                        subnets: subnets.clone(),
                        appliance: *appliance_mode,
                        dns: *dns && gateway.options.dns,
                    }
                }
                AttachedResource::Vpc { .. } => return None,
                AttachedResource::Vpn(vpn) => AttachmentTo::Vpn(*vpn),
            };
            let routes = row.association.map(|table| routes_of(cloud, table)).unwrap_or_default();
            let by = |route: &TableRoute| route.via().filter(|by| takes(cloud, row.id, *by, route.destination));
            let routes = routes.iter().map(|route| (route.destination, by(route))).collect();
            Some(AttachmentPlan { id: row.id, to, routes })
        })
        .collect();
    attachments.sort_by_key(|attachment| attachment.id);
    Some(TransitGatewayPlan { id, number: gateway.number, attachments })
}

/// Whether both ends of a route speak its family: an attachment does IPv6 only if it was asked to.
fn takes(cloud: &Cloud, from: TransitGatewayAttachmentId, to: TransitGatewayAttachmentId, destination: Cidr) -> bool {
    let speaks = |id: TransitGatewayAttachmentId| {
        let mut rows = cloud.transit_attachments.by_id(&id);
        rows.any(|row| matches!(row.resource, AttachedResource::Vpc { ipv6: true, .. }))
    };
    !destination.is_ipv6() || (speaks(from) && speaks(to))
}

fn is_working(row: &TransitGatewayAttachment) -> bool {
    matches!(row.state, LinkState::Available | LinkState::Modifying)
}
