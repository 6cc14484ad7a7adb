//! Space set aside for when the disk is full.
//!
//! A file of allocated blocks beside the log. When an append finds no space, the file is removed: deletes and
//! reports go on in what that frees, while ordinary writes are refused. It is made again once twice its size is
//! free, so that its own space is not taken for someone's clearing up.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::statvfs;

/// With less free space than this, SQLite may not even open: its index of the write-ahead log alone takes 32 KiB.
const NEEDED_BYTES: u64 = 1 << 20;

pub(super) struct Reserve {
    path: PathBuf,
    size_bytes: u64,
}

impl Reserve {
    pub(super) fn new(folder: &Path, size_bytes: u64) -> Self {
        Self { path: folder.join("reserve"), size_bytes }
    }

    /// Whether the space is set aside now.
    pub(super) fn ensure(&self) -> io::Result<bool> {
        if self.size_bytes == 0 {
            return Ok(true);
        }
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == self.size_bytes) {
            return Ok(true);
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let disk = statvfs(folder)?;
        let free_bytes = disk.blocks_available().saturating_mul(disk.fragment_size());
        if free_bytes < self.size_bytes.saturating_mul(2) {
            return Ok(false);
        }
        let file = File::create(&self.path)?;
        match posix_fallocate(&file, 0, self.size_bytes.cast_signed()) {
            Ok(()) => Ok(true),
            Err(Errno::ENOSPC) => {
                self.release()?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the disk is all but full.
    pub(super) fn is_needed(&self) -> bool {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        statvfs(folder).is_ok_and(|disk| disk.blocks_available().saturating_mul(disk.fragment_size()) < NEEDED_BYTES)
    }

    pub(super) fn release(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
