//! The decision which step to take for one instance, as a pure function of what is planned, what was found on the
//! machine and what was tried.
//!
//! It is level-triggered: it knows no events and no order of calls, so that it doesn't matter which of them an agent that
//! was killed has seen. What it must never get wrong is starting a guest while one of the same instance lives; that rests
//! on inspection alone.
//!
//! - A guest runs under the boot number that it was started with. It is started only for a greater one: a guest that
//!   powered itself off or died is reported, and stays so until somebody asks for a start.
//! - A stop presses the power button, again every few seconds, and pulls the plug after a grace; a forced one at once.
//! - A reboot is a reset. AWS asks the guest first and resets it after four minutes; here it is reset at once, because
//!   a guest can't be asked to reboot by its power button. The driver counts one a reset, so several are caught up with
//!   in a row, which the guest can't tell from one.
//! - Interfaces and disks are plugged into a guest that runs and taken from it, each as often as it takes: a guest whose
//!   system isn't up doesn't hear that one is to go. A disk that it has is made larger and faster while it runs.
//! - What its disks have is held for snapshots as soon as those are planned, however long it takes until they are made, and
//!   let go once they are. A guest that is to end runs on for as long as something is read that it holds, unless its end
//!   is forced.
//! - Other arguments (the type) take effect at the next start.
//! - What isn't in the plan is left alone.

use landfall_model::agent::{InstanceSeen, Phase, Reason};
use landfall_model::plan::{InstancePlan, Power};
use landfall_model::{InstanceId, SnapshotId, Timestamp, VolumeId};

use super::history::{History, Stopping};
use super::timing::Timing;
use crate::driver::{Device, Devices, Guest, GuestState};

/// All that a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What is planned; nothing for a guest that nobody knows.
    pub plan: Option<&'a InstancePlan>,
    /// What was found.
    pub guest: Option<&'a Guest>,
    /// Whether its volumes can be used.
    pub volumes: Readiness<'a>,
    /// Whether its ports can be opened.
    pub network: Readiness<'a>,
    /// The snapshots that are still to be made of its volumes, of each volume the earliest first.
    pub snapshots: &'a [WantedSnapshot],
    /// What was tried.
    pub history: &'a History,
    /// How long to wait for what.
    pub timing: &'a Timing,
    /// The time.
    pub now: Timestamp,
}

/// A snapshot that is to be made of a volume of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedSnapshot {
    /// Which.
    pub id: SnapshotId,
    /// Of which volume.
    pub volume: VolumeId,
    /// Those of one moment have the same here.
    pub moment: SnapshotId,
    /// Whether its moment was taken before: there is no other.
    pub taken: bool,
    /// Whether it is of the volume at rest: no guest ever holds anything for it.
    pub at_rest: bool,
}

/// Whether something that a start needs is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness<'a> {
    /// It is.
    Ready,
    /// It is being made.
    Pending,
    /// It can't be made; the sentence is for the tenant.
    Failed(&'a str),
}

/// What to do next for an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is as planned, or can't be without another plan.
    Nothing,
    /// Its volumes or ports aren't there yet; it goes on when they are.
    Await,
    /// Nothing before that time, unless something changes.
    WaitUntil(Timestamp),
    /// Start it.
    Start,
    /// Press its power button.
    Press,
    /// Pull its plug.
    Pull,
    /// Press its reset button.
    Reset,
    /// Plug something in.
    Plug(Device),
    /// Take something away: once the guest has let it go, or whatever the guest says.
    Unplug {
        /// What.
        device: Device,
        /// Whether the guest isn't waited for.
        pull: bool,
    },
    /// Make a disk as large and as fast as planned.
    Tune(VolumeId),
    /// Hold what disks have at one moment, for a snapshot of each.
    Hold {
        /// The moment.
        moment: SnapshotId,
        /// The disks, each with its snapshot.
        disks: Vec<(VolumeId, SnapshotId)>,
    },
    /// Let go of what is held for a snapshot.
    Release(SnapshotId),
    /// Forget what is left of it.
    Remove,
    /// Take note that it can't be started.
    GiveUp(Reason),
}

impl Step {
    /// Whether it touches the machine.
    pub fn has_effect(&self) -> bool {
        use Step::{Hold, Plug, Press, Pull, Release, Remove, Reset, Start, Tune, Unplug};
        let of_device = matches!(self, Plug(_) | Unplug { .. } | Tune(_) | Hold { .. } | Release(_));
        of_device || matches!(self, Start | Press | Pull | Reset | Remove)
    }

