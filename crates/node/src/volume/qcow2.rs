//! As much of the qcow2 format as volumes need: reading a header, and writing an empty file.
//!
//! Writing it here takes less than a millisecond, where starting `qemu-img` takes a tenth of a second of every launch.
//! The format: QEMU's `docs/interop/qcow2.txt`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const MAGIC: u32 = 0x5146_49fb;
const VERSION: u32 = 3;
const HEADER_BYTES: usize = 104;
const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// An L2 table is one cluster of entries of eight bytes, each for one cluster.
const L2_COVERS: u64 = CLUSTER * (CLUSTER / 8);
/// Counts of references have sixteen bits, so one cluster of them counts this many.
const REFCOUNTS: u64 = CLUSTER / 2;
const REFCOUNT_ORDER: u32 = 4;
const EXTENSION_BACKING_FORMAT: u32 = 0xe279_2aca;
const BACKING_NAME_MAX: usize = 1023;
const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
const OFFSET_BACKING: u64 = 8;
const OFFSET_SIZE: u64 = 24;
const OFFSET_CRYPT: usize = 32;
const OFFSET_LENGTH: usize = 100;
const CRYPT_LUKS: u32 = 2;
const EXTENSION_CRYPTO: u32 = 0x0537_be77;
/// QEMU's LUKS header with its eight slots has two MiB.
const LUKS_MAX: u64 = 8 << 20;
/// The largest disk that is made: an L1 table of one MiB, and references that one block counts.
pub(super) const SIZE_MAX: u64 = 64 << 40;

/// What matters of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The size of the disk, in bytes.
    pub(super) size: u64,
    /// Whether it names a file below it.
    pub(super) backed: bool,
    /// Whether its data is in another file.
    pub(super) data_elsewhere: bool,
    /// Whether its data is encrypted, by LUKS.
    pub(super) encrypted: bool,
}

/// Reads the header of a file. `None` if it is no qcow2 of version 2 or 3.
pub(super) fn read_header(file: &File) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER_BYTES];
    match file.read_exact_at(&mut bytes[..72], 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let version = be32(&bytes, 4);
    if be32(&bytes, 0) != MAGIC || !(2..=3).contains(&version) {
        return Ok(None);
    }
    let mut data_elsewhere = false;
    if version == 3 {
        file.read_exact_at(&mut bytes[72..80], 72)?;
        data_elsewhere = be64(&bytes, 72) & INCOMPATIBLE_DATA_FILE != 0;
    }
    let (size, backed) = (be64(&bytes, OFFSET_SIZE as usize), be64(&bytes, OFFSET_BACKING as usize) != 0);
    let encrypted = be32(&bytes, OFFSET_CRYPT) == CRYPT_LUKS;
    Ok(Some(Header { size, backed, data_elsewhere, encrypted }))
}

/// Reads the LUKS header of an encrypted file. `None` where there is none, or none that can be one: whoever took a guest's
/// QEMU over wrote what it liked.
pub(super) fn read_luks(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; CLUSTER as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let mut at = be32(&bytes, OFFSET_LENGTH) as usize;
    while let Some(head) = bytes.get(at..at.saturating_add(8)) {
        let (kind, length) = (be32(head, 0), be32(head, 4) as usize);
        let Some(body) = bytes.get(at + 8..at.saturating_add(8).saturating_add(length)) else { break };
        match kind {
            0 => break,
            EXTENSION_CRYPTO if length >= 16 => {
                let (offset, length) = (be64(body, 0), be64(body, 8));
                if !(1..=LUKS_MAX).contains(&length) {
                    break;
                }
                let mut luks = vec![0; length as usize];
                return file.read_exact_at(&mut luks, offset).map(|()| Some(luks));
            }
            _ => at += 8 + length.next_multiple_of(8),
        }
    }
    Ok(None)
}

/// Writes an empty disk of that size, on top of a qcow2 file if one is named. `size` is at most [`SIZE_MAX`].
pub(super) fn write_empty(file: &File, size: u64, backing: Option<&str>) -> io::Result<()> {
    write(file, size, backing, None)
}

/// Writes an empty disk of that size which is encrypted by the key of that LUKS header, another disk's.
pub(super) fn write_sealed(file: &File, size: u64, luks: &[u8]) -> io::Result<()> {
    write(file, size, None, Some(luks))
}

