//! The header of a qcow2 file, read by us before any other program sees it (docs/interop/qcow2.rst of QEMU).
//!
//! A file from a stranger can name others that are then read in its place (backing file, external data), or
//! state tables so large that a reader chokes. All of that stands in the header, so all of it is refused
//! here. Nothing but the header is read; what lies behind is for a confined `qemu-img`.

const MAGIC: u32 = 0x5146_49fb;
const EXTENSION_END: u32 = 0;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;
const EXTENSION_ENCRYPTION: u32 = 0x0537_be77;

const FEATURE_DIRTY: u64 = 1;
const FEATURE_CORRUPT: u64 = 1 << 1;
const FEATURE_DATA_FILE: u64 = 1 << 2;
const FEATURE_COMPRESSION: u64 = 1 << 3;
const FEATURE_EXTENDED_L2: u64 = 1 << 4;
const KNOWN_FEATURES: u64 =
    FEATURE_DIRTY | FEATURE_CORRUPT | FEATURE_DATA_FILE | FEATURE_COMPRESSION | FEATURE_EXTENDED_L2;

/// The largest tables that QEMU itself accepts.
const L1_LIMIT_BYTES: u64 = 32 << 20;
const REFCOUNT_TABLE_LIMIT_BYTES: u64 = 8 << 20;
const SNAPSHOTS_LIMIT: u32 = 1024;

/// As many bytes as a caller has to read from the beginning of the file: the largest cluster.
pub(super) const HEAD_BYTES: u64 = 2 << 20;

/// What an acceptable header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qcow2Header {
    /// 2 or 3.
    pub version: u32,
    /// The size of the disk that a guest sees.
    pub virtual_size_bytes: u64,
    /// The size of a cluster.
    pub cluster_bytes: u64,
}

/// Why a header was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The magic number is another.
    #[error("it is not a qcow2 file")]
    NotQcow2,
    /// The file ends within its header.
    #[error("it ends within its header")]
    Truncated,
    /// A version other than 2 and 3.
    #[error("its qcow2 version is {0}; 2 and 3 are known")]
    Version(u32),
    /// It rests on another file.
    #[error("it refers to a backing file; make it self-contained with: qemu-img convert -O qcow2 OLD NEW")]
    BackingFile,
    /// Its content lies in another file.
    #[error("it keeps its data in another file; make it self-contained with: qemu-img convert -O qcow2 OLD NEW")]
    ExternalData,
    /// It is encrypted.
    #[error("it is encrypted; decrypt it before importing it")]
    Encrypted,
    /// It was not closed cleanly, or is marked as damaged.
    #[error("it was not closed cleanly; repair it with: qemu-img check -r all FILE")]
    Unclean,
    /// It uses features that this parser doesn't know.
    #[error("it uses unknown incompatible features ({0:#x})")]
    Features(u64),
    /// A field has a value that no healthy file has.
    #[error("its {0} is out of range")]
    Range(&'static str),
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn u32(&self, at: usize) -> Result<u32, HeaderError> {
        let bytes = self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes).ok_or(HeaderError::Truncated)
    }

    fn u64(&self, at: usize) -> Result<u64, HeaderError> {
        Ok(u64::from(self.u32(at)?) << 32 | u64::from(self.u32(at + 4)?))
    }
}

impl Qcow2Header {
    /// Parses the beginning of a file of `file_bytes`; `head` holds the first [`HEAD_BYTES`] of it or all.
    ///
    /// # Errors
    /// For everything that is not a self-contained, plain, clean image with tables of a sane size.
    pub fn parse(head: &[u8], file_bytes: u64) -> Result<Self, HeaderError> {
        let bytes = Bytes(head);
        if bytes.u32(0).map_err(|_| HeaderError::NotQcow2)? != MAGIC {
            return Err(HeaderError::NotQcow2);
        }
        let version = bytes.u32(4)?;
        if !matches!(version, 2 | 3) {
            return Err(HeaderError::Version(version));
        }
        if bytes.u64(8)? != 0 || bytes.u32(16)? != 0 {
            return Err(HeaderError::BackingFile);
        }
        let cluster_bits = bytes.u32(20)?;
        if !(9..=21).contains(&cluster_bits) {
            return Err(HeaderError::Range("cluster size"));
        }
        let cluster_bytes = 1_u64 << cluster_bits;
        let virtual_size_bytes = bytes.u64(24)?;
        if virtual_size_bytes == 0 || virtual_size_bytes > 1 << 56 {
            return Err(HeaderError::Range("virtual size"));
        }
        if bytes.u32(32)? != 0 {
            return Err(HeaderError::Encrypted);
        }
        let (header_bytes, extended_l2) = if version == 3 { parse_features(&bytes)? } else { (72, false) };
        check_tables(&bytes, cluster_bytes, virtual_size_bytes, extended_l2, file_bytes)?;
        check_extensions(&bytes, header_bytes, cluster_bytes)?;
        Ok(Self { version, virtual_size_bytes, cluster_bytes })
    }
}

