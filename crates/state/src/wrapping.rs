//! Wrapping keys: one for each thing that is to be destroyed for good, kept apart from the log.
//!
//! What a row keeps sealed could be opened for as long as the root key and any old page or backup of the log are about.
//! So a secret that must be destroyed some day is sealed by a wrapping key of its own, which lies in a small file (mode
//! 0600) beside the root key, itself sealed by that. Destroying the file destroys all that it wraps, wherever copies are.
//!
//! The order makes it safe: the file is written and synced before the transaction that names it, and destroyed after the
//! one that forgets it is durable. What a crash leaves between is a file that no row names; whoever knows the rows
//! collects it. A store in memory keeps its wrapping keys there, too.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::crash::crash_point;
use crate::seal::{RootKey, SealError, Sealed, create_whole};

const KEY_BYTES: usize = 32;
/// Digits of a name.
const NAME_DIGITS: usize = 32;

/// Where wrapping keys are kept.
pub struct WrappingKeys(Place);

enum Place {
    Memory(Mutex<HashMap<String, Sealed>>),
    Folder(PathBuf),
}

/// Why a wrapping key was not made, found or destroyed.
#[derive(Debug, thiserror::Error)]
pub enum WrappingError {
    /// Its file could not be written, read or removed.
    #[error("the wrapping key's file {path}")]
    File {
        /// Its path.
        path: String,
        /// What went wrong.
        #[source]
        error: io::Error,
    },
    /// It is not there: destroyed, or not of this place.
    #[error("there is no wrapping key {0}")]
    Gone(String),
    /// It, or what it wraps, does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl fmt::Debug for WrappingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory(_) => f.write_str("WrappingKeys(memory)"),
            Place::Folder(folder) => write!(f, "WrappingKeys({})", folder.display()),
        }
    }
}

impl WrappingKeys {
    /// In memory: for a cloud that lives there.
    pub fn in_memory() -> Self {
        Self(Place::Memory(Mutex::default()))
    }

    /// In that folder, which only its owner may enter. It is made with the first key.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self(Place::Folder(folder))
    }

    /// Makes one, and returns its name once it is durable.
    pub fn make(&self, root: &RootKey) -> Result<String, WrappingError> {
        let (mut name, mut key) = ([0; NAME_DIGITS / 2], [0; KEY_BYTES]);
        let filled = aws_lc_rs::rand::fill(&mut name).and_then(|()| aws_lc_rs::rand::fill(&mut key));
        filled.map_err(|_| file_error(Path::new("-"), io::Error::other("no randomness")))?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let sealed = root.seal(&context(&name), &key);
        key.fill(0);
        match &self.0 {
            Place::Memory(keys) => {
                keys.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), sealed);
            }
            Place::Folder(folder) => {
                let path = folder.join(&name);
                let make = || {
                    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                    create_whole(&path, sealed.to_string().as_bytes())
                };
                make().map_err(|error| file_error(&path, error))?;
            }
        }
        crash_point!("wrapping-key:made");
        Ok(name)
    }

    /// Seals a secret with the wrapping key of that name.
    pub fn seal(&self, root: &RootKey, name: &str, context: &str, secret: &[u8]) -> Result<Sealed, WrappingError> {
        Ok(self.key(root, name)?.seal(context, secret))
    }

    /// Opens what was sealed for that context with the wrapping key of that name.
    pub fn open(&self, root: &RootKey, name: &str, context: &str, sealed: &Sealed) -> Result<Vec<u8>, WrappingError> {
        Ok(self.key(root, name)?.open(context, sealed)?)
    }

    /// Destroys one: overwrites and removes its file. One that is gone already is no error.
    pub fn destroy(&self, name: &str) -> Result<(), WrappingError> {
        match &self.0 {
            Place::Memory(keys) => {
                keys.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
                Ok(())
            }
            Place::Folder(folder) if is_file(name) => {
                let path = folder.join(name);
                destroy(folder, &path).map_err(|error| file_error(&path, error))
            }
            Place::Folder(_) => Ok(()),
        }
    }

    /// The names of those that were made at least that long ago. Those in memory go with the process, and none is old.
    pub fn older_than(&self, age: Duration) -> Result<Vec<String>, WrappingError> {
        let Place::Folder(folder) = &self.0 else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| file_error(folder, error))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| file_error(folder, error))?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let made = entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            // What a killed process was just writing is `name.new-pid`, and old before anybody looks.
            if is_file(&name) && SystemTime::now().duration_since(made).unwrap_or_default() >= age {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn key(&self, root: &RootKey, name: &str) -> Result<RootKey, WrappingError> {
        let gone = || WrappingError::Gone(name.to_owned());
        let sealed = match &self.0 {
            Place::Memory(keys) => {
                keys.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().ok_or_else(gone)?
            }
            Place::Folder(folder) => {
                if !is_name(name) {
                    return Err(gone());
                }
                let path = folder.join(name);
                let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => gone(),
                    _ => file_error(&path, error),
                })?;
                text.parse()?
            }
        };
        let mut bytes = root.open(&context(name), &sealed)?;
        let array: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| SealError::Malformed)?;
        bytes.fill(0);
        Ok(RootKey::from_bytes(&array))
    }
}

