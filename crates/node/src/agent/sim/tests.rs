use landfall_model::SnapshotId;
use landfall_model::agent::{InstanceSeen, Phase, SnapshotPhase, SnapshotSeen, VolumePhase};
use landfall_model::plan::{HostPlan, Piece, Power, SnapshotPlan};

use super::*;
use crate::driver::GuestState;
use crate::fake::fixture::{Author, Random, instance_id, port_id, second_port_id, volume_id};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn after_ms(ms: u64) -> Timestamp {
    NOW + Duration::from_millis(ms)
}

/// A host with a plan that has a network and nothing else, its first reports already taken.
fn empty_host(options: SimOptions) -> (SimHost, Author) {
    let (mut host, author) = (SimHost::new(options), Author::new());
    let report = host.step(author.snapshot(), NOW).unwrap().unwrap();
    assert!(report.full && report.instances.is_empty() && report.unknown.is_empty());
    (host, author)
}

fn one(report: Option<Report>) -> InstanceSeen {
    let report = report.expect("a report");
    assert_eq!(report.instances.len(), 1, "{report:?}");
    report.instances.into_iter().next().unwrap()
}

fn code(seen: &InstanceSeen) -> &str {
    seen.reason.as_ref().map_or("", |reason| &reason.code)
}

#[test]
fn a_life_at_zero_latency_takes_one_step_a_wish() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    let report = host.step(author.delta(), NOW).unwrap().unwrap();
    assert!(!report.full);
    assert_eq!(report.revision, author.plan.revision);
    assert_eq!(report.volumes[0].phase, VolumePhase::Ready);
    let seen = one(Some(report));
    assert_eq!((seen.phase, seen.boot, seen.answered, &*seen.machine), (Phase::Running, 1, true, "simulated-1"));
    assert_eq!(host.next_wake(), None);
    assert!(host.is_settled());
    assert_eq!(host.tick(NOW), None);

    author.change(1, |piece| piece.reboots = 3);
    let seen = one(host.step(author.delta(), NOW).unwrap());
    assert_eq!((seen.phase, seen.reboots), (Phase::Running, 3));
    author.stop(1, false);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Stopped);
    assert_eq!(host.machine().inspect_guests()[0].state, GuestState::PoweredOff);
    assert!(!host.machine().inventory().contains(&format!("process {}", instance_id(1))), "its memory is freed");
    author.stop(1, true);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Stopped, "a new wish is answered");
    author.start(1);
    let seen = one(host.step(author.delta(), NOW).unwrap());
    assert_eq!((seen.phase, seen.boot, seen.reboots), (Phase::Running, 2, 3));
    let Ok(Answer::Console { output, .. }) = host.console(instance_id(1)) else { panic!("no console") };
    let text = String::from_utf8(STANDARD.decode(output).unwrap()).unwrap();
    assert!(text.starts_with("landfall simulated console of i-00000000000000001: 2023-11-14T22:13:20.000Z boot 1"));
    assert!(text.contains("boot 2"), "{text}");

    author.terminate(1);
    let report = host.step(author.delta(), NOW).unwrap().unwrap();
    assert_eq!(report.volumes[0].phase, VolumePhase::Gone);
    assert_eq!(one(Some(report)).phase, Phase::Gone);
    author.forget(1);
    assert_eq!(host.step(author.delta(), NOW).unwrap(), None);
    assert_eq!(host.machine().inventory().len(), 1, "the network alone is left");
    assert_eq!(host.machine().starts(), 2);
    assert!(host.ledger.instances.is_empty() && host.ledger.volumes.is_empty(), "nothing is remembered");
}

#[test]
fn interfaces_come_and_go_while_a_guest_runs() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    let seen = one(host.step(author.delta(), NOW).unwrap());
    assert_eq!(seen.interfaces, Some(vec![port_id(1)]));
    author.attach(1);
    let seen = one(host.step(author.delta(), NOW).unwrap());
    assert_eq!((seen.phase, seen.interfaces), (Phase::Running, Some(vec![port_id(1), second_port_id(1)])));
    assert_eq!(host.machine().starts(), 1);
    author.detach(1, false);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).interfaces, Some(vec![port_id(1)]));
    author.forget_second(1);
    assert_eq!(host.step(author.delta(), NOW).unwrap(), None);

    // A guest that doesn't let go is asked again, also by an agent that knows nothing of it, until it does.
    author.attach(1);
    host.step(author.delta(), NOW).unwrap();
    host.machine().faults().keep_ports(true);
    author.detach(1, false);
    let both = Some(vec![port_id(1), second_port_id(1)]);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).interfaces, both);
    assert!(!host.is_settled());
    let again = host.next_wake().unwrap();
    assert!(again > NOW && again < after_ms(5_000));
    host.restart_agent(again);
    assert_eq!(one(host.tick(again)).interfaces, both);
    host.machine().faults().keep_ports(false);
    let at = host.next_wake().unwrap();
    assert_eq!(one(host.tick(at)).interfaces, Some(vec![port_id(1)]));
    assert!(host.is_settled());

    author.attach(1);
    host.step(author.delta(), at).unwrap();
    host.machine().faults().keep_ports(true);
    author.detach(1, true);
    assert_eq!(one(host.step(author.delta(), at).unwrap()).interfaces, Some(vec![port_id(1)]), "it was pulled");
    // What comes while the guest is stopped is there at its start.
    author.stop(1, false);
    assert_eq!(one(host.step(author.delta(), at).unwrap()).interfaces, None);
    author.attach(1);
    author.start(1);
    assert_eq!(one(host.step(author.delta(), at).unwrap()).interfaces, both);
}

