//! ec2:CreateVpnConnection. Makes a VPN of two tunnels between a customer gateway and a VPN gateway or transit gateway.
//! Keys of the tunnels that the caller doesn't give are made, and all are sealed before the transaction.

use landfall_cloud::vpn::{NewConnection, Side, TUNNELS};
use landfall_cloud::{Tx, View, tag, vpn};
use landfall_model::{CustomerGatewayId, Ipv4Cidr, TransitGatewayId, VpnConnectionKind, VpnGatewayId};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::transit_gateway::demand_gateway;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::vpn::{VpnConnectionResult, result};
use super::shape::vpn_gateway::check_type;
use super::shape::vpn_tunnel::TunnelOptionsIn;
use crate::{Action, ApiError, Call, Demands, Outside, Vault};

const KIND: &str = "vpn-connection";
/// How long the keys are that are made here: as AWS's.
const KEY_CHARS: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVpnConnection {
    customer_gateway_id: CustomerGatewayId,
    r#type: String,
    vpn_gateway_id: Option<VpnGatewayId>,
    transit_gateway_id: Option<TransitGatewayId>,
    vpn_concentrator_id: Option<Unsupported>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    pre_shared_key_storage: Option<String>,
    #[serde(default)]
    options: OptionsIn,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OptionsIn {
    enable_acceleration: Option<bool>,
    tunnel_inside_ip_version: Option<String>,
    #[serde(default)]
    tunnel_options: Vec<TunnelOptionsIn>,
    local_ipv4_network_cidr: Option<Ipv4Cidr>,
    remote_ipv4_network_cidr: Option<Ipv4Cidr>,
    local_ipv6_network_cidr: Option<Unsupported>,
    remote_ipv6_network_cidr: Option<Unsupported>,
    outside_ip_address_type: Option<String>,
    transport_transit_gateway_attachment_id: Option<Unsupported>,
    tunnel_bandwidth: Option<String>,
    #[serde(default)]
    static_routes_only: bool,
}

/// The sealed keys of the tunnels, and what opens them for the answer.
pub struct Keys {
    sealed: Vec<String>,
    vault: Vault,
}

impl Call for CreateVpnConnection {
    const ACTION: Action = Action::ec2("CreateVpnConnection");
    type Made = Keys;
    type Output<'t> = VpnConnectionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        let demand = demands.new_ec2::<VpnConnectionKind>(Self::ACTION).request_tags(&tags);
        demand.with("ec2:AuthenticationType", "Pre-shared-key");
        demand.with("ec2:GatewayType", if self.transit_gateway_id.is_some() { "TGW" } else { "VGW" });
        demand.with("ec2:RoutingType", if self.options.static_routes_only { "static" } else { "bgp" });
        for options in &self.options.tunnel_options {
            options.show(demand);
        }
        demands.ec2(view, Self::ACTION, self.customer_gateway_id);
        if let Some(id) = self.vpn_gateway_id {
            demands.ec2(view, Self::ACTION, id);
        }
        if let Some(id) = self.transit_gateway_id {
            demand_gateway(view, demands, Self::ACTION, id);
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    async fn effect<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<Keys, ApiError> {
        let vault = outside.vault.clone();
        let context = vpn::key_context(view.scope());
        let mut sealed = Vec::with_capacity(TUNNELS);
        for n in 0..TUNNELS {
            let given = self.options.tunnel_options.get(n);
            let key = match given.map(|options| options.sealed_key(&vault, &context)).transpose()?.flatten() {
                Some(key) => key,
                None => vault.seal(&context, &vault.make(KEY_CHARS)?),
            };
            sealed.push(key);
        }
        Ok(Keys { sealed, vault })
    }

    fn run<'t>(self, keys: Keys, tx: &'t mut Tx<'_, '_>) -> Result<VpnConnectionResult<'t>, ApiError> {
        refuse_parameters!(self; vpn_concentrator_id);
        check_type(&self.r#type)?;
        check_storage(self.pre_shared_key_storage.as_deref())?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        self.options.check()?;
        let side = side(self.vpn_gateway_id, self.transit_gateway_id)?;
        let side = side.ok_or_else(|| ApiError::missing("VpnGatewayId or TransitGatewayId"))?;
        let options = self.options;
        let mut given = options.tunnel_options.into_iter();
        let mut tunnels = Vec::with_capacity(TUNNELS);
        for key in keys.sealed {
            tunnels.push(given.next().unwrap_or_default().asked(Some(key))?);
        }
        let new = NewConnection {
            customer_gateway: self.customer_gateway_id,
            side,
            static_routes_only: options.static_routes_only,
            // AWS's "local" network is the one behind the customer gateway.
            remote: options.local_ipv4_network_cidr.unwrap_or(Ipv4Cidr::ALL),
            local: options.remote_ipv4_network_cidr.unwrap_or(Ipv4Cidr::ALL),
            tunnels,
        };
        let id = vpn::create(tx, new)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        result(tx.view(), &keys.vault, id)
    }
}

impl OptionsIn {
    /// Refuses what isn't done.
    fn check(&self) -> Result<(), ApiError> {
        refuse_parameters!(
            self; local_ipv6_network_cidr, remote_ipv6_network_cidr, transport_transit_gateway_attachment_id
        );
        if self.tunnel_options.len() > TUNNELS {
            let why = format!("A VPN connection has {TUNNELS} tunnels.");
            return Err(ApiError::invalid("TunnelOptions", self.tunnel_options.len(), why));
        }
        if self.enable_acceleration == Some(true) {
            return Err(ApiError::unsupported("the value 'true' of the parameter EnableAcceleration"));
        }
        for (name, value, only) in [
            ("TunnelInsideIpVersion", &self.tunnel_inside_ip_version, "ipv4"),
            ("OutsideIpAddressType", &self.outside_ip_address_type, "PublicIpv4"),
            ("TunnelBandwidth", &self.tunnel_bandwidth, "standard"),
        ] {
            only_value(name, value.as_deref(), only)?;
        }
        Ok(())
    }
}

/// Refuses every other value of a parameter.
pub fn only_value(name: &str, value: Option<&str>, only: &str) -> Result<(), ApiError> {
    match value {
        Some(other) if other != only => {
            Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter {name}")))
        }
        _ => Ok(()),
    }
}

/// Keys are kept where VPNs are.
pub fn check_storage(storage: Option<&str>) -> Result<(), ApiError> {
    only_value("PreSharedKeyStorage", storage, "Standard")
}

/// The gateway that a request names: at most one of the two.
pub fn side(vpn: Option<VpnGatewayId>, transit: Option<TransitGatewayId>) -> Result<Option<Side>, ApiError> {
    match (vpn, transit) {
        (Some(_), Some(_)) => {
            Err(ApiError::combination("Only one of VpnGatewayId and TransitGatewayId can be specified"))
        }
        (vpn, transit) => Ok(vpn.map(Side::Gateway).or(transit.map(Side::Transit))),
    }
}
