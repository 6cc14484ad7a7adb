//! Flow logs, as the agent sees to them: a thread that lets the network record, and what is to be told of deliveries. The
//! same thread looks whether NAT gateways lack ports.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use landfall_model::agent::{FlowLogSeen, NatGatewaySeen};
use landfall_model::plan::{HostPlan, PieceKey, Place};
use landfall_model::{FlowLogId, NatGatewayId, Timestamp};

use super::Shared;

/// How deliveries went last, and what of it is yet to be told. Only what changes is told, and everything in a report that
/// tells everything.
#[derive(Debug, Default)]
pub struct Deliveries {
    last: BTreeMap<FlowLogId, Option<String>>,
    unsaid: BTreeSet<FlowLogId>,
}

impl Deliveries {
    /// Takes note of how deliveries went. What the plan has no more is forgotten.
    pub fn note(&mut self, plan: &HostPlan, went: BTreeMap<FlowLogId, Option<String>>) {
        self.last.retain(|id, _| plan.pieces.contains_key(&PieceKey::FlowLog(*id)));
        self.unsaid.retain(|id| self.last.contains_key(id));
        for (id, failure) in went {
            if self.last.get(&id) != Some(&failure) {
                self.last.insert(id, failure);
                self.unsaid.insert(id);
            }
        }
    }

    /// Whether there is something to tell.
    pub fn has_news(&self) -> bool {
        !self.unsaid.is_empty()
    }

    /// What is to be told; it counts as told.
    pub fn take(&mut self, all: bool) -> Vec<FlowLogSeen> {
        let unsaid = std::mem::take(&mut self.unsaid);
        let told = self.last.iter().filter(|(id, _)| all || unsaid.contains(id));
        told.map(|(id, failure)| FlowLogSeen { id: *id, failure: failure.clone() }).collect()
    }
}

/// What counters of NAT gateways say, and what of it is yet to be told. That nothing was ever lacking isn't told.
#[derive(Debug, Default)]
pub struct Lacks {
    last: BTreeMap<NatGatewayId, u64>,
    unsaid: BTreeSet<NatGatewayId>,
}

impl Lacks {
    /// Takes note of what all counters say now.
    pub fn note(&mut self, counted: BTreeMap<NatGatewayId, u64>) {
        let grown = counted.iter().filter(|(id, count)| self.last.get(id).copied().unwrap_or(0) != **count);
        self.unsaid.extend(grown.map(|(id, _)| *id));
        self.unsaid.retain(|id| counted.contains_key(id));
        self.last = counted;
    }

    /// Whether there is something to tell.
    pub fn has_news(&self) -> bool {
        !self.unsaid.is_empty()
    }

    /// What is to be told; it counts as told.
    pub fn take(&mut self, all: bool) -> Vec<NatGatewaySeen> {
        let unsaid = std::mem::take(&mut self.unsaid);
        let told = self.last.iter().filter(|(id, lacked)| unsaid.contains(id) || (all && **lacked > 0));
        told.map(|(id, lacked)| NatGatewaySeen { id: *id, lacked: *lacked }).collect()
    }
}

/// Whether there is traffic to be recorded, or ports that could be lacking.
fn has_something(plan: &HostPlan) -> bool {
    plan.flow_logs().next().is_some() || plan.nat_gateways().any(|gateway| gateway.place == Place::Here)
}

impl Shared {
    /// Has the network record while the plan has something to, and once more when it has none any longer.
    pub(super) fn record_until_stopped(&self) {
        // What an agent before this one counted may be left to take away.
        let mut is_idle = false;
        let mut mind = self.mind();
        while !self.is_stopped() {
            let plan = mind.ledger.plan().filter(|_| mind.ledger.may_work()).cloned();
            let Some(plan) = plan.filter(|plan| !is_idle || has_something(plan)) else {
                mind = self.wait(mind, None);
                continue;
            };
            is_idle = !has_something(&plan);
            drop(mind);
            let now: Timestamp = self.now();
            // A network that fails at it must not end the recording of others.
            let went = catch_unwind(AssertUnwindSafe(|| self.drivers.network.record(&plan, now)));
            let network = &self.drivers.network;
            let lacked = catch_unwind(AssertUnwindSafe(|| network.lacked_ports(&plan, now))).ok().flatten();
            mind = self.mind();
            if let Some(lacked) = lacked {
                mind.ledger.lacks.note(lacked);
            }
            mind.ledger.deliveries.note(&plan, went.unwrap_or_default());
            if mind.ledger.has_news() {
                self.changed.notify_all();
            }
            let until = now + std::time::Duration::from_secs(1);
            while !self.is_stopped() && self.now() < until {
                mind = self.wait(mind, Some(until));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::plan::{FlowLogPlan, Piece};
    use landfall_model::{AccountId, FlowLogResource, FlowLogTraffic, Region, VpcId};

    use super::*;

    fn plan(ids: &[FlowLogId]) -> HostPlan {
        let piece = |id: FlowLogId| {
            let vpc = VpcId::from_random(1);
            let log = FlowLogPlan {
                id,
                account: AccountId::PROVIDER,
                region: Region::DEFAULT,
                vpc,
                resource: FlowLogResource::Vpc(vpc),
                traffic: FlowLogTraffic::All,
                destination: String::new(),
                fields: vec![],
                interval_s: 60,
                hive_partitions: false,
                hourly_partitions: false,
                permission: landfall_model::plan::BucketPermission::Granted,
            };
            (PieceKey::FlowLog(id), Piece::FlowLog(log))
        };
        HostPlan { pieces: ids.iter().copied().map(piece).collect(), ..HostPlan::default() }
    }

    #[test]
    fn ports_that_were_lacking_are_told_once_and_again_when_all_is() {
        let (one, two) = (NatGatewayId::from_random(1), NatGatewayId::from_random(2));
        let mut lacks = Lacks::default();
        lacks.note([(one, 0), (two, 0)].into());
        assert!(!lacks.has_news() && lacks.take(true).is_empty());
        lacks.note([(one, 3), (two, 0)].into());
        assert_eq!(lacks.take(false), [NatGatewaySeen { id: one, lacked: 3 }]);
        assert!(!lacks.has_news() && lacks.take(false).is_empty());
        assert_eq!(lacks.take(true), [NatGatewaySeen { id: one, lacked: 3 }]);
        // Its rules were loaded anew: the next ones are counted from there.
        lacks.note([(one, 0)].into());
        assert_eq!(lacks.take(false), [NatGatewaySeen { id: one, lacked: 0 }]);
    }

    #[test]
    fn what_changes_is_told_once_and_all_of_it_when_asked() {
        let (one, two) = (FlowLogId::from_random(1), FlowLogId::from_random(2));
        let mut deliveries = Deliveries::default();
        let went = |failure: Option<&str>| BTreeMap::from([(one, failure.map(str::to_owned)), (two, None)]);
        deliveries.note(&plan(&[one, two]), went(Some("no")));
        assert_eq!(deliveries.take(false).len(), 2);
        deliveries.note(&plan(&[one, two]), went(Some("no")));
        assert!(!deliveries.has_news() && deliveries.take(false).is_empty());
        deliveries.note(&plan(&[one, two]), went(None));
        assert_eq!(deliveries.take(false), [FlowLogSeen { id: one, failure: None }]);
        assert_eq!(deliveries.take(true).len(), 2);
        deliveries.note(&plan(&[two]), BTreeMap::new());
        assert_eq!(deliveries.take(true), [FlowLogSeen { id: two, failure: None }]);
    }
}
