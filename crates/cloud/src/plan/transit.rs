//! Pieces of transit gateways.

use landfall_model::plan::{AttachmentPlan, AttachmentTo, TransitGatewayPlan};
use landfall_model::{AttachedResource, LinkState, TransitGatewayAttachment, TransitGatewayId};

use super::presence::Presence;
use crate::transit_gateway::routes_of;
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
            let routes = row.association.map(|table| routes_of(cloud, table)).unwrap_or_default();
            let routes = routes.iter().map(|route| (route.destination, route.via())).collect();
            Some(AttachmentPlan { id: row.id, to, routes })
        })
        .collect();
    attachments.sort_by_key(|attachment| attachment.id);
    Some(TransitGatewayPlan { id, number: row.number, attachments })
}

fn is_working(row: &TransitGatewayAttachment) -> bool {
    matches!(row.state, LinkState::Available | LinkState::Modifying)
}
