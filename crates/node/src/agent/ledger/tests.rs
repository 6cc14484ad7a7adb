//! What goes on at the same time, which no simulated host has: there a job is done as soon as it is begun.

use landfall_model::agent::{DiskSeen, SnapshotPhase};
use landfall_model::plan::{DiskPlan, SnapshotPlan};
use landfall_model::{AccountId, DiskLimits, SnapshotId};

use super::*;
use crate::agent::volume::STARTED;
use crate::driver::{Devices, GuestState, Hold};
use crate::fake::fixture::{Author, instance, instance_id, volume, volume_id};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Of volumes that are there, and of instances that are off.
fn ledger(volumes: u32) -> (Ledger, Author) {
    let (mut ledger, mut author) = (Ledger::new(Timing::default()), Author::new());
    for n in 1..=volumes {
        author.launch(n);
        author.stop(n, false);
    }
    ledger.update(author.snapshot()).unwrap();
    // What came before that is in it.
    author.delta();
    let ticket = ledger.begin_inspection();
    ledger.found(ticket, Vec::new(), NOW);
    ledger.found_volumes(ticket, &BTreeSet::new(), Vec::new());
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    while let Some(job) = ledger.next_job(NOW) {
        assert!(matches!(job, Job::Volume(_, VolumeStep::Ensure)), "{job:?}");
        ledger.finish(&job, &Ok(Outcome::Volume(1 << 30)), NOW);
    }
    (ledger, author)
}

fn snapshot(n: u32) -> SnapshotPlan {
    let id = SnapshotId::from_random(n.into());
    SnapshotPlan {
        id,
        domain: AccountId::PROVIDER,
        session: n.into(),
        base: None,
        size_bytes: 0,
        moment: id,
        taken: false,
        before_boot: None,
    }
}

/// Finds the first instance's guest, of its second start.
fn inspect(ledger: &mut Ledger, state: GuestState) {
    let ticket = ledger.begin_inspection();
    let guest = Guest { id: instance_id(1), boot: 2, reboots: 0, state, machine: "q35".into(), devices: None };
    ledger.found(ticket, vec![guest], NOW);
}

fn put(author: &mut Author, n: u32, snapshots: Vec<SnapshotPlan>) {
    author.put_piece(
        PieceKey::Volume(volume_id(n)),
        Piece::Volume(landfall_model::plan::VolumePlan { snapshots, ..volume(n, true) }),
    );
}

fn made(ledger: &mut Ledger, job: &Job) {
    let made = landfall_model::agent::SnapshotMade { root: "root".into(), full_bytes: 0 };
    ledger.finish(job, &Ok(Outcome::Snapshot(made)), NOW);
}

#[test]
fn a_start_waits_for_the_snapshot_under_way_and_no_other_begins() {
    let (mut ledger, mut author) = ledger(1);
    put(&mut author, 1, vec![snapshot(1), snapshot(2)]);
    ledger.update(author.delta()).unwrap();
    let first = ledger.next_job(NOW).unwrap();
    assert_eq!(first, Job::Volume(volume_id(1), VolumeStep::Snapshot(snapshot(1).id, None)));
    author.start(1);
    ledger.update(author.delta()).unwrap();
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    assert_eq!(ledger.next_job(NOW), None, "it is being read");
    made(&mut ledger, &first);
    let start = Job::Instance(instance_id(1), Step::Start);
    assert_eq!(ledger.next_job(NOW), Some(start.clone()), "the other snapshot waits for the guest");
    assert_eq!(ledger.next_job(NOW), None);
    // It isn't to start any more: then the other one goes on.
    ledger.finish(&start, &Err(DriverError::Final("no".into())), NOW);
    let ticket = ledger.begin_inspection();
    ledger.found(ticket, Vec::new(), NOW);
    let second = ledger.next_job(NOW).unwrap();
    assert_eq!(second, Job::Volume(volume_id(1), VolumeStep::Snapshot(snapshot(2).id, None)));
    // A process that is no guest of this host's has it: tried again.
    ledger.finish(&second, &Err(DriverError::InUse("in use".into())), NOW);
    assert_eq!(ledger.next_job(NOW), None);
    assert_eq!(ledger.next_job(NOW + Timing::default().backoff_most), Some(second));
}

