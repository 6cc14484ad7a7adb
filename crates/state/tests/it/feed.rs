//! The feed: from any revision, out of memory or the log, and how far compaction may go.

use std::sync::Arc;
use std::time::Duration;

use landfall_state::{Commit, Engine, Feed, FeedError, Log, MemoryLog, Options, Retention, SqliteLog};
use tempfile::TempDir;

use crate::logs::bare;
use crate::town::{Houses, Purse, Purses, Town, house};

/// With so little memory that most of the feed comes from the log.
fn options() -> Options {
    Options { recent_commits: 5, kept_commits: 10, history_commits: 20, ..Options::default() }
}

/// Each commit changes house 1 and, every third time, deletes or makes house 2.
fn live(engine: &Engine<Town>, commits: i64) {
    for _ in 0..commits {
        let lived = engine.commit(|head| {
            let note = Arc::from(format!("{{\"at\":{}}}", head.revision() + 1));
            head.transact(0, Some(note), |tx| {
                let worth = tx.revision().cast_signed();
                tx.put::<Houses>(crate::town::House { worth, ..house(1, "Elm") });
                if worth % 3 == 0 && !tx.delete::<Houses>(&2) {
                    tx.put::<Houses>(house(2, "Oak"));
                }
                Ok::<_, ()>(())
            })
        });
        lived.wait().unwrap().unwrap();
    }
}

fn collect(feed: &mut Feed<Town>) -> Vec<Arc<Commit>> {
    std::iter::from_fn(|| feed.try_next().unwrap()).collect()
}

/// That the commits are those after `from`, whole, each from where the one before left off.
fn agree(commits: &[Arc<Commit>], from: u64, last: u64) {
    assert_eq!(commits.iter().map(|commit| commit.revision).collect::<Vec<_>>(), (from + 1..=last).collect::<Vec<_>>());
    for commit in commits {
        let at = commit.revision.cast_signed();
        assert_eq!(commit.note.as_deref(), Some(format!("{{\"at\":{at}}}").as_str()));
        let (before, after) = commit.changes[0].of::<Houses>().unwrap();
        assert_eq!(before.map(|house| house.worth), (at > 1).then_some(at - 1));
        assert_eq!(after.map(|house| house.worth), Some(at));
        assert_eq!((commit.changes[0].kind(), commit.changes[0].id().as_str()), ("house", "1"));
        assert!(commit.changes[0].of::<Purses>().is_none());
        if at % 3 == 0 {
            let (before, after) = commit.changes[1].of::<Houses>().unwrap();
            assert_eq!((before.is_some(), after.is_some()), (at % 6 == 0, at % 6 != 0));
            assert_eq!(commit.changes[1].is_delete(), at % 6 == 0);
        }
        assert_eq!(commit.changes.len(), if at % 3 == 0 { 2 } else { 1 });
    }
}

fn from_any_revision(log: Box<dyn Log>) {
    let engine = Engine::<Town>::open(log, options()).unwrap();
    let mut patient = engine.feed(0);
    live(&engine, 40);
    for from in 0..=40 {
        agree(&collect(&mut engine.feed(from)), from, 40);
    }
    assert!(matches!(engine.feed(41).try_next(), Err(FeedError::Ahead { after: 41, durable: 40 })));
    agree(&collect(&mut patient), 0, 40);
    assert_eq!(patient.revision(), 40);
    assert_eq!(engine.compact().unwrap(), 30);
    for from in 0..30 {
        assert!(matches!(engine.feed(from).try_next(), Err(FeedError::Compacted { floor: 30 })));
    }
    for from in 30..=40 {
        agree(&collect(&mut engine.feed(from)), from, 40);
    }
    live(&engine, 1);
    agree(&collect(&mut patient), 40, 41);
}

#[test]
fn sqlite_feeds_from_any_revision() {
    let folder = TempDir::new().unwrap();
    from_any_revision(Box::new(SqliteLog::open(folder.path(), bare()).unwrap()));
}

