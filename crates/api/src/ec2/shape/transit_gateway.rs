//! Transit gateways as answers show them, and the demands of actions on them.

use landfall_cloud::value::TransitGateways;
use landfall_cloud::{Fault, View};
use landfall_model::{
    AccountId, Arn, Cidr, TransitGateway, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId,
};
use landfall_wire::Time;
use serde::Serialize;

use super::switch::word;
use super::{Tag, tag_set, time};
use crate::demand::{Demand, Demands};
use crate::operation::Action;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransitGatewayShape<'v> {
    transit_gateway_id: TransitGatewayId,
    transit_gateway_arn: Arn,
    state: &'static str,
    owner_id: AccountId,
    description: &'v str,
    creation_time: Time,
    options: OptionsShape<'v>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OptionsShape<'v> {
    amazon_side_asn: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    transit_gateway_cidr_blocks: &'v [Cidr],
    auto_accept_shared_attachments: &'static str,
    default_route_table_association: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    association_default_route_table_id: Option<TransitGatewayRouteTableId>,
    default_route_table_propagation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    propagation_default_route_table_id: Option<TransitGatewayRouteTableId>,
    vpn_ecmp_support: &'static str,
    dns_support: &'static str,
    security_group_referencing_support: &'static str,
    multicast_support: &'static str,
}

/// The answer of actions that show a gateway.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransitGatewayResult<'v> {
    transit_gateway: TransitGatewayShape<'v>,
}

/// The gateway of that id as it is now.
pub fn result(view: View<'_>, id: TransitGatewayId) -> Result<TransitGatewayResult<'_>, Fault> {
    Ok(TransitGatewayResult { transit_gateway: gateway(&view, view.need::<TransitGateways, _>(id)?) })
}

/// The gateway as its owner sees it.
pub fn gateway<'v>(view: &View<'v>, row: &'v TransitGateway) -> TransitGatewayShape<'v> {
    let options = &row.options;
    TransitGatewayShape {
        transit_gateway_id: row.id,
        transit_gateway_arn: Arn::ec2(row.scope, row.id),
        state: row.state.name(),
        owner_id: row.scope.account,
        description: &row.description,
        creation_time: time(row.created_at),
        options: OptionsShape {
            amazon_side_asn: options.asn,
            transit_gateway_cidr_blocks: &options.cidrs,
            auto_accept_shared_attachments: word(options.auto_accept),
            default_route_table_association: word(options.default_association),
            association_default_route_table_id: row.association_table,
            default_route_table_propagation: word(options.default_propagation),
            propagation_default_route_table_id: row.propagation_table,
            vpn_ecmp_support: word(options.vpn_ecmp),
            dns_support: word(options.dns),
            security_group_referencing_support: word(options.group_references),
            multicast_support: word(false),
        },
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

/// The demand of an action on a gateway.
pub fn demand_gateway<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    id: TransitGatewayId,
) -> &'d mut Demand {
    demands.ec2(view, action, id).with("ec2:transitGatewayId", id)
}

/// The demand of an action on an attachment.
pub fn demand_attachment<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    id: TransitGatewayAttachmentId,
) -> &'d mut Demand {
    demands.ec2(view, action, id).with("ec2:transitGatewayAttachmentId", id)
}

/// The demand of an action on a route table.
pub fn demand_table<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    id: TransitGatewayRouteTableId,
) -> &'d mut Demand {
    demands.ec2(view, action, id).with("ec2:transitGatewayRouteTableId", id)
}
