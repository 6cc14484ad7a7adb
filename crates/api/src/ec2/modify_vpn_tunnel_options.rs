//! ec2:ModifyVpnTunnelOptions. Changes what is asked of a VPN's tunnel, its key included.

use std::net::Ipv4Addr;

use landfall_cloud::{Tx, View, vpn};
use landfall_model::VpnConnectionId;
use serde::Deserialize;

use super::create_vpn_connection::check_storage;
use super::shape::vpn::{VpnConnectionResult, result};
use super::shape::vpn_tunnel::TunnelOptionsIn;
use crate::{Action, ApiError, Call, Demands, Outside, Vault};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpnTunnelOptions {
    vpn_connection_id: VpnConnectionId,
    vpn_tunnel_outside_ip_address: Ipv4Addr,
    tunnel_options: TunnelOptionsIn,
    /// It has a part only where a tunnel's life is under control of its own, which isn't done.
    skip_tunnel_replacement: Option<bool>,
    pre_shared_key_storage: Option<String>,
}

/// The sealed key, if there is a new one, and what opens keys for the answer.
pub struct Key {
    sealed: Option<String>,
    vault: Vault,
}

impl Call for ModifyVpnTunnelOptions {
    const ACTION: Action = Action::ec2("ModifyVpnTunnelOptions");
    type Made = Key;
    type Output<'t> = VpnConnectionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demands.ec2(view, Self::ACTION, self.vpn_connection_id);
        demand.with("ec2:AuthenticationType", "Pre-shared-key").with("ec2:Attribute", "TunnelOptions");
        self.tunnel_options.show(demand);
    }

    async fn effect<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<Key, ApiError> {
        let vault = outside.vault.clone();
        let sealed = self.tunnel_options.sealed_key(&vault, &vpn::key_context(view.scope()))?;
        Ok(Key { sealed, vault })
    }

    fn run<'t>(self, key: Key, tx: &'t mut Tx<'_, '_>) -> Result<VpnConnectionResult<'t>, ApiError> {
        if self.skip_tunnel_replacement == Some(true) {
            return Err(ApiError::unsupported("the value 'true' of the parameter SkipTunnelReplacement"));
        }
        check_storage(self.pre_shared_key_storage.as_deref())?;
        let asked = self.tunnel_options.asked(key.sealed)?;
        vpn::modify_tunnel(tx, self.vpn_connection_id, self.vpn_tunnel_outside_ip_address, asked)?;
        result(tx.view(), &key.vault, self.vpn_connection_id)
    }
}
