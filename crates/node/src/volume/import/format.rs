//! Whether a file is of the form that it is said to be, and stands for itself: nothing that it names is ever opened.
//!
//! QEMU reads these forms; what is looked at here is only what would lead elsewhere, or what its words would be unkind about.
//! Sources: VMware's "Virtual Disk Format 5.0", Microsoft's "Virtual Hard Disk Image Format Specification" and
//! \[MS-VHDX\].

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use landfall_model::DiskFormat;
use serde_json::{Value, json};

use super::{archive, invalid};
use crate::driver::{DriverError, DriverResult};

const SECTOR: u64 = 512;
/// The longest description of a VMDK that is read: VMware's own have 20 sectors.
const DESCRIPTION_SECTORS: u64 = 256;
/// Where QEMU looks for the name of a disk that a VMDK builds on, whatever the header says, and in how many sectors.
const PARENT_SECTORS: u64 = 20;
const PARENT: &[u8] = b"parentFileNameHint";
const VMDK_MAGIC: &[u8; 4] = b"KDMV";
/// What a description begins with that is a file of its own.
const VMDK_APART: &[u8; 21] = b"# Disk DescriptorFile";
const VHD_MAGIC: &[u8; 8] = b"conectix";
const VHDX_MAGIC: &[u8; 8] = b"vhdxfile";
const VHD_FIXED: u32 = 2;
const VHD_DYNAMIC: u32 = 3;

/// How QEMU is to read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    driver: &'static str,
    /// The part of the file that the disk is in: where it begins, and how long it is.
    part: Option<(u64, u64)>,
}

impl Node {
    /// What QEMU is told of it, where it sees the file by that name.
    pub(super) fn describe(self, name: &str) -> Value {
        let file = json!({"driver": "file", "filename": name});
        let file = match self.part {
            Some((offset, size)) => json!({"driver": "raw", "offset": offset, "size": size, "file": file}),
            None => file,
        };
        let mut node = json!({"driver": self.driver, "file": file});
        if self.driver == "vmdk" {
            // Whatever it says that it builds on.
            node["backing"] = Value::Null;
        }
        node
    }
}

/// Looks at a file of that form.
pub(super) fn check(file: &File, format: DiskFormat) -> DriverResult<Node> {
    let length = file.metadata().map_err(unread)?.len();
    let whole = |driver| Node { driver, part: None };
    match format {
        DiskFormat::Raw if length == 0 || !length.is_multiple_of(SECTOR) => Err(invalid(format!(
            "a RAW disk has a whole number of sectors of {SECTOR} bytes, and it has {length} bytes"
        ))),
        DiskFormat::Raw => Ok(whole("raw")),
        DiskFormat::Vmdk => check_vmdk(file, 0, length).map(|()| whole("vmdk")),
        DiskFormat::Vhd => check_vhd(file, length).map(|()| whole("vpc")),
        DiskFormat::Vhdx => {
            let magic = head::<8>(file, 0, length)?;
            if magic.as_ref() == Some(VHDX_MAGIC) { Ok(whole("vhdx")) } else { Err(wrong(DiskFormat::Vhdx)) }
        }
        DiskFormat::Ova => {
            let (offset, size) = archive::disk(file, length)?;
            check_vmdk(file, offset, size)?;
            Ok(Node { driver: "vmdk", part: Some((offset, size)) })
        }
    }
}

pub(super) fn unread(error: io::Error) -> DriverError {
    DriverError::Retry(format!("the disk that was copied can't be read: {error}"))
}

fn wrong(format: DiskFormat) -> DriverError {
    invalid(format!("it is no {format} file"))
}

/// So many bytes from there, where there are as many.
fn head<const N: usize>(file: &File, at: u64, length: u64) -> DriverResult<Option<[u8; N]>> {
    let mut bytes = [0; N];
    if at.checked_add(N as u64).is_none_or(|end| end > length) {
        return Ok(None);
    }
    file.read_exact_at(&mut bytes, at).map_err(unread)?;
    Ok(Some(bytes))
}

/// That a part of a file is a VMDK that has its description and its only extent in itself.
fn check_vmdk(file: &File, offset: u64, size: u64) -> DriverResult<()> {
    if head::<21>(file, offset, offset + size)?.as_ref() == Some(VMDK_APART) {
        return Err(invalid("a VMDK whose disk is in another file isn't imported; export it as one file"));
    }
    let header = head::<512>(file, offset, offset + size)?.filter(|header| header.starts_with(VMDK_MAGIC));
    let header = header.ok_or_else(|| wrong(DiskFormat::Vmdk))?;
    let (capacity, begin, sectors) = (le64(&header, 12), le64(&header, 28), le64(&header, 36));
    // All tools put the description after the header, where QEMU takes it to be. Without a capacity it would open what
    // the description names.
    if begin != 1 || sectors == 0 || sectors > DESCRIPTION_SECTORS || capacity == 0 {
        return Err(invalid("a VMDK without its description in itself isn't imported"));
    }
    if (1 + sectors) * SECTOR > size {
        return Err(wrong(DiskFormat::Vmdk));
    }
    let read = |sectors: u64| {
        let bytes = (sectors * SECTOR).min(size - SECTOR);
        let mut text = vec![0; usize::try_from(bytes).unwrap_or_default()];
        file.read_exact_at(&mut text, offset + SECTOR).map(|()| text).map_err(unread)
    };
    check_description(&String::from_utf8_lossy(&read(sectors)?))?;
    if read(PARENT_SECTORS)?.windows(PARENT.len()).any(|words| words == PARENT) {
        return Err(invalid("a VMDK that builds on another disk isn't imported"));
    }
    Ok(())
}

/// That a VMDK's description tells of no other file.
fn check_description(text: &str) -> DriverResult<()> {
    let mut extents = 0;
    for line in text.trim_end_matches('\0').lines().map(str::trim) {
        let (name, value) = line.split_once('=').map_or(("", ""), |(name, value)| (name.trim(), value.trim()));
        if name.eq_ignore_ascii_case("parentCID") && !value.eq_ignore_ascii_case("ffffffff") {
            return Err(invalid("a VMDK that builds on another disk isn't imported"));
        }
        if name.eq_ignore_ascii_case("parentFileNameHint") {
            return Err(invalid("a VMDK that builds on another disk isn't imported"));
        }
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        extents += usize::from(["RW", "RDONLY", "NOACCESS"].contains(&first));
    }
    if extents == 1 { Ok(()) } else { Err(invalid(format!("a VMDK has one extent, and it has {extents}"))) }
}

/// That a file is a fixed or dynamic VHD.
fn check_vhd(file: &File, length: u64) -> DriverResult<()> {
    let footer = match length.checked_sub(SECTOR) {
        Some(at) => head::<512>(file, at, length)?,
        None => None,
    };
    let footer = footer.filter(|footer| footer.starts_with(VHD_MAGIC)).ok_or_else(|| wrong(DiskFormat::Vhd))?;
    match u32::from_be_bytes([footer[60], footer[61], footer[62], footer[63]]) {
        VHD_FIXED => Ok(()),
        VHD_DYNAMIC => {
            let copy = head::<8>(file, 0, length)?;
            if copy.as_ref() == Some(VHD_MAGIC) { Ok(()) } else { Err(wrong(DiskFormat::Vhd)) }
        }
        _ => Err(invalid("a VHD that builds on another disk isn't imported")),
    }
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}