#[test]
fn a_snapshot_of_what_a_guest_leaves_comes_between_its_end_and_its_next_start() {
    let (mut ledger, mut author) = ledger(1);
    author.start(1);
    ledger.update(author.delta()).unwrap();
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    let start = ledger.next_job(NOW).unwrap();
    assert_eq!(start, Job::Instance(instance_id(1), Step::Start));
    ledger.finish(&start, &Ok(Outcome::Done), NOW);
    inspect(&mut ledger, GuestState::Running);
    // It is to be started again, and a snapshot is of what was before that.
    put(&mut author, 1, vec![SnapshotPlan { before_boot: Some(3), ..snapshot(1) }]);
    author.start(1);
    ledger.update(author.delta()).unwrap();
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    let press = ledger.next_job(NOW).unwrap();
    assert_eq!(press, Job::Instance(instance_id(1), Step::Press));
    assert_eq!(ledger.next_job(NOW), None, "no snapshot of a guest that is being shut down");
    ledger.finish(&press, &Ok(Outcome::Done), NOW);
    inspect(&mut ledger, GuestState::Running);
    assert_eq!(ledger.next_job(NOW), None, "nor while it goes down");
    inspect(&mut ledger, GuestState::Dead(None));
    let save = ledger.next_job(NOW).unwrap();
    assert_eq!(save, Job::Volume(volume_id(1), VolumeStep::Snapshot(snapshot(1).id, None)));
    assert_eq!(ledger.next_job(NOW), None, "the start waits");
    made(&mut ledger, &save);
    assert_eq!(ledger.next_job(NOW), Some(start));
}

/// The ledger of an agent that was started anew and finds the machine so, with all that it would do next.
fn anew(author: &Author, guest: Option<Guest>) -> (Ledger, Vec<Job>) {
    let mut ledger = Ledger::new(Timing::default());
    ledger.update(author.snapshot()).unwrap();
    let ticket = ledger.begin_inspection();
    ledger.found(ticket, guest.into_iter().collect(), NOW);
    ledger.found_volumes(ticket, &[volume_id(1), volume_id(2)].into(), Vec::new());
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    let jobs = jobs(&mut ledger);
    (ledger, jobs)
}

#[test]
fn what_is_to_be_read_at_rest_is_never_held_and_never_of_a_later_start() {
    let [one, two] = [1, 2].map(|n| SnapshotPlan { before_boot: Some(2), moment: snapshot(1).id, ..snapshot(n) });
    let (mut ledger, mut author) = running([vec![one.clone()], vec![two.clone()]]);
    assert_eq!(jobs(&mut ledger), [], "the order is here before that of the start, and the guest runs");
    author.start(1);
    ledger.update(author.delta()).unwrap();
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    let press = Job::Instance(instance_id(1), Step::Press);
    assert_eq!(jobs(&mut ledger), std::slice::from_ref(&press), "nothing is held before the end");
    let at_rest = [(1, &one), (2, &two)].map(|(n, it)| Job::Volume(volume_id(n), VolumeStep::Snapshot(it.id, None)));
    let of = |boot, state, held| Some(Guest { boot, ..guest(state, held) });
    // Whatever an agent finds that knows nothing of all that, also what an older one held.
    for held in [&[][..], &[(1, &one), (2, &two)]] {
        assert_eq!(anew(&author, of(1, GuestState::Running, held)).1, std::slice::from_ref(&press));
        let pull = Job::Instance(instance_id(1), Step::Pull);
        assert_eq!(anew(&author, of(1, GuestState::PoweredOff, held)).1, [pull]);
        assert_eq!(anew(&author, of(1, GuestState::Dead(None), held)).1, at_rest);
        for state in [GuestState::Running, GuestState::PoweredOff, GuestState::Dead(None)] {
            let (mut later, jobs) = anew(&author, of(2, state.clone(), held));
            assert!(jobs.iter().all(|job| matches!(job, Job::Instance(..))), "{state:?}: {jobs:?}");
            let lost = |it: &SnapshotPlan| (it.id, SnapshotPhase::Failed(STARTED.into()));
            let said: Vec<_> = said(&mut later).into_iter().map(|(id, phase, _)| (id, phase)).collect();
            assert_eq!(said, [lost(&one), lost(&two)], "{state:?}");
        }
    }
    assert_eq!(anew(&author, None).1, at_rest);
}

