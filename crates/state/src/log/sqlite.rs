//! The embedded log: SQLite in WAL mode with `synchronous=FULL`.
//!
//! One table holds the latest bodies and the history in one: `rows (revision, kind, id, version, body)`, a
//! deletion being a row without body. The latest revision of a (kind, id) is its state; the one before is what
//! a change was made from. So a change is written once, and plain SQL reads it all:
//!
//! ```sql
//! SELECT id, body FROM rows r WHERE kind = 'instance' AND body IS NOT NULL
//!    AND revision = (SELECT max(revision) FROM rows WHERE kind = r.kind AND id = r.id);
//! ```
//!
//! The folder is locked with `flock`, which ends with the process however it ends; the epoch is checked in each
//! append all the same, as every driver does.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};

use super::memory::encoded;
use super::reserve::Reserve;
use super::streams;
use super::{
    Batch, BulkRecord, Cursor, LiveRow, Log, LogError, LoggedChange, LoggedCommit, Position, Retention, is_stream_name,
};
use crate::change::{Body, Commit};
use crate::crash::crash_point;

/// Marks the file as ours ("LFst"), for `file` and for whoever finds it.
const APPLICATION_ID: i64 = 0x4c46_7374;
/// The shape of the tables below.
const SCHEMA_VERSION: i64 = 2;
const SCHEMA: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('epoch', 0), ('floor', 0), ('floor_time_ms', 0);
    CREATE TABLE commits (revision INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, note TEXT);
    CREATE TABLE rows (revision INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER, body TEXT);
    CREATE INDEX rows_by_id ON rows (kind, id, revision);
    CREATE INDEX rows_by_revision ON rows (revision);
    CREATE TABLE cursors (name TEXT PRIMARY KEY, revision INTEGER NOT NULL, held INTEGER NOT NULL) WITHOUT ROWID;
";

/// How a [`SqliteLog`] is to be opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Bytes set aside for deletes and reports when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// The file's largest size in pages of 4 KiB, if it is to have one.
    pub max_pages: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { reserve_bytes: 16 << 20, max_pages: None }
    }
}

/// How long what a killed process had begun to start may hold on to its lock.
const HEIRS: Duration = Duration::from_secs(30);

/// The log in a folder of its own.
pub struct SqliteLog {
    connection: Connection,
    path: PathBuf,
    options: SqliteOptions,
    reserve: Reserve,
    streams: BTreeSet<Arc<str>>,
    /// An append failed in a way that says nothing about what is on the disk.
    suspect: bool,
    _lock: Flock<File>,
}

impl SqliteLog {
    /// Opens or creates the log in this folder, which no other process may have open.
    pub fn open(folder: &Path, options: SqliteOptions) -> Result<Self, LogError> {
        create_folder(folder).map_err(|error| LogError::failed("create the state folder", error))?;
        let lock = lock_folder(folder)?;
        let path = folder.join("log.sqlite");
        sync_ahead(&path).map_err(|error| LogError::failed("sync the write-ahead log", error))?;
        let reserve = Reserve::new(folder, options.reserve_bytes);
        let connection = match connect(&path, &options) {
            // Opening takes a little space itself: what is set aside for deletes is for that too.
            Err(_) if reserve.is_needed() => {
                reserve.release().map_err(|error| LogError::failed("release the reserve", error))?;
                connect(&path, &options).map_err(|error| if reserve.is_needed() { LogError::Full } else { error })?
            }
            connected => connected?,
        };
        Ok(Self { connection, path, options, reserve, streams: BTreeSet::new(), suspect: false, _lock: lock })
    }

    /// The connection, made anew after a failure. A page cache that a failed `fsync` left behind may show what
    /// is not on the disk: only what a full checkpoint could write and sync is believed.
    fn sound(&mut self) -> Result<&mut Connection, LogError> {
        if self.suspect {
            let connection = connect(&self.path, &self.options)?;
            let busy: i64 = connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
                .map_err(|error| failed("checkpoint", error))?;
            if busy != 0 {
                return Err(LogError::failed("checkpoint", "another process is reading the log"));
            }
            self.connection = connection;
            self.streams.clear();
            self.suspect = false;
        }
        Ok(&mut self.connection)
    }