#[test]
fn memory_feeds_from_any_revision() {
    from_any_revision(Box::new(MemoryLog::new()));
    from_any_revision(Box::new(MemoryLog::volatile()));
}

#[test]
fn compaction_waits_for_cursors_as_they_ask() {
    let folder = TempDir::new().unwrap();
    let open = || Engine::<Town>::open(Box::new(SqliteLog::open(folder.path(), bare()).unwrap()), options()).unwrap();
    let engine = open();
    live(&engine, 18);
    engine.set_cursor("events", 3, Retention::Bounded);
    engine.set_cursor("audit", 6, Retention::Held);
    live(&engine, 1);
    assert_eq!(engine.compact().unwrap(), 3, "19 are within the bound of 20");
    live(&engine, 6);
    assert_eq!(engine.compact().unwrap(), 5, "the bound of 20 is over");
    live(&engine, 100);
    assert_eq!(engine.compact().unwrap(), 6, "audit holds it");
    drop(engine);
    let engine = open();
    assert_eq!((engine.cursor("audit"), engine.cursor("events"), engine.cursor("none")), (Some(6), Some(3), None));
    assert_eq!(engine.health().floor, 6);
    engine.set_cursor("audit", 120, Retention::Held);
    engine.set_cursor("events", 110, Retention::Bounded);
    live(&engine, 1);
    assert_eq!(engine.compact().unwrap(), 110);
    engine.forget_cursor("events");
    live(&engine, 1);
    assert_eq!((engine.cursor("events"), engine.compact().unwrap()), (None, 117));
    drop(engine);
    let engine = open();
    assert_eq!(engine.read().houses.get(&1).unwrap().worth, 127);
    agree(&collect(&mut engine.feed(117)), 117, 127);
}

#[test]
fn a_long_life_compacts_by_itself() {
    let log = MemoryLog::volatile();
    let engine = Engine::<Town>::open(Box::new(log), options()).unwrap();
    live(&engine, 5_000);
    assert!(engine.health().floor >= 3_000, "{:?}", engine.health());
}

#[test]
fn a_waiting_consumer_is_woken_and_told_of_the_end() {
    for log in [Box::new(MemoryLog::new()) as Box<dyn Log>] {
        let engine = Engine::<Town>::open(log, options()).unwrap();
        let (mut blocking, mut awaiting) = (engine.feed(0), engine.feed(0));
        let threads = [
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                loop {
                    match blocking.next_blocking() {
                        Ok(commit) => seen.push(commit.revision),
                        Err(end) => return (seen, end),
                    }
                }
            }),
            std::thread::spawn(move || {
                tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
                    let mut seen = Vec::new();
                    loop {
                        match awaiting.next().await {
                            Ok(commit) => seen.push(commit.revision),
                            Err(end) => return (seen, end),
                        }
                    }
                })
            }),
        ];
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(1));
            live(&engine, 1);
        }
        std::thread::sleep(Duration::from_millis(20));
        drop(engine);
        for thread in threads {
            let (seen, end) = thread.join().unwrap();
            assert_eq!(seen, (1..=20).collect::<Vec<_>>());
            assert!(matches!(end, FeedError::Stopped));
        }
    }
}

#[test]
fn what_the_feed_gives_is_visible() {
    let folder = TempDir::new().unwrap();
    let engine = Engine::<Town>::open(Box::new(SqliteLog::open(folder.path(), bare()).unwrap()), options()).unwrap();
    let reader = engine.clone();
    let mut feed = engine.feed(0);
    let watch = std::thread::spawn(move || {
        for _ in 0..100 {
            let commit = feed.next_blocking().unwrap();
            assert!(reader.read().revision >= commit.revision);
        }
    });
    for coins in 0..100 {
        let paid = engine.commit(|head| {
            head.transact(0, None, |tx| {
                tx.put::<Purses>(Purse { owner: "x".to_owned(), coins });
                Ok::<_, ()>(())
            })
        });
        if coins % 10 == 9 {
            paid.wait().unwrap().unwrap();
        }
    }
    watch.join().unwrap();
}
