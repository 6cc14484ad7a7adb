//! What goes on at the same time, which no simulated host has: there a job is done as soon as it is begun.

use landfall_model::plan::SnapshotPlan;
use landfall_model::{AccountId, SnapshotId};

use super::*;
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
    SnapshotPlan { id, domain: AccountId::PROVIDER, session: n.into(), base: None, size_bytes: 0, moment: id }
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
    assert_eq!(first, Job::Volume(volume_id(1), VolumeStep::Snapshot(snapshot(1).id)));
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
    assert_eq!(second, Job::Volume(volume_id(1), VolumeStep::Snapshot(snapshot(2).id)));
    // A process that is no guest of this host's has it: tried again.
    ledger.finish(&second, &Err(DriverError::InUse("in use".into())), NOW);
    assert_eq!(ledger.next_job(NOW), None);
    assert_eq!(ledger.next_job(NOW + Timing::default().backoff_most), Some(second));
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
