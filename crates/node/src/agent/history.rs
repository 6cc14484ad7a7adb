//! What the agent remembers of an instance between two decisions: what it tried and what came of it.
//!
//! All of it may be lost at any instant. What follows from losing it is a second press of the power button, a grace that
//! begins anew, or a start tried a few times more; never a second guest, because whether one may be started is decided
//! from what is found on the machine.

use std::collections::BTreeMap;

use landfall_model::agent::Reason;
use landfall_model::plan::{DiskPlan, InstancePlan, Power};
use landfall_model::{InterfaceId, SnapshotId, Timestamp, VolumeId};

use super::reconcile::{Step, reason_from};
use super::timing::Timing;
use crate::driver::{Device, DriverError, Guest, GuestState};

/// What was tried for an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    wish: Option<Wish>,
    tried: Option<Tried>,
    gave_up: Option<Reason>,
    pub(super) stopping: Option<Stopping>,
    pulled: Option<u64>,
    /// What was tried for devices of a running guest, each by itself.
    devices: BTreeMap<Device, Tried>,
    /// The same of what is held for snapshots, until it is seen.
    holds: BTreeMap<SnapshotId, Tried>,
}

/// The part of a plan that asks for something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    power: Power,
    boot: u64,
    reboots: u64,
    forced: bool,
    interfaces: Vec<InterfaceId>,
    pulled: Vec<InterfaceId>,
    disks: Vec<DiskPlan>,
    pulled_disks: Vec<VolumeId>,
}

/// A stop that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopping {
    pub since: Timestamp,
    pub pressed_at: Timestamp,
}

/// A step that failed, or whose effect isn't seen yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tried {
    step: Step,
    before: Look,
    attempts: u32,
    retry_at: Timestamp,
    sentence: Option<String>,
}

/// A guest as far as a step can change it.
type Look = Option<(u64, u64, u8)>;

fn look(guest: Option<&Guest>) -> Look {
    guest.map(|guest| {
        let state = match guest.state {
            GuestState::Running => 0,
            GuestState::Suspended(_) => 1,
            GuestState::PoweredOff => 2,
            GuestState::Dead(_) => 3,
        };
        (guest.boot, guest.reboots, state)
    })
}

impl History {
    /// Takes note of a plan. Returns whether it asks for something else than the one before; then what was tried for
    /// that one no longer counts.
    pub fn wish(&mut self, plan: &InstancePlan) -> bool {
        let wish = Wish {
            power: plan.power,
            boot: plan.boot,
            reboots: plan.reboots,
            forced: plan.forced,
            interfaces: plan.interfaces.clone(),
            pulled: plan.pulled.clone(),
            disks: plan.disks.clone(),
            pulled_disks: plan.pulled_disks.clone(),
        };
        let Some(old) = self.wish.replace(wish) else { return true };
        if self.wish.as_ref() == Some(&old) {
            return false;
        }
        if (old.power, old.boot) != (plan.power, plan.boot) {
            self.tried = None;
            self.gave_up = None;
        }
        if (old.power == Power::On) != (plan.power == Power::On) {
            self.stopping = None;
        }
        if (&old.interfaces, &old.pulled) != (&plan.interfaces, &plan.pulled)
            || (&old.disks, &old.pulled_disks) != (&plan.disks, &plan.pulled_disks)
        {
            self.devices.clear();
        }
        true
    }

    /// Takes note of what was found on the machine.
    pub fn saw(&mut self, guest: Option<&Guest>) {
        let live = guest.is_some_and(super::reconcile::is_live);
        if self.tried.as_ref().is_some_and(|tried| tried.before != look(guest) && (live || tried.step != Step::Start)) {
            self.tried = None;
        }
        if !live {
            self.stopping = None;
            self.devices.clear();
            self.holds.clear();
        }
        let held = guest.and_then(|guest| guest.devices.as_ref()).map(|devices| &devices.held);
        if let Some(held) = held {
            self.holds.retain(|_, tried| match &tried.step {
                Step::Hold { disks, .. } => !disks.iter().all(|(_, id)| held.get(id).is_some_and(|hold| hold.whole)),
                step => step.held().is_some_and(|id| held.contains_key(&id)),
            });
        }
    }