    /// What it plugs in, takes away or changes.
    pub fn device(&self) -> Option<Device> {
        match self {
            Step::Plug(device) | Step::Unplug { device, .. } => Some(*device),
            Step::Tune(volume) => Some(Device::Disk(*volume)),
            _ => None,
        }
    }

    /// The snapshot that something is held for, or let go, by which that is waited for apart from all else.
    pub fn held(&self) -> Option<SnapshotId> {
        match self {
            Step::Hold { moment: id, .. } | Step::Release(id) => Some(*id),
            _ => None,
        }
    }
}

/// Whether a guest has a life that a start would double.
pub fn is_live(guest: &Guest) -> bool {
    matches!(guest.state, GuestState::Running | GuestState::Suspended(_))
}

/// Whether a guest's process may be there.
pub fn has_process(guest: &Guest) -> bool {
    !matches!(guest.state, GuestState::Dead(_))
}

/// The next step for an instance. Taking it and inspecting again leads, by and by, to `Nothing`.
pub fn next_step(situation: &Situation<'_>) -> Step {
    let Some(plan) = situation.plan else { return Step::Nothing };
    let step = match (plan.power, situation.guest) {
        (Power::On, _) => next_when_on(situation, plan),
        (Power::Off | Power::Gone, None) => Step::Nothing,
        (Power::Off, Some(guest)) => next_to_end(situation, plan, guest).unwrap_or(Step::Nothing),
        (Power::Gone, Some(guest)) => next_to_end(situation, plan, guest).unwrap_or(Step::Remove),
    };
    match situation.history.retry_at(&step) {
        Some(at) if at > situation.now => Step::WaitUntil(at),
        _ => step,
    }
}

fn next_when_on(situation: &Situation<'_>, plan: &InstancePlan) -> Step {
    if let Some(guest) = situation.guest {
        if guest.boot >= plan.boot {
            if is_live(guest) {
                return if plan.reboots > guest.reboots {
                    Step::Reset
                } else {
                    next_device_step(situation, plan, guest)
                };
            }
            if !is_leftover(situation.history, guest) {
                return Step::Nothing;
            }
        }
        if let Some(step) = next_to_end(situation, plan, guest) {
            return step;
        }
    }
    if situation.history.gave_up().is_some() {
        return Step::Nothing;
    }
    match (situation.volumes, situation.network) {
        (Readiness::Failed(why), _) | (_, Readiness::Failed(why)) => Step::GiveUp(reason_from(why)),
        (Readiness::Pending, _) | (_, Readiness::Pending) => Step::Await,
        (Readiness::Ready, Readiness::Ready) => {
            if situation.history.attempts(&Step::Start) < situation.timing.attempts {
                Step::Start
            } else {
                Step::GiveUp(reason_from("The machine was started several times and was gone each time"))
            }
        }
    }
}

/// The next step towards the devices that a running guest is to have. What goes comes first, for it makes room. Each
/// device is waited for by itself: a guest that doesn't let one go gets the others all the same.
fn next_device_step(situation: &Situation<'_>, plan: &InstancePlan, guest: &Guest) -> Step {
    let Some(has) = &guest.devices else { return Step::Nothing };
    let mut wait: Option<Step> = None;
    for step in hold_steps(situation.snapshots, has).into_iter().chain(device_steps(plan, has)) {
        let readiness = match step {
            Step::Plug(Device::Port(_)) => situation.network,
            Step::Plug(Device::Disk(_)) => situation.volumes,
            _ => Readiness::Ready,
        };
        if readiness != Readiness::Ready {
            wait.get_or_insert(Step::Await);
            continue;
        }
        match situation.history.retry_at(&step) {
            Some(at) if at > situation.now => match wait {
                Some(Step::WaitUntil(other)) if other <= at => {}
                _ => wait = Some(Step::WaitUntil(at)),
            },
            _ => return step,
        }
    }
    wait.unwrap_or(Step::Nothing)
}

