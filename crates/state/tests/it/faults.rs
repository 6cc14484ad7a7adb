//! Engines on a log that fails: whatever the plan, what was acknowledged or shown stays, and all else is whole.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use landfall_state::log::faulty::FaultyLog;
use landfall_state::{Engine, MemoryLog, MemoryStore, Options, Refused, Retention};

use crate::town::{Houses, Purse, Purses, Town, house};

const WRITERS: u32 = 4;
const WRITES: u32 = 40;
const BANK: &str = "bank";

/// One writer's step: a house of its own, and a coin from the bank.
fn pay(engine: &Engine<Town>, writer: u32, step: u32) -> Result<(), Refused> {
    let paid = engine.commit_essential(|head| {
        head.transact(0, None, |tx| {
            tx.put::<Houses>(house(writer * 1_000 + step, "Elm"));
            for (owner, coins) in [(BANK.to_owned(), -1), (writer.to_string(), 1)] {
                let held = tx.purses.get(&owner).map_or(0, |purse| purse.coins);
                tx.put::<Purses>(Purse { owner, coins: held + coins });
            }
            Ok::<_, ()>(())
        })
    });
    paid.wait().map(|done| done.expect("it never fails by itself"))
}

/// Every transaction is there whole or not at all.
fn check_whole(town: &Town) {
    assert_eq!(town.purses.iter().map(|purse| purse.coins).sum::<i64>(), 0);
    let bank = town.purses.get(&BANK.to_owned()).map_or(0, |purse| purse.coins);
    assert_eq!(town.houses.len() as i64, -bank);
}

fn content(town: &Town) -> (Vec<crate::town::House>, Vec<Purse>) {
    (town.houses.iter().cloned().collect(), town.purses.iter().cloned().collect())
}

