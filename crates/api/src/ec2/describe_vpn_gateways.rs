//! ec2:DescribeVpnGateways. Lists VPN gateways with the VPCs that they are attached to, those that were deleted a while ago included.

use landfall_cloud::value::VpnGateways;
use landfall_model::{VpnGateway, VpnGatewayId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::vpn_gateway::{IPSEC, VpnGatewayShape, attachments, vpn_gateway};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpnGateways {
    #[serde(default)]
    vpn_gateway_id: Vec<VpnGatewayId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpnGatewaysResult<'v> {
    vpn_gateway_set: Vec<VpnGatewayShape<'v>>,
}

impl Read for DescribeVpnGateways {
    const ACTION: Action = Action::ec2("DescribeVpnGateways");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "amazon-side-asn",
            "attachment.state",
            "attachment.vpc-id",
            "availability-zone",
            "state",
            "tag-key",
            "type",
            "vpn-gateway-id",
        ],
        refused: &[],
    };
    type Output<'v> = DescribeVpnGatewaysResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVpnGatewaysResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.vpn_gateway_id);
        let rows = listing::<VpnGateways, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeVpnGatewaysResult { vpn_gateway_set: rows.into_iter().map(|row| vpn_gateway(&view, row)).collect() })
    }
}

fn field<'v>(row: &VpnGateway, name: &str) -> Values<'v> {
    match name {
        "amazon-side-asn" => shown(row.asn),
        "attachment.state" => many(attachments(row).into_iter().map(|(_, state)| state)),
        "attachment.vpc-id" => many(attachments(row).into_iter().map(|(vpc, _)| vpc)),
        "availability-zone" => many(row.zone),
        "state" => one(row.state.name()),
        "type" => one(IPSEC),
        "vpn-gateway-id" => shown(row.id),
        _ => Vec::new(),
    }
}