#[test]
fn only_what_asks_for_something_new_is_told_again() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    author.launch(2);
    assert_eq!(host.step(author.delta(), NOW).unwrap().unwrap().instances.len(), 2);
    author.change(2, |piece| {
        piece.metadata.tags.insert("Name".into(), "two".into());
    });
    assert_eq!(host.step(author.delta(), NOW).unwrap(), None);
    host.report_was_lost();
    let report = host.tick(NOW).unwrap();
    assert!(report.full && report.instances.len() == 2 && report.volumes.len() == 2);
    let stale = PlanUpdate::Delta { from: 1, to: 2, pieces: [].into() };
    assert_eq!(host.step(stale, NOW), Err(StalePlan));
    assert_eq!(host.version(), (1, author.plan.revision));
}

#[test]
fn latencies_are_lived_through() {
    let options = SimOptions {
        machine: MachineOptions {
            stop: Some(Duration::from_millis(300)),
            answer: Duration::from_millis(200),
            ..MachineOptions::default()
        },
        start: Duration::from_millis(100),
        ..SimOptions::default()
    };
    let (mut host, mut author) = empty_host(options);
    author.launch(1);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Starting);
    assert_eq!(host.next_wake(), Some(after_ms(100)));
    assert_eq!(host.tick(after_ms(99)), None);
    let seen = one(host.tick(after_ms(100)));
    assert_eq!((seen.phase, seen.answered), (Phase::Running, false));
    assert_eq!(host.next_wake(), Some(after_ms(300)));
    assert!(one(host.tick(after_ms(300))).answered);
    author.stop(1, false);
    assert_eq!(one(host.step(author.delta(), after_ms(1000)).unwrap()).phase, Phase::Stopping);
    assert_eq!(host.next_wake(), Some(after_ms(1300)));
    assert_eq!(one(host.tick(after_ms(1300))).phase, Phase::Stopped);
    author.start(1);
    host.step(author.delta(), after_ms(2000)).unwrap();
    host.tick(after_ms(2100));
    author.stop(1, true);
    assert_eq!(one(host.step(author.delta(), after_ms(2150)).unwrap()).phase, Phase::Stopped, "forced: at once");
    author.launch(2);
    assert_eq!(one(host.step(author.delta(), after_ms(3000)).unwrap()).phase, Phase::Starting);
    author.terminate(2);
    assert_eq!(host.step(author.delta(), after_ms(3050)).unwrap(), None, "not gone while its start is under way");
    host.report_was_lost();
    let report = host.tick(after_ms(3060)).unwrap();
    assert_eq!(report.instances.iter().map(|seen| seen.phase).collect::<Vec<_>>(), [Phase::Stopped, Phase::Stopping]);
    assert_eq!(one(host.tick(after_ms(3100))).phase, Phase::Stopping, "it runs, and was asked to stop");
    let report = host.tick(after_ms(3400)).unwrap();
    assert_eq!(report.volumes[0].phase, VolumePhase::Gone);
    assert_eq!(one(Some(report)).phase, Phase::Gone);
}

#[test]
fn a_guest_that_ignores_its_button_is_unplugged_after_a_grace() {
    let machine = MachineOptions { stop: None, ..MachineOptions::default() };
    let (mut host, mut author) = empty_host(SimOptions { machine, ..SimOptions::default() });
    author.launch(1);
    host.step(author.delta(), NOW).unwrap();
    author.stop(1, false);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Stopping);
    let mut wakes = 0;
    let (seen, now) = loop {
        let now = host.next_wake().unwrap();
        wakes += 1;
        if let Some(report) = host.tick(now) {
            break (one(Some(report)), now);
        }
    };
    assert_eq!((seen.phase, now, wakes), (Phase::Stopped, after_ms(60_000), 12));
}

