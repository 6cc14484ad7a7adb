//! The tunnels of a fake machine: nobody is at their other side, so none is ever up.

use landfall_model::agent::{TunnelSeen, VpnSeen};
use landfall_model::plan::{HostPlan, Place, TunnelPlan};

use crate::driver::{DriverError, DriverResult, FetchKeys};
use crate::vpn::DOWN;

/// The VPNs of a plan that end on its host, as they are where nobody is at their other side.
pub fn silent_vpns(plan: &HostPlan) -> Vec<VpnSeen> {
    let here = plan.vpns().filter(|vpn| vpn.place == Place::Here);
    let silent = |tunnel: &TunnelPlan| TunnelSeen { outside: tunnel.outside, up: false, message: DOWN.into() };
    here.map(|vpn| VpnSeen {
        id: vpn.id,
        gone: !vpn.wanted,
        tunnels: if vpn.wanted { vpn.tunnels.iter().map(silent).collect() } else { Vec::new() },
    })
    .collect()
}

/// The same, but that each VPN must have a key for each of its tunnels.
pub(super) fn apply(plan: &HostPlan, keys: &FetchKeys<'_>) -> DriverResult<Vec<VpnSeen>> {
    for vpn in plan.vpns().filter(|vpn| vpn.place == Place::Here && vpn.wanted) {
        let versions: Vec<_> = keys(vpn.id)?.iter().map(|key| key.version).collect();
        if !versions.iter().eq(vpn.tunnels.iter().map(|tunnel| &tunnel.key_version)) {
            return Err(DriverError::Retry(format!("the keys of {} aren't those of its plan", vpn.id)));
        }
    }
    Ok(silent_vpns(plan))
}