    /// Makes the epoch ours, in a transaction of its own: a lone statement that returns rows hides that its commit
    /// failed, and then every append would be refused as another's.
    fn try_take(&mut self) -> Result<u64, LogError> {
        let taking = |error| failed("take the log", error);
        let tx = begin(self.sound()?)?;
        let epoch: i64 = tx
            .query_row("UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value", [], |row| row.get(0))
            .map_err(taking)?;
        tx.commit().map_err(taking)?;
        Ok(epoch.cast_unsigned())
    }

    fn try_append(&mut self, epoch: u64, batch: &Batch) -> Result<(), LogError> {
        let mut streams = std::mem::take(&mut self.streams);
        let tx = begin(self.sound()?)?;
        crash_point!("sqlite:begun");
        check_epoch(&tx, epoch)?;
        append_commits(&tx, &batch.commits)?;
        crash_point!("sqlite:rows-written");
        for cursor in &batch.cursors {
            tx.prepare_cached("INSERT OR REPLACE INTO cursors VALUES (?1, ?2, ?3)")
                .and_then(|mut insert| {
                    let held = cursor.retention == Retention::Held;
                    insert.execute(params![cursor.name, cursor.revision.cast_signed(), held])
                })
                .map_err(|error| failed("write a cursor", error))?;
        }
        for name in &batch.forgotten_cursors {
            tx.execute("DELETE FROM cursors WHERE name = ?1", [name])
                .map_err(|error| failed("forget a cursor", error))?;
        }
        let records = batch.records();
        streams::append(&tx, &records, |stream| {
            if streams.insert(stream.clone()) { streams::create(&tx, stream) } else { Ok(()) }
        })
        .map_err(|error| failed("write bulk records", error))?;
        crash_point!("sqlite:bulk-written");
        crash_point!("sqlite:commit");
        tx.commit().map_err(|error| failed("commit", error))?;
        crash_point!("sqlite:committed");
        self.streams = streams;
        Ok(())
    }

    fn has_stream(&mut self, stream: &str) -> Result<bool, LogError> {
        let found = self
            .sound()?
            .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'bulk_' || ?1", [stream], |_| Ok(()))
            .optional()
            .map_err(|error| failed("look for a bulk stream", error))?;
        Ok(found.is_some() && is_stream_name(stream))
    }
}

impl Log for SqliteLog {
    fn take(&mut self) -> Result<u64, LogError> {
        crash_point!("sqlite:take");
        match self.try_take() {
            Err(LogError::Full) => {
                self.release_reserve()?;
                self.try_take()
            }
            taken => taken,
        }
    }

