//! ec2:DescribeCustomerGateways. Lists customer gateways, those that were deleted a while ago included.

use landfall_cloud::value::CustomerGateways;
use landfall_model::{CustomerGateway, CustomerGatewayId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::vpn_gateway::{CustomerGatewayShape, IPSEC, customer_gateway};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeCustomerGateways {
    #[serde(default)]
    customer_gateway_id: Vec<CustomerGatewayId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeCustomerGatewaysResult<'v> {
    customer_gateway_set: Vec<CustomerGatewayShape<'v>>,
}

impl Read for DescribeCustomerGateways {
    const ACTION: Action = Action::ec2("DescribeCustomerGateways");
    const FILTERS: FilterNames = FilterNames {
        known: &["bgp-asn", "customer-gateway-id", "ip-address", "state", "tag-key", "type"],
        refused: &[],
    };
    type Output<'v> = DescribeCustomerGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeCustomerGatewaysResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.customer_gateway_id);
        let rows =
            listing::<CustomerGateways, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeCustomerGatewaysResult {
            customer_gateway_set: rows.into_iter().map(|row| customer_gateway(&view, row)).collect(),
        })
    }
}

fn field<'v>(row: &CustomerGateway, name: &str) -> Values<'v> {
    match name {
        "bgp-asn" => shown(row.asn),
        "customer-gateway-id" => shown(row.id),
        "ip-address" => shown(row.address),
        "state" => one(row.state.name()),
        "type" => one(IPSEC),
        _ => Vec::new(),
    }
}
