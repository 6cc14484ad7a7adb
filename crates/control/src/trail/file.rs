//! Files in the folder that stands for a bucket: their names, and writing them so that whoever looks finds all or nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use landfall_cloud::trail;
use landfall_model::{Region, Timestamp, Trail};
use landfall_state::BulkRecord;

use super::digest::sha256;

/// What a folder's file system keeps for others: below that, nothing is written.
const RESERVE_BYTES: u64 = 64 << 20;
/// The span that files are named by, in milliseconds. Source: the CloudTrail User Guide, as are the names.
const SPAN_MS: i64 = 300_000;

/// A file of events that is being filled.
pub(super) struct LogFile {
    lines: String,
    pub(super) first_at: Timestamp,
    pub(super) oldest: Timestamp,
    pub(super) newest: Timestamp,
}

impl LogFile {
    pub(super) fn new(record: &BulkRecord, at: Timestamp) -> Self {
        Self { lines: record.record.clone(), first_at: Timestamp(record.time_ms), oldest: at, newest: at }
    }

    pub(super) fn push(&mut self, record: &BulkRecord, at: Timestamp) {
        self.lines.push(',');
        self.lines.push_str(&record.record);
        self.oldest = self.oldest.min(at);
        self.newest = self.newest.max(at);
    }

    pub(super) fn bytes(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn text(&self) -> String {
        format!("{{\"Records\":[{}]}}", self.lines)
    }
}

/// Where a file of events goes: a name that follows from where the trail stood, so that a delivery that was cut off is
/// repeated in its place.
pub(super) fn log_object(row: &Trail, region: Region, after: u64, place: usize, first_at: Timestamp) -> String {
    let due = Timestamp(first_at.as_millis() - first_at.as_millis().rem_euclid(SPAN_MS) + SPAN_MS);
    let account = row.scope.account;
    let (since, _) = trail::span(row);
    let unique = sha256(format!("{} {since} {region} {after} {place}", row.arn().as_str()).as_bytes());
    let folder = folder(row, "CloudTrail", region, due);
    format!("{folder}{account}_CloudTrail_{region}_{}Z_{}.json.gz", &stamp(due)[..13], &unique[..16])
}

/// Where a digest goes.
pub(super) fn digest_object(row: &Trail, region: Region, end: Timestamp) -> String {
    let (account, home) = (row.scope.account, row.scope.region);
    let folder = folder(row, "CloudTrail-Digest", region, end);
    format!("{folder}{account}_CloudTrail-Digest_{region}_{}_{home}_{}Z.json.gz", row.name, stamp(end))
}

fn folder(row: &Trail, kind: &str, region: Region, at: Timestamp) -> String {
    let prefix = row.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    let stamp = stamp(at);
    let (year, month, day) = (&stamp[..4], &stamp[4..6], &stamp[6..8]);
    format!("{prefix}AWSLogs/{}/{kind}/{region}/{year}/{month}/{day}/", row.scope.account)
}

/// Such as `20261122T100000`.
fn stamp(at: Timestamp) -> String {
    at.to_string()[..19].chars().filter(|c| !"-:".contains(*c)).collect()
}

/// Writes a compressed file as a whole.
pub(super) fn write(buckets: &BTreeMap<String, PathBuf>, bucket: &str, object: &str, text: &[u8]) -> io::Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    write_plain(buckets, bucket, object, &encoder.finish()?)
}

/// Writes a file as a whole: it is there once all of it is on the disk.
pub(super) fn write_plain(
    buckets: &BTreeMap<String, PathBuf>,
    bucket: &str,
    object: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let folder = buckets.get(bucket).ok_or(io::ErrorKind::NotFound)?;
    // The provider makes the folder: one that is missing may be a disk that isn't mounted.
    if !fs::metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let is_within = object.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_within {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let disk = nix::sys::statvfs::statvfs(folder).map_err(io::Error::from)?;
    if disk.blocks_available().saturating_mul(disk.fragment_size()) < RESERVE_BYTES {
        return Err(io::ErrorKind::StorageFull.into());
    }
    let path = folder.join(object);
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(parent)?;
    let unfinished = path.with_extension("unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(parent)?.sync_all()
}

/// What GetTrailStatus says of a failure, in the words of the storage service.
pub(super) fn code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "NoSuchBucket",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "AccessDenied",
        io::ErrorKind::StorageFull => "ServiceUnavailable",
        _ => "InternalError",
    }
}
