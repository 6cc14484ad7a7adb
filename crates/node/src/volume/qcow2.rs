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
    Ok(Some(Header { size, backed, data_elsewhere }))
}

/// Writes an empty disk of that size, on top of a qcow2 file if one is named. `size` is at most [`SIZE_MAX`].
pub(super) fn write_empty(file: &File, size: u64, backing: Option<&str>) -> io::Result<()> {
    let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "the volume or the name of its image is too large");
    if size > SIZE_MAX || backing.is_some_and(|name| name.len() > BACKING_NAME_MAX) {
        return Err(too_large());
    }
    // Clusters: the header, the table of reference blocks, one such block, then the L1 table.
    let l1_entries = size.div_ceil(L2_COVERS);
    let l1_clusters = (l1_entries * 8).div_ceil(CLUSTER).max(1);
    let used = 3 + l1_clusters;
    if used > REFCOUNTS {
        return Err(too_large());
    }
    let mut header = Vec::with_capacity(1500);
    let (mut name_offset, mut name_length) = (0u64, 0u32);
    let mut tail = Vec::new();
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
    put32(&mut header, 0);
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
            let header = Header { size, backed: backing.is_some(), data_elsewhere: false };
            assert_eq!(read_header(&file).unwrap(), Some(header));
        }
        let file = tempfile::tempfile().unwrap();
        assert!(write_empty(&file, SIZE_MAX + 1, None).is_err());
        assert!(write_empty(&file, 1, Some(&"x".repeat(2000))).is_err());
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
