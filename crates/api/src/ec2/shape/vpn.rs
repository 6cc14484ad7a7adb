//! VPNs as answers show them.

use std::borrow::Cow;

use landfall_cloud::value::{CustomerGateways, TransitGateways, VpnConnections, VpnGateways};
use landfall_cloud::{View, vpn};
use landfall_model::{
    Cidr, CustomerGatewayId, Ipv4Cidr, LinkState, TransitGatewayId, VpnConnection, VpnConnectionId, VpnGatewayId,
    VpnSide, VpnTunnel,
};
use landfall_wire::Time;
use serde::Serialize;

use super::vpn_configuration::{Ends, configuration};
use super::vpn_gateway::IPSEC;
use super::vpn_tunnel::{TunnelOptionsShape, tunnel_options};
use super::{Tag, tag_set, time};
use crate::error::ApiError;
use crate::vault::Vault;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpnConnectionShape<'v> {
    vpn_connection_id: VpnConnectionId,
    state: &'static str,
    r#type: &'static str,
    category: &'static str,
    customer_gateway_id: CustomerGatewayId,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpn_gateway_id: Option<VpnGatewayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_id: Option<TransitGatewayId>,
    gateway_association_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_gateway_configuration: Option<String>,
    options: OptionsShape<'v>,
    routes: Vec<RouteShape>,
    vgw_telemetry: Vec<TelemetryShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OptionsShape<'v> {
    enable_acceleration: bool,
    static_routes_only: bool,
    local_ipv4_network_cidr: Ipv4Cidr,
    remote_ipv4_network_cidr: Ipv4Cidr,
    outside_ip_address_type: &'static str,
    tunnel_inside_ip_version: &'static str,
    tunnel_option_set: Vec<TunnelOptionsShape<'v>>,
    tunnel_bandwidth: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteShape {
    destination_cidr_block: Cidr,
    source: &'static str,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TelemetryShape<'v> {
    outside_ip_address: std::net::Ipv4Addr,
    status: &'static str,
    status_message: Cow<'v, str>,
    last_status_change: Time,
    accepted_route_count: usize,
}

/// The answer of actions that show a VPN.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpnConnectionResult<'v> {
    vpn_connection: VpnConnectionShape<'v>,
}

/// The VPN of that id as it is now.
pub fn result<'v>(view: View<'v>, vault: &Vault, id: VpnConnectionId) -> Result<VpnConnectionResult<'v>, ApiError> {
    let row = view.need::<VpnConnections, _>(id)?;
    Ok(VpnConnectionResult { vpn_connection: connection(&view, vault, row)? })
}

/// The VPN as its owner sees it, its keys and the configuration of the other side's device included, as AWS has it.
pub fn connection<'v>(
    view: &View<'v>,
    vault: &Vault,
    row: &'v VpnConnection,
) -> Result<VpnConnectionShape<'v>, ApiError> {
    let keys = keys(vault, row)?;
    let (vpn_gateway_id, transit_gateway_id) = sides(row);
    let tunnels = row.tunnels.iter().zip(&keys).map(|(tunnel, key)| tunnel_options(tunnel, key.clone()));
    Ok(VpnConnectionShape {
        vpn_connection_id: row.id,
        state: row.state.name(),
        r#type: IPSEC,
        category: "VPN",
        customer_gateway_id: row.customer_gateway,
        vpn_gateway_id,
        transit_gateway_id,
        gateway_association_state: "associated",
        customer_gateway_configuration: device_configuration(view, row, &keys),
        options: OptionsShape {
            enable_acceleration: false,
            static_routes_only: row.static_routes_only,
            // AWS's "local" network is the one behind the customer gateway.
            local_ipv4_network_cidr: row.remote,
            remote_ipv4_network_cidr: row.local,
            outside_ip_address_type: "PublicIpv4",
            tunnel_inside_ip_version: "ipv4",
            tunnel_option_set: tunnels.collect(),
            tunnel_bandwidth: "standard",
        },
        routes: routes(row),
        vgw_telemetry: row.tunnels.iter().map(|tunnel| telemetry(row, tunnel)).collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    })
}

/// The gateway that a VPN ends at on this side: one of the two.
pub fn sides(row: &VpnConnection) -> (Option<VpnGatewayId>, Option<TransitGatewayId>) {
    match row.gateway {
        VpnSide::Gateway(id) => (Some(id), None),
        VpnSide::Transit(id, _) => (None, Some(id)),
    }
}

/// The keys of a VPN's tunnels.
pub fn keys(vault: &Vault, row: &VpnConnection) -> Result<Vec<String>, ApiError> {
    let context = vpn::key_context(row.scope);
    let open = |tunnel: &VpnTunnel| {
        vault.open(&context, &tunnel.key).map_err(|error| {
            tracing::error!(%error, vpn = %row.id, "a tunnel's key can't be opened with the root key");
            ApiError::internal()
        })
    };
    row.tunnels.iter().map(open).collect()
}

/// The configuration of the other side's device, as long as there is something to configure.
pub fn device_configuration(view: &View<'_>, row: &VpnConnection, keys: &[String]) -> Option<String> {
    row.state.is_live().then(|| ends(view, row).map(|ends| configuration(row, &ends, keys)))?
}

/// What a VPN's configuration says of its ends.
pub fn ends(view: &View<'_>, row: &VpnConnection) -> Option<Ends> {
    let customer = view.find::<CustomerGateways, _>(row.customer_gateway)?;
    let asn = match row.gateway {
        VpnSide::Gateway(id) => view.find::<VpnGateways, _>(id)?.asn,
        VpnSide::Transit(id, _) => view.find::<TransitGateways, _>(id)?.options.asn,
    };
    Some(Ends { customer_address: customer.address, customer_asn: customer.asn, asn })
}

fn routes(row: &VpnConnection) -> Vec<RouteShape> {
    let state = match row.state {
        LinkState::Deleting | LinkState::Deleted => "deleted",
        _ => "available",
    };
    let shape = |block: &Cidr| RouteShape { destination_cidr_block: *block, source: "Static", state };
    row.routes.iter().map(shape).collect()
}

/// How a tunnel is. Without static routes a tunnel is up only once BGP is, which is never: AWS shows such a one as down
/// with a word about IPsec, and here it is said why.
fn telemetry<'v>(row: &'v VpnConnection, tunnel: &'v VpnTunnel) -> TelemetryShape<'v> {
    let (status, status_message) = match (tunnel.up, row.static_routes_only) {
        (true, true) => ("UP", Cow::Borrowed("")),
        (true, false) => ("DOWN", Cow::Borrowed("IPSEC IS UP; BGP IS NOT SUPPORTED")),
        (false, true) => ("DOWN", Cow::Borrowed(tunnel.message.as_str())),
        (false, false) => ("DOWN", Cow::Owned(format!("{}; BGP IS NOT SUPPORTED", tunnel.message))),
    };
    TelemetryShape {
        outside_ip_address: tunnel.outside,
        status,
        status_message,
        last_status_change: time(tunnel.since),
        accepted_route_count: if status == "UP" { row.routes.len() } else { 0 },
    }
}