    fn load(&mut self, each: &mut dyn FnMut(LiveRow<'_>) -> Result<(), LogError>) -> Result<Position, LogError> {
        let connection = self.sound()?;
        let loading = |error| failed("load", error);
        let mut latest = connection
            .prepare(
                "SELECT kind, id, version, body FROM rows AS r WHERE body IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM rows AS n WHERE n.kind = r.kind AND n.id = r.id AND n.revision > r.revision)",
            )
            .map_err(loading)?;
        let mut rows = latest.query([]).map_err(loading)?;
        while let Some(row) = rows.next().map_err(loading)? {
            let text = |column| {
                row.get_ref(column)
                    .map_err(loading)
                    .and_then(|value| value.as_str().map_err(|error| LogError::failed("load", error)))
            };
            let version = row.get(2).map_err(loading)?;
            each(LiveRow { kind: text(0)?, id: text(1)?, version, body: text(3)? })?;
        }
        position(connection)
    }

    fn position(&mut self) -> Result<Position, LogError> {
        position(self.sound()?)
    }

    fn append(&mut self, epoch: u64, batch: &Batch) -> Result<(), LogError> {
        if batch.records().iter().any(|entry| !is_stream_name(&entry.stream)) {
            return Err(LogError::failed("append bulk records", "bad stream name"));
        }
        let appended = self.try_append(epoch, batch);
        // What is refused before anything is written, or rolled back for want of space, leaves no doubt.
        self.suspect |= matches!(appended, Err(LogError::Failed { .. }));
        appended
    }

    fn tail(&mut self, after: u64, limit: usize) -> Result<Vec<LoggedCommit>, LogError> {
        let connection = self.sound()?;
        let floor = position(connection)?.floor;
        if after < floor {
            return Err(LogError::Compacted { floor });
        }
        read_tail(connection, after, limit).map_err(|error| failed("read history", error))
    }

    fn cursors(&mut self) -> Result<Vec<Cursor>, LogError> {
        let connection = self.sound()?;
        connection
            .prepare_cached("SELECT name, revision, held FROM cursors ORDER BY name")
            .and_then(|mut select| {
                let cursor = |row: &rusqlite::Row<'_>| {
                    let retention = if row.get(2)? { Retention::Held } else { Retention::Bounded };
                    Ok(Cursor { name: row.get(0)?, revision: row.get::<_, i64>(1)?.cast_unsigned(), retention })
                };
                select.query_map([], cursor)?.collect()
            })
            .map_err(|error| failed("read the cursors", error))
    }

    fn bulk(&mut self, stream: &str, after: u64, limit: usize) -> Result<Vec<BulkRecord>, LogError> {
        if !self.has_stream(stream)? {
            return Ok(Vec::new());
        }
        streams::read(self.sound()?, stream, after, limit).map_err(|error| failed("read bulk records", error))
    }

    fn find_bulk(&mut self, stream: &str, key: u64, before: u64, until_ms: i64) -> Result<Vec<BulkRecord>, LogError> {
        if !self.has_stream(stream)? {
            return Ok(Vec::new());
        }
        let found = streams::find(self.sound()?, stream, key, before, until_ms);
        found.map_err(|error| failed("find bulk records", error))
    }

    fn bulk_until(&mut self, stream: &str, until_ms: i64) -> Result<u64, LogError> {
        if !self.has_stream(stream)? {
            return Ok(0);
        }
        streams::until(self.sound()?, stream, until_ms).map_err(|error| failed("find bulk records", error))
    }

    fn trim_bulk(&mut self, stream: &str, until: u64) -> Result<(), LogError> {
        if self.has_stream(stream)? {
            let tx = begin(self.sound()?)?;
            streams::trim(&tx, stream, until)
                .and_then(|()| tx.commit())
                .map_err(|error| failed("trim bulk records", error))?;
        }
        Ok(())
    }

    fn compact(&mut self, epoch: u64, floor: u64) -> Result<(), LogError> {
        let tx = begin(self.sound()?)?;
        check_epoch(&tx, epoch)?;
        let position = position(&tx)?;
        let floor = floor.min(position.revision);
        if floor > position.floor {
            compact(&tx, position.floor.cast_signed(), floor.cast_signed())
                .and_then(|()| tx.commit())
                .map_err(|error| failed("compact", error))?;
        }
        Ok(())
    }

    fn ensure_reserve(&mut self) -> Result<bool, LogError> {
        self.reserve.ensure().map_err(|error| LogError::failed("set a reserve aside", error))
    }

    fn release_reserve(&mut self) -> Result<(), LogError> {
        self.reserve.release().map_err(|error| LogError::failed("release the reserve", error))
    }
}

/// Makes the folder, the owner's alone, so that it survives power loss before anything in it is believed to.
fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let folder = folder.canonicalize()?;
    for level in folder.ancestors().take(2) {
        File::open(level)?.sync_all()?;
    }
    Ok(())
}