fn write(file: &File, size: u64, backing: Option<&str>, luks: Option<&[u8]>) -> io::Result<()> {
    let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "the volume or the name of its image is too large");
    if size > SIZE_MAX || backing.is_some_and(|name| name.len() > BACKING_NAME_MAX) {
        return Err(too_large());
    }
    // Clusters: the header, the table of reference blocks, one such block, then the L1 table.
    let l1_entries = size.div_ceil(L2_COVERS);
    let l1_clusters = (l1_entries * 8).div_ceil(CLUSTER).max(1);
    let luks_at = (3 + l1_clusters) * CLUSTER;
    let used = 3 + l1_clusters + luks.map_or(0, |luks| (luks.len() as u64).div_ceil(CLUSTER));
    if used > REFCOUNTS {
        return Err(too_large());
    }
    let mut header = Vec::with_capacity(1500);
    let (mut name_offset, mut name_length) = (0u64, 0u32);
    let mut tail = Vec::new();
    if let Some(luks) = luks {
        put32(&mut tail, EXTENSION_CRYPTO);
        put32(&mut tail, 16);
        put64(&mut tail, luks_at);
        put64(&mut tail, luks.len() as u64);
    }
    if let Some(name) = backing {
        let format = b"qcow2";
        put32(&mut tail, EXTENSION_BACKING_FORMAT);
        put32(&mut tail, format.len() as u32);
        tail.extend_from_slice(format);
        tail.resize(tail.len().next_multiple_of(8), 0);
        tail.extend_from_slice(&[0; 8]);
        name_offset = (HEADER_BYTES + tail.len()) as u64;
        name_length = u32::try_from(name.len()).map_err(|_| too_large())?;
        tail.extend_from_slice(name.as_bytes());
    } else {
        tail.extend_from_slice(&[0; 8]);
    }
    put32(&mut header, MAGIC);
    put32(&mut header, VERSION);
    put64(&mut header, name_offset);
    put32(&mut header, name_length);
    put32(&mut header, CLUSTER_BITS);
    put64(&mut header, size);
    put32(&mut header, luks.map_or(0, |_| CRYPT_LUKS));
    put32(&mut header, u32::try_from(l1_entries).map_err(|_| too_large())?);
    put64(&mut header, 3 * CLUSTER);
    put64(&mut header, CLUSTER);
    put32(&mut header, 1);
    put32(&mut header, 0);
    put64(&mut header, 0);
    // Features: none that is incompatible, compatible or changes by itself.
    header.extend_from_slice(&[0; 24]);
    put32(&mut header, REFCOUNT_ORDER);
    put32(&mut header, HEADER_BYTES as u32);
    header.append(&mut tail);

    file.set_len(used * CLUSTER)?;
    file.write_all_at(&header, 0)?;
    if let Some(luks) = luks {
        file.write_all_at(luks, luks_at)?;
    }
    file.write_all_at(&(2 * CLUSTER).to_be_bytes(), CLUSTER)?;
    let counts: Vec<u8> = (0..used).flat_map(|_| 1u16.to_be_bytes()).collect();
    file.write_all_at(&counts, 2 * CLUSTER)
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn be64(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn put32(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_be_bytes());
}

fn put64(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for (size, backing) in [(1 << 30, None), (0, None), (SIZE_MAX, Some("/images/x.qcow2")), (8 << 30, Some("y"))] {
            let file = tempfile::tempfile().unwrap();
            write_empty(&file, size, backing).unwrap();
            let header = Header { size, backed: backing.is_some(), data_elsewhere: false, encrypted: false };
            assert_eq!(read_header(&file).unwrap(), Some(header));
        }
        let file = tempfile::tempfile().unwrap();
        assert!(write_empty(&file, SIZE_MAX + 1, None).is_err());
        assert!(write_empty(&file, 1, Some(&"x".repeat(2000))).is_err());
    }

    #[test]
    fn a_luks_header_is_found_and_bounded() {
        let file = tempfile::tempfile().unwrap();
        let luks: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        write_sealed(&file, 1 << 30, &luks).unwrap();
        assert!(read_header(&file).unwrap().unwrap().encrypted);
        assert_eq!(read_luks(&file).unwrap(), Some(luks));
        // A length that nothing has, and an extension that leads out of the header.
        file.write_all_at(&u64::MAX.to_be_bytes(), HEADER_BYTES as u64 + 16).unwrap();
        assert_eq!(read_luks(&file).unwrap(), None);
        file.write_all_at(&u32::MAX.to_be_bytes(), HEADER_BYTES as u64 + 4).unwrap();
        assert_eq!(read_luks(&file).unwrap(), None);
        file.write_all_at(&u32::MAX.to_be_bytes(), OFFSET_LENGTH as u64).unwrap();
        assert_eq!(read_luks(&file).unwrap(), None);
        write_empty(&file, 1 << 30, None).unwrap();
        assert_eq!(read_luks(&file).unwrap(), None);
    }

    #[test]
    fn other_files_are_told_apart() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(read_header(&file).unwrap(), None);
        file.write_all_at(&[0x51; 200], 0).unwrap();
        assert_eq!(read_header(&file).unwrap(), None);
        write_empty(&file, 1 << 20, None).unwrap();
        file.write_all_at(&INCOMPATIBLE_DATA_FILE.to_be_bytes(), 72).unwrap();
        assert!(read_header(&file).unwrap().unwrap().data_elsewhere);
        file.write_all_at(&9u32.to_be_bytes(), 4).unwrap();
        assert_eq!(read_header(&file).unwrap(), None);
    }
}
