//! Validates what trails delivered: the chain of digests from the newest back to the first, and the files that they name.
//!
//! What is removed or altered is found, and what was put there besides. That the newest digest itself was taken away with
//! all that it names can't be seen in the folder: GetTrailStatus says when it was delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use landfall_model::{Region, Timestamp};

use super::digest::{ALGORITHM, Digest, METADATA, Metadata, parse_time, sha256};

/// What was found in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Digests that are as they were delivered.
    pub digests: usize,
    /// Files of events that are.
    pub files: usize,
    /// Files that are in no digest yet, since they are younger than the last one.
    pub pending: Vec<String>,
    /// What is wrong, a sentence each.
    pub wrong: Vec<String>,
}

/// A digest with what it was read from.
struct Found {
    digest: Digest,
    text: Vec<u8>,
    signature: Option<String>,
}

/// The largest file that is read, once it is inflated.
const MOST_BYTES: u64 = 256 << 20;
/// How much later than its events a file may be delivered, and so belong to a later digest.
const LATE_MS: i64 = 3_600_000;

/// What is in the places of digests, and no other ones.
const DIGESTS: &str = "/CloudTrail-Digest/";

/// The regions that a folder has digests of, each of which signs with keys of its own.
///
/// # Errors
/// When the folder can't be walked.
pub fn regions(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut objects = Vec::new();
    walk(folder, folder, &mut objects)?;
    let region = |object: &String| Some(object.split_once(DIGESTS)?.1.split_once('/')?.0.to_owned());
    // A name that somebody made up is nobody's region, and is found to be wrong without a key.
    let is_name = |name: &String| name.parse::<Region>().is_ok();
    Ok(objects.iter().filter_map(region).filter(is_name).collect())
}

/// Validates the folder that stands for a bucket, by public keys (base64 of their DER) by fingerprint.
///
/// # Errors
/// When the folder can't be walked. What can't be read in it is reported as wrong.
pub fn verify(folder: &Path, keys: &BTreeMap<String, String>) -> io::Result<Report> {
    let mut report = Report::default();
    let mut objects = Vec::new();
    walk(folder, folder, &mut objects)?;
    let is_digest = |object: &&String| object.contains(DIGESTS);
    let mut digests = BTreeMap::new();
    for object in objects.iter().filter(is_digest).filter(|object| object.ends_with(".json.gz")) {
        match read_digest(folder, object) {
            Ok(found) => {
                digests.insert(object.clone(), found);
            }
            Err(error) => report.wrong.push(format!("The digest {object} can't be read: {error}.")),
        }
    }
    for (object, found) in &digests {
        check_digest(object, found, &digests, keys, &mut report);
    }
    let mut named = BTreeSet::new();
    let mut until: BTreeMap<String, Timestamp> = BTreeMap::new();
    for found in digests.values() {
        for file in &found.digest.log_files {
            named.insert(file.object.clone());
            check_file(folder, file.object.as_str(), &file.hash_value, &mut report);
        }
        if let Some(end) = parse_time(&found.digest.digest_end_time) {
            let last = until.entry(place(&found.digest.object, DIGESTS)).or_insert(end);
            *last = end.max(*last);
        }
    }
    for object in objects.iter().filter(|object| !is_digest(object) && object.ends_with(".json.gz")) {
        if named.contains(object) || !object.contains("/CloudTrail/") {
            continue;
        }
        let last = until.get(&place(object, "/CloudTrail/")).copied();
        match (last, newest_event(folder, object)) {
            (Some(last), Some(newest)) if newest.as_millis() + LATE_MS < last.as_millis() => {
                report.wrong.push(format!("{object} was never delivered: no digest names it."));
            }
            (_, None) => report.wrong.push(format!("{object} can't be read, and no digest names it.")),
            _ => report.pending.push(object.clone()),
        }
    }
    Ok(report)
}

fn check_digest(
    object: &str,
    found: &Found,
    all: &BTreeMap<String, Found>,
    keys: &BTreeMap<String, String>,
    report: &mut Report,
) {
    let digest = &found.digest;
    let before = report.wrong.len();
    if digest.object != object {
        report.wrong.push(format!("The digest {object} has been moved: it was delivered as {}.", digest.object));
    }
    let fingerprint = &digest.digest_public_key_fingerprint;
    match (keys.get(fingerprint), &found.signature) {
        (None, _) => report.wrong.push(format!("The digest {object} is signed with an unknown key, {fingerprint}.")),
        (_, None) => report.wrong.push(format!("The digest {object} has lost its signature.")),
        (Some(key), Some(signature)) if !digest.is_signed(&found.text, signature, key) => {
            report.wrong.push(format!("The digest {object} was altered: its signature isn't right."));
        }
        _ => {}
    }
    if let Some(previous) = &digest.previous_object {
        match all.get(previous) {
            None => report.wrong.push(format!("The digest {previous} was removed: {object} follows it.")),
            Some(found) => {
                let is_it = digest.previous_digest_hash_value.as_deref() == Some(&sha256(&found.text))
                    && digest.previous_digest_signature == found.signature;
                if !is_it {
                    report.wrong.push(format!("The digest {previous} isn't the one that {object} follows."));
                }
            }
        }
    }
    report.digests += usize::from(report.wrong.len() == before);
}

fn check_file(folder: &Path, object: &str, sha256_expected: &str, report: &mut Report) {
    match inflate(folder, object) {
        Ok(text) if sha256(&text) == sha256_expected => report.files += 1,
        Ok(_) => report.wrong.push(format!("{object} was altered.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => report.wrong.push(format!("{object} was removed.")),
        Err(error) => report.wrong.push(format!("{object} was altered: {error}.")),
    }
}

/// What is before a kind of file in its place, and the region after it.
fn place(object: &str, kind: &str) -> String {
    let (before, after) = object.split_once(kind).unwrap_or((object, ""));
    format!("{before} {}", after.split('/').next().unwrap_or_default())
}

fn newest_event(folder: &Path, object: &str) -> Option<Timestamp> {
    let text = inflate(folder, object).ok()?;
    let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let times = json["Records"].as_array()?.iter().filter_map(|record| parse_time(record["eventTime"].as_str()?));
    times.max()
}

fn read_digest(folder: &Path, object: &str) -> io::Result<Found> {
    let text = inflate(folder, object)?;
    let digest = serde_json::from_slice(&text)?;
    let metadata = fs::read(resolve(folder, &format!("{object}{METADATA}"))?);
    let metadata: Option<Metadata> = metadata.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let metadata = metadata.filter(|metadata| metadata.signature_algorithm == ALGORITHM);
    Ok(Found { digest, text, signature: metadata.map(|metadata| metadata.signature) })
}

fn inflate(folder: &Path, object: &str) -> io::Result<Vec<u8>> {
    let file = fs::File::open(resolve(folder, object)?)?;
    let mut text = Vec::new();
    let read = GzDecoder::new(file).take(MOST_BYTES + 1).read_to_end(&mut text)? as u64;
    if read > MOST_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// A digest may have been forged: it leads nowhere out of the folder.
fn resolve(folder: &Path, object: &str) -> io::Result<PathBuf> {
    let is_within = object.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_within { Ok(folder.join(object)) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

fn walk(root: &Path, folder: &Path, objects: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &entry.path(), objects)?;
        } else if let Ok(relative) = entry.path().strip_prefix(root)
            && let Some(object) = relative.to_str()
        {
            objects.push(object.to_owned());
        }
    }
    objects.sort();
    Ok(())
}