#[test]
fn a_start_waits_for_several_attempts_at_what_comes_before_it_and_then_goes_first() {
    let (mut ledger, mut author) = ledger(1);
    put(&mut author, 1, vec![SnapshotPlan { before_boot: Some(3), ..snapshot(1) }]);
    author.start(1);
    author.start(1);
    ledger.update(author.delta()).unwrap();
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    let mut now = NOW;
    for _ in 0..Timing::default().attempts {
        let save = ledger.next_job(now).unwrap();
        assert_eq!(save, Job::Volume(volume_id(1), VolumeStep::Snapshot(snapshot(1).id, None)));
        assert_eq!(ledger.next_job(now), None, "the start waits");
        ledger.finish(&save, &Err(DriverError::Later("the store is away".into())), now);
        now = now + Timing::default().backoff_most;
    }
    assert_eq!(ledger.next_job(NOW), Some(Job::Instance(instance_id(1), Step::Start)));
}

#[test]
fn long_jobs_leave_room_for_others() {
    let (mut ledger, mut author) = ledger(4);
    for n in 1..=4 {
        put(&mut author, n, vec![snapshot(n)]);
    }
    author.put_instance(instance(4, Power::Off, 1));
    ledger.update(author.delta()).unwrap();
    let under_way: Vec<Job> = std::iter::from_fn(|| ledger.next_job(NOW)).collect();
    assert_eq!(under_way.len(), LONG_JOBS, "{under_way:?}");
    // One of the others is begun for each that ends, and none is forgotten.
    let mut done = 0;
    let mut open = under_way;
    while let Some(job) = open.pop() {
        made(&mut ledger, &job);
        done += 1;
        open.extend(std::iter::from_fn(|| ledger.next_job(NOW)));
        assert!(open.len() <= LONG_JOBS);
    }
    assert_eq!(done, 4);
}

/// An instance that runs with the volumes 1 and 2, each of which is to have those snapshots, all of the first one's moment.
fn running(snapshots: [Vec<SnapshotPlan>; 2]) -> (Ledger, Author) {
    let (mut ledger, mut author) = (Ledger::new(Timing::default()), Author::new());
    author.launch(1);
    author.change(1, |piece| {
        let second = DiskPlan { volume: volume_id(2), root: false, ..piece.disks[0].clone() };
        piece.disks.push(second);
    });
    for (n, snapshots) in (1..).zip(snapshots) {
        put(&mut author, n, snapshots);
    }
    ledger.update(author.snapshot()).unwrap();
    author.delta();
    let ticket = ledger.begin_inspection();
    ledger.found(ticket, vec![guest(GuestState::Running, &[])], NOW);
    ledger.found_volumes(ticket, &[volume_id(1), volume_id(2)].into(), Vec::new());
    let generation = ledger.wiring.wanted();
    ledger.finish_wiring(generation, &Ok(()), NOW);
    (ledger, author)
}

/// That instance's guest, as it is found with what it holds.
fn guest(state: GuestState, held: &[(u32, &SnapshotPlan)]) -> Guest {
    let disk = |n| DiskSeen { volume: volume_id(n), whole: true, size_bytes: 1 << 30, limits: DiskLimits::default() };
    let devices = Devices {
        ports: [crate::fake::fixture::port_id(1)].into(),
        disks: [(volume_id(1), disk(1)), (volume_id(2), disk(2))].into(),
        held: held.iter().map(|(n, it)| (it.id, Hold { volume: volume_id(*n), whole: true })).collect(),
    };
    let devices = (!matches!(state, GuestState::Dead(_))).then_some(devices);
    Guest { id: instance_id(1), boot: 1, reboots: 0, state, machine: "q35".into(), devices }
}

