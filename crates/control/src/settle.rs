//! The simulation at zero latency: after each commit, and before the next request, planners, simulated hosts and their
//! reports run to a fixed point on the head. So the next look of a client shows everything settled, and the same requests
//! always lead to the same value.
//!
//! This works on the head rather than on the durable value because simulated hosts have no effects outside: what a
//! failed append drops, it drops together with what followed from it. The hosts' memory isn't dropped with it; they then
//! get a plan from another history and are made anew.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use landfall_api::{Hosts, Settle};
use landfall_cloud::{Cloud, Entropy, Tx, expiry, plan, report};
use landfall_model::agent::{Answer, Ask, Report};
use landfall_model::plan::{HostPlan, PlanUpdate};
use landfall_model::{AT_ONCE, HostId, InstanceId, Timestamp};
use landfall_state::{Change, Head};

use crate::agents::NOWHERE;

/// A host without a machine.
pub trait SimulatedHost: Send {
    /// Takes a change of the plan, does what follows, and returns what it has to report.
    fn step(&mut self, update: PlanUpdate, now: Timestamp) -> Option<Report>;
    /// Does what is due by now.
    fn tick(&mut self, now: Timestamp) -> Option<Report>;
    /// When something is due by itself.
    fn next_wake(&self) -> Option<Timestamp>;
    /// The console of an instance.
    fn console(&self, id: InstanceId) -> Result<Answer, String>;
    /// Forgets everything, as a machine that was replaced.
    fn replace(&mut self);
}

/// Settles a cloud whose hosts are all simulated in this process.
pub struct Settler<H> {
    hosts: Mutex<Hall<H>>,
}

struct Hall<H> {
    hosts: Vec<(HostId, HostPlan, H)>,
    entropy: Entropy,
    /// The revision that the plans are up to.
    revision: u64,
    /// Whether something may have happened on the hosts that they don't wake for by themselves.
    poked: bool,
}

/// Rounds after which something must be going in circles.
const MAX_ROUNDS: usize = 1000;

impl<H: SimulatedHost> Settler<H> {
    /// A settler of those hosts, which have nothing on them yet.
    pub fn new(hosts: impl IntoIterator<Item = (HostId, H)>, entropy: Entropy) -> Self {
        let hosts = hosts.into_iter().map(|(id, host)| (id, HostPlan::default(), host)).collect();
        Self { hosts: Mutex::new(Hall { hosts, entropy, revision: 0, poked: false }) }
    }

    /// Gives every host its whole plan, and settles: at a start.
    pub fn begin(&self, head: &mut Head<'_, Cloud>) {
        self.hall().begin(head);
    }

    /// Lets time pass for the hosts, and settles. Returns when something is due next.
    pub fn tick(&self, head: &mut Head<'_, Cloud>, now: Timestamp) -> Option<Timestamp> {
        let mut hall = self.hall();
        if hall.is_behind_another_history(head) {
            hall.begin(head);
        }
        let poked = std::mem::take(&mut hall.poked);
        let due = |host: &H| poked || host.next_wake().is_some_and(|at| at <= now);
        let ticked = hall.hosts.iter_mut().filter(|(_, _, host)| due(host));
        let reports: Vec<_> = ticked.filter_map(|(id, _, host)| host.tick(now).map(|report| (*id, report))).collect();
        hall.settle(head, reports);
        hall.hosts.iter().filter_map(|(_, _, host)| host.next_wake()).min()
    }

    /// Looks at the hosts, or makes things go wrong on them, which the next tick notices.
    pub fn with_hosts<R>(&self, run: impl FnOnce(&mut dyn Iterator<Item = (HostId, &HostPlan, &mut H)>) -> R) -> R {
        let mut hall = self.hall();
        hall.poked = true;
        run(&mut hall.hosts.iter_mut().map(|(id, plan, host)| (*id, &*plan, host)))
    }

    fn hall(&self) -> MutexGuard<'_, Hall<H>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: SimulatedHost> Hall<H> {
    fn begin(&mut self, head: &mut Head<'_, Cloud>) {
        let revision = head.revision();
        let now = Timestamp(head.time_ms());
        let mut reports = Vec::new();
        for (id, kept, host) in &mut self.hosts {
            host.replace();
            *kept = plan::from_scratch(head, *id, revision);
            reports.extend(host.step(PlanUpdate::Snapshot(kept.clone()), now).map(|report| (*id, report)));
        }
        self.revision = revision;
        self.settle(head, reports);
    }

    /// Whether the value that this call began with isn't the one that was settled: a failed append took history another
    /// way. What was made in this call doesn't count, it is only to be settled yet.
    fn is_behind_another_history(&self, head: &Head<'_, Cloud>) -> bool {
        let began_with = head.commits_since(0).first().map_or(head.revision(), |commit| commit.revision - 1);
        began_with != self.revision
    }

    /// Gives the hosts what changed, takes their reports, and so on until nothing is left to do.
    fn settle(&mut self, head: &mut Head<'_, Cloud>, mut reports: Vec<(HostId, Report)>) {
        for _ in 0..MAX_ROUNDS {
            for (host, report) in std::mem::take(&mut reports) {
                let entropy = &mut self.entropy;
                let taken: Result<(), std::convert::Infallible> = head.transact(head.time_ms(), None, |tx| {
                    report::take(&mut Tx::new(tx, NOWHERE, entropy), host, &report);
                    Ok(())
                });
                let Ok(()) = taken;
            }
            self.pass(head);
            let revision = head.revision();
            if revision == self.revision {
                return;
            }
            let changes: Vec<Change> = head.changes_since(self.revision).cloned().collect();
            let now = Timestamp(head.time_ms());
            for (id, kept, host) in &mut self.hosts {
                let from = kept.revision;
                let pieces = plan::advance(kept, head, *id, revision, changes.iter());
                let update = if pieces.is_empty() {
                    PlanUpdate::Unchanged { revision }
                } else {
                    PlanUpdate::Delta { from, to: revision, pieces }
                };
                reports.extend(host.step(update, now).map(|report| (*id, report)));
            }
            self.revision = revision;
        }
        panic!("the simulation goes in circles: a report changes a plan that changes the report");
    }

    /// Lets pass what passes without a host.
    fn pass(&mut self, head: &mut Head<'_, Cloud>) {
        while landfall_state::Value::next_due(&**head).is_some_and(|at| at <= AT_ONCE.as_millis()) {
            let entropy = &mut self.entropy;
            let passed: Result<bool, std::convert::Infallible> =
                head.transact(head.time_ms(), None, |tx| Ok(expiry::pass(&mut Tx::new(tx, NOWHERE, entropy))));
            let Ok(_more) = passed;
        }
    }
}

impl<H: SimulatedHost> Settle for Settler<H> {
    fn settle(&self, head: &mut Head<'_, Cloud>) {
        let mut hall = self.hall();
        if hall.is_behind_another_history(head) {
            hall.begin(head);
        } else {
            hall.settle(head, Vec::new());
        }
    }
}

impl<H: SimulatedHost> Hosts for Settler<H> {
    fn ask(&self, host: HostId, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Answer, String>> + Send + '_>> {
        let Ask::Console { instance } = ask;
        let hall = self.hall();
        let found = hall.hosts.iter().find(|(id, ..)| *id == host);
        let answer = found.map_or_else(|| Err("There is no such host.".to_owned()), |(_, _, h)| h.console(instance));
        Box::pin(std::future::ready(answer))
    }
}
