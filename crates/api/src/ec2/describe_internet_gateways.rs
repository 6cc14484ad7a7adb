//! ec2:DescribeInternetGateways. Lists internet gateways, with the VPC that each is attached to.

use landfall_cloud::value::InternetGateways;
use landfall_model::{InternetGateway, InternetGatewayId};
use serde::{Deserialize, Serialize};

use super::shape::internet_gateway::{InternetGatewayShape, internet_gateway};
use super::shape::listing::listing;
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

impl Read for DescribeInternetGateways {
    const ACTION: Action = Action::ec2("DescribeInternetGateways");
    const FILTERS: FilterNames = FilterNames {
        known: &["attachment.state", "attachment.vpc-id", "internet-gateway-id", "owner-id", "tag-key"],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeInternetGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeInternetGatewaysResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.internet_gateway_id);
        let rows =
            listing::<InternetGateways, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| internet_gateway(&view, row));
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
