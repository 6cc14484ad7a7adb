use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::DiskLimits;
use landfall_model::agent::DiskSeen;
use landfall_model::plan::DiskPlan;
use landfall_model::plan::Power::{self, Gone, Off, On};
use proptest::prelude::*;

use super::*;
use crate::driver::DriverError;
use crate::fake::fixture;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn guest(boot: u64, state: GuestState) -> Guest {
    Guest { id: fixture::instance_id(1), boot, reboots: 0, state, machine: "q35".into(), devices: None }
}

fn running(boot: u64) -> Option<Guest> {
    Some(guest(boot, GuestState::Running))
}
fn suspended(boot: u64) -> Option<Guest> {
    Some(guest(boot, GuestState::Suspended("full".into())))
}
fn powered_off(boot: u64) -> Option<Guest> {
    Some(guest(boot, GuestState::PoweredOff))
}
fn dead(boot: u64) -> Option<Guest> {
    Some(guest(boot, GuestState::Dead(None)))
}

fn decide(plan: &InstancePlan, guest: Option<&Guest>, history: &History, now: Timestamp) -> Step {
    let timing = Timing::default();
    next_step(&Situation {
        plan: Some(plan),
        guest,
        volumes: Readiness::Ready,
        network: Readiness::Ready,
        snapshots: &[],
        history,
        timing: &timing,
        now,
    })
}

fn history_of(plan: &InstancePlan) -> History {
    let mut history = History::default();
    history.wish(plan);
    history
}

#[test]
fn what_is_done_and_told_in_each_state() {
    let internal = Some("Server.InternalError");
    let by_guest = Some("Client.InstanceInitiatedShutdown");
    // The plan's power and boot, the guest; the step; the phase, the boot told, the reason.
    let table = [
        (On, 2, None, Step::Start, Phase::Starting, 2, None),
        (On, 2, dead(1), Step::Start, Phase::Starting, 2, None),
        (On, 2, powered_off(1), Step::Pull, Phase::Starting, 2, None),
        (On, 2, running(1), Step::Press, Phase::Stopping, 1, None),
        (On, 2, running(2), Step::Nothing, Phase::Running, 2, None),
        (On, 2, suspended(2), Step::Nothing, Phase::Running, 2, internal),
        (On, 2, powered_off(2), Step::Nothing, Phase::Stopped, 2, by_guest),
        (On, 2, dead(2), Step::Nothing, Phase::Stopped, 2, internal),
        (On, 2, running(3), Step::Nothing, Phase::Running, 3, None),
        (On, 2, dead(3), Step::Nothing, Phase::Stopped, 3, internal),
        (Off, 2, None, Step::Nothing, Phase::Stopped, 2, None),
        (Off, 2, running(2), Step::Press, Phase::Stopping, 2, None),
        (Off, 2, running(1), Step::Press, Phase::Stopping, 1, None),
        (Off, 2, suspended(2), Step::Press, Phase::Stopping, 2, None),
        (Off, 2, powered_off(2), Step::Pull, Phase::Stopped, 2, None),
        (Off, 2, dead(2), Step::Nothing, Phase::Stopped, 2, None),
        (Off, 2, dead(1), Step::Nothing, Phase::Stopped, 2, None),
        (Gone, 2, None, Step::Nothing, Phase::Gone, 2, None),
        (Gone, 2, running(2), Step::Press, Phase::Stopping, 2, None),
        (Gone, 2, powered_off(2), Step::Pull, Phase::Stopping, 2, None),
        (Gone, 2, dead(2), Step::Remove, Phase::Stopping, 2, None),
    ];
    for (power, boot, guest, step, phase, told, reason) in table {
        let plan = fixture::instance(1, power, boot);
        let history = history_of(&plan);
        let row = format!("{power:?} {boot} {guest:?}");
        assert_eq!(decide(&plan, guest.as_ref(), &history, NOW), step, "{row}");
        let seen = seen(&plan, guest.as_ref(), &history, true);
        assert_eq!((seen.phase, seen.boot), (phase, told), "{row}");
        assert_eq!(seen.reason.as_ref().map(|reason| &*reason.code), reason, "{row}");
        assert_eq!(seen.answered, guest.as_ref().is_some_and(is_live), "{row}");
    }
}

