//! The threads that talk to the control plane: one follows the plan, which also keeps the lease, one reports.

use std::io;
use std::time::Duration;

use landfall_model::agent::{AgentCall, AgentReply, HostRequest};
use landfall_model::plan::{HostPlan, PlanUpdate};

use super::saved::SavedPlan;
use super::{Shared, StalePlan};
use crate::crash::crash_point;

/// What came of following the plan once.
enum Followed {
    /// It goes on.
    On,
    /// The control plane wants the agent to say hello first.
    Refused,
    /// It couldn't be reached, or answered what makes no sense.
    Lost,
}

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);

impl Shared {
    /// Says hello, then polls, until the agent is stopped.
    pub(super) fn follow_until_stopped(&self) {
        let mut pause = PAUSE_FIRST;
        let mut whole = false;
        while !self.is_stopped() {
            let welcome = self.mind().welcome;
            let followed = if welcome { self.poll(&mut whole) } else { self.hello() };
            match followed {
                Followed::On => pause = PAUSE_FIRST,
                Followed::Refused | Followed::Lost => {
                    self.rest(pause);
                    pause = (pause * 2).min(PAUSE_MOST);
                }
            }
        }
    }

    fn hello(&self) -> Followed {
        let call = AgentCall::Hello { token: self.options.token.clone(), facts: self.options.facts.clone() };
        match self.link.call(call) {
            Ok(AgentReply::Welcome { host, lease_ms }) => {
                tracing::info!(%host, lease_ms, "the control plane knows this host");
                let mut mind = self.mind();
                mind.welcome = true;
                mind.ledger.pause(false);
                mind.ledger.say_all();
                drop(mind);
                self.changed.notify_all();
                Followed::On
            }
            other => self.trouble(other.map_err(|error| error.to_string())),
        }
    }

    /// Fetches what changed. `whole` is set when the next poll must fetch the whole plan.
    fn poll(&self, whole: &mut bool) -> Followed {
        let (incarnation, since) = if *whole { (0, 0) } else { self.mind().ledger.version() };
        let wait_ms = u64::try_from(self.options.timing.poll.as_millis()).unwrap_or(u64::MAX);
        match self.link.call(AgentCall::Poll { incarnation, since, wait_ms }) {
            Ok(AgentReply::Work { plan, requests }) => {
                self.ask(requests);
                match self.follow(plan) {
                    Ok(()) => {
                        *whole = false;
                        Followed::On
                    }
                    Err(_) if *whole => Followed::Lost,
                    Err(error) => {
                        tracing::debug!(%error, "fetching the whole plan");
                        *whole = true;
                        Followed::On
                    }
                }
            }
            other => self.trouble(other.map_err(|error| error.to_string())),
        }
    }

    /// Takes a change of the plan. It is saved before anything is done by it: an agent that starts again while the
    /// control plane is away must not bring back what a newer plan had told it to remove.
    fn follow(&self, update: PlanUpdate) -> Result<(), StalePlan> {
        if let Some(saved) = &self.saved
            && !matches!(update, PlanUpdate::Unchanged { .. })
        {
            let plan = self.mind().ledger.plan().cloned();
            if let PlanUpdate::Delta { from, .. } = &update
                && plan.as_ref().is_none_or(|plan| plan.revision != *from)
            {
                return Err(StalePlan);
            }
            // An agent that was stopped while it waited must not overwrite what its successor saves. Otherwise work goes
            // on: what frees a full disk must not wait for room on it.
            if !self.is_stopped()
                && let Err(error) = save(saved, plan.as_deref(), &update)
            {
                tracing::error!(%error, "the plan can't be saved");
            }
        }
        let mut mind = self.mind();
        if !self.is_stopped() {
            mind.ledger.update(update)?;
        }
        drop(mind);
        crash_point!("agent:plan-taken");
        self.changed.notify_all();
        Ok(())
    }

    fn ask(&self, requests: Vec<HostRequest>) {
        let now = self.now();
        let mut mind = self.mind();
        for request in requests {
            if mind.asked.insert(request.id) {
                let deadline = now + Duration::from_millis(request.timeout_ms);
                mind.requests.push_back((request, deadline));
            }
        }
        drop(mind);
        self.changed.notify_all();
    }

    fn trouble(&self, answer: Result<AgentReply, String>) -> Followed {
        match answer {
            Ok(AgentReply::Refused { reason }) => {
                tracing::warn!(reason, "the control plane refused this agent");
                self.refused();
                Followed::Refused
            }
            Ok(other) => {
                tracing::warn!(?other, "the control plane gave an answer to another question");
                Followed::Lost
            }
            Err(error) => {
                tracing::debug!(error, "the agent goes on with the plan that it has");
                Followed::Lost
            }
        }
    }

    /// Changes nothing more until the control plane knows this agent again.
    fn refused(&self) {
        let mut mind = self.mind();
        mind.welcome = false;
        mind.ledger.pause(true);
    }

    fn rest(&self, pause: Duration) {
        let until = self.now() + pause;
        let mut mind = self.mind();
        while !self.is_stopped() && self.now() < until {
            mind = self.wait(mind, Some(until));
        }
    }

    /// Reports what there is to report, and hands in answers, until the agent is stopped.
    pub(super) fn report_until_stopped(&self) {
        let mut pause = PAUSE_FIRST;
        let mut mind = self.mind();
        while !self.is_stopped() {
            let Some(call) = self.next_word(&mut mind) else {
                mind = self.wait(mind, None);
                continue;
            };
            drop(mind);
            crash_point!("agent:report");
            let answer = self.link.call(call.clone());
            crash_point!("agent:reported");
            mind = self.mind();
            if let Ok(AgentReply::Taken) = answer {
                pause = PAUSE_FIRST;
                continue;
            }
            match call {
                AgentCall::Answer { id, result } => mind.answers.push((id, result)),
                _ => mind.ledger.say_all(),
            }
            drop(mind);
            // A refused agent reports again once the other thread was welcomed.
            self.trouble(answer.map_err(|error| error.to_string()));
            self.rest(pause);
            pause = (pause * 2).min(PAUSE_MOST);
            mind = self.mind();
        }
    }

    /// What to tell next, if anything.
    fn next_word(&self, mind: &mut super::Mind) -> Option<AgentCall> {
        if !mind.welcome {
            return None;
        }
        if let Some((id, result)) = mind.answers.pop() {
            mind.asked.remove(&id);
            return Some(AgentCall::Answer { id, result });
        }
        let now = self.now();
        if mind.said_all_at.is_none_or(|at| at + self.options.timing.report_all <= now) {
            mind.ledger.say_all();
        }
        let report = mind.ledger.next_report()?;
        if report.full {
            mind.said_all_at = Some(now);
        }
        Some(AgentCall::Report(report))
    }
}

/// Saves a change of a plan, as a whole or alone.
fn save(saved: &SavedPlan, plan: Option<&HostPlan>, update: &PlanUpdate) -> io::Result<()> {
    match (update, plan) {
        (PlanUpdate::Snapshot(next), _) => saved.save(next),
        (PlanUpdate::Delta { to, pieces, .. }, Some(plan)) if !saved.append(*to, pieces)? => {
            let mut next = plan.clone();
            next.apply(update.clone());
            saved.save(&next)
        }
        _ => Ok(()),
    }
}
