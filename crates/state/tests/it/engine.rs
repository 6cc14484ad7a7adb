//! Transactions, answers and reading.

use std::convert::Infallible;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use landfall_state::{
    BulkRefused, Clock, DecodeError, Engine, Log, MemoryLog, MemoryStore, OpenError, Options, Refused, SqliteLog,
    fixtures,
};
use tempfile::TempDir;

use crate::logs::{bare, sqlite};
use crate::town::{House, Houses, Town, house};

/// How long what is to come is waited for, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(300);

fn sqlite_log(folder: &TempDir) -> Box<dyn Log> {
    Box::new(SqliteLog::open(folder.path(), bare()).unwrap())
}

fn engine() -> Engine<Town> {
    Engine::open(Box::new(MemoryLog::new()), Options::default()).unwrap()
}

#[test]
fn a_failing_transaction_leaves_nothing() {
    let engine = engine();
    let build = |number| {
        engine.commit(move |head| {
            head.transact(5, None, |tx| {
                tx.put::<Houses>(house(number, "Elm"));
                Ok::<_, Infallible>(tx.revision())
            })
        })
    };
    assert_eq!(build(1).wait().unwrap(), Ok(1));
    assert_eq!(build(2).wait().unwrap(), Ok(2));
    let failed = engine.commit(|head| {
        head.transact(9, None, |tx| {
            tx.put::<Houses>(House { painted_at: Some(3), ..house(3, "Elm") });
            tx.update::<Houses, _>(&1, |house| house.street = "Oak".to_owned());
            tx.delete::<Houses>(&2);
            assert_eq!(tx.houses.len(), 2);
            assert_eq!(tx.houses.next_due(), Some(3));
            Err::<(), _>("no")
        })
    });
    assert_eq!(failed.wait().unwrap(), Err("no"));
    let town = engine.read();
    assert_eq!((town.revision, town.time_ms), (2, 5));
    assert_eq!(town.houses.by_street(&"Elm".to_owned()).map(|house| house.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(town.houses.by_street.count(&"Elm".to_owned()), 2);
    assert_eq!(town.houses.by_street.count(&"Oak".to_owned()), 0);
    assert_eq!(town.houses.next_due(), None);
    assert_eq!(engine.health().head, 2);
}

fn put(engine: &Engine<Town>, house: House) -> Result<u64, Refused> {
    let pending = engine.commit(move |head| {
        head.transact(7, None, |tx| {
            tx.put::<Houses>(house);
            Ok::<_, Infallible>(tx.revision())
        })
    });
    pending.wait().map(|result| match result {
        Ok(revision) => revision,
    })
}

#[test]
fn a_panic_in_a_transaction_leaves_nothing_and_the_engine_goes_on() {
    let engine = engine();
    put(&engine, house(1, "Elm")).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        engine.commit(|head| {
            head.transact(0, None, |tx| {
                tx.delete::<Houses>(&1);
                panic!("on purpose");
                #[expect(unreachable_code, reason = "gives the closure its type")]
                Ok::<(), ()>(())
            })
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(put(&engine, house(2, "Elm")).unwrap(), 2);
    assert_eq!(engine.read().houses.len(), 2);
}

#[test]
fn one_commit_runs_several_transactions_and_shows_their_changes() {
    let engine = engine();
    put(&engine, house(1, "Elm")).unwrap();
    let seen = engine.commit(|head| {
        let start = head.revision();
        let outcomes = [3, 2, 1].map(|number| {
            head.transact(20 - i64::from(number), Some(Arc::from("{}")), |tx| {
                if number == 2 {
                    return Err(());
                }
                tx.put::<Houses>(house(9, "Gone"));
                tx.put::<Houses>(house(number, "Oak"));
                tx.update::<Houses, _>(&number, |house| house.worth = 5);
                tx.delete::<Houses>(&9);
                Ok(tx.now_ms())
            })
        });
        assert_eq!(outcomes, [Ok(17), Err(()), Ok(19)]);
        assert_eq!(head.transact(3, None, |tx| Ok::<_, ()>(tx.now_ms())), Ok(19), "time never goes back");
        let all: Vec<String> = head.changes_since(start).map(|change| format!("{change:?}")).collect();
        let last: Vec<String> = head.changes_since(start + 1).map(|change| format!("{change:?}")).collect();
        (all, last)
    });
    let (all, last) = seen.wait().unwrap();
    assert_eq!(all, ["insert house 3", "update house 1"], "one change a row, none for what came and went");
    assert_eq!(last, ["update house 1"]);
    let town = engine.read();
    assert_eq!((town.revision, town.time_ms), (3, 19));
    assert_eq!(town.houses.get(&1).unwrap().worth, 5);
}

#[test]
fn a_log_is_read_by_the_next_version() {
    let folder = TempDir::new().unwrap();
    drop(Engine::<Town>::open(sqlite_log(&folder), Options::default()).unwrap());
    let old = r#"{"number":4,"street":"Elm","tags":[],"painted_at":null}"#;
    let connection = sqlite(folder.path().join("log.sqlite"));
    let row = |revision: i64, kind: &str, version: i64, body: &str| {
        connection.execute("INSERT INTO commits VALUES (?1, 5, NULL)", [revision]).unwrap();
        let values = rusqlite::params![revision, kind, version, body];
        connection.execute("INSERT INTO rows VALUES (?1, ?2, '4', ?3, ?4)", values).unwrap();
    };
    row(1, "house", 1, old);
    let engine = Engine::<Town>::open(sqlite_log(&folder), Options::default()).unwrap();
    assert_eq!(engine.read().houses.get(&4).unwrap().worth, 0);
    put(&engine, house(5, "Oak")).unwrap();
    drop(engine);
    let newest: i64 = connection.query_row("SELECT version FROM rows WHERE id = '5'", [], |row| row.get(0)).unwrap();
    assert_eq!(newest, 2);
    row(3, "house", 3, old);
    let newer = Engine::<Town>::open(sqlite_log(&folder), Options::default()).err().unwrap();
    assert!(matches!(newer, OpenError::Decode(DecodeError::TooNew { version: 3, known: 2, .. })), "{newer:?}");
    connection.execute("UPDATE rows SET kind = 'castle' WHERE revision = 3", []).unwrap();
    let unknown = Engine::<Town>::open(sqlite_log(&folder), Options::default()).err().unwrap();
    assert!(matches!(unknown, OpenError::Decode(DecodeError::UnknownKind(kind)) if kind == "castle"));
    connection.execute("UPDATE rows SET kind = 'house', id = '77', version = 2 WHERE revision = 3", []).unwrap();
    let malformed = Engine::<Town>::open(sqlite_log(&folder), Options::default()).err().unwrap();
    assert!(matches!(malformed, OpenError::Decode(DecodeError::Malformed { .. })), "{malformed:?}");
}

#[test]
fn a_reopened_engine_has_all_of_it_under_a_new_epoch() {
    let folder = TempDir::new().unwrap();
    let engine = Engine::<Town>::open(sqlite_log(&folder), Options::default()).unwrap();
    for number in 0..50 {
        put(&engine, house(number, "Elm")).unwrap();
    }
    let gone = engine.commit(|head| head.transact(8, None, |tx| Ok::<_, ()>(tx.delete::<Houses>(&7))));
    assert_eq!(gone.wait().unwrap(), Ok(true));
    let (epoch, before) = (engine.epoch(), engine.read());
    for file in ["log.sqlite", "log.sqlite-wal"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can't read {file}");
    }
    drop(engine);
    let engine = Engine::<Town>::open(sqlite_log(&folder), Options::default()).unwrap();
    assert!(engine.epoch() > epoch);
    let after = engine.read();
    assert_eq!((after.revision, after.time_ms), (51, 8));
    assert!(before.houses.iter().eq(after.houses.iter()));
    assert_eq!(after.houses.by_street.count(&"Elm".to_owned()), 49);
}

#[test]
fn an_engine_whose_epoch_is_over_never_writes_again() {
    let folder = TempDir::new().unwrap();
    let engine = Engine::<Town>::open(sqlite_log(&folder), Options::default()).unwrap();
    put(&engine, house(1, "Elm")).unwrap();
    let connection = sqlite(folder.path().join("log.sqlite"));
    connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'", []).unwrap();
    assert_eq!(put(&engine, house(2, "Elm")), Err(Refused::Fenced));
    assert_eq!(put(&engine, house(3, "Elm")), Err(Refused::Fenced));
    assert_eq!(engine.read().houses.len(), 1);
    assert_eq!(engine.health().refusing, Some(Refused::Fenced));
}

#[test]
fn an_immediate_log_that_refuses_takes_the_head_back() {
    let store = MemoryStore::default();
    let engine = Engine::<Town>::open(Box::new(MemoryLog::on(store.clone())), Options::default()).unwrap();
    put(&engine, house(1, "Elm")).unwrap();
    MemoryLog::on(store).take().unwrap();
    assert_eq!(put(&engine, house(2, "Elm")), Err(Refused::Fenced));
    assert_eq!(put(&engine, house(3, "Elm")), Err(Refused::Fenced));
    assert_eq!((engine.read().houses.len(), engine.read().revision, engine.health().head), (1, 1, 1));
}

#[derive(Default)]
struct SetClock {
    wall_ms: AtomicI64,
    boot_ms: AtomicI64,
}

impl Clock for SetClock {
    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::Relaxed)
    }

    fn boot_ms(&self) -> i64 {
        self.boot_ms.load(Ordering::Relaxed)
    }
}

#[test]
fn a_clock_that_leaps_stops_writes_until_accepted() {
    let clock = Arc::new(SetClock::default());
    let engine: Engine<Town> =
        Engine::open(Box::new(MemoryLog::new()), Options { clock: clock.clone(), ..Options::default() }).unwrap();
    let pass = |wall_ms, boot_ms| {
        clock.wall_ms.fetch_add(wall_ms, Ordering::Relaxed);
        clock.boot_ms.fetch_add(boot_ms, Ordering::Relaxed);
    };
    put(&engine, house(1, "Elm")).unwrap();
    pass(50 * 3_600_000, 50 * 3_600_000);
    put(&engine, house(1, "Elm")).unwrap();
    pass(3_599_000, 0);
    put(&engine, house(1, "Elm")).unwrap();
    pass(-3_601_000, 0);
    assert_eq!(put(&engine, house(1, "Elm")), Err(Refused::ClockLeapt(-3_601_000)));
    pass(3_601_000, 0);
    assert!(put(&engine, house(1, "Elm")).is_err(), "only an operator ends it");
    engine.accept_clock();
    assert_eq!(put(&engine, house(1, "Elm")).unwrap(), 4);
}

#[tokio::test]
async fn answers_wait_for_the_disk_also_those_that_changed_nothing() {
    let folder = TempDir::new().unwrap();
    let engine = Engine::<Town>::open(sqlite_log(&folder), Options::default()).unwrap();
    let mut written = Vec::new();
    for number in 0..200 {
        written.push(engine.commit(|head| {
            head.transact(0, None, |tx| {
                tx.put::<Houses>(house(number, "Elm"));
                Ok::<_, ()>(())
            })
        }));
    }
    let refused = engine.commit(|head| {
        assert_eq!(head.houses.len(), 200, "the head is ahead of the disk");
        head.transact(0, None, |_| Err::<(), _>("no"))
    });
    // Looked at in this order: a fast disk may be done at any moment.
    let (ready, durable) = (refused.is_ready(), engine.read().revision);
    assert!(!ready || durable == 200, "it answers at {durable} and has seen 200");
    assert_eq!(refused.revision(), 200);
    assert_eq!(refused.await, Ok(Err("no")));
    assert_eq!(engine.read().revision, 200, "it waited for all that it had seen");
    for pending in written {
        assert_eq!(pending.await, Ok(Ok(())));
    }
    assert!(engine.commit(|_| ()).is_ready(), "nothing to wait for");
}

#[test]
fn bulk_records_become_durable_by_themselves() {
    let folder = TempDir::new().unwrap();
    let options = || Options { bulk_queue: 3, ..Options::default() };
    let engine = Engine::<Town>::open(sqlite_log(&folder), options()).unwrap();
    assert_eq!(engine.append_bulk("No", String::new()), Err(BulkRefused::BadStream));
    // The queue is emptied now and then; nobody is that slow each time.
    let mut taken: Vec<String> = (0..1_000_000)
        .map(|number: u32| number.to_string())
        .take_while(|text| match engine.append_bulk("reads", text.clone()) {
            Ok(()) => true,
            Err(refused) => {
                assert_eq!(refused, BulkRefused::Full);
                false
            }
        })
        .collect();
    assert!((3..1_000_000).contains(&taken.len()), "{} were taken", taken.len());
    let start = Instant::now();
    while engine.bulk("reads", 0, 2_000_000).unwrap().len() < taken.len() {
        assert!(start.elapsed() < PATIENCE, "they don't become durable");
        std::thread::sleep(Duration::from_millis(10));
    }
    engine.append_bulk("reads", "last".to_owned()).unwrap();
    taken.push("last".to_owned());
    drop(engine);
    let engine = Engine::<Town>::open(sqlite_log(&folder), options()).unwrap();
    let texts: Vec<_> = engine.bulk("reads", 0, 2_000_000).unwrap().into_iter().map(|record| record.record).collect();
    assert_eq!(texts, taken, "stopping writes what waits");
}

#[test]
fn fixtures_of_every_version_are_asked_for_and_read() {
    let folder = TempDir::new().unwrap();
    assert_eq!(fixtures::check::<Town>(folder.path()).len(), 3);
    let write = |name: &str, body: &str| std::fs::write(folder.path().join(name), body).unwrap();
    write("house.v1.json", r#"{"number":4,"street":"Elm","tags":[],"painted_at":null}"#);
    write("house.v2.json", r#"{"number":4,"street":"Elm","tags":[],"painted_at":null,"worth":3}"#);
    write("purse.v1.json", r#"{"owner":"x","coins":3}"#);
    assert_eq!(fixtures::check::<Town>(folder.path()), [""; 0]);
    write("house.v2.json", r#"{"number":4,"street":"Elm","tags":[],"painted_at":null}"#);
    write("house.v3.json", "{}");
    let complaints = fixtures::check::<Town>(folder.path());
    assert_eq!(complaints.len(), 2, "{complaints:?}");
}

#[test]
fn sqlite_that_fails_is_read_back_before_it_is_written_again() {
    let folder = TempDir::new().unwrap();
    let options = Options { retry: Duration::from_millis(5), ..Options::default() };
    let engine = Engine::<Town>::open(sqlite_log(&folder), options).unwrap();
    put(&engine, house(1, "Elm")).unwrap();
    let connection = sqlite(folder.path().join("log.sqlite"));
    connection.execute_batch("ALTER TABLE commits RENAME TO hidden").unwrap();
    for number in 2..4 {
        assert!(matches!(put(&engine, house(number, "Elm")), Err(Refused::Unavailable(_))));
    }
    assert!(engine.health().refusing.is_some());
    assert_eq!(engine.read().houses.len(), 1, "readers keep what is durable");
    connection.execute_batch("ALTER TABLE hidden RENAME TO commits").unwrap();
    let start = Instant::now();
    while put(&engine, house(4, "Elm")).is_err() {
        assert!(start.elapsed() < PATIENCE, "it serves again");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(engine.read().houses.iter().map(|house| house.number).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(engine.read().revision, 2);
}
