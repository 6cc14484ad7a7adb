//! A host's plan, kept up with the value from commit to commit, and what changed in it since any recent revision.

use std::collections::BTreeMap;

use landfall_cloud::{Cloud, plan};
use landfall_model::HostId;
use landfall_model::plan::{HostPlan, PieceKey, PlanUpdate};
use landfall_state::Change;

/// Pieces whose last change is remembered; an agent that is further behind gets the whole plan.
const REMEMBERED: usize = 65_536;

/// The plan of one host.
#[derive(Debug)]
pub struct Planned {
    host: HostId,
    plan: HostPlan,
    /// When each piece changed last, those that went included.
    changed_at: BTreeMap<PieceKey, u64>,
    /// Changes are known from this revision on.
    known_from: u64,
}

impl Planned {
    /// The plan as of a value.
    pub fn new(cloud: &Cloud, host: HostId, revision: u64) -> Self {
        let plan = plan::from_scratch(cloud, host, revision);
        Self { host, plan, changed_at: BTreeMap::new(), known_from: revision }
    }

    /// The plan.
    pub fn plan(&self) -> &HostPlan {
        &self.plan
    }

    /// Brings it up to a value that is ahead by those changes.
    pub fn advance<'c>(&mut self, cloud: &Cloud, revision: u64, changes: impl Iterator<Item = &'c Change>) {
        let changed = plan::advance(&mut self.plan, cloud, self.host, revision, changes);
        self.changed_at.extend(changed.into_keys().map(|key| (key, revision)));
        if self.changed_at.len() > REMEMBERED {
            self.changed_at.clear();
            self.known_from = revision;
        }
    }

    /// What changed since the plan that an agent has.
    pub fn since(&self, incarnation: u64, since: u64) -> PlanUpdate {
        let newest = self.plan.revision;
        if incarnation != self.plan.incarnation || since < self.known_from || since > newest {
            return PlanUpdate::Snapshot(self.plan.clone());
        }
        let changed = self.changed_at.iter().filter(|(_, at)| **at > since);
        let pieces: BTreeMap<_, _> = changed.map(|(key, _)| (*key, self.plan.pieces.get(key).cloned())).collect();
        if pieces.is_empty() {
            PlanUpdate::Unchanged { revision: newest }
        } else {
            PlanUpdate::Delta { from: since, to: newest, pieces }
        }
    }
}
