//! Pretended guests on a real network: the network is made on the machine, and the fake one knows it too, so that it
//! accepts the guests. Their ports are nobody's, for a test to open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall_model::delivery::RoleCredentials;
use landfall_model::plan::{HostPlan, PieceKey};
use landfall_model::{InstanceId, InterfaceId};

use crate::driver::{DriverResult, Network, OpenPort};

/// A fake network and a real one as one.
pub struct WiredNetwork<N> {
    fake: Arc<dyn Network>,
    real: N,
}

impl<N: Network> WiredNetwork<N> {
    /// Both together.
    pub fn new(fake: Arc<dyn Network>, real: N) -> Self {
        Self { fake, real }
    }
}

impl<N: Network> Network for WiredNetwork<N> {
    fn apply(&self, plan: &HostPlan) -> DriverResult<()> {
        self.real.apply(plan)?;
        self.fake.apply(plan)
    }

    fn follow(&self, plan: &HostPlan, changed: &BTreeSet<PieceKey>) -> DriverResult<()> {
        self.real.follow(plan, changed)?;
        self.fake.follow(plan, changed)
    }

    fn open(&self, id: InterfaceId) -> DriverResult<OpenPort> {
        self.fake.open(id)
    }

    fn heard(&self) -> DriverResult<BTreeSet<InterfaceId>> {
        let mut heard = self.real.heard()?;
        heard.extend(self.fake.heard()?);
        Ok(heard)
    }

    fn forget(&self, id: InterfaceId) {
        self.real.forget(id);
        self.fake.forget(id);
    }

    fn lend(&self, credentials: &BTreeMap<InstanceId, RoleCredentials>) -> DriverResult<()> {
        self.real.lend(credentials)
    }

    fn unknown(&self) -> DriverResult<Vec<String>> {
        self.real.unknown()
    }
}
