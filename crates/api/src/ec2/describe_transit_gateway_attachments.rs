//! ec2:DescribeTransitGatewayAttachments. Lists what is attached to transit gateways, of every kind.

use landfall_cloud::transit_table::resource_id;
use landfall_cloud::value::TransitAttachments;
use landfall_model::{
    AccountId, TransitGatewayAttachment, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId,
};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::transit_attachment::state;
use super::shape::{Tag, tag_set, time};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeTransitGatewayAttachments {
    #[serde(default)]
    transit_gateway_attachment_ids: Vec<TransitGatewayAttachmentId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTransitGatewayAttachmentsResult<'v> {
    transit_gateway_attachments: Vec<AttachmentShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentShape<'v> {
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
    transit_gateway_id: TransitGatewayId,
    transit_gateway_owner_id: AccountId,
    resource_owner_id: AccountId,
    resource_type: &'static str,
    resource_id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<AssociationShape>,
    creation_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationShape {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    state: &'static str,
}

impl Read for DescribeTransitGatewayAttachments {
    const ACTION: Action = Action::ec2("DescribeTransitGatewayAttachments");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "association.state",
            "association.transit-gateway-route-table-id",
            "resource-id",
            "resource-owner-id",
            "resource-type",
            "state",
            "tag-key",
            "transit-gateway-attachment-id",
            "transit-gateway-id",
            "transit-gateway-owner-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeTransitGatewayAttachmentsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTransitGatewayAttachmentsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.transit_gateway_attachment_ids);
        let rows =
            listing::<TransitAttachments, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| AttachmentShape {
            transit_gateway_attachment_id: row.id,
            transit_gateway_id: row.gateway,
            transit_gateway_owner_id: row.gateway_scope.account,
            resource_owner_id: row.scope.account,
            resource_type: row.resource.kind(),
            resource_id: resource_id(&row.resource),
            state: state(row),
            association: row.association.map(|transit_gateway_route_table_id| AssociationShape {
                transit_gateway_route_table_id,
                state: "associated",
            }),
            creation_time: time(row.created_at),
            tag_set: tag_set(&view, &row.id.to_string()),
        });
        Ok(DescribeTransitGatewayAttachmentsResult { transit_gateway_attachments: shapes.collect() })
    }
}

fn field<'v>(row: &TransitGatewayAttachment, name: &str) -> Values<'v> {
    match name {
        "association.state" if row.association.is_some() => one("associated"),
        "association.transit-gateway-route-table-id" => many(row.association),
        "resource-id" => shown(resource_id(&row.resource)),
        "resource-owner-id" => shown(row.scope.account),
        "resource-type" => one(row.resource.kind()),
        "state" => one(state(row)),
        "transit-gateway-attachment-id" => shown(row.id),
        "transit-gateway-id" => shown(row.gateway),
        "transit-gateway-owner-id" => shown(row.gateway_scope.account),
        _ => Vec::new(),
    }
}
