//! What the engine costs: durable commits a second with 1, 8 and 64 committing threads, next to the same rows
//! written straight to SQLite in equally large groups; and in memory, per transaction and per read.
//!
//! `cargo run --release -p landfall-state --example bench [seconds] [folder]`

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use landfall_state::{Engine, MemoryLog, Options, Pending, SqliteLog, SqliteOptions};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// Rounds of each measurement.
const ROUNDS: u32 = 5;

#[derive(Clone, Serialize, Deserialize)]
struct Machine {
    id: u64,
    account: u64,
    host: Option<u32>,
    network: u32,
    expires_at: Option<i64>,
    name: String,
    image: String,
    groups: Vec<u64>,
    payload: String,
}

landfall_state::value! {
    struct Cloud {
        machines: Machines = "machine" v1 {
            row: Machine,
            key: u64 = |machine| machine.id,
            due: |machine| machine.expires_at,
            index by_account: u64 = |machine| Some(machine.account),
            index by_host: u32 = |machine| machine.host,
            index by_network: u32 = |machine| Some(machine.network),
        },
    }
}

fn machine(id: u64) -> Machine {
    Machine {
        id,
        account: id % 100,
        host: Some((id % 1_000) as u32),
        network: (id % 5_000) as u32,
        expires_at: None,
        name: format!("machine {id}"),
        image: "ami-0123456789abcdef0".to_owned(),
        groups: vec![id, id + 1],
        payload: "x".repeat(300),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = parent.join(format!("landfall-state-bench-{}", std::process::id()));
    for callers in [1, 8, 64] {
        durable(&folder, "threads", callers, Duration::from_secs(seconds));
    }
    for callers in [1, 8, 64] {
        durable(&folder, "tasks", callers, Duration::from_secs(seconds));
    }
    for rows in [1_000, 100_000] {
        in_memory(rows);
    }
}

fn commit(engine: &Engine<Cloud>) -> Pending<Result<(), ()>> {
    engine.commit(|head| {
        head.transact(0, None, |tx| {
            tx.put::<Machines>(machine(tx.revision()));
            Ok(())
        })
    })
}

/// Rounds of ours and of plain SQLite by turns, since a shared machine's disk changes from second to second.
fn durable(folder: &Path, kind: &str, callers: usize, length: Duration) {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (ours, group) = committed_per_second(folder, kind, callers, length / ROUNDS);
        let straight = written_per_second(folder, group, length / ROUNDS);
        rounds.push((ours / straight, ours, group, straight));
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, ours, group, straight) = rounds[rounds.len() / 2];
    println!(
        "{callers:>2} {kind}: {ours:>8.0} durable commits/s in groups of about {group}; \
         straight to SQLite in such groups {straight:>8.0}/s; ratio {ratio:.2} ({:.2} to {:.2})",
        rounds[0].0,
        rounds[rounds.len() - 1].0
    );
}

/// Callers as threads of their own, or as tasks on two threads as in a server.
fn committed_per_second(folder: &Path, kind: &str, callers: usize, length: Duration) -> (f64, u64) {
    let log = SqliteLog::open(folder, SqliteOptions::default()).expect("a log");
    let engine: Engine<Cloud> = Engine::open(Box::new(log), Options::default()).expect("an engine");
    let (start, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let mut threads = Vec::new();
    for _ in 0..callers {
        let (engine, stop) = (engine.clone(), stop.clone());
        if kind == "threads" {
            threads.push(thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    commit(&engine).wait().expect("durable").expect("committed");
                }
            }));
        } else {
            runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    commit(&engine).await.expect("durable").expect("committed");
                }
            });
        }
    }
    // Each batch shows one snapshot: their number tells how large the groups were.
    let (mut batches, mut shown) = (0, 0);
    while start.elapsed() < length {
        thread::sleep(Duration::from_micros(50));
        let durable = engine.read().revision;
        batches += u64::from(durable != shown);
        shown = durable;
    }
    let per_second = shown as f64 / start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("a committing thread"));
    drop(runtime);
    drop(engine);
    std::fs::remove_dir_all(folder).expect("our folder");
    (per_second, (shown / u64::max(batches, 1)).clamp(1, callers as u64))
}

/// The same rows into the same tables, encoded the same way, by one thread that does nothing else.
fn written_per_second(folder: &Path, group: u64, length: Duration) -> f64 {
    drop(SqliteLog::open(folder, SqliteOptions::default()).expect("a log"));
    let mut connection = Connection::open(folder.join("log.sqlite")).expect("the log's file");
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000").expect("settings");
    let (start, mut written) = (Instant::now(), 0_u64);
    while start.elapsed() < length {
        let tx = connection.transaction().expect("a transaction");
        for _ in 0..group {
            written += 1;
            let body = serde_json::to_string(&machine(written)).expect("JSON");
            let revision = written.cast_signed();
            tx.prepare_cached("INSERT INTO commits VALUES (?1, 0, NULL)")
                .and_then(|mut insert| insert.execute([revision]))
                .expect("a commit");
            tx.prepare_cached("INSERT INTO rows VALUES (?1, 'machine', ?2, 1, ?3)")
                .and_then(|mut insert| insert.execute(params![revision, written.to_string(), body]))
                .expect("a row");
        }
        tx.commit().expect("durable");
    }
    let per_second = written as f64 / start.elapsed().as_secs_f64();
    drop(connection);
    std::fs::remove_dir_all(folder).expect("our folder");
    per_second
}

fn in_memory(rows: u64) {
    let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::volatile()), Options::default()).expect("an engine");
    let put = |id: u64| {
        let row = machine(id);
        let done = engine.commit(|head| {
            head.transact(0, None, |tx| {
                tx.put::<Machines>(row);
                Ok::<_, ()>(())
            })
        });
        done.wait().expect("ready").expect("committed");
    };
    (0..rows).for_each(put);
    let step = 7_919;
    let nanoseconds = |what: &str, times: u64, run: &mut dyn FnMut(u64)| {
        let start = Instant::now();
        (0..times).for_each(|at| run(at * step % rows));
        println!("{rows:>7} rows in memory: {what} {} ns", start.elapsed().as_nanos() / u128::from(times));
    };
    nanoseconds("making a row", 200_000, &mut |id| drop(black_box(machine(id))));
    nanoseconds("a transaction that puts one row", 200_000, &mut |id| put(id));
    nanoseconds("the same, each followed by a read", 50_000, &mut |id| {
        put(id);
        black_box(engine.read().revision);
    });
    nanoseconds("a transaction that changes nothing", 200_000, &mut |id| {
        let found = engine.commit(|head| head.transact(0, None, |tx| Ok::<_, ()>(tx.machines.contains(&id))));
        black_box(found.wait().is_ok());
    });
    let town = engine.read();
    nanoseconds("a point read", 1_000_000, &mut |id| {
        black_box(town.machines.get(&id));
    });
    nanoseconds("a snapshot", 1_000_000, &mut |_| drop(black_box(engine.read())));
    nanoseconds("a count by index", 1_000_000, &mut |id| {
        black_box(town.machines.by_account.count(&(id % 100)));
    });
}
