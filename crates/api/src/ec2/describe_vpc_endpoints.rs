//! ec2:DescribeVpcEndpoints. Lists endpoints, those that were deleted a while ago included.

use landfall_cloud::value::Endpoints;
use landfall_model::{Endpoint, EndpointId};
use serde::{Deserialize, Serialize};

use super::shape::endpoint::{EndpointShape, endpoint};
use super::shape::listing::listing;
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpcEndpoints {
    #[serde(default)]
    vpc_endpoint_id: Vec<EndpointId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpcEndpointsResult<'v> {
    vpc_endpoint_set: Vec<EndpointShape<'v>>,
}

impl Read for DescribeVpcEndpoints {
    const ACTION: Action = Action::ec2("DescribeVpcEndpoints");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "ip-address-type",
            "service-name",
            "service-region",
            "tag-key",
            "vpc-endpoint-id",
            "vpc-endpoint-state",
            "vpc-endpoint-type",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeVpcEndpointsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVpcEndpointsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.vpc_endpoint_id);
        let rows = listing::<Endpoints, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeVpcEndpointsResult { vpc_endpoint_set: rows.into_iter().map(|row| endpoint(&view, row)).collect() })
    }
}

fn field<'v>(row: &'v Endpoint, name: &str) -> Values<'v> {
    match name {
        "ip-address-type" => one("ipv4"),
        "service-name" => one(row.service.as_str()),
        "service-region" => shown(row.scope.region),
        "vpc-endpoint-id" => shown(row.id),
        "vpc-endpoint-state" => one(row.state.name()),
        "vpc-endpoint-type" => one(row.kind.name()),
        "vpc-id" => shown(row.vpc),
        _ => Vec::new(),
    }
}
