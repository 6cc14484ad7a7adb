//! Snapshots that share, marks by the month, an index that is damaged.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use landfall_chunks::{BLOCK_BYTES, Keys, Manifest, Memory, Options as Writing, Session, Writer};
use landfall_cloud::value::{ChunkDomains, Snapshots};
use landfall_cloud::{Entropy, Tx};
use landfall_model::{ChunkDomain, ChunkRoot, Contents, Region, Scope, SnapshotState};
use landfall_state::{Clock, MemoryLog, Options};

use super::*;

/// 2026-11-22T10:00:00Z.
const NOW_MS: i64 = 1_795_341_600_000;
const DAY_MS: i64 = 86_400_000;
const BLOCK: u64 = BLOCK_BYTES as u64;

#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn boot_ms(&self) -> i64 {
        self.wall_ms()
    }
}

struct Place {
    clock: Arc<SetClock>,
    objects: Arc<Memory>,
    meter: Meter,
}

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

impl Place {
    fn new() -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(NOW_MS)));
        let options = Options { clock: clock.clone(), ..Options::default() };
        let engine = Engine::<Cloud>::open(Box::new(MemoryLog::new()), options).unwrap();
        let objects = Arc::new(Memory::default());
        let meter = Meter { engine, objects: Some(objects.clone()), told: BTreeMap::new() };
        let place = Self { clock, objects, meter };
        place.change(|tx| tx.put::<ChunkDomains>(ChunkDomain { account: account(), next_session: 9 }));
        place
    }

    fn change(&self, change: impl FnOnce(&mut Tx<'_, '_>)) {
        let now = self.clock.wall_ms();
        let pending = self.meter.engine.commit(|head| {
            let mut entropy = Entropy::seeded(1);
            let scope = Scope { account: account(), region: Region::DEFAULT };
            head.transact(now, None, |tx| {
                change(&mut Tx::new(tx, scope, &mut entropy));
                Ok::<_, ()>(())
            })
            .unwrap();
        });
        pending.wait().unwrap();
    }

    fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// A snapshot with a block of its own at each of those places, on top of another.
    fn snapshot(&self, number: u64, base: Option<&Snapshot>, blocks: std::ops::Range<u64>) -> Snapshot {
        let name: Domain = account().to_string().parse().unwrap();
        let store = Store::new(self.objects.clone(), name, Keys::open(&[7; 32]));
        let base = base.map(|row| {
            let root = row.contents().unwrap().root().unwrap().root.parse().unwrap();
            Arc::new(Manifest::open(&store, &root).unwrap())
        });
        let writer = Writer::begin(&store, Session(number), 1000, base, Writing::default()).unwrap();
        for block in blocks {
            let mut contents = vec![0; BLOCK_BYTES];
            contents[..16].copy_from_slice(&(u128::from(number) << 64 | u128::from(block)).to_le_bytes());
            contents[16] = 1;
            writer.write(block, contents).unwrap();
        }
        let (root, _) = writer.commit().unwrap();
        let contents = Contents::Chunks(ChunkRoot { domain: account(), root: root.to_string(), data_key: None });
        let row = Snapshot {
            scope: Scope { account: account(), region: Region::DEFAULT },
            id: SnapshotId::from_random(number.into()),
            volume: None,
            size_gib: 1,
            description: String::new(),
            data_key: None,
            started_at: Timestamp(self.clock.wall_ms()),
            completed_at: None,
            state: SnapshotState::Completed { contents, full_bytes: None },
            shared_with: BTreeSet::new(),
            is_public: false,
        };
        self.change(|tx| tx.put::<Snapshots>(row.clone()));
        row
    }

    /// What each snapshot has come to from one moment to another, in bytes times days of November.
    fn byte_days(&self, from: i64, to: i64) -> BTreeMap<String, u64> {
        let period = (Timestamp(from), Timestamp(to));
        let readings = landfall_api::usage::readings(&self.meter.engine, Some(account()), period).unwrap();
        let sums = metering::usage(readings, period, true);
        let days = |sum: u128| ((sum * 30 * (1 << 30)) as f64 / 1e9).round() as u64;
        sums.into_iter().map(|(item, sum)| (item.resource, days(sum))).collect()
    }
}

fn about(found: &BTreeMap<String, u64>, row: &Snapshot, expected: u64) {
    let found = found.get(&row.id.to_string()).copied().unwrap_or(0);
    // Billionths are cut off.
    assert!(found.abs_diff(expected) <= 4096, "{}: {found} and not {expected}", row.id);
}

