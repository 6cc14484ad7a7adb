//! Disks that come from elsewhere, made volumes of.
//!
//! What a stranger sends is copied to this machine first, so that what is looked at is what is read. Then its form is checked:
//! as it was stated, never guessed, and never with another file behind it. A `qemu-nbd` reads it, confined as all of them
//! are: a user of its own, no network, none of the machine's files but this one, a bound on memory and time. What it says is
//! copied into a volume by us, part by part, as long as there is room and somebody wants it; so a disk that claims to be
//! larger than it is costs nothing, and one that is larger than the machine ends at the machine's reserve.
//!
//! Nothing is remembered: an attempt that was cut off leaves a file without the volume's name, which the next agent removes.

mod archive;
mod ext4;
mod fetch;
mod format;
mod look;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use landfall_model::ImportSource;
use tempfile::TempDir;

use super::export::{self, Export};
use super::nbd::Nbd;
use super::store::Room;
use crate::driver::{DriverError, DriverResult, Watch};
pub(super) use look::noticed;

/// The largest disk that is imported. Source: "Amazon EBS volume types", the largest of gp3.
const MOST_BYTES: u64 = 16 << 40;
/// How much of a disk is asked about at once, and read at once.
const WINDOW_BYTES: u64 = 1 << 30;
const PIECE_BYTES: u64 = 512 << 10;
static ZEROS: [u8; PIECE_BYTES as usize] = [0; PIECE_BYTES as usize];
/// After how many pieces it is asked again whether there is room, and whether anybody still wants it.
const PIECES: u64 = 64;
/// How much of the work copying a source to this machine is, in hundredths.
const STAGED: u8 = 40;

/// Where disks may come from.
#[derive(Clone, Debug, Default)]
pub struct ImportPlaces {
    /// The folders that stand for buckets.
    pub buckets: BTreeMap<String, PathBuf>,
    /// Hosts, with or without a port, that addresses may lead to wherever they are.
    pub near: BTreeSet<String>,
}

/// A disk of another form, being read.
pub(super) struct Source {
    export: Export,
    _staged: TempDir,
}

impl Source {
    /// Copies it here, looks at its form and has it read. What it needs meanwhile is in a folder in that one.
    pub(super) fn open(
        within: &Path,
        places: &ImportPlaces,
        source: &ImportSource,
        room: &Room<'_>,
        watch: &Watch<'_>,
    ) -> DriverResult<Self> {
        let staged = tempfile::Builder::new().prefix(export::PREFIX).tempdir_in(within);
        let staged = staged.map_err(|error| DriverError::Retry(format!("no folder can be made: {error}")))?;
        let path = staged.path().join("source");
        (watch.tell)(1);
        place::stage(places, &source.place, &path, room, watch)?;
        let unread = |error| DriverError::Retry(format!("the disk that was copied can't be read: {error}"));
        let file = File::open(&path).map_err(unread)?;
        let node = format::check(&file, source.format)?;
        let export = Export::foreign(within, &path, |name| node.describe(name))?;
        let mut source = Self { export, _staged: staged };
        let size_bytes = source.size_bytes();
        if size_bytes == 0 || size_bytes > MOST_BYTES {
            return Err(invalid(format!(
                "the disk has {size_bytes} bytes, and has to have between 1 and {MOST_BYTES}"
            )));
        }
        Ok(source)
    }

    /// The disk's size, in bytes.
    pub(super) fn size_bytes(&mut self) -> u64 {
        self.export.nbd().size_bytes()
    }

    /// Writes what isn't zeros to a disk of zeros that is at least as large, and has it be durable.
    pub(super) fn copy(&mut self, to: &mut Nbd, room: &Room<'_>, watch: &Watch<'_>) -> DriverResult<()> {
        let from = self.export.nbd();
        // A machine that is busy answers late, which says nothing of the disk.
        let unread = |error: std::io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => DriverError::Retry("the disk's reader didn't answer".into()),
            _ => invalid(format!("the disk can't be read: {error}")),
        };
        let unwritten = |error: std::io::Error| DriverError::Retry(format!("the volume can't be written: {error}"));
        let size_bytes = from.size_bytes();
        let (mut at, mut pieces) = (0, 0u64);
        let mut contents = vec![0; usize::try_from(PIECE_BYTES).unwrap_or_default()];
        while at < size_bytes {
            let window = u32::try_from((size_bytes - at).min(WINDOW_BYTES)).unwrap_or_default();
            for extent in from.extents(at, window).map_err(unread)? {
                let end = (at + extent.bytes).min(size_bytes);
                while at < end && !extent.is_zero() {
                    if pieces.is_multiple_of(PIECES) {
                        check(room, watch)?;
                    }
                    pieces += 1;
                    let bytes = usize::try_from((end - at).min(PIECE_BYTES)).unwrap_or_default();
                    let piece = &mut contents[..bytes];
                    from.read(at, piece).map_err(unread)?;
                    // Of a VHDX QEMU doesn't tell which parts are zeros: all of it is read, and this is most of the work.
                    if *piece != ZEROS[..bytes] {
                        to.write(at, piece).map_err(unwritten)?;
                    }
                    at += bytes as u64;
                    tell(watch, at, size_bytes);
                }
                at = end;
            }
            tell(watch, at, size_bytes);
        }
        to.flush().map_err(unwritten)
    }
}

/// Tells how much of a disk is copied.
fn tell(watch: &Watch<'_>, at: u64, size_bytes: u64) {
    let most = u128::from(100 - STAGED);
    let percent = u128::from(at) * most / u128::from(size_bytes.max(1));
    (watch.tell)(STAGED + u8::try_from(percent).unwrap_or_default().min(99 - STAGED));
}

/// That there is room, and that somebody still wants it.
fn check(room: &Room<'_>, watch: &Watch<'_>) -> DriverResult<()> {
    if !(watch.is_wanted)() {
        return Err(DriverError::Retry("the import was canceled".into()));
    }
    room(0)
}

/// That what was sent can't be imported, in words for who sent it.
fn invalid(why: impl std::fmt::Display) -> DriverError {
    DriverError::Final(format!("Disk validation failed: {why}"))
}

#[cfg(test)]
mod tests;
