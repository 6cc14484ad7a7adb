//! ec2:ModifyVpnConnectionOptions. Changes what either side of a VPN may reach of the other.

use landfall_cloud::{Tx, View, vpn};
use landfall_model::{Ipv4Cidr, VpnConnectionId};
use serde::Deserialize;

use super::create_vpn_connection::only_value;
use super::shape::attribute::show_attribute;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::vpn::{VpnConnectionResult, result};
use crate::{Action, ApiError, Call, Demands, Outside, Vault};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpnConnectionOptions {
    vpn_connection_id: VpnConnectionId,
    local_ipv4_network_cidr: Option<Ipv4Cidr>,
    remote_ipv4_network_cidr: Option<Ipv4Cidr>,
    local_ipv6_network_cidr: Option<Unsupported>,
    remote_ipv6_network_cidr: Option<Unsupported>,
    tunnel_bandwidth: Option<String>,
}

impl Call for ModifyVpnConnectionOptions {
    const ACTION: Action = Action::ec2("ModifyVpnConnectionOptions");
    type Made = Vault;
    type Output<'t> = VpnConnectionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demands.ec2(view, Self::ACTION, self.vpn_connection_id);
        let given = [
            ("LocalIpv4NetworkCidr", self.local_ipv4_network_cidr.map(|block| block.to_string())),
            ("RemoteIpv4NetworkCidr", self.remote_ipv4_network_cidr.map(|block| block.to_string())),
        ];
        show_attribute(demand, &given.to_vec());
    }

    async fn effect<'a>(&'a self, outside: &'a Outside, _: View<'a>) -> Result<Vault, ApiError> {
        Ok(outside.vault.clone())
    }

    fn run<'t>(self, vault: Vault, tx: &'t mut Tx<'_, '_>) -> Result<VpnConnectionResult<'t>, ApiError> {
        refuse_parameters!(self; local_ipv6_network_cidr, remote_ipv6_network_cidr);
        only_value("TunnelBandwidth", self.tunnel_bandwidth.as_deref(), "standard")?;
        let id = self.vpn_connection_id;
        // AWS's "local" network is the one behind the customer gateway.
        vpn::modify_blocks(tx, id, self.remote_ipv4_network_cidr, self.local_ipv4_network_cidr)?;
        result(tx.view(), &vault, id)
    }
}
