//! Internet gateways, and those for outgoing IPv6 only, as answers show them.

use landfall_cloud::View;
use landfall_model::{AccountId, EgressOnlyGateway, EgressOnlyGatewayId, InternetGateway, InternetGatewayId, VpcId};
use serde::Serialize;

use super::{Tag, tag_set};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InternetGatewayShape<'v> {
    internet_gateway_id: InternetGatewayId,
    owner_id: AccountId,
    attachment_set: Vec<GatewayAttachment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EgressOnlyGatewayShape<'v> {
    egress_only_internet_gateway_id: EgressOnlyGatewayId,
    attachment_set: [GatewayAttachment; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayAttachment {
    vpc_id: VpcId,
    state: &'static str,
}

/// An internet gateway. EC2's word for one that is attached is `available`.
pub fn internet_gateway<'v>(view: &View<'v>, row: &InternetGateway) -> InternetGatewayShape<'v> {
    InternetGatewayShape {
        internet_gateway_id: row.id,
        owner_id: row.scope.account,
        attachment_set: row.vpc.map(|vpc_id| GatewayAttachment { vpc_id, state: "available" }).into_iter().collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

/// An egress-only internet gateway, which is attached from the start.
pub fn egress_only_gateway<'v>(view: &View<'v>, row: &EgressOnlyGateway) -> EgressOnlyGatewayShape<'v> {
    EgressOnlyGatewayShape {
        egress_only_internet_gateway_id: row.id,
        attachment_set: [GatewayAttachment { vpc_id: row.vpc, state: "attached" }],
        tag_set: tag_set(view, &row.id.to_string()),
    }
}
