//! A disk that is really full: a small file system of its own, in a process with its own mounts.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use landfall_state::{Engine, Options, Refused, SqliteLog, SqliteOptions};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;

use crate::engine::PATIENCE;
use crate::town::{House, Houses, Town, house};

const FOLDER: &str = "LANDFALL_SPACE_FOLDER";
const SKIPPED: &str = "skipped: this machine lets us mount no file system";

#[test]
fn a_full_disk_refuses_writes_lets_deletes_go_on_and_recovers() {
    let folder = TempDir::new().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["space::process_with_a_small_disk", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    if said.contains(SKIPPED) {
        crate::skipping::skipped("a_full_disk_refuses_writes_lets_deletes_go_on_and_recovers", SKIPPED);
    } else {
        assert!(said.contains("recovered"), "{said}");
    }
}

#[test]
#[ignore = "the process that a_full_disk_refuses_writes_lets_deletes_go_on_and_recovers starts"]
fn process_with_a_small_disk() {
    let folder = std::env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let none = None::<&str>;
    let mounted = unshare(CloneFlags::CLONE_NEWNS)
        .or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS))
        .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none))
        .and_then(|()| mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("size=16m")));
    if let Err(Errno::EPERM | Errno::EACCES | Errno::EINVAL | Errno::ENOSYS) = mounted {
        println!("{SKIPPED}");
        return;
    }
    mounted.unwrap();
    let log = SqliteLog::open(folder, SqliteOptions { reserve_bytes: 2 << 20, max_pages: None }).unwrap();
    let options = Options { retry: Duration::from_millis(5), ..Options::default() };
    let engine = Engine::<Town>::open(Box::new(log), options).unwrap();
    let build = |number: u32| {
        let built = engine.commit(|head| {
            head.transact(0, None, |tx| {
                tx.put::<Houses>(House { tags: vec![1; 20_000], ..house(number, "Elm") });
                Ok::<_, ()>(())
            })
        });
        built.wait().map(|done| done.unwrap())
    };
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![1; 8 << 20]).unwrap();
    assert!(folder.join("reserve").exists());
    let built = (1..10_000).find(|number| build(*number) == Err(Refused::DiskFull)).unwrap() - 1;
    assert!(built > 10);
    assert_eq!(engine.read().houses.len(), built as usize, "the one that was refused is not there");
    let start = Instant::now();
    for number in 1..=built.min(50) {
        loop {
            let gone =
                engine.commit_essential(|head| head.transact(0, None, |tx| Ok::<_, ()>(tx.delete::<Houses>(&number))));
            match gone.wait() {
                Ok(done) => break assert!(done.unwrap()),
                Err(Refused::Unavailable(_)) => std::thread::sleep(Duration::from_millis(1)),
                Err(refused) => panic!("a delete was refused: {refused}"),
            }
            assert!(start.elapsed() < PATIENCE);
        }
        assert_eq!(build(20_000), Err(Refused::DiskFull));
    }
    assert_eq!(engine.health().refusing, Some(Refused::DiskFull));
    std::fs::remove_file(&ballast).unwrap();
    let start = Instant::now();
    while build(20_000).is_err() {
        assert!(start.elapsed() < PATIENCE, "{:?}", engine.health());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(folder.join("reserve").exists());
    drop(engine);
    start_on_a_full_disk(folder, &ballast, built);
    println!("recovered after {built} houses");
}

/// To open the log again takes space too: the reserve is there for it.
fn start_on_a_full_disk(folder: &Path, ballast: &Path, built: u32) {
    let mut file = std::fs::File::create(ballast).unwrap();
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    let log = SqliteLog::open(folder, SqliteOptions { reserve_bytes: 2 << 20, max_pages: None }).unwrap();
    let engine = Engine::<Town>::open(Box::new(log), Options::default()).unwrap();
    let gone = engine.commit_essential(|head| head.transact(0, None, |tx| Ok::<_, ()>(tx.delete::<Houses>(&built))));
    assert_eq!(gone.wait(), Ok(Ok(true)), "with {built} houses");
    let more = engine.commit(|head| head.transact(0, None, |tx| Ok::<_, ()>(tx.delete::<Houses>(&built))));
    assert_eq!(more.wait(), Err(Refused::DiskFull));
}
