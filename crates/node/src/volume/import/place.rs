//! Getting what is imported to this machine: out of a folder that stands for a bucket, from an address, or from a file that
//! the provider names.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};
use std::time::{Duration, Instant};

use landfall_model::ImportPlace;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::{ImportPlaces, MOST_BYTES, STAGED, check, fetch, invalid};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, Watch};
use crate::volume::store::Room;

/// How much is copied at once.
const BUFFER_BYTES: usize = 1 << 20;
/// How often it is asked again whether there is room, and whether anybody still wants it.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// What a source has to give in each of these times: one that gives less holds up what others import.
const LEAST_BYTES: u64 = 16 << 20;
const LEAST_IN: Duration = Duration::from_secs(300);

/// Copies it into a file.
pub(super) fn stage(
    places: &ImportPlaces,
    place: &ImportPlace,
    path: &Path,
    room: &Room<'_>,
    watch: &Watch<'_>,
) -> DriverResult<()> {
    let into = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let into = into.map_err(|error| DriverError::Retry(format!("the disk can't be copied: {error}")))?;
    crash_point!("import:stage");
    match place {
        ImportPlace::Bucket { bucket, key } => {
            let folder = places.buckets.get(bucket);
            let folder =
                folder.ok_or_else(|| invalid(format!("no folder of this host stands for the bucket {bucket}")))?;
            copy(open_object(folder, bucket, key)?, into, room, watch)
        }
        ImportPlace::Path(path) => copy(open_path(Path::new(path))?, into, room, watch),
        ImportPlace::Url(url) => {
            let answer = fetch::open(url, &places.near, watch)?;
            let (size_bytes, body) = (answer.size_bytes, answer.body);
            copy_bytes(body, size_bytes, into, room, watch)
        }
    }
}

/// Opens an object, part by part: no link is followed, whoever puts one there and whenever.
fn open_object(folder: &Path, bucket: &str, key: &str) -> DriverResult<File> {
    let missing = || invalid(format!("the object {key} of the bucket {bucket} does not exist or can't be read"));
    let mut at = File::open(folder).map_err(|_| invalid(format!("the bucket {bucket} can't be read on this host")))?;
    let parts: Vec<&str> = key.split('/').collect();
    for (number, part) in parts.iter().enumerate() {
        let kind = if number + 1 < parts.len() { OFlag::O_DIRECTORY } else { OFlag::O_NONBLOCK };
        if matches!(*part, "" | "." | "..") {
            return Err(missing());
        }
        match openat(&at, *part, kind | OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(file) => at = file.into(),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG | Errno::ENXIO) => {
                return Err(missing());
            }
            Err(error) => return Err(DriverError::Retry(format!("the bucket {bucket} can't be read: {error}"))),
        }
    }
    plain(at).map_err(|_| missing())
}

/// Opens a file that the provider names.
fn open_path(path: &Path) -> DriverResult<File> {
    let is_plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !is_plain {
        return Err(invalid(format!("{} is no absolute path", path.display())));
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path);
    file.and_then(plain).map_err(|error| invalid(format!("{} can't be read on this host: {error}", path.display())))
}

/// That it is a file, and no pipe that would be waited for.
fn plain(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

fn copy(from: File, into: File, room: &Room<'_>, watch: &Watch<'_>) -> DriverResult<()> {
    let size_bytes = from.metadata().map_err(|error| DriverError::Retry(error.to_string()))?.len();
    copy_bytes(from, Some(size_bytes), into, room, watch)
}

fn copy_bytes(
    mut from: impl Read,
    size_bytes: Option<u64>,
    mut into: File,
    room: &Room<'_>,
    watch: &Watch<'_>,
) -> DriverResult<()> {
    let broken = |error: io::Error| DriverError::Retry(format!("the disk can't be read to its end: {error}"));
    if let Some(size_bytes) = size_bytes.filter(|size_bytes| *size_bytes > MOST_BYTES) {
        return Err(invalid(format!("it has {size_bytes} bytes, and at most {MOST_BYTES} are imported")));
    }
    // Before any of it is written: what doesn't fit would only take the room of others until it failed.
    room(size_bytes.unwrap_or(0))?;
    let (mut buffer, mut done) = (vec![0; BUFFER_BYTES], 0u64);
    let (mut asked, mut measured, mut measured_done) = (None::<Instant>, Instant::now(), 0);
    loop {
        if asked.is_none_or(|at| at.elapsed() >= ASK_AGAIN) {
            check(room, watch)?;
            asked = Some(Instant::now());
        }
        if measured.elapsed() >= LEAST_IN {
            if done - measured_done < LEAST_BYTES {
                return Err(invalid("its source is too slow"));
            }
            (measured, measured_done) = (Instant::now(), done);
        }
        let length = from.read(&mut buffer).map_err(broken)?;
        if length == 0 {
            break;
        }
        done += length as u64;
        if done > size_bytes.unwrap_or(MOST_BYTES).min(MOST_BYTES) {
            return Err(invalid("it is longer than it was said to be"));
        }
        into.write_all(&buffer[..length])
            .map_err(|error| DriverError::Retry(format!("the disk can't be copied: {error}")))?;
        if let Some(size_bytes) = size_bytes {
            let percent = u128::from(done) * u128::from(STAGED) / u128::from(size_bytes.max(1));
            (watch.tell)(u8::try_from(percent).unwrap_or(STAGED).max(1));
        }
    }
    if size_bytes.is_some_and(|size_bytes| done < size_bytes) {
        return Err(DriverError::Retry("the disk broke off before its end".into()));
    }
    crash_point!("import:staged");
    Ok(())
}
