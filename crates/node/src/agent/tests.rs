//! The threaded agent from end to end, on a fake machine and a control plane in memory, killed at random moments.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use landfall_model::agent::{
    AgentCall, AgentReply, Answer, Ask, HostRequest, InstanceSeen, Phase, Report, VolumePhase,
};
use landfall_model::plan::{PlanUpdate, Power};
use landfall_model::{HostFacts, HostId, InstanceId, VolumeId};

use super::*;
use crate::fake::fixture::{Author, Random, instance_id, volume_id};
use crate::fake::{FakeHost, FakeMachine, MachineOptions};

/// How long what is to come is waited for, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A control plane in memory. It believes no report of an older plan, as the real one does.
#[derive(Default)]
struct Control {
    state: Mutex<ControlState>,
    changed: Condvar,
}

#[derive(Default)]
struct ControlState {
    author: Option<Author>,
    instances: BTreeMap<InstanceId, InstanceSeen>,
    volumes: BTreeMap<VolumeId, VolumePhase>,
    unknown: Vec<String>,
    hellos: u32,
    away: bool,
    refuses: bool,
    requests: Vec<HostRequest>,
    answers: Vec<(u64, Result<Answer, String>)>,
    faults: Vec<String>,
}

#[derive(Clone)]
struct Link(Arc<Control>);

impl ControlLink for Link {
    fn call(&self, call: AgentCall) -> Result<AgentReply, LinkError> {
        let mut state = self.0.state.lock().unwrap();
        if state.away {
            return Err(LinkError("away".into()));
        }
        match call {
            AgentCall::Hello { token, .. } => {
                assert_eq!(token, "secret");
                state.hellos += 1;
                state.refuses = false;
                Ok(AgentReply::Welcome { host: HostId::from_random(1), lease_ms: 30_000 })
            }
            _ if state.refuses => Ok(AgentReply::Refused { reason: "who are you?".into() }),
            AgentCall::Poll { incarnation, since, wait_ms } => {
                let deadline = Instant::now() + Duration::from_millis(wait_ms);
                loop {
                    let plan = &state.author.as_ref().unwrap().plan;
                    if plan.revision > since || !state.requests.is_empty() || Instant::now() >= deadline {
                        break;
                    }
                    let left = deadline.saturating_duration_since(Instant::now());
                    state = self.0.changed.wait_timeout(state, left).unwrap().0;
                }
                let requests = state.requests.clone();
                let author = state.author.as_mut().unwrap();
                let revision = author.plan.revision;
                let plan = match author.delta() {
                    _ if since == revision => PlanUpdate::Unchanged { revision },
                    delta @ PlanUpdate::Delta { from, .. } if from == since && incarnation == 1 => delta,
                    _ => author.snapshot(),
                };
                Ok(AgentReply::Work { plan, requests })
            }
            AgentCall::Report(report) => {
                state.take(report);
                self.0.changed.notify_all();
                Ok(AgentReply::Taken)
            }
            AgentCall::RoleCredentials { .. } => Ok(AgentReply::RoleCredentials { credentials: None }),
            AgentCall::ChunkSecret { .. } => Ok(AgentReply::ChunkSecret { secret: None }),
            AgentCall::VolumeKeys { .. } => {
                Ok(AgentReply::VolumeKeys { keys: Err(landfall_model::agent::NoKeys::NotHere) })
            }
            AgentCall::TunnelKeys { .. } => Ok(AgentReply::TunnelKeys { keys: Vec::new() }),
            AgentCall::Answer { id, result } => {
                state.requests.retain(|request| request.id != id);
                state.answers.push((id, result));
                self.0.changed.notify_all();
                Ok(AgentReply::Taken)
            }
        }
    }
}

impl ControlState {
    fn take(&mut self, report: Report) {
        let author = self.author.as_ref().unwrap();
        assert_eq!(report.incarnation, 1);
        if report.full {
            self.unknown.clone_from(&report.unknown);
        }
        for seen in report.instances {
            if let Some(old) = self.instances.get(&seen.id)
                && old.phase == Phase::Gone
                && seen.phase != Phase::Gone
            {
                self.faults.push(format!("{seen:?} after it was gone"));
            }
            if author.plan.instance(seen.id).is_some() {
                self.instances.insert(seen.id, seen);
            }
        }
        for seen in report.volumes {
            self.volumes.insert(seen.id, seen.phase);
        }
    }