/// All steps from the devices that a guest has to those that it is to have.
fn device_steps(plan: &InstancePlan, has: &Devices) -> Vec<Step> {
    let mut steps = Vec::new();
    for port in has.ports.iter().filter(|port| !plan.interfaces.contains(port)) {
        steps.push(Step::Unplug { device: Device::Port(*port), pull: plan.pulled.contains(port) });
    }
    for volume in has.disks.keys().filter(|volume| !plan.disks.iter().any(|disk| disk.volume == **volume)) {
        steps.push(Step::Unplug { device: Device::Disk(*volume), pull: plan.pulled_disks.contains(volume) });
    }
    for port in plan.interfaces.iter().filter(|port| !has.ports.contains(port)) {
        steps.push(Step::Plug(Device::Port(*port)));
    }
    for disk in &plan.disks {
        match has.disks.get(&disk.volume).filter(|seen| seen.whole) {
            None => steps.push(Step::Plug(Device::Disk(disk.volume))),
            // What is read of it for a snapshot must stay as large as it is.
            Some(seen) if seen.size_bytes < disk.size_bytes && has.held.values().any(|it| it.volume == disk.volume) => {
            }
            Some(seen) if seen.size_bytes < disk.size_bytes || seen.limits != disk.limits => {
                steps.push(Step::Tune(disk.volume));
            }
            Some(_) => {}
        }
    }
    steps
}

/// All steps from what a guest holds of its disks to what it is to hold. What nobody reads any more goes first. A disk is
/// held for one snapshot at a time, the earliest; a moment of several disks waits until all of them can be held.
fn hold_steps(wanted: &[WantedSnapshot], has: &Devices) -> Vec<Step> {
    let is_wanted = |id: &SnapshotId| wanted.iter().any(|snapshot| snapshot.id == *id && !snapshot.at_rest);
    let mut steps: Vec<_> = has.held.keys().filter(|id| !is_wanted(id)).map(|id| Step::Release(*id)).collect();
    let is_held = |it: &WantedSnapshot| has.held.get(&it.id).is_some_and(|hold| hold.whole);
    let lacking: Vec<_> = wanted.iter().filter(|it| !it.taken && !it.at_rest && !is_held(it)).collect();
    let can_be_held = |it: &WantedSnapshot| {
        let is_earliest = wanted.iter().find(|other| other.volume == it.volume).is_some_and(|first| first.id == it.id);
        let is_there = has.disks.get(&it.volume).is_some_and(|disk| disk.whole);
        is_earliest && is_there && !has.held.values().any(|hold| hold.whole && hold.volume == it.volume)
    };
    for first in &lacking {
        let moment = first.moment;
        let of_it: Vec<_> = lacking.iter().filter(|it| it.moment == moment).collect();
        let is_begun = steps.iter().any(|step| matches!(step, Step::Hold { moment: begun, .. } if *begun == moment));
        if !is_begun && of_it.iter().all(|it| can_be_held(it)) {
            steps.push(Step::Hold { moment, disks: of_it.iter().map(|it| (it.volume, it.id)).collect() });
        }
    }
    steps
}

/// Whether a guest holds something that is still to be read.
fn is_read(situation: &Situation<'_>, guest: &Guest) -> bool {
    let held = guest.devices.as_ref().map(|devices| &devices.held);
    situation
        .snapshots
        .iter()
        .filter(|it| !it.at_rest)
        .any(|it| held.is_some_and(|held| held.get(&it.id).is_some_and(|hold| hold.whole)))
}

/// Whether a dead guest is only what a start that is being tried left behind.
pub(super) fn is_leftover(history: &History, guest: &Guest) -> bool {
    matches!(guest.state, GuestState::Dead(_)) && history.has_failed_start()
}

/// The next step towards the end of a guest's process, or nothing if it has none.
fn next_to_end(situation: &Situation<'_>, plan: &InstancePlan, guest: &Guest) -> Option<Step> {
    // Nobody can force the end of one that is to go, so a store that is away doesn't keep it for ever.
    let is_kept_long = |stopping: &Stopping| situation.now >= stopping.since + situation.timing.read_out;
    let is_over = plan.power == Power::Gone && situation.history.stopping.as_ref().is_some_and(is_kept_long);
    let is_read = !plan.forced && !is_over && is_read(situation, guest);
    match guest.state {
        GuestState::Dead(_) => None,
        GuestState::PoweredOff if is_read => Some(Step::Await),
        // Its process may still be there; a driver may go on to say that it powered itself off after it is gone.
        GuestState::PoweredOff => (!situation.history.has_pulled(guest.boot)).then_some(Step::Pull),
        GuestState::Running | GuestState::Suspended(_) if plan.forced => Some(Step::Pull),
        GuestState::Running | GuestState::Suspended(_) => {
            // What was to be held before it was to end is tried once.
            let steps = guest.devices.as_ref().map(|has| hold_steps(situation.snapshots, has)).unwrap_or_default();
            let mut holds = steps.into_iter().filter(|step| matches!(step, Step::Hold { .. }));
            if let Some(step) = holds.find(|step| situation.history.attempts(step) == 0) {
                return Some(step);
            }
            let Some(stopping) = situation.history.stopping else { return Some(Step::Press) };
            let grace = if plan.power == Power::Gone { situation.timing.terminate } else { situation.timing.stop };
            let (pull_at, press_at) = (stopping.since + grace, stopping.pressed_at + situation.timing.press_again);
            Some(match situation.now {
                now if now >= pull_at && !is_read => Step::Pull,
                now if now >= press_at => Step::Press,
                _ if is_read => Step::WaitUntil(press_at),
                _ => Step::WaitUntil(pull_at.min(press_at)),
            })
        }
    }
}