/// A process that was killed between its write and its sync leaves a commit that is read back, shown, and
/// then lost with the power: what is about to be believed is synced first.
fn sync_ahead(path: &Path) -> io::Result<()> {
    let mut ahead = path.as_os_str().to_owned();
    ahead.push("-wal");
    match File::open(PathBuf::from(ahead)) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn lock_folder(folder: &Path) -> Result<Flock<File>, LogError> {
    let path = folder.join("lock");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|error| LogError::failed("open the lock file", error))?;
    let mut lock = take_lock(file)
        .map_err(|holder| LogError::Locked(format!("{} is held by process {holder}", folder.display())))?;
    // Whose lock it is, for the message above; the lock itself is the kernel's.
    let noted = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
    noted.map_err(|error| LogError::failed("note the lock's holder", error))?;
    Ok(lock)
}

/// Takes the lock, or says who has it. A process that the holder was just starting when it was killed has the lock until
/// it becomes what it is to be: that moment is waited for.
fn take_lock(mut file: File) -> Result<Flock<File>, String> {
    let until = Instant::now() + HEIRS;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, _)) => file,
        };
        let mut holder = String::new();
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut holder));
        let holder = holder.trim();
        // It locks first and writes its name afterwards.
        let lives = holder.is_empty() || Path::new("/proc").join(holder).exists();
        if lives || Instant::now() > until {
            return Err(holder.to_owned());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn connect(path: &Path, options: &SqliteOptions) -> Result<Connection, LogError> {
    let opening = |error| failed("open the log", error);
    // SQLite gives its other files the mode of this one.
    let made = fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    made.map_err(|error| LogError::failed("create the log", error))?;
    let mut connection = Connection::open(path).map_err(opening)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
        )
        .map_err(opening)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(opening)?;
    if version > SCHEMA_VERSION {
        let reason = format!("it has schema version {version}; this binary knows {SCHEMA_VERSION}");
        return Err(LogError::failed("open the log", reason));
    }
    if version == 0 {
        let tx = begin(&mut connection)?;
        tx.execute_batch(SCHEMA)
            .and_then(|()| tx.execute_batch(streams::SCHEMA))
            .and_then(|()| tx.pragma_update(None, "application_id", APPLICATION_ID))
            .and_then(|()| tx.pragma_update(None, "user_version", SCHEMA_VERSION))
            .and_then(|()| tx.commit())
            .map_err(opening)?;
    }
    if version == 1 {
        let tx = begin(&mut connection)?;
        streams::upgrade(&tx)
            .and_then(|()| tx.pragma_update(None, "user_version", SCHEMA_VERSION))
            .and_then(|()| tx.commit())
            .map_err(opening)?;
    }
    if let Some(pages) = options.max_pages {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(opening)?;
    }
    Ok(connection)
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, LogError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| failed("begin", error))
}

fn meta(connection: &Connection, name: &str) -> Result<i64, LogError> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")
        .and_then(|mut select| select.query_row([name], |row| row.get(0)))
        .map_err(|error| failed("read the log's state", error))
}

fn check_epoch(connection: &Connection, ours: u64) -> Result<(), LogError> {
    let current = meta(connection, "epoch")?.cast_unsigned();
    if current == ours { Ok(()) } else { Err(LogError::Fenced { current, ours }) }
}

fn position(connection: &Connection) -> Result<Position, LogError> {
    let floor = meta(connection, "floor")?;
    let last = connection
        .prepare_cached("SELECT revision, time_ms FROM commits ORDER BY revision DESC LIMIT 1")
        .and_then(|mut select| select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional())
        .map_err(|error| failed("read the log's state", error))?;
    let (revision, time_ms) = match last {
        Some(last) => last,
        None => (floor, meta(connection, "floor_time_ms")?),
    };
    Ok(Position { revision: revision.cast_unsigned(), time_ms, floor: floor.cast_unsigned() })
}

