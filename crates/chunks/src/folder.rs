//! A store in a folder of the local machine.
//!
//! A file is written beside its place, made durable, and renamed: whoever finds it under its name finds it whole, also
//! after a power loss. Making one file durable costs a flush of the disk, milliseconds, whatever its size: so files are
//! gathered, and one `syncfs` makes the lot durable (a seventh of the time of an `fsync` each: decision 0026). Names become
//! durable by one more in [`Objects::sync`]: before it, nobody has been promised anything.
//!
//! `syncfs` writes whatever else waits on that file system too, so a chunk store is best on one of its own. It tells of
//! failed writes to each descriptor once (since Linux 5.8): each session has a descriptor of its own, from before its
//! first file on, so that none hears of another's failure in its place.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::StoreError;
use crate::objects::{Listed, Objects, Visit};
use crate::place::UNFINISHED;

/// How much is made durable together, in files and in bytes.
const GATHERED_FILES: usize = 512;
const GATHERED_BYTES: usize = 64 << 20;

/// For names of unfinished files, which all stores of a process may write beside each other.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A folder with objects.
pub struct Folder {
    root: PathBuf,
    /// Files that wait to be made durable, by the session's folder.
    sessions: Mutex<HashMap<String, Arc<Gathered>>>,
    #[cfg(test)]
    steps: Mutex<Vec<tests::Step>>,
}

struct Gathered {
    waiting: Mutex<Waiting>,
    /// On this file system, from before the first file: what `syncfs` tells of failures by.
    watch: File,
    /// Held while files are made durable: who wants to be sure that none is under way takes it.
    flushing: Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    /// As they are called until they are durable, and then.
    files: Vec<(PathBuf, PathBuf)>,
    bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Folder {
    /// Opens a folder, and makes it where it isn't there.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        make_folder(&root).map_err(|error| StoreError::of_io("making", root.to_string_lossy(), &error))?;
        Ok(Self {
            root,
            sessions: Mutex::default(),
            #[cfg(test)]
            steps: Mutex::default(),
        })
    }

    #[cfg(test)]
    fn note(&self, step: tests::Step) {
        lock(&self.steps).push(step);
    }

    fn gathered(&self, folder: &str) -> Result<Arc<Gathered>, StoreError> {
        let mut sessions = lock(&self.sessions);
        if let Some(found) = sessions.get(folder) {
            return Ok(found.clone());
        }
        let watch = File::open(&self.root).map_err(|error| StoreError::of_io("opening", folder, &error))?;
        let gathered = Arc::new(Gathered { waiting: Mutex::default(), watch, flushing: Mutex::default() });
        sessions.insert(folder.to_owned(), gathered.clone());
        Ok(gathered)
    }

