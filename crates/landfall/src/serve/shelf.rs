//! The files of images, as they are handed to hosts that lack them: piece by piece, with the hash of the whole.
//!
//! A file is hashed once for as long as it stays the same.

use std::collections::HashMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use landfall_model::link::PIECE_BYTES;
use landfall_node::remote::file_sha256;

/// A folder of files.
#[derive(Clone)]
pub struct Shelf {
    folder: PathBuf,
    hashes: Arc<Mutex<HashMap<Identity, String>>>,
}

/// A file as long as nobody writes to it: its device, number, length and the time that it was last written.
type Identity = (u64, u64, u64, i64, i64);

impl Shelf {
    /// The files of that folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, hashes: Arc::default() }
    }

    /// A part of a file from there on, with the whole file's length and hash. The part is empty at the file's end.
    pub async fn piece(&self, name: String, offset: u64) -> Result<(u64, String, Vec<u8>)> {
        let shelf = self.clone();
        tokio::task::spawn_blocking(move || shelf.read(&name, offset)).await.context("reading ended")?
    }

    fn read(&self, name: &str, offset: u64) -> Result<(u64, String, Vec<u8>)> {
        ensure!(
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']),
            "{name:?} is no file's name"
        );
        let path = self.folder.join(name);
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.read(true).custom_flags(libc::O_NOFOLLOW).open(&path);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("{name} can't be read: {error}"))?;
        let facts = file.metadata()?;
        ensure!(facts.is_file(), "{name} is no file");
        let identity = (facts.dev(), facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec());
        let known = self.hashes.lock().unwrap_or_else(PoisonError::into_inner).get(&identity).cloned();
        let sha256 = match known {
            Some(sha256) => sha256,
            None => {
                let sha256 = file_sha256(&path).with_context(|| format!("hashing {name}"))?;
                self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(identity, sha256.clone());
                sha256
            }
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset))?;
        file.take(u64::from(PIECE_BYTES)).read_to_end(&mut bytes)?;
        Ok((facts.len(), sha256, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_pieces_and_nothing_outside_the_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        let whole: Vec<u8> = (0..PIECE_BYTES + 10).map(|n| n.to_le_bytes()[0]).collect();
        std::fs::write(folder.path().join("disk.qcow2"), &whole).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link")).unwrap();
        let shelf = Shelf::new(folder.path().to_owned());
        let (size, sha256, first) = shelf.read("disk.qcow2", 0).unwrap();
        assert_eq!((size, first.len()), (whole.len() as u64, PIECE_BYTES as usize));
        assert_eq!(sha256, file_sha256(&folder.path().join("disk.qcow2")).unwrap());
        let (_, again, rest) = shelf.read("disk.qcow2", u64::from(PIECE_BYTES)).unwrap();
        assert_eq!((again, [first, rest].concat()), (sha256, whole));
        assert!(shelf.read("disk.qcow2", size).unwrap().2.is_empty());
        for bad in ["../disk.qcow2", "link", ".hidden", "", "none"] {
            assert!(shelf.read(bad, 0).is_err(), "{bad}");
        }
    }
}