#[test]
fn what_nobody_planned_is_left_alone() {
    let (history, timing) = (History::default(), Timing::default());
    let (volumes, network) = (Readiness::Ready, Readiness::Ready);
    for guest in [running(1), powered_off(1), dead(1), None] {
        let guest = guest.as_ref();
        let (history, timing, snapshots) = (&history, &timing, &[]);
        let situation = Situation { plan: None, guest, volumes, network, snapshots, history, timing, now: NOW };
        assert_eq!(next_step(&situation), Step::Nothing);
    }
}

#[test]
fn a_start_waits_for_what_it_needs() {
    let plan = fixture::instance(1, On, 1);
    let (history, timing) = (history_of(&plan), Timing::default());
    let (ready, pending, failed) = (Readiness::Ready, Readiness::Pending, Readiness::Failed("no disk"));
    let give_up = Step::GiveUp(reason_from("no disk"));
    let table = [
        (ready, ready, Step::Start),
        (pending, ready, Step::Await),
        (ready, pending, Step::Await),
        (failed, pending, give_up.clone()),
        (pending, failed, give_up),
    ];
    for (volumes, network, step) in table {
        let (plan, history, timing) = (Some(&plan), &history, &timing);
        let situation = Situation { plan, guest: None, volumes, network, snapshots: &[], history, timing, now: NOW };
        assert_eq!(next_step(&situation), step);
    }
}