fn run(seed: u64, totals: &[AtomicU64; 6]) {
    let store = MemoryStore::default();
    let log = FaultyLog::new(Box::new(MemoryLog::on(store.clone())), seed, 4);
    let faults = log.faults();
    let options = || Options { retry: Duration::from_millis(1), recent_commits: 16, ..Options::default() };
    let engine = Engine::<Town>::open(Box::new(log), options()).unwrap();
    let acknowledged = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    let mut feed = engine.feed(0);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut shown = 0;
            while !done.load(Ordering::Relaxed) {
                let town = engine.read();
                check_whole(&town);
                assert!(town.revision >= shown, "seed {seed}: what was shown is gone");
                shown = town.revision;
                thread::sleep(Duration::from_micros(200));
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (engine, acknowledged) = (&engine, &acknowledged);
                scope.spawn(move || {
                    for step in 0..WRITES {
                        match pay(engine, writer, step) {
                            Ok(()) => acknowledged.lock().unwrap().push(writer * 1_000 + step),
                            Err(_) => thread::sleep(Duration::from_millis(1)),
                        }
                        if step % 10 == 0 {
                            engine.set_cursor(&format!("writer{writer}"), u64::from(step), Retention::Bounded);
                        }
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
    faults.healed.store(true, Ordering::Relaxed);
    while pay(&engine, 9, 0).is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    let (town, mut replayed) = (engine.read(), BTreeMap::new());
    for revision in 1..=town.revision {
        let commit = feed.try_next().unwrap().expect("all that is shown was fed");
        assert_eq!(commit.revision, revision, "seed {seed}");
        for change in commit.changes.iter() {
            if let Some((before, after)) = change.of::<Purses>() {
                let owner = change.id();
                assert_eq!(replayed.get(&owner), before, "seed {seed}");
                replayed.insert(owner, after.unwrap().clone());
            }
        }
    }
    for number in acknowledged.lock().unwrap().iter() {
        assert!(town.houses.contains(number), "seed {seed}: {number} was acknowledged and lost");
    }
    for writer in 0..WRITERS {
        assert_eq!(engine.cursor(&format!("writer{writer}")), Some(u64::from(WRITES - 10)), "seed {seed}");
    }
    drop(engine);
    let reopened = Engine::<Town>::open(Box::new(MemoryLog::on(store)), options()).unwrap();
    assert_eq!(content(&reopened.read()), content(&town), "seed {seed}: the log is not what was shown");
    assert_eq!(reopened.read().revision, town.revision);
    let seen = [&faults.failed, &faults.unknown, &faults.dropped, &faults.torn, &faults.full, &faults.unreadable];
    for (total, seen) in totals.iter().zip(seen) {
        total.fetch_add(seen.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[test]
fn nothing_acknowledged_or_shown_is_lost_whatever_the_log_does() {
    let seeds: u64 = std::env::var("LANDFALL_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let totals: [AtomicU64; 6] = Default::default();
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    run(seed, &totals);
                }
            });
        }
    });
    for (kind, total) in ["failed", "unknown", "dropped", "torn", "full", "unreadable"].iter().zip(&totals) {
        let total = total.load(Ordering::Relaxed);
        println!("{total} times {kind}");
        assert!(total > 0, "the plan never made an append {kind}");
    }
}

#[test]
fn a_log_that_lost_what_was_acknowledged_is_never_built_on() {
    let store = MemoryStore::default();
    let log = FaultyLog::new(Box::new(Amnesiac(MemoryLog::on(store))), 3, 3);
    let engine =
        Engine::<Town>::open(Box::new(log), Options { retry: Duration::from_millis(1), ..Options::default() }).unwrap();
    let refused = (0..1_000).find_map(|step| pay(&engine, 1, step).err());
    assert!(refused.is_some());
    let shown = engine.read().revision;
    for step in 0..20 {
        thread::sleep(Duration::from_millis(2));
        assert!(pay(&engine, 2, step).is_err());
    }
    assert_eq!(engine.read().revision, shown, "readers keep what they had");
}

/// Says that it is empty, whatever it took.
struct Amnesiac(MemoryLog);

impl landfall_state::Log for Amnesiac {
    fn take(&mut self) -> Result<u64, landfall_state::LogError> {
        self.0.take()
    }
    fn load(
        &mut self,
        each: &mut dyn FnMut(landfall_state::log::LiveRow<'_>) -> Result<(), landfall_state::LogError>,
    ) -> Result<landfall_state::log::Position, landfall_state::LogError> {
        self.0.load(each)
    }
    fn position(&mut self) -> Result<landfall_state::log::Position, landfall_state::LogError> {
        Ok(landfall_state::log::Position::default())
    }
    fn append(&mut self, epoch: u64, batch: &landfall_state::log::Batch) -> Result<(), landfall_state::LogError> {
        self.0.append(epoch, batch)
    }
    fn tail(
        &mut self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<landfall_state::log::LoggedCommit>, landfall_state::LogError> {
        self.0.tail(after, limit)
    }
    fn cursors(&mut self) -> Result<Vec<landfall_state::Cursor>, landfall_state::LogError> {
        self.0.cursors()
    }
    fn bulk(
        &mut self,
        stream: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<landfall_state::log::BulkRecord>, landfall_state::LogError> {
        self.0.bulk(stream, after, limit)
    }
    fn find_bulk(
        &mut self,
        stream: &str,
        key: u64,
        before: u64,
        until_ms: i64,
    ) -> Result<Vec<landfall_state::BulkRecord>, landfall_state::LogError> {
        self.0.find_bulk(stream, key, before, until_ms)
    }

    fn bulk_until(&mut self, stream: &str, until_ms: i64) -> Result<u64, landfall_state::LogError> {
        self.0.bulk_until(stream, until_ms)
    }

    fn trim_bulk(&mut self, stream: &str, until: u64) -> Result<(), landfall_state::LogError> {
        self.0.trim_bulk(stream, until)
    }
    fn compact(&mut self, epoch: u64, floor: u64) -> Result<(), landfall_state::LogError> {
        self.0.compact(epoch, floor)
    }
}
