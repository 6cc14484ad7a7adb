//! ec2:DescribeInternetGateways. Lists internet gateways, with the VPC that each is attached to.

use landfall_cloud::value::InternetGateways;
use landfall_model::{AccountId, InternetGateway, InternetGatewayId, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::{Tag, tag_set};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInternetGateways {
    #[serde(default)]
    internet_gateway_id: Vec<InternetGatewayId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInternetGatewaysResult<'v> {
    internet_gateway_set: Vec<InternetGatewayShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InternetGatewayShape<'v> {
    internet_gateway_id: InternetGatewayId,
    owner_id: AccountId,
    attachment_set: Vec<GatewayAttachment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// An attachment. EC2's word for an internet gateway that is attached is `available`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayAttachment {
    vpc_id: VpcId,
    state: &'static str,
}

impl Read for DescribeInternetGateways {
    const ACTION: Action = Action::ec2("DescribeInternetGateways");
    const FILTERS: FilterNames = FilterNames {
        known: &["attachment.state", "attachment.vpc-id", "internet-gateway-id", "owner-id", "tag-key"],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeInternetGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeInternetGatewaysResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.internet_gateway_id);
        let rows =
            listing::<InternetGateways, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| InternetGatewayShape {
            internet_gateway_id: row.id,
            owner_id: row.scope.account,
            attachment_set: row
                .vpc
                .map(|vpc_id| GatewayAttachment { vpc_id, state: "available" })
                .into_iter()
                .collect(),
            tag_set: tag_set(&view, &row.id.to_string()),
        });
        Ok(DescribeInternetGatewaysResult { internet_gateway_set: shapes.collect() })
    }
}

fn field<'v>(row: &InternetGateway, name: &str) -> Values<'v> {
    match name {
        "attachment.state" if row.vpc.is_some() => one("available"),
        "attachment.vpc-id" => many(row.vpc),
        "internet-gateway-id" => shown(row.id),
        "owner-id" => shown(row.scope.account),
        _ => Vec::new(),
    }
}
