//! A real folder: processes that are killed, and a disk that fills.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use landfall_chunks::{Error, Folder, Manifest, Options, Root, Session, Store, Writer, collect, scrub};

use crate::{Rng, noise, skipped, store, view};

const CHILD: &str = "LANDFALL_CHUNKS_CHILD";

fn folder(path: &Path) -> Store {
    store(Arc::new(Folder::open(path).unwrap()))
}

/// This test binary again, for one of its tests alone, as the process that the test starts.
fn again(program: &str, arguments: &[&str], test: &str, path: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    if program != "/proc/self/exe" {
        command.arg(format!("/proc/{}/exe", std::process::id()));
    }
    command.args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"]).env(CHILD, path);
    command
}

const BLOCKS: u64 = 400;

/// Snapshot after snapshot, each with some blocks more, on what the last one left; says each once it is recorded.
#[test]
#[ignore = "the process that killed_at_any_instant starts"]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = folder(Path::new(&path));
    let first: u64 = std::env::var("FIRST_SESSION").unwrap().parse().unwrap();
    let mut base: Option<Arc<Manifest>> = None;
    for session in first.. {
        let options = Options { threads: Some(3), open_leaves: 1, ..Options::default() };
        println!("BEGUN {session}");
        let writer = Writer::begin(&store, Session(session), BLOCKS, base.clone(), options).unwrap();
        for n in 0..12 {
            writer.write((session * 7 + n * 29) % BLOCKS, noise(session * 100 + n)).unwrap();
        }
        let (root, _) = writer.commit().unwrap();
        println!("ROOT {root}");
        base = Some(Arc::new(Manifest::open(&store, &root).unwrap()));
    }
}

#[test]
fn killed_at_any_instant() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(5);
    let (mut roots, mut next): (Vec<Root>, u64) = (Vec::new(), 0);
    for _ in 0..12 {
        let mut child = again("/proc/self/exe", &[], "disk::writes_until_it_is_killed", dir.path())
            .env("FIRST_SESSION", next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || lines.lines().map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(150 + rng.below(900)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            if let Some(root) = line.strip_prefix("ROOT ") {
                roots.push(root.parse().unwrap());
            } else if let Some(session) = line.rsplit_once("BEGUN ").map(|(_, session)| session) {
                next = session.parse::<u64>().unwrap() + 1;
            }
        }
        // Some snapshots go, the others must be whole before and after.
        while roots.len() > 6 {
            roots.remove(rng.below(roots.len() as u64) as usize);
        }
        let store = folder(dir.path());
        assert!(scrub(&store, &roots).unwrap().damages.is_empty());
        let done = collect(&store, &view(roots.clone(), next)).unwrap();
        assert_eq!((done.young_objects, done.foreign_objects), (0, 0));
        assert!(scrub(&store, &roots).unwrap().damages.is_empty());
    }
    assert!(next > 12 && !roots.is_empty(), "nothing was written: {next} sessions");
    let store = folder(dir.path());
    collect(&store, &view([], next)).unwrap();
    let left: Vec<_> = std::fs::read_dir(dir.path().join("tenant-1")).unwrap().collect();
    assert!(left.is_empty(), "left over: {left:?}");
}

#[test]
fn a_full_disk_is_said_and_breaks_nothing() {
    const NAME: &str = "disk::a_full_disk_is_said_and_breaks_nothing";
    let Some(path) = std::env::var_os(CHILD) else {
        let dir = tempfile::tempdir().unwrap();
        let can = Command::new("unshare").args(["-m", "true"]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            return skipped(NAME, "it needs root and unshare");
        }
        let output = again("unshare", &["-m", "--propagation", "private"], NAME, dir.path()).output().unwrap();
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && words.contains("1 passed"), "{words}");
        return;
    };
    let path = Path::new(&path);
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "none"]).arg(path).status().unwrap();
    assert!(mounted.success());
    let store = folder(path);
    let write = |session: u64, resumed: bool, blocks: u64| {
        let options = Options { resumed, ..Options::default() };
        let writer = Writer::begin(&store, Session(session), 100, None, options)?;
        (0..blocks).try_for_each(|at| writer.write(at, noise(session * 100 + at)))?;
        writer.commit().map(|(root, _)| root)
    };
    let (kept, dropped) = (write(0, false, 6).unwrap(), write(1, false, 8).unwrap());
    let error: Error = write(2, false, 16).unwrap_err();
    assert!(error.is_full() && !error.may_try_again(), "{error}");
    assert!(error.to_string().starts_with("the chunk store is full"), "{error}");
    assert!(scrub(&store, &[kept, dropped]).unwrap().damages.is_empty());
    // Somebody makes room, on the full disk; the interrupted session goes on.
    let mut making_room = view([kept], 3);
    making_room.open.insert(Session(2));
    let done = collect(&store, &making_room).unwrap();
    assert!(done.deleted_objects >= 10 && done.young_objects > 0, "{done:?}");
    let finished = write(2, true, 14).unwrap();
    assert!(scrub(&store, &[kept, finished]).unwrap().damages.is_empty());
    collect(&store, &view([kept, finished], 3)).unwrap();
    assert!(scrub(&store, &[kept, finished]).unwrap().damages.is_empty());
}
