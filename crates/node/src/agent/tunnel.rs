//! The thread that keeps VPNs' tunnels: after the network that they are in, since a tunnel's daemon lives in a namespace
//! of it. How tunnels are changes by itself, so it looks again and again while there are any.

use std::time::Duration;

use landfall_model::VpnConnectionId;
use landfall_model::agent::{AgentCall, AgentReply, TunnelKey};
use landfall_model::plan::Place;

use super::Shared;
use super::threads::caught;
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult};

/// How often tunnels are looked at while there are any.
const LOOK: Duration = Duration::from_secs(2);

impl Shared {
    /// Makes VPNs as planned whenever the network was applied anew, and looks how their tunnels are.
    pub(super) fn tunnel_until_stopped(&self) {
        let mut done = None;
        let mut look_at = None;
        let mut mind = self.mind();
        while !self.is_stopped() {
            // What tunnels depend on of the plan is of the network.
            let version = mind.ledger.wiring.applied();
            let is_due = done != Some(version) || look_at.is_some_and(|at| at <= self.now());
            let Some(plan) = mind.ledger.plan().cloned().filter(|_| is_due && mind.ledger.may_work()) else {
                mind = self.wait(mind, look_at);
                continue;
            };
            drop(mind);
            crash_point!("agent:tunnels:begin");
            let result = caught(|| self.drivers.tunnels.apply(&plan, &|vpn| self.tunnel_keys(vpn)));
            crash_point!("agent:tunnels:end");
            let has_any = plan.vpns().any(|vpn| vpn.place == Place::Here);
            drop(plan);
            mind = self.mind();
            done = Some(version);
            look_at = (has_any || result.is_err()).then(|| self.now() + LOOK);
            match result {
                Ok(seen) => mind.ledger.saw_vpns(seen),
                Err(error) => tracing::warn!(%error, "tunnels can't be looked after"),
            }
            self.changed.notify_all();
        }
    }

    /// The keys of a VPN's tunnels, from the control plane: they are in no plan.
    fn tunnel_keys(&self, vpn: VpnConnectionId) -> DriverResult<Vec<TunnelKey>> {
        match self.link.call(AgentCall::TunnelKeys { vpn }) {
            Ok(AgentReply::TunnelKeys { keys }) => Ok(keys),
            Ok(_) => Err(DriverError::Retry(format!("the control plane doesn't give the keys of {vpn} now"))),
            Err(error) => Err(DriverError::Retry(error.to_string())),
        }
    }
}