fn find(ledger: &mut Ledger, guest: Guest) {
    let ticket = ledger.begin_inspection();
    ledger.found(ticket, vec![guest], NOW);
}

/// All jobs that can be done now, but for those that make volumes ready, which are done.
fn jobs(ledger: &mut Ledger) -> Vec<Job> {
    let mut jobs = Vec::new();
    while let Some(job) = ledger.next_job(NOW) {
        match job {
            Job::Volume(_, VolumeStep::Ensure) => ledger.finish(&job, &Ok(Outcome::Volume(1 << 30)), NOW),
            job => jobs.push(job),
        }
    }
    jobs
}

fn said(ledger: &mut Ledger) -> Vec<(SnapshotId, SnapshotPhase, bool)> {
    let report = ledger.next_report().map(|report| report.snapshots).unwrap_or_default();
    report.into_iter().map(|seen| (seen.id, seen.phase, seen.taken)).collect()
}

#[test]
fn what_a_guest_has_is_held_at_once_and_let_go_once_it_is_read() {
    let (one, other) = (snapshot(1), SnapshotPlan { moment: snapshot(1).id, ..snapshot(2) });
    let (later, alone) = (snapshot(3), snapshot(4));
    let (mut ledger, mut author) = running([vec![one.clone(), later.clone()], vec![other.clone()]]);
    let disks = vec![(volume_id(1), one.id), (volume_id(2), other.id)];
    let hold = Job::Instance(instance_id(1), Step::Hold { moment: one.id, disks });
    assert_eq!(jobs(&mut ledger), std::slice::from_ref(&hold), "both at once; the later one waits");
    ledger.finish(&hold, &Ok(Outcome::Done), NOW);
    assert!(jobs(&mut ledger).is_empty(), "first it is looked whether it is so");
    find(&mut ledger, guest(GuestState::Running, &[(1, &one), (2, &other)]));
    let read =
        |n, snapshot: &SnapshotPlan| Job::Volume(volume_id(n), VolumeStep::Snapshot(snapshot.id, Some(instance_id(1))));
    let reading = jobs(&mut ledger);
    assert_eq!(reading, [read(1, &one), read(2, &other)]);
    let working = SnapshotPhase::Working(0);
    assert_eq!(said(&mut ledger), [(one.id, working.clone(), true), (other.id, working, true)]);
    // It is to stop, which waits for what is read of it: however long that takes, unless it is forced.
    author.stop(1, false);
    ledger.update(author.delta()).unwrap();
    let press = jobs(&mut ledger);
    assert_eq!(press, [Job::Instance(instance_id(1), Step::Press)]);
    ledger.finish(&press[0], &Ok(Outcome::Done), NOW);
    find(&mut ledger, guest(GuestState::PoweredOff, &[(1, &one), (2, &other)]));
    assert!(jobs(&mut ledger).is_empty());
    made(&mut ledger, &reading[0]);
    assert!(jobs(&mut ledger).is_empty());
    made(&mut ledger, &reading[1]);
    assert!(jobs(&mut ledger).is_empty(), "nobody else has heard of them");
    assert_eq!(said(&mut ledger).len(), 2);
    put(&mut author, 1, vec![later.clone()]);
    put(&mut author, 2, vec![alone.clone()]);
    ledger.update(author.delta()).unwrap();
    assert_eq!(jobs(&mut ledger), [Job::Instance(instance_id(1), Step::Pull)]);
    // What wasn't held in time is made of the volume at rest.
    ledger.finish(&Job::Instance(instance_id(1), Step::Pull), &Ok(Outcome::Done), NOW);
    find(&mut ledger, guest(GuestState::Dead(None), &[]));
    let at_rest = |n, snapshot: &SnapshotPlan| Job::Volume(volume_id(n), VolumeStep::Snapshot(snapshot.id, None));
    assert_eq!(jobs(&mut ledger), [at_rest(1, &later), at_rest(2, &alone)]);
}

