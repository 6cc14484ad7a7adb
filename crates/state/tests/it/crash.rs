//! A real process, killed while it commits, again and again on the same log.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use landfall_state::{Engine, LogError, Options, SqliteLog};
use tempfile::TempDir;

use crate::logs::bare;
use crate::town::{Houses, Purse, Purses, Town, house};

const FOLDER: &str = "LANDFALL_CRASH_FOLDER";
const BANK: &str = "bank";

/// Compacts all the time, so that it is killed in that too.
fn open(folder: &Path) -> Engine<Town> {
    let options = Options { kept_commits: 50, recent_commits: 10, ..Options::default() };
    Engine::open(Box::new(SqliteLog::open(folder, bare()).unwrap()), options).unwrap()
}

/// What the parent starts, and kills: writers that say what was acknowledged.
#[test]
#[ignore = "the process that nothing_acknowledged_is_lost_by_kill starts"]
fn committing_process() {
    let folder = std::env::var(FOLDER).unwrap();
    let engine = open(Path::new(&folder));
    let say = |line: String| std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    say("\nopen\n".to_owned());
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                engine.compact().unwrap();
                thread::sleep(Duration::from_millis(3));
            }
        });
        for writer in 0..6 {
            let (engine, say) = (&engine, &say);
            scope.spawn(move || {
                loop {
                    let number = engine.commit(|head| {
                        head.transact(0, None, |tx| {
                            let number = u32::try_from(tx.revision()).unwrap();
                            tx.put::<Houses>(house(number, "Elm"));
                            for (owner, coins) in [(BANK.to_owned(), -1), (format!("w{writer}"), 1)] {
                                let held = tx.purses.get(&owner).map_or(0, |purse| purse.coins);
                                tx.put::<Purses>(Purse { owner, coins: held + coins });
                            }
                            Ok::<_, ()>(number)
                        })
                    });
                    say(format!("ack {}\n", number.wait().unwrap().unwrap()));
                }
            });
        }
    });
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["crash::committing_process", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_by_kill() {
    let rounds: u64 = std::env::var("LANDFALL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let folder = TempDir::new().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        let mut child = start(folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == "open"), "the process opened its log");
        let Err(error) = SqliteLog::open(folder.path(), bare()) else { panic!("two processes hold the log") };
        assert!(matches!(error, LogError::Locked(_)), "{error}");
        // Every other one has done something before it dies, however slow the disk is.
        let wanted = if round % 2 == 0 { 2 } else { 0 };
        let early = lines.by_ref().filter_map(|line| acknowledgement(&line)).take(wanted).collect::<Vec<_>>();
        acknowledged.extend(early);
        thread::sleep(Duration::from_micros(5_000 + round * 37_919 % 200_000));
        child.kill().unwrap();
        child.wait().unwrap();
        // The pipe keeps what was said before the end; the last line may be cut short.
        acknowledged.extend(lines.filter_map(|line| acknowledgement(&line)));
        let engine = open(folder.path());
        let town = engine.read();
        let lost: Vec<_> = acknowledged.iter().filter(|number| !town.houses.contains(number)).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        assert_eq!(town.houses.len() as u64, town.revision, "each commit made one house");
        assert_eq!(town.purses.iter().map(|purse| purse.coins).sum::<i64>(), 0, "each commit is whole");
    }
    println!("{} commits acknowledged over {rounds} kills", acknowledged.len());
    assert!(acknowledged.len() as u64 > rounds / 2, "the processes did commit");
}

fn acknowledgement(line: &str) -> Option<u32> {
    line.strip_prefix("ack ")?.parse().ok()
}

/// What power loss leaves of a write-ahead log: some first part of it.
#[test]
fn a_log_cut_anywhere_holds_whole_commits() {
    let (folder, cut) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let engine = open(folder.path());
    for number in 0..40 {
        let built = engine.commit(|head| {
            head.transact(0, None, |tx| {
                tx.put::<Houses>(house(number, "Elm"));
                tx.put::<Purses>(Purse { owner: BANK.to_owned(), coins: -i64::from(number) });
                tx.put::<Purses>(Purse { owner: "w0".to_owned(), coins: i64::from(number) });
                Ok::<_, ()>(())
            })
        });
        built.wait().unwrap().unwrap();
    }
    let log = std::fs::read(folder.path().join("log.sqlite")).unwrap();
    let ahead = std::fs::read(folder.path().join("log.sqlite-wal")).unwrap();
    let mut revisions = BTreeSet::new();
    for length in (0..ahead.len()).rev().step_by(ahead.len() / 97) {
        let shared_memory = cut.path().join("log.sqlite-shm");
        if shared_memory.exists() {
            std::fs::remove_file(shared_memory).unwrap();
        }
        std::fs::write(cut.path().join("log.sqlite"), &log).unwrap();
        std::fs::write(cut.path().join("log.sqlite-wal"), &ahead[..length]).unwrap();
        let engine = open(cut.path());
        let town = engine.read();
        assert_eq!(town.houses.len() as u64, town.revision);
        assert_eq!(town.purses.iter().map(|purse| purse.coins).sum::<i64>(), 0);
        assert_eq!(engine.feed(0).try_next().unwrap().is_some(), town.revision > 0);
        revisions.insert(town.revision);
    }
    assert!(revisions.len() > 20, "{revisions:?}");
}