fn append_commits(tx: &Transaction<'_>, commits: &[Arc<Commit>]) -> Result<(), LogError> {
    let Some(first) = commits.first() else { return Ok(()) };
    let last = position(tx)?.revision;
    if first.revision != last + 1 {
        return Err(LogError::Conflict { last, first: first.revision });
    }
    let writing = |error| failed("write commits", error);
    let mut commit_row = tx.prepare_cached("INSERT INTO commits VALUES (?1, ?2, ?3)").map_err(writing)?;
    let mut row = tx.prepare_cached("INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5)").map_err(writing)?;
    for commit in commits {
        let revision = commit.revision.cast_signed();
        commit_row.execute(params![revision, commit.time_ms, commit.note.as_deref()]).map_err(writing)?;
        for change in commit.changes.iter() {
            let (version, body) = match encoded(change.body_after())? {
                Some(body) => (Some(body.version), Some(body.json)),
                None => (None, None),
            };
            row.execute(params![revision, change.kind(), change.id(), version, body]).map_err(writing)?;
        }
    }
    Ok(())
}

fn read_tail(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<LoggedCommit>> {
    let mut commits = connection
        .prepare_cached("SELECT revision, time_ms, note FROM commits WHERE revision > ?1 ORDER BY revision LIMIT ?2")?;
    let mut rows = connection.prepare_cached(
        "SELECT kind, id, version, body FROM rows INDEXED BY rows_by_revision WHERE revision = ?1 ORDER BY rowid",
    )?;
    let mut before = connection.prepare_cached(
        "SELECT version, body FROM rows WHERE kind = ?1 AND id = ?2 AND revision < ?3 ORDER BY revision DESC LIMIT 1",
    )?;
    let body = |row: &rusqlite::Row<'_>, at: usize| -> rusqlite::Result<Option<Body>> {
        let parts: (Option<u32>, Option<String>) = (row.get(at)?, row.get(at + 1)?);
        Ok(parts.0.zip(parts.1).map(|(version, json)| Body { version, json }))
    };
    let mut history = Vec::new();
    let mut found = commits.query(params![after.cast_signed(), sql_limit(limit)])?;
    while let Some(commit) = found.next()? {
        let revision: i64 = commit.get(0)?;
        let mut changes = Vec::new();
        let mut changed = rows.query([revision])?;
        while let Some(row) = changed.next()? {
            let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
            let before = before.query_row(params![kind, id, revision], |row| body(row, 0)).optional()?.flatten();
            changes.push(LoggedChange { kind, id, before, after: body(row, 2)? });
        }
        let note = commit.get::<_, Option<String>>(2)?.map(Arc::from);
        history.push(LoggedCommit { revision: revision.cast_unsigned(), time_ms: commit.get(1)?, note, changes });
    }
    Ok(history)
}

/// Each row in the range of revisions to forget supersedes all older ones of its id; deletions then go too,
/// since nothing before them is left. The cost is that of the range, whatever the log's size.
fn compact(tx: &Transaction<'_>, old_floor: i64, floor: i64) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM rows WHERE rowid IN
         (SELECT o.rowid FROM rows AS n INDEXED BY rows_by_revision
          JOIN rows AS o INDEXED BY rows_by_id ON o.kind = n.kind AND o.id = n.id AND o.revision < n.revision
          WHERE n.revision > ?1 AND n.revision <= ?2)",
        [old_floor, floor],
    )?;
    tx.execute("DELETE FROM rows WHERE revision > ?1 AND revision <= ?2 AND body IS NULL", [old_floor, floor])?;
    tx.execute(
        "UPDATE meta SET value = (SELECT time_ms FROM commits WHERE revision = ?1) WHERE name = 'floor_time_ms'",
        [floor],
    )?;
    tx.execute("UPDATE meta SET value = ?1 WHERE name = 'floor'", [floor])?;
    tx.execute("DELETE FROM commits WHERE revision <= ?1", [floor])?;
    Ok(())
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn failed(step: &'static str, error: rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LogError::Full,
        _ => LogError::failed(step, error),
    }
}
