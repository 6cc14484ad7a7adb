//! ec2:DescribeEgressOnlyInternetGateways. Lists the ways out for IPv6, with the VPC of each.

use landfall_cloud::value::EgressOnlyGateways;
use landfall_model::EgressOnlyGatewayId;
use serde::{Deserialize, Serialize};

use super::shape::internet_gateway::{EgressOnlyGatewayShape, egress_only_gateway};
use super::shape::listing::listing;
use crate::filter::FilterNames;
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeEgressOnlyInternetGateways {
    #[serde(default)]
    egress_only_internet_gateway_id: Vec<EgressOnlyGatewayId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeEgressOnlyInternetGatewaysResult<'v> {
    egress_only_internet_gateway_set: Vec<EgressOnlyGatewayShape<'v>>,
}

impl Read for DescribeEgressOnlyInternetGateways {
    const ACTION: Action = Action::ec2("DescribeEgressOnlyInternetGateways");
    const FILTERS: FilterNames = FilterNames { known: &["tag-key"], refused: &[] };
    const PAGE_LIMIT: usize = 255;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeEgressOnlyInternetGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeEgressOnlyInternetGatewaysResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.egress_only_internet_gateway_id);
        let rows = listing::<EgressOnlyGateways, _>(look, ids, &self.filter, Self::FILTERS, |_, _, _| Vec::new())?;
        let shapes = rows.into_iter().map(|row| egress_only_gateway(&view, row));
        Ok(DescribeEgressOnlyInternetGatewaysResult { egress_only_internet_gateway_set: shapes.collect() })
    }
}
