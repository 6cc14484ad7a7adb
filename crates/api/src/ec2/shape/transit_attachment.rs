//! Attachments of transit gateways as answers show them.

use landfall_cloud::transit_attachment::{Options, need_vpc};
use landfall_cloud::transit_table::resource_id;
use landfall_cloud::{Fault, View};
use landfall_model::{
    AccountId, AttachedResource, LinkState, SubnetId, TransitGatewayAttachment, TransitGatewayAttachmentId,
    TransitGatewayId, TransitGatewayRouteTableId, VpcId,
};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::switch::{Switch, is_on, word};
use super::{Tag, tag_set, time};

/// What may be asked of a VPC's attachment.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OptionsIn {
    dns_support: Option<Switch>,
    security_group_referencing_support: Option<Switch>,
    ipv6_support: Option<Switch>,
    appliance_mode_support: Option<Switch>,
}

impl OptionsIn {
    /// As the rules take it.
    pub fn options(&self) -> Options {
        Options {
            dns: is_on(self.dns_support),
            ipv6: is_on(self.ipv6_support),
            appliance_mode: is_on(self.appliance_mode_support),
            group_references: is_on(self.security_group_referencing_support),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcAttachmentShape<'v> {
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
    transit_gateway_id: TransitGatewayId,
    vpc_id: VpcId,
    vpc_owner_id: AccountId,
    state: &'static str,
    subnet_ids: &'v [SubnetId],
    creation_time: Time,
    options: OptionsShape,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OptionsShape {
    dns_support: &'static str,
    security_group_referencing_support: &'static str,
    ipv6_support: &'static str,
    appliance_mode_support: &'static str,
}

/// The answer of actions that show a VPC's attachment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcAttachmentResult<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_vpc_attachment: Option<VpcAttachmentShape<'v>>,
}

/// The attachment of that id as it is now.
pub fn result(view: View<'_>, id: TransitGatewayAttachmentId) -> Result<VpcAttachmentResult<'_>, Fault> {
    Ok(VpcAttachmentResult { transit_gateway_vpc_attachment: vpc_attachment(&view, need_vpc(&view, id)?) })
}

/// An attachment of a VPC as the VPC's owner sees it; none for another resource's.
pub fn vpc_attachment<'v>(view: &View<'v>, row: &'v TransitGatewayAttachment) -> Option<VpcAttachmentShape<'v>> {
    let AttachedResource::Vpc { vpc, subnets, dns, ipv6, appliance_mode, group_references } = &row.resource else {
        return None;
    };
    Some(VpcAttachmentShape {
        transit_gateway_attachment_id: row.id,
        transit_gateway_id: row.gateway,
        vpc_id: *vpc,
        vpc_owner_id: row.scope.account,
        state: state(row),
        subnet_ids: subnets,
        creation_time: time(row.created_at),
        options: OptionsShape {
            dns_support: word(*dns),
            security_group_referencing_support: word(*group_references),
            ipv6_support: word(*ipv6),
            appliance_mode_support: word(*appliance_mode),
        },
        tag_set: tag_set(view, &row.id.to_string()),
    })
}

/// The state of an attachment: one that another account's word is waited for passes through states of its own.
pub fn state(row: &TransitGatewayAttachment) -> &'static str {
    match row.state {
        LinkState::Pending if row.awaits_acceptance => "pendingAcceptance",
        LinkState::Deleting if row.awaits_acceptance => "rejecting",
        LinkState::Deleted if row.awaits_acceptance => "rejected",
        state => state.name(),
    }
}

/// An association of an attachment with a route table, or a propagation to one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TieShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_route_table_id: Option<TransitGatewayRouteTableId>,
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
    resource_id: String,
    resource_type: &'static str,
    state: &'static str,
}

/// An attachment's tie to a route table, which is named where the answer isn't the table's own.
pub fn tie(row: &TransitGatewayAttachment, table: Option<TransitGatewayRouteTableId>, state: &'static str) -> TieShape {
    TieShape {
        transit_gateway_route_table_id: table,
        transit_gateway_attachment_id: row.id,
        resource_id: resource_id(&row.resource),
        resource_type: row.resource.kind(),
        state,
    }
}
