//! ec2:DescribeVpnConnections. Lists VPNs with the state of their tunnels and the configuration of the other side's
//! device, those that were deleted a while ago included.

use landfall_cloud::View;
use landfall_cloud::value::{CustomerGateways, VpnConnections};
use landfall_model::{VpnConnection, VpnConnectionId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::vpn::{VpnConnectionShape, connection, device_configuration, keys, sides};
use super::shape::vpn_gateway::IPSEC;
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read, Vault};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpnConnections {
    #[serde(default)]
    vpn_connection_id: Vec<VpnConnectionId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpnConnectionsResult<'v> {
    vpn_connection_set: Vec<VpnConnectionShape<'v>>,
}

impl Read for DescribeVpnConnections {
    const ACTION: Action = Action::ec2("DescribeVpnConnections");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "bgp-asn",
            "customer-gateway-configuration",
            "customer-gateway-id",
            "option.static-routes-only",
            "route.destination-cidr-block",
            "state",
            "tag-key",
            "transit-gateway-id",
            "type",
            "vpn-connection-id",
            "vpn-gateway-id",
        ],
        refused: &[],
    };
    type Output<'v> = DescribeVpnConnectionsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVpnConnectionsResult<'v>, ApiError> {
        let (view, vault, ids) = (look.view, &look.outside.vault, &self.vpn_connection_id);
        let values = |view: &View<'v>, row: &'v VpnConnection, name: &str| field(view, vault, row, name);
        let rows = listing::<VpnConnections, _>(look, ids, &self.filter, Self::FILTERS, values)?;
        let shapes: Result<_, _> = rows.into_iter().map(|row| connection(&view, vault, row)).collect();
        Ok(DescribeVpnConnectionsResult { vpn_connection_set: shapes? })
    }
}

fn field<'v>(view: &View<'v>, vault: &Vault, row: &'v VpnConnection, name: &str) -> Values<'v> {
    let (vpn_gateway, transit_gateway) = sides(row);
    match name {
        "bgp-asn" => many(view.find::<CustomerGateways, _>(row.customer_gateway).map(|customer| customer.asn)),
        "customer-gateway-configuration" => {
            many(keys(vault, row).ok().and_then(|keys| device_configuration(view, row, &keys)))
        }
        "customer-gateway-id" => shown(row.customer_gateway),
        "option.static-routes-only" => shown(row.static_routes_only),
        "route.destination-cidr-block" => many(&row.routes),
        "state" => one(row.state.name()),
        "transit-gateway-id" => many(transit_gateway),
        "type" => one(IPSEC),
        "vpn-connection-id" => shown(row.id),
        "vpn-gateway-id" => many(vpn_gateway),
        _ => Vec::new(),
    }
}