#[test]
fn what_ends_by_itself_stays_so_until_a_start_is_asked_for() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    author.launch(2);
    host.step(author.delta(), NOW).unwrap();
    host.machine().power_off(instance_id(1));
    let seen = one(host.tick(NOW));
    assert_eq!((seen.phase, code(&seen)), (Phase::Stopped, "Client.InstanceInitiatedShutdown"));
    let message = "Client.InstanceInitiatedShutdown: Instance initiated shutdown";
    assert_eq!(seen.reason.as_ref().unwrap().message, message);
    host.machine().kill(instance_id(2), "QEMU was killed by signal 9");
    let seen = one(host.tick(NOW));
    assert_eq!((seen.phase, code(&seen)), (Phase::Stopped, "Server.InternalError"));
    assert_eq!(host.tick(after_ms(3_600_000)), None);
    assert_eq!(host.machine().starts(), 2);
    for n in [1, 2] {
        author.start(n);
        let seen = one(host.step(author.delta(), after_ms(3_600_000)).unwrap());
        assert_eq!((seen.phase, seen.boot), (Phase::Running, 2));
    }
    host.machine().suspend(instance_id(1), Some("The disk of the host is full"));
    let seen = one(host.tick(after_ms(3_600_000)));
    assert_eq!((seen.phase, code(&seen), seen.answered), (Phase::Running, "Server.InternalError", true));
}

#[test]
fn starts_that_fail_are_tried_a_few_times_or_not_at_all() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    let short = "Server.InsufficientInstanceCapacity: There isn't enough memory";
    host.machine().faults().fail_starts(instance_id(1), 1, true, short);
    author.launch(1);
    let seen = one(host.step(author.delta(), NOW).unwrap());
    assert_eq!((seen.phase, code(&seen)), (Phase::Failed, "Server.InsufficientInstanceCapacity"));
    assert_eq!(host.next_wake(), None);
    author.start(1);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Running);

    host.machine().faults().fail_starts(instance_id(2), 2, false, "busy");
    author.launch(2);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Starting);
    assert_eq!(host.tick(host.next_wake().unwrap()), None);
    assert_eq!(one(host.tick(host.next_wake().unwrap())).phase, Phase::Running);

    host.machine().faults().fail_starts(instance_id(3), 99, false, "busy");
    author.launch(3);
    host.step(author.delta(), NOW).unwrap();
    let seen = loop {
        if let Some(report) = host.tick(host.next_wake().unwrap()) {
            break one(Some(report));
        }
    };
    assert_eq!((seen.phase, code(&seen)), (Phase::Failed, "Server.InternalError"));
    author.terminate(3);
    assert_eq!(one(host.step(author.delta(), after_ms(100_000)).unwrap()).phase, Phase::Gone);
}

#[test]
fn a_volume_or_network_that_cannot_be_made_fails_the_instance() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    host.machine().faults().fail_volume(volume_id(1), Some((true, "The image is damaged")));
    author.launch(1);
    let report = host.step(author.delta(), NOW).unwrap().unwrap();
    assert_eq!(report.volumes[0].phase, VolumePhase::Failed("The image is damaged".into()));
    assert_eq!(one(Some(report)).phase, Phase::Failed);
    host.machine().faults().fail_volume(volume_id(1), None);
    author.start(1);
    let report = host.step(author.delta(), NOW).unwrap().unwrap();
    assert_eq!(report.volumes[0].phase, VolumePhase::Ready);
    assert_eq!(one(Some(report)).phase, Phase::Running);

    host.machine().faults().fail_network(Some("nft: no such file"));
    author.launch(2);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Starting);
    let seen = loop {
        if let Some(report) = host.tick(host.next_wake().unwrap()) {
            break one(Some(report));
        }
    };
    assert_eq!(seen.phase, Phase::Failed);
    assert!(seen.reason.unwrap().message.contains("nft: no such file"));
    host.machine().faults().fail_network(None);
    assert_eq!(host.tick(host.next_wake().unwrap()), None, "a failed start isn't taken back under the same boot");
    author.start(2);
    assert_eq!(one(host.step(author.delta(), after_ms(100_000)).unwrap()).phase, Phase::Running);
}

#[test]
fn an_agent_that_starts_again_finds_its_guests() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    author.launch(2);
    host.step(author.delta(), NOW).unwrap();
    host.restart_agent(NOW);
    let report = host.tick(NOW).unwrap();
    assert!(report.full && report.instances.len() == 2 && report.volumes.len() == 2);
    assert!(report.instances.iter().all(|seen| seen.phase == Phase::Running && seen.answered));
    assert_eq!(host.machine().starts(), 2);
    host.crash(NOW);
    let report = host.tick(NOW).unwrap();
    assert!(report.instances.iter().all(|seen| seen.phase == Phase::Stopped && seen.reason.is_some()));
    author.start(1);
    assert_eq!(one(host.step(author.delta(), NOW).unwrap()).phase, Phase::Running);
}