#[test]
fn a_stop_presses_again_and_pulls_after_the_grace() {
    let timing = Timing::default();
    for (power, grace) in [(Off, timing.stop), (Gone, timing.terminate)] {
        let mut plan = fixture::instance(1, power, 1);
        let guest = running(1);
        let mut history = history_of(&plan);
        let mut now = NOW;
        let mut presses = 0;
        loop {
            match decide(&plan, guest.as_ref(), &history, now) {
                Step::Press => {
                    presses += 1;
                    history.done(&Step::Press, guest.as_ref(), &timing, now);
                }
                Step::WaitUntil(at) => {
                    assert!(at > now);
                    now = at;
                }
                Step::Pull => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(now, NOW + grace);
        assert_eq!(presses, grace.as_secs() / timing.press_again.as_secs());
        plan.forced = true;
        assert_eq!(decide(&plan, guest.as_ref(), &history_of(&plan), NOW), Step::Pull);
    }
}

#[test]
fn a_step_without_effect_is_not_repeated_in_a_hurry() {
    let timing = Timing::default();
    let mut plan = fixture::instance(1, Off, 1);
    plan.forced = true;
    let mut history = history_of(&plan);
    history.done(&Step::Pull, running(1).as_ref(), &timing, NOW);
    history.saw(running(1).as_ref());
    assert_eq!(decide(&plan, running(1).as_ref(), &history, NOW), Step::WaitUntil(NOW + timing.effect));
    assert_eq!(decide(&plan, running(1).as_ref(), &history, NOW + timing.effect), Step::Pull);
    history.saw(dead(1).as_ref());
    assert_eq!(decide(&plan, dead(1).as_ref(), &history, NOW), Step::Nothing);

    let plan = fixture::instance(1, On, 1);
    let mut history = history_of(&plan);
    let mut now = NOW;
    for _ in 0..timing.attempts {
        assert_eq!(decide(&plan, None, &history, now), Step::Start);
        history.done(&Step::Start, None, &timing, now);
        history.saw(None);
        now = now + timing.effect;
    }
    assert!(matches!(decide(&plan, None, &history, now), Step::GiveUp(_)), "it vanishes each time");
}

#[test]
fn a_failed_start_is_tried_anew_over_what_it_left_and_given_up_under_its_boot() {
    let timing = Timing::default();
    let mut plan = fixture::instance(1, On, 1);
    let mut history = history_of(&plan);
    let retry = DriverError::Retry("busy".into());
    history.failed(&Step::Start, &retry, None, &timing, NOW);
    history.saw(dead(1).as_ref());
    let later = NOW + timing.backoff_first;
    assert_eq!(decide(&plan, dead(1).as_ref(), &history, NOW), Step::WaitUntil(later));
    assert_eq!(decide(&plan, dead(1).as_ref(), &history, later), Step::Start);
    assert_eq!(seen(&plan, dead(1).as_ref(), &history, false).phase, Phase::Starting);
    history.failed(&Step::Start, &DriverError::Final("never".into()), None, &timing, later);
    assert_eq!(decide(&plan, dead(1).as_ref(), &history, later + Duration::from_secs(60)), Step::Nothing);
    let told = seen(&plan, dead(1).as_ref(), &history, false);
    assert_eq!((told.phase, told.reason.unwrap().message), (Phase::Failed, "Server.InternalError: never".into()));
    // A start that succeeded after all is believed.
    assert_eq!(seen(&plan, running(1).as_ref(), &history, false).phase, Phase::Running);
    plan.boot = 2;
    assert!(history.wish(&plan));
    assert_eq!(decide(&plan, dead(1).as_ref(), &history, later), Step::Start);
}

#[test]
fn reboots_are_caught_up_with() {
    let mut plan = fixture::instance(1, On, 1);
    plan.reboots = 2;
    let history = history_of(&plan);
    let mut one = guest(1, GuestState::Running);
    for _ in 0..2 {
        assert_eq!(seen(&plan, Some(&one), &history, true).reboots, one.reboots);
        assert_eq!(decide(&plan, Some(&one), &history, NOW), Step::Reset);
        one.reboots += 1;
    }
    assert_eq!(decide(&plan, Some(&one), &history, NOW), Step::Nothing);
    assert_eq!(decide(&plan, powered_off(1).as_ref(), &history, NOW), Step::Nothing, "nothing to reboot");
    assert_eq!(seen(&plan, powered_off(1).as_ref(), &history, true).reboots, 2);
}

#[test]
fn a_reason_keeps_its_code() {
    let reason = reason_from("Server.InsufficientInstanceCapacity: no memory");
    assert_eq!(reason.code, "Server.InsufficientInstanceCapacity");
    assert_eq!(reason.message, "Server.InsufficientInstanceCapacity: no memory");
    for sentence in ["qemu: no such file", "Server.: x", "Server.A b: x", "Other.Code: x", ""] {
        let reason = reason_from(sentence);
        assert_eq!(reason.code, "Server.InternalError");
        assert_eq!(reason.message, format!("Server.InternalError: {sentence}"));
    }
}

/// What can happen to one instance.
#[derive(Clone, Debug)]
enum Event {
    Plan(Power, bool, u64, u64),
    PowerOff,
    Die,
    Suspend,
    Resume,
    Forget,
    Wait(u64),
    /// Take the step that is due. The driver does what it should, fails before it, fails after it, or fails for good.
    Step(u8),
}

fn power() -> impl Strategy<Value = Power> {
    prop_oneof![3 => Just(On), 2 => Just(Off), 1 => Just(Gone)]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (power(), any::<bool>(), 0..2_u64, 0..2_u64).prop_map(|(p, f, b, r)| Event::Plan(p, f, b, r)),
        1 => Just(Event::PowerOff),
        1 => Just(Event::Die),
        1 => Just(Event::Suspend),
        1 => Just(Event::Resume),
        1 => Just(Event::Forget),
        3 => (1..100_000_u64).prop_map(Event::Wait),
        12 => (0..8_u8).prop_map(Event::Step),
    ]
}

/// One instance on a machine that does what steps say.
struct World {
    plan: InstancePlan,
    guest: Option<Guest>,
    process: bool,
    heeds: bool,
    history: History,
    now: Timestamp,
    boots: u64,
}

impl World {
    fn step(&self) -> Step {
        decide(&self.plan, self.guest.as_ref(), &self.history, self.now)
    }

    fn set(&mut self, state: GuestState) {
        if let Some(guest) = self.guest.as_mut().filter(|guest| is_live(guest)) {
            self.process &= !matches!(state, GuestState::Dead(_));
            guest.state = state;
        }
    }

    fn effect(&mut self, step: &Step) {
        match step {
            Step::Start => {
                assert!(!self.process, "{:?} was started twice", self.guest);
                assert!(self.plan.boot >= self.boots, "boots never go back");
                self.boots = self.plan.boot;
                self.guest = running(self.plan.boot);
                if let Some(guest) = &mut self.guest {
                    guest.reboots = self.plan.reboots;
                }
                self.process = true;
            }
            Step::Press if self.heeds => self.set(GuestState::PoweredOff),
            Step::Press => {}
            Step::Pull => {
                self.set(GuestState::Dead(None));
                self.process = false;
            }
            Step::Reset => {
                if let Some(guest) = &mut self.guest {
                    guest.reboots += 1;
                }
            }
            Step::Remove => {
                assert!(!self.process, "removed while it runs");
                self.guest = None;
            }
            other => panic!("{other:?} has no effect"),
        }
    }

    /// Takes the step that is due. Returns whether there was one.
    fn act(&mut self, outcome: u8) -> bool {
        let step = self.step();
        assert_eq!(step, self.step(), "the same situation, the same step");
        if let Step::GiveUp(reason) = step {
            self.history.give_up(reason);
            return true;
        }
        if !step.has_effect() {
            return false;
        }
        let before = self.guest.clone();
        if outcome != 1 && outcome != 3 {
            self.effect(&step);
        }
        let timing = Timing::default();
        let error = match outcome {
            1 | 2 => Some(DriverError::Retry("again".into())),
            3 => Some(DriverError::Final("never".into())),
            _ => None,
        };
        match error {
            Some(error) => self.history.failed(&step, &error, before.as_ref(), &timing, self.now),
            None => self.history.done(&step, before.as_ref(), &timing, self.now),
        }
        self.history.saw(self.guest.as_ref());
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Plan(power, forced, boots, reboots) if self.plan.power != Gone => {
                // A start is always asked for with a new boot; the control plane never goes back.
                let starts = power == On && self.plan.power == Off;
                self.plan.boot += boots + u64::from(starts);
                (self.plan.power, self.plan.forced) = (power, forced);
                self.plan.reboots += reboots;
                self.history.wish(&self.plan);
            }
            Event::Plan(..) => {}
            Event::PowerOff => self.set(GuestState::PoweredOff),
            Event::Die => self.set(GuestState::Dead(Some("killed".into()))),
            Event::Suspend => self.set(GuestState::Suspended("full".into())),
            Event::Resume => {
                if self.guest.as_ref().is_some_and(is_live) {
                    self.set(GuestState::Running);
                }
            }
            Event::Forget => self.history = history_of(&self.plan),
            Event::Wait(ms) => self.now = self.now + Duration::from_millis(ms),
            Event::Step(outcome) => {
                self.act(outcome);
            }
        }
        self.history.saw(self.guest.as_ref());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whatever_happens_it_converges(events in prop::collection::vec(event(), 0..60), heeds in any::<bool>()) {
        let plan = fixture::instance(1, On, 1);
        let history = history_of(&plan);
        let mut world = World { plan, guest: None, process: false, heeds, history, now: NOW, boots: 0 };
        for event in events {
            world.happen(event);
        }
        let mut steps = 0;
        loop {
            steps += 1;
            prop_assert!(steps < 200, "no end: {:?} {:?}", world.step(), world.guest);
            if world.act(0) {
                continue;
            }
            match world.step() {
                Step::WaitUntil(at) => {
                    prop_assert!(at > world.now);
                    world.now = at;
                }
                step => {
                    prop_assert_eq!(step, Step::Nothing);
                    break;
                }
            }
        }
        let told = seen(&world.plan, world.guest.as_ref(), &world.history, false);
        let live = world.guest.as_ref().is_some_and(is_live);
        match world.plan.power {
            On if live => {
                prop_assert_eq!((told.phase, told.boot, told.reboots), (Phase::Running, world.plan.boot, world.plan.reboots));
            }
            On => prop_assert!(matches!(told.phase, Phase::Stopped | Phase::Failed) && told.reason.is_some()),
            Off => prop_assert!(told.phase == Phase::Stopped && !world.process),
            Gone => prop_assert!(told.phase == Phase::Gone && !world.process && world.guest.is_none()),
        }
    }

    #[test]
    fn no_guest_is_started_while_one_lives(
        power in power(), boot in 0..4_u64, guest_boot in 0..4_u64, state in 0..5_u8, forced in any::<bool>(),
    ) {
        let mut plan = fixture::instance(1, power, boot);
        plan.forced = forced;
        let guest = match state {
            0 => running(guest_boot),
            1 => suspended(guest_boot),
            2 => powered_off(guest_boot),
            3 => dead(guest_boot),
            _ => None,
        };
        let step = decide(&plan, guest.as_ref(), &history_of(&plan), NOW);
        if step == Step::Start {
            prop_assert!(power == On && guest.is_none_or(|guest| !is_live(&guest) && guest.boot < boot));
        } else if step == Step::Remove {
            prop_assert!(power == Gone && guest.is_some_and(|guest| !is_live(&guest)));
        }
    }
}

#[test]
fn each_interface_is_waited_for_by_itself() {
    let mut plan = fixture::instance(1, On, 1);
    let (kept, comes, goes) = (fixture::port_id(1), fixture::port_id(2), fixture::port_id(3));
    plan.interfaces = vec![kept, comes];
    let mut found = guest(1, GuestState::Running);
    let mut history = history_of(&plan);
    assert_eq!(decide(&plan, Some(&found), &history, NOW), Step::Nothing, "nobody knows what it has");
    let disk = &plan.disks[0];
    let seen = DiskSeen { volume: disk.volume, whole: true, size_bytes: 0, limits: disk.limits };
    let disks = BTreeMap::from([(disk.volume, seen)]);
    found.devices = Some(Devices { ports: [kept, goes].into(), disks, held: BTreeMap::new() });
    let (comes, goes_away) = (Device::Port(comes), Device::Port(goes));
    let unplug = Step::Unplug { device: goes_away, pull: false };
    assert_eq!(decide(&plan, Some(&found), &history, NOW), unplug, "what goes makes room");
    let timing = Timing::default();
    history.done(&unplug, Some(&found), &timing, NOW);
    assert_eq!(decide(&plan, Some(&found), &history, NOW), Step::Plug(comes), "the others don't wait");
    history.failed(&Step::Plug(comes), &DriverError::Retry("busy".into()), Some(&found), &timing, NOW);
    let first = NOW + timing.backoff_first;
    assert_eq!(decide(&plan, Some(&found), &history, NOW), Step::WaitUntil(first));
    assert_eq!(decide(&plan, Some(&found), &history, first), Step::Plug(comes));
    assert_eq!(decide(&plan, Some(&found), &history, NOW + timing.effect), unplug, "it is asked again");
    plan.pulled = vec![goes];
    history.wish(&plan);
    assert_eq!(decide(&plan, Some(&found), &history, NOW), Step::Unplug { device: goes_away, pull: true });
    plan.reboots = 1;
    assert_eq!(decide(&plan, Some(&found), &history, NOW), Step::Reset);
    found.state = GuestState::PoweredOff;
    assert_eq!(decide(&plan, Some(&found), &history, NOW), Step::Nothing);
}

#[test]
fn disks_come_go_and_change_while_a_guest_runs() {
    let mut plan = fixture::instance(1, On, 1);
    let (root, comes, goes) = (fixture::volume_id(1), fixture::volume_id(2), fixture::volume_id(3));
    let fast = DiskLimits { operation_bytes: 7, ..DiskLimits::default() };
    plan.disks.push(DiskPlan { volume: comes, device: "/dev/sdf".into(), root: false, size_bytes: 2, limits: fast });
    let seen = |volume, whole, size_bytes, limits| (volume, DiskSeen { volume, whole, size_bytes, limits });
    let none = DiskLimits::default();
    let with = |more: &[(VolumeId, DiskSeen)]| {
        let mut found = guest(1, GuestState::Running);
        let disks = more.iter().cloned().chain([seen(root, true, 9, none)]).collect();
        found.devices = Some(Devices { ports: [fixture::port_id(1)].into(), disks, held: BTreeMap::new() });
        found
    };
    let history = history_of(&plan);
    let next = |plan: &InstancePlan, found: &Guest| decide(plan, Some(found), &history, NOW);
    assert_eq!(next(&plan, &with(&[])), Step::Plug(Device::Disk(comes)));
    let unplug = |pull| Step::Unplug { device: Device::Disk(goes), pull };
    assert_eq!(next(&plan, &with(&[seen(goes, true, 1, none)])), unplug(false), "what goes makes room");
    assert_eq!(next(&plan, &with(&[seen(goes, false, 1, none)])), unplug(false), "what is left of one goes too");
    assert_eq!(next(&plan, &with(&[seen(comes, false, 2, fast)])), Step::Plug(Device::Disk(comes)), "made whole");
    assert_eq!(next(&plan, &with(&[seen(comes, true, 1, fast)])), Step::Tune(comes), "too small");
    assert_eq!(next(&plan, &with(&[seen(comes, true, 2, none)])), Step::Tune(comes), "with other limits");
    assert_eq!(next(&plan, &with(&[seen(comes, true, 3, fast)])), Step::Nothing, "never shrunk");
    plan.pulled_disks = vec![goes];
    assert_eq!(next(&plan, &with(&[seen(goes, true, 1, none)])), unplug(true));
}