    /// Creates a file beside its place, with the folders above it where they are missing.
    fn create(&self, path: &Path) -> io::Result<(File, PathBuf)> {
        let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
        let mut attempts = 0;
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let unfinished = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished) {
                Ok(file) => return Ok((file, unfinished)),
                Err(_) if attempts > 1000 => return Err(ErrorKind::AlreadyExists.into()),
                // Left by a process of our number that is dead.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // A collector that empties a folder may remove it between our making and using it.
                Err(error) if error.kind() == ErrorKind::NotFound => make_folder(folder)?,
                Err(error) => return Err(error),
            }
            attempts += 1;
        }
    }

    fn write_unfinished(&self, path: &Path, body: &[u8]) -> io::Result<PathBuf> {
        let (mut file, unfinished) = self.create(path)?;
        if let Err(error) = file.write_all(body) {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        #[cfg(test)]
        self.note(tests::Step::Written(unfinished.clone()));
        Ok(unfinished)
    }

    /// Makes durable and renames what waits. Files that couldn't be made durable never get their names, and that isn't tried
    /// again: the kernel may have dropped what it couldn't write.
    fn flush(&self, gathered: &Gathered) -> Result<(), StoreError> {
        let _flushing = lock(&gathered.flushing);
        let waiting = std::mem::take(&mut *lock(&gathered.waiting)).files;
        let Some((_, first)) = waiting.first() else { return Ok(()) };
        let failed = |error: &io::Error| StoreError::of_io("writing", self.key(first), error);
        let mut done = self.make_durable(gathered).map_err(|error| failed(&error));
        for (unfinished, path) in &waiting {
            if done.is_ok() {
                done = fs::rename(unfinished, path).map_err(|error| failed(&error));
                #[cfg(test)]
                self.note(tests::Step::Renamed(unfinished.clone()));
            }
            if done.is_err() {
                let _ = fs::remove_file(unfinished);
            }
        }
        done
    }

    fn make_durable(&self, gathered: &Gathered) -> io::Result<()> {
        nix::unistd::syncfs(&gathered.watch)?;
        #[cfg(test)]
        self.note(tests::Step::Durable);
        Ok(())
    }

    fn key(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Whether it is the folder of a session or of a shard.
    fn is_below_domain(&self, folder: &Path) -> bool {
        folder.strip_prefix(&self.root).is_ok_and(|path| path.components().count() > 1)
    }

    fn list_below(&self, path: &Path, visit: Visit<'_>) -> Result<(), StoreError> {
        let failed = |error: &io::Error| StoreError::of_io("listing", self.key(path), error);
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&error)),
        };
        // Whole before the first is told of: what is told of may be deleted.
        let entries: Vec<_> = entries.collect::<Result<_, _>>().map_err(|error| failed(&error))?;
        if entries.is_empty() && self.is_below_domain(path) {
            // What a writer leaves that is killed before its first file: it is told of as if it were one.
            return visit(Listed { key: format!("{}/", self.key(path)), size_bytes: 0 });
        }
        for entry in entries {
            let path = entry.path();
            match entry.metadata() {
                Ok(about) if about.is_dir() => self.list_below(&path, visit)?,
                Ok(about) => visit(Listed { key: self.key(&path), size_bytes: about.len() })?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(())
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The session's folder of a key, which is its first two parts.
fn session_of(key: &str) -> &str {
    key.match_indices('/').nth(1).map_or(key, |(at, _)| &key[..at])
}

impl Objects for Folder {
    fn write(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        let gathered = self.gathered(session_of(key))?;
        let path = self.root.join(key);
        let unfinished =
            self.write_unfinished(&path, body).map_err(|error| StoreError::of_io("writing", key, &error))?;
        let is_full = {
            let mut waiting = lock(&gathered.waiting);
            waiting.files.push((unfinished, path));
            waiting.bytes += body.len();
            waiting.files.len() >= GATHERED_FILES || waiting.bytes >= GATHERED_BYTES
        };
        if is_full { self.flush(&gathered) } else { Ok(()) }
    }

    fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.root.join(key);
        for attempt in 0..2 {
            match fs::read(&path) {
                Ok(body) => return Ok(Some(Bytes::from(body))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::of_io("reading", key, &error)),
            }
            // It may be one of ours that waits.
            let gathered = lock(&self.sessions).get(session_of(key)).cloned();
            if let Some(gathered) = gathered.filter(|_| attempt == 0) {
                self.flush(&gathered)?;
            }
        }
        Ok(None)
    }

    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        match fs::metadata(self.root.join(key)) {
            Ok(about) => Ok(Some(about.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::of_io("looking for", key, &error)),
        }
    }

    fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        for key in keys {
            let path = self.root.join(key);
            let above = match key.strip_suffix('/') {
                Some(folder) => self.root.join(folder),
                None => match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(StoreError::of_io("deleting", key, &error));
                    }
                    _ => path.parent().unwrap_or(&self.root).to_owned(),
                },
            };
            // The shard's folder and the session's, once they are empty; the domain's stays.
            let _ = above.ancestors().take_while(|folder| self.is_below_domain(folder)).try_for_each(fs::remove_dir);
        }
        Ok(())
    }

    fn list(&self, folder: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        self.list_below(&self.root.join(folder), visit)
    }

    fn sync(&self, folder: &str) -> Result<(), StoreError> {
        let gathered = self.gathered(folder)?;
        self.flush(&gathered)?;
        // The names, and the folders above them; also those that an earlier process of this session made.
        self.make_durable(&gathered).map_err(|error| StoreError::of_io("making durable", folder, &error))?;
        let mut sessions = lock(&self.sessions);
        // Ours and the map's: nobody else is writing below this folder, nor can begin to, or left something waiting.
        if Arc::strong_count(&gathered) == 2 && lock(&gathered.waiting).files.is_empty() {
            sessions.remove(folder);
        }
        Ok(())
    }

    fn parallel(&self) -> usize {
        std::thread::available_parallelism().map_or(4, |count| usize::from(count) * 2)
    }
}

#[cfg(test)]
mod tests;