fn context(name: &str) -> String {
    format!("wrapping key {name}")
}

/// Whether a text is a name of ours: nothing else may become a path.
fn is_name(text: &str) -> bool {
    text.len() == NAME_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a text is a name, or one of a file that a killed process was just writing.
fn is_file(text: &str) -> bool {
    match text.split_once('.') {
        None => is_name(text),
        Some((name, rest)) => is_name(name) && rest.strip_prefix("new-").is_some_and(|pid| pid.parse::<u32>().is_ok()),
    }
}

fn destroy(folder: &Path, path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).custom_flags(nix::libc::O_NOFOLLOW).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0).min(4096);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    crash_point!("wrapping-key:overwritten");
    fs::remove_file(path)?;
    File::open(folder)?.sync_all()
}

fn file_error(path: &Path, error: io::Error) -> WrappingError {
    WrappingError::File { path: path.display().to_string(), error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn both(check: impl Fn(&WrappingKeys)) {
        check(&WrappingKeys::in_memory());
        let folder = tempfile::tempdir().unwrap();
        check(&WrappingKeys::in_folder(folder.path().join("wrapping")));
    }

    #[test]
    fn what_was_wrapped_opens_until_its_key_is_destroyed() {
        let root = RootKey::from_bytes(&[7; 32]);
        both(|keys| {
            let (name, other) = (keys.make(&root).unwrap(), keys.make(&root).unwrap());
            let sealed = keys.seal(&root, &name, "c", b"secret").unwrap();
            assert_eq!(keys.open(&root, &name, "c", &sealed).unwrap(), b"secret");
            assert!(keys.open(&root, &name, "d", &sealed).is_err());
            assert!(keys.open(&root, &other, "c", &sealed).is_err());
            assert!(keys.open(&RootKey::from_bytes(&[8; 32]), &name, "c", &sealed).is_err());
            keys.destroy(&name).unwrap();
            keys.destroy(&name).unwrap();
            assert!(matches!(keys.open(&root, &name, "c", &sealed), Err(WrappingError::Gone(_))));
            assert!(keys.seal(&root, &other, "c", b"x").is_ok());
        });
    }

    #[test]
    fn files_are_their_owners_alone_and_leave_the_folder_alone() {
        let root = RootKey::from_bytes(&[7; 32]);
        let folder = tempfile::tempdir().unwrap();
        let keys = WrappingKeys::in_folder(folder.path().join("wrapping"));
        let name = keys.make(&root).unwrap();
        let path = folder.path().join("wrapping").join(&name);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert!(keys.older_than(Duration::from_secs(3600)).unwrap().is_empty());
        assert_eq!(keys.older_than(Duration::ZERO).unwrap(), [name.as_str()]);
        fs::write(folder.path().join("outside"), "x").unwrap();
        keys.destroy("../outside").unwrap();
        assert!(folder.path().join("outside").exists());
        assert!(matches!(keys.seal(&root, "../outside", "c", b""), Err(WrappingError::Gone(_))));
        keys.destroy(&name).unwrap();
        assert!(!path.exists());
    }
}