#[test]
fn what_nobody_planned_is_reported_and_left() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    host.step(author.delta(), NOW).unwrap();
    let restored = HostPlan { incarnation: 2, revision: 1, ..Author::new().plan };
    let report = host.step(PlanUpdate::Snapshot(restored), NOW).unwrap().unwrap();
    assert!(report.full && report.incarnation == 2 && report.instances.is_empty());
    assert_eq!(report.unknown, [format!("instance {}", instance_id(1)), format!("volume {}", volume_id(1))]);
    assert_eq!(host.machine().inspect_guests()[0].state, GuestState::Running);
    host.machine().kill(instance_id(1), "killed");
    assert_eq!(host.tick(NOW), None);
}

/// Lets time pass until nothing is left to do. Each report is taken.
fn run_out(host: &mut SimHost, mut now: Timestamp, seen: &mut BTreeMap<InstanceId, InstanceSeen>) -> Timestamp {
    for _ in 0..10_000 {
        let report = host.tick(now);
        seen.extend(report.into_iter().flat_map(|report| report.instances).map(|seen| (seen.id, seen)));
        match host.next_wake() {
            Some(at) => now = now.max(at),
            None => return now,
        }
    }
    panic!("it never comes to rest");
}

#[test]
fn whatever_happens_it_comes_to_rest_as_planned() {
    for seed in 1..=200 {
        let mut random = Random(seed);
        let mut ms = |end| Duration::from_millis(random.below(end));
        let machine = MachineOptions {
            stop: (seed % 3 > 0).then(|| ms(200)),
            answer: ms(100),
            seed,
            failures_per_mille: 100,
            ..MachineOptions::default()
        };
        let (start, timing) = (ms(50), Timing { attempts: 1000, ..Timing::default() });
        let (mut host, mut author) = (SimHost::new(SimOptions { machine, timing, start }), Author::new());
        let (mut now, mut next, mut seen) = (NOW, 1, BTreeMap::new());
        host.step(author.snapshot(), now).unwrap();
        for _ in 0..100 {
            match random.below(20) {
                0 => host.restart_agent(now),
                1 => host.report_was_lost(),
                2..6 => now = host.next_wake().map_or(now, |at| at.max(now)),
                6..9 => now = now + Duration::from_millis(random.below(1000)),
                _ => author.act(&mut random, &mut next),
            }
            let report = host.step(author.delta(), now).unwrap();
            seen.extend(report.into_iter().flat_map(|report| report.instances).map(|seen| (seen.id, seen)));
        }
        host.machine().faults().set_per_mille(0);
        now = run_out(&mut host, now, &mut seen);
        assert!(host.is_settled(), "seed {seed}");
        for piece in author.plan.instances() {
            let phase = match piece.power {
                Power::On => Phase::Running,
                Power::Off => Phase::Stopped,
                Power::Gone => Phase::Gone,
            };
            let told = &seen[&piece.id];
            assert_eq!((told.phase, told.boot, told.reboots), (phase, piece.boot, piece.reboots), "seed {seed}");
            assert_eq!(told.answered, phase == Phase::Running, "seed {seed}");
        }
        author.forget_gone();
        host.step(author.delta(), now).unwrap();
        run_out(&mut host, now, &mut seen);
        let mut found = host.machine().inventory();
        found.retain(|name| !name.starts_with("folder"));
        assert_eq!(found, author.inventory(), "seed {seed}");
    }
}

#[test]
fn a_snapshot_of_a_running_guest_is_one_step() {
    let (mut host, mut author) = empty_host(SimOptions::default());
    author.launch(1);
    host.step(author.delta(), NOW).unwrap();
    let before = host.machine().inventory();
    let id = SnapshotId::from_random(1);
    let domain = landfall_model::AccountId::PROVIDER;
    let plan =
        SnapshotPlan { id, domain, session: 1, base: None, size_bytes: 0, moment: id, taken: false, before_boot: None };
    let mut piece = crate::fake::fixture::volume(1, true);
    piece.snapshots = vec![plan];
    author.put_piece(PieceKey::Volume(volume_id(1)), Piece::Volume(piece));
    let report = host.step(author.delta(), NOW).unwrap().unwrap();
    assert!(matches!(report.snapshots[..], [SnapshotSeen { phase: SnapshotPhase::Made(_), taken: true, .. }]));
    author.put_piece(PieceKey::Volume(volume_id(1)), Piece::Volume(crate::fake::fixture::volume(1, true)));
    host.step(author.delta(), NOW).unwrap();
    assert_eq!(host.machine().inventory(), before, "nothing is held any more, once that was heard");
    assert!(host.is_settled());
}