/// The fields of version 3: returns the header's length and whether L2 entries are twice as large.
fn parse_features(bytes: &Bytes<'_>) -> Result<(u64, bool), HeaderError> {
    let features = bytes.u64(72)?;
    if features & FEATURE_DATA_FILE != 0 {
        return Err(HeaderError::ExternalData);
    }
    if features & !KNOWN_FEATURES != 0 {
        return Err(HeaderError::Features(features & !KNOWN_FEATURES));
    }
    if features & (FEATURE_DIRTY | FEATURE_CORRUPT) != 0 {
        return Err(HeaderError::Unclean);
    }
    if bytes.u32(96)? > 6 {
        return Err(HeaderError::Range("refcount width"));
    }
    let header_bytes = bytes.u32(100)?;
    if header_bytes < 104 || !header_bytes.is_multiple_of(8) || header_bytes > 4096 {
        return Err(HeaderError::Range("header length"));
    }
    // Zlib is 0, zstd is 1; the byte is there only when the header is long enough.
    let compression = if header_bytes > 104 { bytes.u32(104)? >> 24 } else { 0 };
    if compression > 1 || (compression != 0) != (features & FEATURE_COMPRESSION != 0) {
        return Err(HeaderError::Range("compression type"));
    }
    Ok((u64::from(header_bytes), features & FEATURE_EXTENDED_L2 != 0))
}

fn check_tables(
    bytes: &Bytes<'_>,
    cluster_bytes: u64,
    virtual_size_bytes: u64,
    extended_l2: bool,
    file_bytes: u64,
) -> Result<(), HeaderError> {
    let within = |offset: u64, length: u64| {
        offset.is_multiple_of(cluster_bytes) && offset.checked_add(length).is_some_and(|end| end <= file_bytes)
    };
    let l1_bytes = u64::from(bytes.u32(36)?) * 8;
    let l1_offset = bytes.u64(40)?;
    let entries = cluster_bytes / if extended_l2 { 16 } else { 8 };
    let needed = virtual_size_bytes.div_ceil(cluster_bytes * entries) * 8;
    if l1_bytes < needed || l1_bytes > L1_LIMIT_BYTES || l1_offset == 0 || !within(l1_offset, l1_bytes) {
        return Err(HeaderError::Range("L1 table"));
    }
    let refcount_bytes = u64::from(bytes.u32(56)?) * cluster_bytes;
    let refcount_offset = bytes.u64(48)?;
    if refcount_bytes == 0
        || refcount_bytes > REFCOUNT_TABLE_LIMIT_BYTES
        || refcount_offset == 0
        || !within(refcount_offset, refcount_bytes)
    {
        return Err(HeaderError::Range("refcount table"));
    }
    let snapshots = bytes.u32(60)?;
    if snapshots > SNAPSHOTS_LIMIT || (snapshots > 0 && !within(bytes.u64(64)?, u64::from(snapshots) * 40)) {
        return Err(HeaderError::Range("snapshot table"));
    }
    Ok(())
}

/// Extensions follow the header, at most to the end of the first cluster.
fn check_extensions(bytes: &Bytes<'_>, header_bytes: u64, cluster_bytes: u64) -> Result<(), HeaderError> {
    let mut at = header_bytes;
    while at + 8 <= cluster_bytes {
        let place = usize::try_from(at).map_err(|_| HeaderError::Range("header extension"))?;
        let kind = bytes.u32(place)?;
        let length = u64::from(bytes.u32(place + 4)?);
        match kind {
            EXTENSION_END => return Ok(()),
            EXTENSION_DATA_FILE => return Err(HeaderError::ExternalData),
            EXTENSION_ENCRYPTION => return Err(HeaderError::Encrypted),
            _ => {}
        }
        at = at + 8 + length.next_multiple_of(8);
        if at > cluster_bytes {
            return Err(HeaderError::Range("header extension"));
        }
    }
    Ok(())
}