#[test]
fn what_was_made_is_held_until_the_control_plane_has_heard_of_it() {
    let one = snapshot(1);
    let (mut ledger, mut author) = running([vec![one.clone()], vec![]]);
    let hold = jobs(&mut ledger);
    ledger.finish(&hold[0], &Ok(Outcome::Done), NOW);
    find(&mut ledger, guest(GuestState::Running, &[(1, &one)]));
    let reading = jobs(&mut ledger);
    made(&mut ledger, &reading[0]);
    assert!(jobs(&mut ledger).is_empty());
    assert!(matches!(&said(&mut ledger)[..], [(_, SnapshotPhase::Made(_), _)]));
    // The agent is killed before that is heard: the next one finds it held, and makes it again.
    let taken = SnapshotPlan { taken: true, ..one.clone() };
    let (mut next, _) = running([vec![taken], vec![]]);
    find(&mut next, guest(GuestState::Running, &[(1, &one)]));
    assert_eq!(jobs(&mut next), reading);
    // Heard of, it is let go.
    put(&mut author, 1, vec![]);
    ledger.update(author.delta()).unwrap();
    assert_eq!(jobs(&mut ledger), [Job::Instance(instance_id(1), Step::Release(one.id))]);
}

#[test]
fn what_is_held_and_not_wanted_is_let_go() {
    let (mut ledger, mut author) = running([vec![], vec![]]);
    assert!(jobs(&mut ledger).is_empty());
    // Left by an agent that died, of a snapshot that was deleted.
    find(&mut ledger, guest(GuestState::Running, &[(2, &snapshot(9))]));
    let release = Job::Instance(instance_id(1), Step::Release(snapshot(9).id));
    assert_eq!(jobs(&mut ledger), std::slice::from_ref(&release));
    // Another one of the same disk waits until it is.
    put(&mut author, 2, vec![snapshot(1)]);
    ledger.update(author.delta()).unwrap();
    ledger.finish(&release, &Ok(Outcome::Done), NOW);
    find(&mut ledger, guest(GuestState::Running, &[]));
    let disks = vec![(volume_id(2), snapshot(1).id)];
    let hold = Job::Instance(instance_id(1), Step::Hold { moment: snapshot(1).id, disks });
    assert_eq!(jobs(&mut ledger), std::slice::from_ref(&hold));
    // QEMU can't: that is said, and isn't tried again.
    ledger.finish(&hold, &Err(DriverError::Final("too old".into())), NOW);
    find(&mut ledger, guest(GuestState::Running, &[]));
    assert!(jobs(&mut ledger).is_empty());
    assert_eq!(said(&mut ledger), [(snapshot(1).id, SnapshotPhase::Failed("too old".into()), false)]);
}

#[test]
fn a_moment_that_was_lost_is_not_made_up() {
    // The guest dies while it is read.
    let (mut ledger, _) = running([vec![snapshot(1)], vec![]]);
    let hold = jobs(&mut ledger);
    ledger.finish(&hold[0], &Ok(Outcome::Done), NOW);
    find(&mut ledger, guest(GuestState::Running, &[(1, &snapshot(1))]));
    let reading = jobs(&mut ledger);
    find(&mut ledger, guest(GuestState::Dead(None), &[]));
    ledger.finish(&reading[0], &Err(DriverError::Retry("closed".into())), NOW);
    let later = NOW + Timing::default().backoff_most;
    assert_eq!(ledger.next_job(later), None);
    let lost = |ledger: &mut Ledger| {
        let said = said(ledger);
        assert!(matches!(&said[..], [(_, SnapshotPhase::Failed(why), _)] if why.contains("machine")), "{said:?}");
    };
    lost(&mut ledger);
    // An agent that begins anew hears from the control plane that it was taken; the guest runs again by now.
    let taken = SnapshotPlan { taken: true, ..snapshot(2) };
    let (mut ledger, _) = running([vec![taken.clone()], vec![]]);
    assert!(jobs(&mut ledger).is_empty());
    lost(&mut ledger);
    // But where the guest still holds it, it is read.
    let (mut ledger, _) = running([vec![taken.clone()], vec![]]);
    find(&mut ledger, guest(GuestState::Running, &[(1, &taken)]));
    assert_eq!(jobs(&mut ledger), [Job::Volume(volume_id(1), VolumeStep::Snapshot(taken.id, Some(instance_id(1))))]);
}