    /// What isn't yet as planned.
    fn difference(&self) -> Vec<String> {
        let plan = &self.author.as_ref().unwrap().plan;
        let mut all = Vec::new();
        for piece in plan.instances() {
            let phase = match piece.power {
                Power::On => Phase::Running,
                Power::Off => Phase::Stopped,
                Power::Gone => Phase::Gone,
            };
            match self.instances.get(&piece.id) {
                Some(seen) if seen.phase == phase && seen.boot == piece.boot && seen.reboots == piece.reboots => {
                    if phase == Phase::Running && !seen.answered {
                        all.push(format!("{} doesn't answer", piece.id));
                    }
                }
                other => all.push(format!("{} is to be {phase:?} under {}: {other:?}", piece.id, piece.boot)),
            }
        }
        for piece in plan.volumes() {
            let phase = if piece.wanted { VolumePhase::Ready } else { VolumePhase::Gone };
            if self.volumes.get(&piece.id) != Some(&phase) {
                all.push(format!("{} is to be {phase:?}", piece.id));
            }
        }
        all
    }
}

impl Control {
    fn new() -> Arc<Self> {
        let control = Arc::new(Self::default());
        control.state.lock().unwrap().author = Some(Author::new());
        control
    }

    fn write<T>(&self, write: impl FnOnce(&mut Author) -> T) -> T {
        let result = write(self.state.lock().unwrap().author.as_mut().unwrap());
        self.changed.notify_all();
        result
    }

    fn wait_for(&self, what: &str, met: impl Fn(&ControlState) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        while !met(&state) {
            assert!(Instant::now() < deadline, "{what}: {:#?}", state.difference());
            state = self.changed.wait_timeout(state, Duration::from_millis(20)).unwrap().0;
        }
    }

    fn wait_until_done(&self) {
        self.wait_for("as planned", |state| state.difference().is_empty());
    }
}

fn fast() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        stop: ms(200),
        terminate: ms(50),
        read_out: ms(2000),
        press_again: ms(30),
        attempts: 50,
        backoff_first: ms(2),
        backoff_most: ms(20),
        effect: ms(20),
        inspect: ms(100),
        inspect_quickly: ms(5),
        listen: ms(5),
        inspect_volumes: ms(200),
        repair: ms(100),
        report_all: ms(300),
        poll: ms(100),
        ..Timing::default()
    }
}

fn facts() -> HostFacts {
    HostFacts {
        name: "test".into(),
        address: Ipv4Addr::LOCALHOST,
        cpus: 2,
        memory_mib: 1024,
        disk_gib: 10,
        hypervisor: "simulated".into(),
        machine: "simulated-1".into(),
        format: landfall_model::plan::FORMAT,
        uefi: true,
        shares: Default::default(),
    }
}

struct Rig {
    control: Arc<Control>,
    host: FakeHost,
    folder: tempfile::TempDir,
    agent: Option<(Agent, FakeHost)>,
}

impl Rig {
    fn new(machine: MachineOptions, pause: Duration) -> Self {
        let host = FakeHost::new(FakeMachine::new(machine), machine_clock(), pause);
        let mut rig = Self { control: Control::new(), host, folder: tempfile::tempdir().unwrap(), agent: None };
        rig.begin();
        rig
    }

    fn begin(&mut self) {
        let session = self.host.session();
        let options = AgentOptions {
            folder: Some(self.folder.path().to_owned()),
            token: "secret".into(),
            facts: facts(),
            clock: machine_clock(),
            timing: fast(),
            workers: 4,
        };
        let agent = Agent::start(session.drivers(), Box::new(Link(Arc::clone(&self.control))), options).unwrap();
        self.agent = Some((agent, session));
    }

    fn kill(&mut self) {
        if let Some((agent, session)) = self.agent.take() {
            session.kill_session();
            drop(agent);
        }
    }

    fn assert_sound(&self) {
        assert_eq!(self.host.machine().violations(), [] as [String; 0]);
        assert_eq!(self.control.state.lock().unwrap().faults, [] as [String; 0]);
    }
}

