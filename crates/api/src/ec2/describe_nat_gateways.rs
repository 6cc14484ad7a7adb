//! ec2:DescribeNatGateways. Lists NAT gateways, deleted and failed ones too for a while.

use landfall_cloud::View;
use landfall_cloud::value::NatGateways;
use landfall_model::{NatGateway, NatGatewayId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::nat_gateway::{NatGatewayShape, nat_gateway};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeNatGateways {
    #[serde(default)]
    nat_gateway_id: Vec<NatGatewayId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeNatGatewaysResult<'v> {
    nat_gateway_set: Vec<NatGatewayShape<'v>>,
}

impl Read for DescribeNatGateways {
    const ACTION: Action = Action::ec2("DescribeNatGateways");
    const FILTERS: FilterNames =
        FilterNames { known: &["nat-gateway-id", "state", "subnet-id", "tag-key", "vpc-id"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeNatGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNatGatewaysResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<NatGateways, _>(look, &self.nat_gateway_id, &self.filter, Self::FILTERS, field)?;
        Ok(DescribeNatGatewaysResult { nat_gateway_set: rows.into_iter().map(|row| nat_gateway(&view, row)).collect() })
    }
}

fn field<'v>(_: &View<'v>, row: &'v NatGateway, name: &str) -> Values<'v> {
    match name {
        "nat-gateway-id" => shown(row.id),
        "state" => one(row.state.name()),
        "subnet-id" => shown(row.subnet),
        "vpc-id" => shown(row.vpc),
        _ => Vec::new(),
    }
}
