//! The network driver as the agent uses it: packets by [`HostNetwork`], and what DHCP, DNS and metadata answer by the
//! metadata process. Fed in this order, the process finds each port's device there. It is watched, and followed by another
//! when it ends. Where somebody receives calls of the API, its doors are opened too.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use landfall_model::delivery::RoleCredentials;
use landfall_model::plan::{HostPlan, PieceKey};
use landfall_model::{FlowLogId, InstanceId, InterfaceId, NatGatewayId, Timestamp};

use crate::door::{self, Doors, Reception};
use crate::driver::{DriverError, DriverResult, Network, OpenPort};
use crate::metadata::{ClientError, MetadataClient, derive};
use crate::network::HostNetwork;

/// Packets and answers together.
pub struct ConnectedNetwork {
    network: HostNetwork,
    metadata: Arc<MetadataClient>,
    spawn: Arc<dyn Fn() -> Command + Send + Sync>,
    doors: Option<Doors>,
}

impl ConnectedNetwork {
    /// The network of this machine with the metadata process behind that client; `spawn` says how to start it.
    pub fn new(
        network: HostNetwork,
        metadata: MetadataClient,
        spawn: impl Fn() -> Command + Send + Sync + 'static,
    ) -> Self {
        let (metadata, spawn) = (Arc::new(metadata), Arc::new(spawn));
        let again = spawn.clone();
        metadata.watch(move || again());
        Self { network, metadata, spawn, doors: None }
    }

    /// The same with somebody who answers calls of the API from within networks.
    #[must_use]
    pub fn receiving(self, reception: impl Reception + 'static) -> Self {
        Self { doors: Some(Doors::new(reception)), ..self }
    }

    /// Opens the doors that the plan has. Says what couldn't be opened.
    fn open_doors(&self, plan: &HostPlan) -> Vec<String> {
        let config = self.network.config();
        let open = |doors: &Doors| doors.apply(&door::plan(plan, &config.prefix, config.api));
        self.doors.as_ref().map(open).unwrap_or_default()
    }

    /// Has answered what the plan says, now that its packets go where they should.
    fn serve(&self, plan: &HostPlan) -> DriverResult<()> {
        let retry = |error: ClientError| DriverError::Retry(error.to_string());
        self.metadata.ensure_running(&*self.spawn).map_err(retry)?;
        let config = self.network.config();
        let mut served = derive(plan, &config.prefix, config.mtu);
        if let Some(api) = config.api.filter(|_| self.doors.is_some()) {
            served.name_everywhere(door::NAME, *api.ip());
        }
        let late = self.metadata.feed(&served).map_err(retry)?;
        for what in late {
            tracing::warn!(what, "the metadata process can't serve this yet");
        }
        match self.open_doors(plan) {
            closed if closed.is_empty() => Ok(()),
            closed => Err(DriverError::Retry(closed.join("; "))),
        }
    }
}

impl Network for ConnectedNetwork {
    fn apply(&self, plan: &HostPlan) -> DriverResult<()> {
        self.network.apply(plan)?;
        self.serve(plan)
    }

    fn follow(&self, plan: &HostPlan, changed: &BTreeSet<PieceKey>) -> DriverResult<()> {
        self.network.follow(plan, changed)?;
        self.serve(plan)
    }

    fn open(&self, id: InterfaceId) -> DriverResult<OpenPort> {
        self.network.open(id)
    }

    fn heard(&self) -> DriverResult<BTreeSet<InterfaceId>> {
        let mut heard = self.network.heard()?;
        match self.metadata.heard() {
            Ok(more) => heard.extend(more),
            Err(error) => tracing::debug!(%error, "the metadata process can't say whom it heard"),
        }
        Ok(heard)
    }

    fn forget(&self, id: InterfaceId) {
        self.network.forget(id);
        if let Err(error) = self.metadata.forget(id) {
            tracing::debug!(%error, %id, "the metadata process can't forget a port");
        }
    }

    fn record(&self, plan: &HostPlan, now: Timestamp) -> BTreeMap<FlowLogId, Option<String>> {
        self.network.record(plan, now)
    }

    fn lacked_ports(&self, plan: &HostPlan, now: Timestamp) -> Option<BTreeMap<NatGatewayId, u64>> {
        self.network.lacked_ports(plan, now)
    }

    fn lend(&self, credentials: &BTreeMap<InstanceId, RoleCredentials>) -> DriverResult<()> {
        self.metadata.lend(credentials).map_err(|error| DriverError::Retry(error.to_string()))
    }

    fn unknown(&self) -> DriverResult<Vec<String>> {
        self.network.unknown()
    }
}