/// What to report of an instance. `answered` is whether the guest was heard since its start.
pub fn seen(plan: &InstancePlan, guest: Option<&Guest>, history: &History, answered: bool) -> InstanceSeen {
    let live = guest.filter(|guest| is_live(guest));
    let (phase, boot, reason) = match plan.power {
        Power::On => seen_when_on(plan, guest, history),
        Power::Off => match live {
            Some(guest) => (Phase::Stopping, guest.boot, history.trouble().map(reason_from)),
            None => (Phase::Stopped, plan.boot, None),
        },
        Power::Gone => match guest {
            Some(guest) => (Phase::Stopping, guest.boot, history.trouble().map(reason_from)),
            None => (Phase::Gone, plan.boot, None),
        },
    };
    let devices = live.filter(|_| phase == Phase::Running).and_then(|guest| guest.devices.as_ref());
    InstanceSeen {
        id: plan.id,
        boot,
        // Where nothing lives there is nothing to reboot, and the next start counts as all reboots asked for.
        reboots: live.map_or(plan.reboots, |guest| guest.reboots),
        phase,
        answered: answered && live.is_some(),
        machine: guest.map_or(&plan.machine, |guest| &guest.machine).clone(),
        reason,
        interfaces: devices.map(|devices| devices.ports.iter().copied().collect()),
        disks: devices.map(|devices| devices.disks.values().cloned().collect()),
    }
}

fn seen_when_on(plan: &InstancePlan, guest: Option<&Guest>, history: &History) -> (Phase, u64, Option<Reason>) {
    let waiting = || match history.gave_up() {
        Some(reason) => (Phase::Failed, plan.boot, Some(reason.clone())),
        None => (Phase::Starting, plan.boot, None),
    };
    let Some(guest) = guest else { return waiting() };
    match &guest.state {
        GuestState::Running | GuestState::Suspended(_) if guest.boot < plan.boot => {
            (Phase::Stopping, guest.boot, history.trouble().map(reason_from))
        }
        GuestState::Running => (Phase::Running, guest.boot, None),
        GuestState::Suspended(why) => (Phase::Running, guest.boot, Some(reason_from(why))),
        GuestState::PoweredOff | GuestState::Dead(_) if guest.boot < plan.boot => waiting(),
        GuestState::Dead(_) if is_leftover(history, guest) => waiting(),
        GuestState::PoweredOff => (Phase::Stopped, guest.boot, Some(initiated_by_guest())),
        GuestState::Dead(why) => {
            let why = why.as_deref().unwrap_or("The process of the instance ended unexpectedly");
            (Phase::Stopped, guest.boot, Some(reason_from(why)))
        }
    }
}

/// How something that nobody planned is named in a report.
pub fn unknown_guest(id: InstanceId) -> String {
    format!("instance {id}")
}

/// Why an instance is stopped that powered itself off, in AWS's words.
pub fn initiated_by_guest() -> Reason {
    reason_from("Client.InstanceInitiatedShutdown: Instance initiated shutdown")
}

/// A reason from a driver's sentence. One that begins with a code of AWS's (`Server.InsufficientInstanceCapacity: …`)
/// keeps it; any other is an internal error. The message repeats the code, as AWS's messages do.
pub fn reason_from(sentence: &str) -> Reason {
    if let Some((code, _)) = sentence.split_once(": ")
        && let Some((side, name)) = code.split_once('.')
        && (side == "Server" || side == "Client")
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return Reason { code: code.to_owned(), message: sentence.to_owned() };
    }
    let code = "Server.InternalError";
    Reason { code: code.to_owned(), message: format!("{code}: {sentence}") }
}

#[cfg(test)]
mod tests;