#[test]
fn a_life_on_threads() {
    let mut rig = Rig::new(MachineOptions { panics: false, ..MachineOptions::default() }, Duration::ZERO);
    let control = Arc::clone(&rig.control);
    control.write(|author| (1..=8).for_each(|n| author.launch(n)));
    control.wait_until_done();
    control.write(|author| {
        author.stop(1, false);
        author.change(2, |piece| piece.reboots = 2);
        author.terminate(3);
    });
    control.wait_until_done();
    control.write(|author| {
        author.start(1);
        author.forget(3);
    });
    control.wait_until_done();
    rig.host.machine().power_off(instance_id(4));
    rig.agent.as_ref().unwrap().0.wake();
    control.wait_for("powered off", |state| state.instances[&instance_id(4)].phase == Phase::Stopped);
    assert_eq!(rig.host.machine().starts(), 9);
    assert!(!rig.host.machine().inventory().contains(&format!("volume {}", volume_id(3))));

    control.state.lock().unwrap().requests.push(HostRequest {
        id: 7,
        timeout_ms: 5000,
        ask: Ask::Console { instance: instance_id(1) },
    });
    control.changed.notify_all();
    control.wait_for("the console", |state| state.answers.iter().any(|(id, answer)| *id == 7 && answer.is_ok()));

    control.state.lock().unwrap().refuses = true;
    control.wait_for("another hello", |state| state.hellos == 2);
    control.write(|author| author.launch(9));
    control.wait_for("running", |state| {
        state.instances.get(&instance_id(9)).is_some_and(|seen| seen.phase == Phase::Running)
    });
    rig.kill();
    assert_eq!(rig.host.machine().inspect_guests().len(), 8, "guests outlive the agent");
    rig.assert_sound();
}

#[test]
fn the_last_plan_is_worked_on_while_the_control_plane_is_away() {
    let mut rig = Rig::new(MachineOptions { panics: false, ..MachineOptions::default() }, Duration::ZERO);
    let control = Arc::clone(&rig.control);
    control.write(|author| author.launch(1));
    control.wait_until_done();
    rig.kill();
    control.state.lock().unwrap().away = true;
    // As if the machine had lost the folder of its guests with its power.
    rig.host.machine().crash();
    rig.host.machine().remove_guest(instance_id(1)).unwrap();
    rig.begin();
    let deadline = Instant::now() + PATIENCE;
    while rig.host.machine().starts() < 2 {
        assert!(Instant::now() < deadline, "it doesn't start what it saved");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(rig.agent.as_ref().unwrap().0.version().0, 1);
    control.state.lock().unwrap().away = false;
    control.wait_until_done();
    rig.assert_sound();
}

#[test]
fn a_slow_start_does_not_hold_up_others_and_a_panic_fails_one_job() {
    let rig = Rig::new(MachineOptions::default(), Duration::from_millis(250));
    let control = Arc::clone(&rig.control);
    control.write(|author| (1..=8).for_each(|n| author.launch(n)));
    control.wait_until_done();
    assert!(rig.host.most_at_once() > 1, "slow starts wait for one another");
    // A plan that no correct control plane writes: the fake panics, the agent lives and says that it failed.
    control.write(|author| {
        author.lose_network();
        author.launch(9);
    });
    control.wait_for("failed", |state| {
        let seen = state.instances.get(&instance_id(9));
        seen.is_some_and(|seen| seen.phase == Phase::Failed && seen.reason.is_some())
    });
}

#[test]
fn killed_anywhere_it_converges_and_leaks_nothing() {
    for seed in 1..=4 {
        let machine = MachineOptions { panics: false, seed, failures_per_mille: 50, ..MachineOptions::default() };
        let mut rig = Rig::new(machine, Duration::from_millis(2));
        let control = Arc::clone(&rig.control);
        let mut random = Random(seed);
        let mut next = 1;
        for _ in 0..60 {
            for _ in 0..random.below(4) {
                control.write(|author| author.act(&mut random, &mut next));
            }
            thread::sleep(Duration::from_micros(random.below(8000)));
            if random.below(2) == 0 {
                rig.kill();
                rig.begin();
            }
        }
        rig.host.machine().faults().set_per_mille(0);
        control.wait_until_done();
        rig.assert_sound();
        let planned = control.write(|author| {
            author.forget_gone();
            author.inventory()
        });
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut found = rig.host.machine().inventory();
            found.retain(|name| !name.starts_with("folder"));
            if found == planned {
                break;
            }
            assert!(Instant::now() < deadline, "seed {seed}: {:?}", found.symmetric_difference(&planned));
            thread::sleep(Duration::from_millis(10));
        }
        rig.kill();
        rig.assert_sound();
    }
}