#[test]
fn a_snapshot_pays_for_what_no_older_one_has() {
    let mut place = Place::new();
    place.meter.look().unwrap();
    let first = place.snapshot(1, None, 0..10);
    place.pass(1);
    let second = place.snapshot(2, Some(&first), 8..12);
    place.meter.look().unwrap();
    place.pass(DAY_MS);
    let found = place.byte_days(NOW_MS, NOW_MS + DAY_MS);
    about(&found, &first, 10 * BLOCK);
    about(&found, &second, 4 * BLOCK);
    // Without the first, the second has what it shared with it.
    place.change(|tx| assert!(tx.delete::<Snapshots>(&first.key())));
    place.meter.look().unwrap();
    place.pass(DAY_MS);
    let found = place.byte_days(NOW_MS + DAY_MS, NOW_MS + 2 * DAY_MS);
    about(&found, &first, 0);
    about(&found, &second, 12 * BLOCK);
}

#[test]
fn what_is_told_once_is_told_again_by_the_month_only() {
    let mut place = Place::new();
    let row = place.snapshot(1, None, 0..10);
    let count = |place: &Place| place.meter.engine.bulk(metering::STREAM, 0, 1000).unwrap().len();
    place.meter.look().unwrap();
    let before = count(&place);
    assert_eq!(before, 2, "a reading and a mark");
    for _ in 0..3 {
        place.pass(DAY_MS);
        place.meter.look().unwrap();
    }
    assert_eq!(count(&place), before);
    // One that begins anew tells all once more, which counts once.
    let engine = place.meter.engine.clone();
    place.meter = Meter { engine, objects: Some(place.objects.clone()), told: BTreeMap::new() };
    place.meter.look().unwrap();
    assert_eq!(count(&place), before + 1);
    about(&place.byte_days(NOW_MS, NOW_MS + 3 * DAY_MS), &row, 30 * BLOCK);
    // December begins.
    place.pass(8 * DAY_MS);
    place.meter.look().unwrap();
    assert_eq!(count(&place), before + 3);
    let mark = mark_before(&place.meter.engine, Timestamp(place.clock.wall_ms())).unwrap().unwrap();
    assert_eq!(mark.at.0, place.clock.wall_ms());
    assert_eq!(mark_before(&place.meter.engine, Timestamp(NOW_MS - 1)).unwrap(), None);
    // A period after the mark needs nothing from before it; a day of December is a 31st.
    place.pass(DAY_MS);
    let day = (place.clock.wall_ms() - DAY_MS, place.clock.wall_ms());
    about(&place.byte_days(day.0, day.1), &row, 10 * BLOCK * 30 / 31);
    // After more than a year what was before goes.
    for _ in 0..15 {
        place.pass(31 * DAY_MS);
        place.meter.look().unwrap();
    }
    let oldest = place.meter.engine.bulk(metering::STREAM, 0, 1).unwrap()[0].time_ms;
    assert!(oldest > NOW_MS + 8 * DAY_MS, "the first month is gone");
    let last = (place.clock.wall_ms() - 360 * DAY_MS, place.clock.wall_ms());
    let found = place.byte_days(last.0, last.1);
    let months = found[&row.id.to_string()] as f64 / (10 * BLOCK * 30) as f64;
    assert!((11.7..12.0).contains(&months), "{months}");
}

#[test]
fn what_cannot_be_read_of_one_is_not_paid_for_and_all_others_are() {
    let mut place = Place::new();
    let first = place.snapshot(1, None, 0..10);
    place.meter.look().unwrap();
    let second = place.snapshot(2, Some(&first), 0..5);
    let kept: Vec<_> = place.objects.keys();
    let root = second.contents().unwrap().root().unwrap().root.clone();
    for key in &kept {
        if root.contains(key.rsplit('/').next().unwrap_or_default()) {
            place.objects.damage(key, None);
        }
    }
    place.meter.look().unwrap();
    let third = place.snapshot(3, Some(&first), 20..23);
    place.meter.look().unwrap();
    place.pass(DAY_MS);
    let found = place.byte_days(NOW_MS, NOW_MS + DAY_MS);
    about(&found, &first, 10 * BLOCK);
    about(&found, &second, 0);
    about(&found, &third, 3 * BLOCK);
}
