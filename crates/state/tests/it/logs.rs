//! The drivers: one suite for all, and what SQLite alone has.

use std::path::PathBuf;

use landfall_state::log::faulty::FaultyLog;
use landfall_state::log::suite::check_log;
use landfall_state::{Log, LogError, MemoryLog, MemoryStore, SqliteLog, SqliteOptions};
use tempfile::TempDir;

pub fn bare() -> SqliteOptions {
    SqliteOptions { reserve_bytes: 0, ..SqliteOptions::default() }
}

#[test]
fn memory_passes_the_suite() {
    check_log(|| {
        let store = MemoryStore::default();
        move || Box::new(MemoryLog::on(store.clone())) as Box<dyn Log>
    });
}

#[test]
fn sqlite_passes_the_suite() {
    check_log(|| {
        let folder = TempDir::new().unwrap();
        move || Box::new(SqliteLog::open(folder.path(), bare()).unwrap()) as Box<dyn Log>
    });
}

#[test]
fn a_faulty_log_without_faults_passes_the_suite() {
    check_log(|| {
        let store = MemoryStore::default();
        move || Box::new(FaultyLog::new(Box::new(MemoryLog::on(store.clone())), 1, u64::MAX)) as Box<dyn Log>
    });
}

#[test]
fn a_folder_is_held_by_one_log() {
    let folder = TempDir::new().unwrap();
    let held = SqliteLog::open(folder.path(), bare()).unwrap();
    let Err(LogError::Locked(reason)) = SqliteLog::open(folder.path(), bare()) else { panic!("opened twice") };
    assert!(reason.contains(&format!("held by process {}", std::process::id())), "{reason}");
    drop(held);
    SqliteLog::open(folder.path(), bare()).unwrap();
}

/// A child that was being forked when the holder was killed has the lock for a moment more.
#[test]
fn a_dead_holders_lock_is_waited_for() {
    let folder = TempDir::new().unwrap();
    drop(SqliteLog::open(folder.path(), bare()).unwrap());
    // No process has so great a number.
    std::fs::write(folder.path().join("lock"), "4194999\n").unwrap();
    let heir = std::fs::File::open(folder.path().join("lock")).unwrap();
    heir.lock().unwrap();
    let became = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(heir);
    });
    SqliteLog::open(folder.path(), bare()).unwrap();
    became.join().unwrap();
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(SqliteLog::open(folder.path(), bare()).unwrap());
    sqlite(folder.path().join("log.sqlite")).pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteLog::open(folder.path(), bare()), Err(LogError::Failed { .. })));
}

#[test]
fn the_reserve_is_set_aside_and_released() {
    let folder = TempDir::new().unwrap();
    let mut log = SqliteLog::open(folder.path(), SqliteOptions { reserve_bytes: 1 << 20, max_pages: None }).unwrap();
    assert!(log.ensure_reserve().unwrap());
    assert_eq!(std::fs::metadata(folder.path().join("reserve")).unwrap().len(), 1 << 20);
    log.release_reserve().unwrap();
    assert!(!folder.path().join("reserve").exists());
    let huge = SqliteOptions { reserve_bytes: 1 << 50, max_pages: None };
    drop(log);
    let mut log = SqliteLog::open(folder.path(), huge).unwrap();
    assert!(!log.ensure_reserve().unwrap(), "no disk has twice a petabyte free");
}

pub fn sqlite(path: PathBuf) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}
