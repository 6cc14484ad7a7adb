//! ec2:DescribeTransitGateways. Lists transit gateways, those that were deleted a while ago included.

use landfall_cloud::value::TransitGateways;
use landfall_model::{TransitGateway, TransitGatewayId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::switch::word;
use super::shape::transit_gateway::{TransitGatewayShape, gateway};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeTransitGateways {
    #[serde(default)]
    transit_gateway_ids: Vec<TransitGatewayId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTransitGatewaysResult<'v> {
    transit_gateway_set: Vec<TransitGatewayShape<'v>>,
}

impl Read for DescribeTransitGateways {
    const ACTION: Action = Action::ec2("DescribeTransitGateways");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "options.amazon-side-asn",
            "options.association-default-route-table-id",
            "options.auto-accept-shared-attachments",
            "options.default-route-table-association",
            "options.default-route-table-propagation",
            "options.dns-support",
            "options.propagation-default-route-table-id",
            "options.vpn-ecmp-support",
            "owner-id",
            "state",
            "tag-key",
            "transit-gateway-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeTransitGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTransitGatewaysResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.transit_gateway_ids);
        let rows =
            listing::<TransitGateways, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeTransitGatewaysResult {
            transit_gateway_set: rows.into_iter().map(|row| gateway(&view, row)).collect(),
        })
    }
}

fn field<'v>(row: &TransitGateway, name: &str) -> Values<'v> {
    match name {
        "options.amazon-side-asn" => shown(row.options.asn),
        "options.association-default-route-table-id" => many(row.association_table),
        "options.auto-accept-shared-attachments" => one(word(row.options.auto_accept)),
        "options.default-route-table-association" => one(word(row.options.default_association)),
        "options.default-route-table-propagation" => one(word(row.options.default_propagation)),
        "options.dns-support" => one(word(row.options.dns)),
        "options.propagation-default-route-table-id" => many(row.propagation_table),
        "options.vpn-ecmp-support" => one(word(row.options.vpn_ecmp)),
        "owner-id" => shown(row.scope.account),
        "state" => one(row.state.name()),
        "transit-gateway-id" => shown(row.id),
        _ => Vec::new(),
    }
}
