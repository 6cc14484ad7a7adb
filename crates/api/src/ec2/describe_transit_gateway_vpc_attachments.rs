//! ec2:DescribeTransitGatewayVpcAttachments. Lists the attachments of VPCs, those that were deleted a while ago included.

use landfall_cloud::transit_attachment::need_vpc;
use landfall_cloud::value::TransitAttachments;
use landfall_model::{TransitGatewayAttachment, TransitGatewayAttachmentId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::transit_attachment::{VpcAttachmentShape, state, vpc_attachment};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeTransitGatewayVpcAttachments {
    #[serde(default)]
    transit_gateway_attachment_ids: Vec<TransitGatewayAttachmentId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTransitGatewayVpcAttachmentsResult<'v> {
    transit_gateway_vpc_attachments: Vec<VpcAttachmentShape<'v>>,
}

impl Read for DescribeTransitGatewayVpcAttachments {
    const ACTION: Action = Action::ec2("DescribeTransitGatewayVpcAttachments");
    const FILTERS: FilterNames = FilterNames {
        known: &["state", "tag-key", "transit-gateway-attachment-id", "transit-gateway-id", "vpc-id"],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeTransitGatewayVpcAttachmentsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTransitGatewayVpcAttachmentsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.transit_gateway_attachment_ids);
        for id in ids {
            need_vpc(&view, *id)?;
        }
        let rows =
            listing::<TransitAttachments, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeTransitGatewayVpcAttachmentsResult {
            transit_gateway_vpc_attachments: rows.into_iter().filter_map(|row| vpc_attachment(&view, row)).collect(),
        })
    }
}

fn field<'v>(row: &TransitGatewayAttachment, name: &str) -> Values<'v> {
    match name {
        "state" => one(state(row)),
        "transit-gateway-attachment-id" => shown(row.id),
        "transit-gateway-id" => shown(row.gateway),
        "vpc-id" => many(row.resource.vpc()),
        _ => Vec::new(),
    }
}
