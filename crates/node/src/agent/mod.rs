//! The agent of one host: fetches its plan, makes the machine so, and reports what it sees.
//!
//! What it decides is pure and without threads: [`reconcile`] (one instance), [`volume`] (one volume) and [`Ledger`] (all
//! of them together). This module runs that with real drivers on plain threads, because drivers block: one thread looks
//! at the machine, one applies the network, one keeps VPNs' tunnels, one instances' role credentials, a few do the work on single instances and volumes, so that a slow start
//! doesn't hold up the others, and two talk to the control plane. [`sim`] runs the same without threads.
//!
//! The agent never stops a guest by ending itself, and it works on with its last plan while the control plane is away.

mod clock;
mod effects;
mod history;
pub(crate) mod identity;
mod ledger;
mod link;
pub mod reconcile;
mod record;
mod report;
mod role;
mod saved;
mod secret;
pub mod sim;
mod talk;
mod threads;
mod timing;
mod tunnel;
pub mod volume;
mod wiring;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use landfall_model::agent::{Answer, HostRequest};
use landfall_model::plan::PlanUpdate;
use landfall_model::{HostFacts, Timestamp};

pub use clock::{Clock, machine_clock};
pub use effects::Drivers;
pub use history::History;
pub use identity::{HostIdentity, ensure_secret};
pub use ledger::{Job, Ledger, StalePlan};
pub use link::{ControlLink, LinkError};
pub use timing::Timing;
pub use wiring::Wiring;

use saved::SavedPlan;

/// How much of a console's end is told.
pub(crate) const CONSOLE_BYTES: usize = 64 * 1024;

/// What an agent needs to know.
#[derive(Clone)]
pub struct AgentOptions {
    /// The folder where its last plan is kept; nothing is kept without one.
    pub folder: Option<PathBuf>,
    /// Who it says it is.
    pub token: String,
    /// What its machine has.
    pub facts: HostFacts,
    /// Its clock.
    pub clock: Clock,
    /// How long it waits for what.
    pub timing: Timing,
    /// How many steps on instances and volumes may be under way at once.
    pub workers: usize,
}

/// A running agent. Dropping it ends its threads and leaves everything on the machine as it is.
pub struct Agent {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the agent's threads share.
struct Shared {
    mind: Mutex<Mind>,
    changed: Condvar,
    stopped: AtomicBool,
    drivers: Drivers,
    link: Box<dyn ControlLink>,
    saved: Option<SavedPlan>,
    options: AgentOptions,
}

/// What the agent's threads think together.
struct Mind {
    ledger: Ledger,
    /// Whether the control plane knows this agent and takes its reports.
    welcome: bool,
    poked: bool,
    looked_at: Option<Timestamp>,
    looked_at_volumes: Option<Timestamp>,
    listened_at: Option<Timestamp>,
    look_again_at: Option<Timestamp>,
    said_all_at: Option<Timestamp>,
    requests: VecDeque<(HostRequest, Timestamp)>,
    /// Requests that were taken and not yet answered; the control plane repeats them until they are.
    asked: BTreeSet<u64>,
    answers: Vec<(u64, Result<Answer, String>)>,
}

impl Agent {
    /// Starts an agent.
    pub fn start(drivers: Drivers, link: Box<dyn ControlLink>, options: AgentOptions) -> io::Result<Self> {
        let saved = options.folder.as_deref().map(SavedPlan::in_folder).transpose()?;
        let mut ledger = Ledger::new(options.timing.clone());
        if let Some(plan) = saved.as_ref().and_then(SavedPlan::load) {
            tracing::info!(revision = plan.revision, "the agent begins with the plan that it saved");
            // A snapshot is never stale.
            let _ = ledger.update(PlanUpdate::Snapshot(plan));
        }
        let mind = Mind {
            ledger,
            welcome: false,
            poked: false,
            looked_at: None,
            looked_at_volumes: None,
            listened_at: None,
            look_again_at: None,
            said_all_at: None,
            requests: VecDeque::new(),
            asked: BTreeSet::new(),
            answers: Vec::new(),
        };
        let workers = options.workers.max(1);
        let shared = Arc::new(Shared {
            mind: Mutex::new(mind),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
            drivers,
            link,
            saved,
            options,
        });
        let weak = Arc::downgrade(&shared);
        shared.drivers.volumes.learn(Arc::new(move |domain| match weak.upgrade() {
            Some(shared) => shared.chunk_secret(domain),
            None => Err(crate::driver::DriverError::Retry("the agent is ending".to_owned())),
        }));
        let weak = Arc::downgrade(&shared);
        shared.drivers.volumes.learn_keys(Arc::new(move |volume| match weak.upgrade() {
            Some(shared) => shared.volume_keys(volume),
            None => Err(crate::driver::DriverError::Retry("the agent is ending".to_owned())),
        }));
        let mut agent = Self { shared, threads: Vec::new() };
        agent.spawn("agent-look", Shared::look_until_stopped)?;
        agent.spawn("agent-wire", Shared::wire_until_stopped)?;
        agent.spawn("agent-record", Shared::record_until_stopped)?;
        agent.spawn("agent-role", Shared::lend_until_stopped)?;
        agent.spawn("agent-tunnel", Shared::tunnel_until_stopped)?;
        for _ in 0..workers {
            agent.spawn("agent-work", Shared::work_until_stopped)?;
        }
        // These two may wait in a call for long: they aren't joined, and do nothing more once it returns.
        let talker = Arc::clone(&agent.shared);
        thread::Builder::new().name("agent-plan".to_owned()).spawn(move || talker.follow_until_stopped())?;
        let talker = Arc::clone(&agent.shared);
        thread::Builder::new().name("agent-report".to_owned()).spawn(move || talker.report_until_stopped())?;
        Ok(agent)
    }

    fn spawn(&mut self, name: &str, run: fn(&Shared)) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared))?);
        Ok(())
    }

    /// Says that something happened on the machine that is worth a look.
    pub fn wake(&self) {
        self.shared.mind().poked = true;
        self.shared.changed.notify_all();
    }

    /// Whether all that is planned is done and told, or can't be.
    pub fn is_settled(&self) -> bool {
        self.shared.mind().ledger.is_settled()
    }

    /// The incarnation and revision of the plan that it has; zeroes for none.
    pub fn version(&self) -> (u64, u64) {
        self.shared.mind().ledger.version()
    }

    /// Ends the agent's threads: what is under way is finished, nothing new begins. Guests aren't touched.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        {
            let _mind = self.shared.mind();
            self.shared.stopped.store(true, Ordering::SeqCst);
        }
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the agent ended by a panic");
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn mind(&self) -> MutexGuard<'_, Mind> {
        // What a panicking thread left behind is still true of the machine: inspection goes on from there.
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    /// Waits for a change, at most until that time.
    fn wait<'a>(&self, mind: MutexGuard<'a, Mind>, until: Option<Timestamp>) -> MutexGuard<'a, Mind> {
        let longest = Duration::from_secs(1);
        let span = until.map_or(longest, |at| at.since(self.now())).clamp(Duration::from_millis(1), longest);
        self.changed.wait_timeout(mind, span).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests;
