//! What a running guest holds of a volume, read for a snapshot: the guest's QEMU serves it, and keeps what is overwritten
//! meanwhile in a file that is made here.
//!
//! The file is bounded, for a guest may overwrite all of its volume before that is read. Once it is full, QEMU gives up what
//! it holds rather than fail or hold up the guest's writes; every read fails from then on, and so does the snapshot.

use std::fs::File;
use std::io;
use std::path::Path;

use super::key::DiskKey;
use super::nbd::{ALLOCATION, Nbd};
use super::qcow2;
use crate::driver::{DriverError, DriverResult, HeldDisk, OpenFleece};

/// The part of the free space that one such file may take: several guests may overwrite at the same time.
const SHARE: u64 = 4;
/// With less it isn't worth to begin.
const LEAST_BYTES: u64 = 16 << 20;
/// What the tables of a qcow2 take at most besides its data: an entry of eight bytes and a count of two for each cluster of
/// 64 KiB, in whole clusters.
const TABLES_PART: u64 = 4096;
const TABLES_BYTES: u64 = 4 << 20;

/// What a file needs that is to be encrypted as the volume is: the volume's LUKS header and its key.
pub(super) struct Seal {
    pub(super) luks: Vec<u8>,
    pub(super) key: DiskKey,
}

/// Makes a file for what a guest overwrites on a disk of that size, where so much is free.
pub(super) fn open(folder: &Path, size_bytes: u64, free_bytes: u64, seal: Option<Seal>) -> DriverResult<OpenFleece> {
    let failed = |error: io::Error| DriverError::Retry(format!("a file for a snapshot can't be made: {error}"));
    let header_bytes = seal.as_ref().map_or(0, |seal| seal.luks.len() as u64);
    let most = size_bytes + size_bytes / TABLES_PART + TABLES_BYTES + header_bytes;
    let limit_bytes = most.min(free_bytes / SHARE) & !0xffff;
    if limit_bytes < LEAST_BYTES.min(most & !0xffff) {
        let why = format!("the disk that volumes are on has {} MiB free for it", free_bytes >> 20);
        return Err(DriverError::Final(format!("A snapshot of a running instance needs room on its host: {why}")));
    }
    let file = tempfile::tempfile_in(folder).map_err(failed)?;
    match &seal {
        Some(seal) => qcow2::write_sealed(&file, size_bytes, &seal.luks),
        None => qcow2::write_empty(&file, size_bytes, None),
    }
    .map_err(failed)?;
    let limit_bytes = limit_bytes.max(file.metadata().map_err(failed)?.len());
    reserve(&file, limit_bytes).map_err(failed)?;
    Ok(OpenFleece { file: Some(file.into()), limit_bytes, key: seal.map(|seal| seal.key) })
}

/// Makes a file so long, and takes the room for it where the file system can: what is promised to one isn't free for the next.
fn reserve(file: &File, length: u64) -> io::Result<()> {
    let signed = i64::try_from(length).map_err(io::Error::other)?;
    match nix::fcntl::fallocate(file, nix::fcntl::FallocateFlags::empty(), 0, signed) {
        Err(nix::errno::Errno::EOPNOTSUPP) => file.set_len(length),
        result => result.map_err(io::Error::from),
    }
}

/// Begins to read what a guest holds, and what changed in it, where that is known: it only saves time.
pub(super) fn connect(held: HeldDisk) -> DriverResult<(Nbd, Option<Nbd>)> {
    let HeldDisk { instance, stream, export, changes } = held;
    let stream = stream.ok_or_else(|| DriverError::Final("nothing is held of the volume".into()))?;
    let disk = Nbd::connect(stream, &export, ALLOCATION)
        .map_err(|error| DriverError::Retry(format!("what {instance} holds of a volume can't be read: {error}")))?;
    let changes = changes.and_then(|(stream, context)| {
        Nbd::connect(stream, &export, &context)
            .inspect_err(|error| tracing::warn!(%instance, %error, "what changed on a volume isn't told; all is read"))
            .ok()
    });
    Ok((disk, changes))
}

/// Says what it means that what a guest holds can't be read. A server that refuses has given it up; one that is gone, or
/// whose disk fails, may be there again.
pub(super) fn explain(error: &io::Error) -> DriverError {
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::EACCES | libc::EPERM) => DriverError::Final(
            "The instance overwrote more while the snapshot was made than its host had room for; make it again".into(),
        ),
        _ => DriverError::Retry(format!("what an instance holds of the volume can't be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_file_is_bounded_by_the_disk_and_by_the_room() {
        let folder = tempfile::tempdir().unwrap();
        let length = |fleece: &OpenFleece| {
            let file = File::from(fleece.file.as_ref().unwrap().try_clone().unwrap());
            let header = qcow2::read_header(&file).unwrap().unwrap();
            assert!(!header.backed && !header.data_elsewhere);
            (header.size, file.metadata().unwrap().len())
        };
        let small = open(folder.path(), 1 << 20, 1 << 40, None).unwrap();
        assert!(small.limit_bytes > 1 << 20 && small.limit_bytes < 16 << 20, "{}", small.limit_bytes);
        assert_eq!(length(&small), (1 << 20, small.limit_bytes));
        let file = File::from(small.file.as_ref().unwrap().try_clone().unwrap());
        assert!(file.metadata().unwrap().blocks() * 512 >= small.limit_bytes, "its room is taken");
        let large = open(folder.path(), 16 << 40, 1 << 30, None).unwrap();
        assert_eq!((large.limit_bytes, length(&large)), (256 << 20, (16 << 40, 256 << 20)));
        let none = open(folder.path(), 1 << 30, 32 << 20, None);
        assert!(matches!(none, Err(DriverError::Final(why)) if why.contains("32 MiB free")));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "they have no names");
    }
}