    /// Takes note of a step that succeeded. Its effect is to be seen by inspection; until then it isn't repeated at once.
    pub fn done(&mut self, step: &Step, guest: Option<&Guest>, timing: &Timing, now: Timestamp) {
        match step {
            Step::Press => {
                let since = self.stopping.map_or(now, |stopping| stopping.since);
                self.stopping = Some(Stopping { since, pressed_at: now });
                self.tried = None;
                return;
            }
            Step::Pull => self.pulled = guest.map(|guest| guest.boot),
            _ => {}
        }
        let attempts = self.attempts(step) + 1;
        self.note(Tried {
            step: step.clone(),
            before: look(guest),
            attempts,
            retry_at: now + timing.effect,
            sentence: None,
        });
    }

    fn note(&mut self, tried: Tried) {
        match (tried.step.device(), tried.step.held()) {
            (Some(device), _) => drop(self.devices.insert(device, tried)),
            (None, Some(snapshot)) => drop(self.holds.insert(snapshot, tried)),
            (None, None) => self.tried = Some(tried),
        }
    }

    fn tried(&self, step: &Step) -> Option<&Tried> {
        let tried = match (step.device(), step.held()) {
            (Some(device), _) => self.devices.get(&device),
            (None, Some(snapshot)) => self.holds.get(&snapshot),
            (None, None) => self.tried.as_ref(),
        };
        tried.filter(|tried| tried.step == *step)
    }

    /// Takes note of a step that failed.
    pub fn failed(&mut self, step: &Step, error: &DriverError, guest: Option<&Guest>, timing: &Timing, now: Timestamp) {
        // Whoever waits for the control plane, which alone has the keys of disks, waits as long as it takes.
        let attempts = self.attempts(step) + u32::from(!matches!(error, DriverError::Later(_)));
        let (pause, is_final) = match error {
            DriverError::Retry(_) | DriverError::Later(_) | DriverError::InUse(_) => (timing.backoff(attempts), false),
            DriverError::Final(_) => (timing.backoff_most, true),
        };
        let sentence = error.to_string();
        if *step == Step::Start && (is_final || attempts >= timing.attempts) {
            self.gave_up = Some(reason_from(&sentence));
        }
        self.note(Tried {
            step: step.clone(),
            before: look(guest),
            attempts,
            retry_at: now + pause,
            sentence: Some(sentence),
        });
    }

    /// Takes note that the instance can't be started under this boot.
    pub fn give_up(&mut self, reason: Reason) {
        self.gave_up = Some(reason);
    }

    /// Why the instance isn't tried any more under this boot.
    pub fn gave_up(&self) -> Option<&Reason> {
        self.gave_up.as_ref()
    }

    /// Until when that step must wait, because it was tried just now.
    pub fn retry_at(&self, step: &Step) -> Option<Timestamp> {
        self.tried(step).map(|tried| tried.retry_at)
    }

    /// How often that step was tried in a row without its effect being seen.
    pub fn attempts(&self, step: &Step) -> u32 {
        self.tried(step).map_or(0, |tried| tried.attempts)
    }

    /// What the step that was tried last says of its failure, unless that was a start.
    pub fn trouble(&self) -> Option<&str> {
        self.tried.as_ref().filter(|tried| tried.step != Step::Start).and_then(|tried| tried.sentence.as_deref())
    }

    /// Whether the last start failed: then a dead guest of the same boot is what that left behind, not one that ran and
    /// died.
    pub fn has_failed_start(&self) -> bool {
        self.tried.as_ref().is_some_and(|tried| tried.step == Step::Start && tried.sentence.is_some())
    }

    /// Whether the plug of the guest that was started under that boot was pulled.
    pub fn has_pulled(&self, boot: u64) -> bool {
        self.pulled == Some(boot)
    }
}
