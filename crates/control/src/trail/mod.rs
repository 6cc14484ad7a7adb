//! Trails: delivers events to the folders that stand for buckets, as CloudTrail does.
//!
//! Each trail's row says up to which event it is done. A file is written before the row says so, under a name that
//! follows from where the row stood: who is killed in between writes the same file once more, with what came meanwhile.
//! So every event is delivered, and none twice, also to a trail that was stopped and started or deleted meanwhile; and no
//! trail waits for one that fails. Digests ([`digest`]) name the files that the row knew, hour by hour.

pub mod digest;
mod file;
#[cfg(test)]
mod tests;
pub mod verify;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use landfall_api::Vault;
use landfall_api::audit::STREAM;
use landfall_cloud::{Cloud, Entropy, Tx, trail};
use landfall_model::{DeliveredFile, Delivery, Region, Silence, Timestamp, Trail};
use landfall_state::{BulkRecord, Engine};
use serde::Deserialize;

use file::LogFile;

/// How often events are delivered, and how long a digest is about, unless it is said otherwise. Source: the CloudTrail
/// User Guide, "How CloudTrail works" and "Validating CloudTrail log file integrity".
pub const DELIVERY: Duration = Duration::from_secs(300);
/// See [`DELIVERY`].
pub const DIGEST: Duration = Duration::from_secs(3600);
/// Events read at once.
const PIECE: usize = 1_000;
/// Bytes of events that are delivered at once; if there are more, it goes on at once.
const ROUND_BYTES: usize = 32 << 20;
/// Bytes of events in a file.
const FILE_BYTES: usize = 8 << 20;
/// By how much numbers of events may grow before a row is written for that alone: some thousand events.
const FAR: u64 = 1 << 20;
/// How often one that fails is tried, at least. It is tried again after as long as it has failed.
const PATIENCE: Duration = Duration::from_secs(900);
/// When a deleted trail that fails is given up.
const GIVEN_UP: Duration = Duration::from_secs(7 * 86_400);
/// Digests made up for in one round.
const DIGESTS_AT_ONCE: usize = 48;
/// By how much a record may be written later than its time says: those of looks wait in a queue. Where a trail begins, so
/// much more is read; where it ends, so long is waited.
const LATE: Duration = Duration::from_secs(5);
/// Services whose events belong to no region.
const GLOBAL: [&str; 1] = ["iam.amazonaws.com"];

/// Delivers events.
pub struct Courier {
    engine: Engine<Cloud>,
    vault: Vault,
    buckets: BTreeMap<String, PathBuf>,
    every: Duration,
    digest: Duration,
    entropy: Mutex<Entropy>,
}

/// What delivery reads of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Heading<'e> {
    event_time: &'e str,
    event_source: &'e str,
    aws_region: &'e str,
    read_only: bool,
    recipient_account_id: &'e str,
    /// Records of before there were others have it, too.
    event_category: Option<&'e str>,
}

/// What is on its way for one trail.
struct Load {
    row: Trail,
    /// The number of the last event that was dealt with.
    after: u64,
    from: Timestamp,
    until: Option<Timestamp>,
    files: BTreeMap<Region, Vec<LogFile>>,
}

impl Courier {
    /// One that delivers to those folders.
    pub fn new(engine: Engine<Cloud>, vault: Vault, buckets: BTreeMap<String, PathBuf>) -> Self {
        let entropy = Mutex::new(Entropy::from_system());
        Self { engine, vault, buckets, every: DELIVERY, digest: DIGEST, entropy }
    }

    /// The same at another pace.
    #[must_use]
    pub fn at_pace(self, every: Duration, digest: Duration) -> Self {
        Self { every, digest, ..self }
    }

    /// Runs until the engine stops.
    pub async fn run(self) {
        let courier = std::sync::Arc::new(self);
        loop {
            tokio::time::sleep(courier.every).await;
            loop {
                let courier = courier.clone();
                match tokio::task::spawn_blocking(move || courier.deliver()).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(_) => return,
                }
            }
        }
    }

    /// Delivers what there is, or a good part of it; whether there may be more. Blocks.
    ///
    /// Trails that are equally far share what is read. One that is far behind, or that fails, reads for itself, so that
    /// no other waits for it.
    pub fn deliver(&self) -> bool {
        let snapshot = self.engine.read();
        let now = Timestamp(self.engine.now_ms().max(snapshot.time_ms));
        let mut loads = Vec::new();
        for row in trail::active(&snapshot).filter(|row| is_due(row, now)) {
            match self.load(row) {
                Ok(load) => loads.push(load),
                Err(error) => tracing::warn!(%error, trail = row.name, "events can't be read"),
            }
        }
        drop(snapshot);
        let mut goes_on = false;
        for group in groups(loads) {
            goes_on |= self.round(group, now);
        }
        goes_on
    }

    /// Delivers to trails that are about equally far; whether there may be more for one of them that it does some good to.
    fn round(&self, mut loads: Vec<Load>, now: Timestamp) -> bool {
        // One that fails only has to show that it does no more.
        let is_failing = loads.iter().any(|load| load.row.delivery.failing_since.is_some());
        let Some((last, has_more)) = self.gather(&mut loads, if is_failing { FILE_BYTES } else { ROUND_BYTES }) else {
            return false;
        };
        let mut is_any_well = false;
        for load in loads {
            is_any_well |= self.hand_over(load, last, now, !has_more);
        }
        has_more && is_any_well
    }

    fn load(&self, row: &Trail) -> Result<Load, landfall_state::LogError> {
        let (from, until) = trail::span(row);
        let after = reached(&self.engine, row)?;
        Ok(Load { row: row.clone(), after, from, until, files: BTreeMap::new() })
    }

    /// Reads events and shares them out, until it is that many bytes; the number of the last, and whether there may be more.
    fn gather(&self, loads: &mut [Load], most_bytes: usize) -> Option<(u64, bool)> {
        let mut after = loads.iter().map(|load| load.after).min()?;
        let mut bytes = 0;
        loop {
            let records = match self.engine.bulk(STREAM, after, PIECE) {
                Ok(records) => records,
                Err(error) => {
                    tracing::warn!(%error, "events can't be read");
                    return None;
                }
            };
            for record in &records {
                bytes += record.record.len();
                share(loads, record);
            }
            after = records.last().map_or(after, |record| record.number);
            if records.len() < PIECE {
                return Some((after, false));
            }
            if bytes > most_bytes {
                return Some((after, true));
            }
        }
    }

    /// Writes a trail's files and digests, and takes down how far it is; whether that went well.
    fn hand_over(&self, load: Load, last: u64, now: Timestamp, is_all: bool) -> bool {
        let Load { row, after, until, files, .. } = load;
        let mut delivery = row.delivery.clone();
        let is_new = !files.is_empty();
        let is_past = |at: Timestamp| is_all && at + LATE < now;
        match self.write_files(&row, after, files) {
            Ok(written) => {
                delivery.done = Some(last.max(after));
                if is_new {
                    delivery.delivered_at = Some(now);
                }
                delivery.error = None;
                delivery.silences.retain(|silence| !is_past(silence.until));
                if delivery.digested_until.is_some() {
                    delivery.files.extend(written);
                }
            }
            Err(error) => {
                tracing::warn!(%error, trail = row.name, bucket = row.bucket, "events can't be delivered");
                delivery.error = Some(file::code(&error).to_owned());
            }
        }
        let is_well = delivery.error.is_none();
        let ends = is_well && !row.is_logging && until.map_or(is_all, is_past);
        if is_well {
            let last_digest = ends.then(|| until.unwrap_or(now)).or(delivery.digest_ends.filter(|at| is_past(*at)));
            let done = self.digests(&row, &mut delivery, now, last_digest);
            if let Err(error) = &done {
                tracing::warn!(%error, trail = row.name, "a digest can't be delivered");
            }
            delivery.digest_error = done.err().map(|error| error.code().to_owned());
        }
        let is_failing = delivery.error.is_some() || delivery.digest_error.is_some();
        delivery.failing_since = is_failing.then(|| delivery.failing_since.unwrap_or(now));
        // Its last files are in a digest, or it isn't over.
        let ends = (ends && delivery.digested_until.is_none()) || is_given_up(&row, &delivery, now);
        if ends {
            delivery.is_open = false;
        }
        let told = |delivery: &Delivery| {
            let errors = (delivery.error.clone(), delivery.digest_error.clone());
            (errors, delivery.digest_at, delivery.digested_until)
        };
        let is_changed = is_new || told(&delivery) != told(&row.delivery);
        // What is only a little further on, with nothing for this trail, is taken down with the next file; but not where
        // there is more, or the next round would read the same.
        let is_far = !is_all || row.delivery.done.is_none_or(|done| last.saturating_sub(done) > FAR);
        if is_changed || ends || is_far || is_failing {
            delivery.tried_at = Some(now);
            self.advance(&row, delivery);
        }
        is_well
    }

    fn write_files(
        &self,
        row: &Trail,
        after: u64,
        files: BTreeMap<Region, Vec<LogFile>>,
    ) -> std::io::Result<Vec<DeliveredFile>> {
        // The provider may have said otherwise since the trail was made.
        if !self.engine.read().provider().takes(&row.bucket, row.scope.account) {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let mut written = Vec::new();
        for (region, files) in files {
            for (place, log) in files.into_iter().enumerate() {
                let object = file::log_object(row, region, after, place, log.first_at);
                let text = log.text();
                file::write(&self.buckets, &row.bucket, &object, text.as_bytes())?;
                written.push(DeliveredFile {
                    region,
                    bucket: row.bucket.clone(),
                    object,
                    sha256: digest::sha256(text.as_bytes()),
                    oldest: log.oldest,
                    newest: log.newest,
                });
            }
        }
        Ok(written)
    }

    /// Writes the digests that are due, each about its hour, and a last one where they end.
    fn digests(
        &self,
        row: &Trail,
        delivery: &mut Delivery,
        now: Timestamp,
        ends: Option<Timestamp>,
    ) -> Result<(), digest::Error> {
        for _ in 0..DIGESTS_AT_ONCE {
            let Some(begin) = delivery.digested_until else { return Ok(()) };
            let hour = begin + self.digest;
            let is_last = hour > now;
            let end = match ends {
                _ if !is_last => hour,
                // The last one has a time of its own, so that it takes nobody's place.
                Some(end) => end.max(begin + Duration::from_secs(1)),
                None => return Ok(()),
            };
            let files = std::mem::take(&mut delivery.files);
            if let Err(error) = self.digest(row, delivery, (begin, end), &files) {
                delivery.files = files;
                return Err(error);
            }
            delivery.digest_at = Some(now);
            delivery.digested_until = Some(end).filter(|_| !is_last);
            if is_last {
                delivery.digest_ends = None;
                delivery.chains.clear();
            }
        }
        Ok(())
    }

    fn digest(
        &self,
        row: &Trail,
        delivery: &mut Delivery,
        span: (Timestamp, Timestamp),
        files: &[DeliveredFile],
    ) -> Result<(), digest::Error> {
        let mut regions: Vec<Region> = files.iter().map(|file| file.region).chain([row.scope.region]).collect();
        regions.extend(delivery.chains.keys());
        regions.sort();
        regions.dedup();
        for region in regions {
            let key = self.signing_key(region)?;
            let own: Vec<_> = files.iter().filter(|file| file.region == region).collect();
            let made = digest::make(row, region, span, &own, delivery.chains.get(&region), &key)?;
            let metadata = format!("{}{}", made.chained.object, digest::METADATA);
            // Whoever sees a digest finds its signature.
            file::write_plain(&self.buckets, &row.bucket, &metadata, made.metadata.as_bytes())?;
            file::write(&self.buckets, &row.bucket, &made.chained.object, made.text.as_bytes())?;
            delivery.chains.insert(region, made.chained);
        }
        Ok(())
    }

    /// The region's key, which is made at its first use.
    fn signing_key(&self, region: Region) -> Result<digest::SigningKey, digest::Error> {
        let now = Timestamp(self.engine.now_ms());
        let is_valid = |row: &&landfall_model::DigestKey| row.valid_from <= now && now < row.valid_until;
        let found = self.engine.read().digest_keys.by_region(&region).find(is_valid).cloned();
        if let Some(row) = found {
            return digest::SigningKey::open(&self.vault, &row);
        }
        let row = digest::new_key(&self.vault, region, now)?;
        let key = digest::SigningKey::open(&self.vault, &row)?;
        // What it signs is worth nothing unless the key is kept.
        let kept = self.commit(|tx| {
            tx.put::<landfall_cloud::value::DigestKeys>(row);
        });
        kept.map(|()| key).ok_or_else(|| digest::Error::Key("it can't be kept".into()))
    }

    fn advance(&self, row: &Trail, delivery: Delivery) {
        let taken = self.commit(|tx| trail::advance(tx, row, delivery));
        if taken == Some(false) {
            tracing::info!(trail = row.name, "a trail was changed while it delivered");
        }
    }

    /// Runs a transaction, and waits until it is durable; none where that failed, which is then done again.
    fn commit<T>(&self, run: impl FnOnce(&mut Tx<'_, '_>) -> T) -> Option<T> {
        let now = self.engine.now_ms();
        let pending = self.engine.commit_essential(|head| {
            let done: Result<T, std::convert::Infallible> = head.transact(now, None, |tx| {
                let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(run(&mut Tx::new(tx, crate::agents::NOWHERE, &mut entropy)))
            });
            let Ok(done) = done;
            done
        });
        match pending.wait() {
            Ok(done) => Some(done),
            Err(refused) => {
                tracing::warn!(%refused, "a delivery can't be taken down");
                None
            }
        }
    }
}

/// The number of the last event that a trail has dealt with, or that is older than it.
pub(crate) fn reached(engine: &Engine<Cloud>, row: &Trail) -> Result<u64, landfall_state::LogError> {
    match row.delivery.done {
        Some(done) => Ok(done),
        // Records are nearly in the order of their times: what was written long before it began isn't looked at.
        None => engine.bulk_until(STREAM, earlier(trail::span(row).0).as_millis()),
    }
}

/// Whether a trail is to be tried: one that fails is let alone for as long as it has failed.
fn is_due(row: &Trail, now: Timestamp) -> bool {
    let (Some(since), Some(tried)) = (row.delivery.failing_since, row.delivery.tried_at) else { return true };
    let pause_ms = (tried.as_millis() - since.as_millis()).min(millis(PATIENCE));
    // A clock may have gone back.
    now < tried || now.as_millis() - tried.as_millis() >= pause_ms
}

/// Whether nobody waits for it any more: a deleted trail that has failed for long.
fn is_given_up(row: &Trail, delivery: &Delivery, now: Timestamp) -> bool {
    let is_over = row.deleted_at.is_some() && delivery.failing_since.is_some_and(|since| since + GIVEN_UP < now);
    if is_over {
        tracing::error!(trail = row.arn().as_str(), bucket = row.bucket, "a deleted trail's last events are given up");
    }
    is_over
}

/// Those that read the same: the foremost first, and whoever fails by itself at the end.
fn groups(loads: Vec<Load>) -> Vec<Vec<Load>> {
    let (failing, mut well): (Vec<_>, Vec<_>) =
        loads.into_iter().partition(|load| load.row.delivery.failing_since.is_some());
    well.sort_by_key(|load| std::cmp::Reverse(load.after));
    let mut groups: Vec<Vec<Load>> = Vec::new();
    for load in well {
        match groups.last_mut() {
            Some(group) if group[0].after - load.after <= FAR => group.push(load),
            _ => groups.push(vec![load]),
        }
    }
    groups.extend(failing.into_iter().map(|load| vec![load]));
    groups
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// A moment that no record of a time from `at` on was written before.
fn earlier(at: Timestamp) -> Timestamp {
    Timestamp(at.as_millis() - millis(LATE))
}

/// Gives an event to the trails that deliver it.
fn share(loads: &mut [Load], record: &BulkRecord) {
    let Ok(heading) = serde_json::from_str::<Heading<'_>>(&record.record) else { return };
    if heading.event_category == Some("Data") {
        return;
    }
    let Ok(region) = heading.aws_region.parse::<Region>() else { return };
    let Some(at) = digest::parse_time(heading.event_time) else { return };
    let is_global = GLOBAL.contains(&heading.event_source);
    for load in loads.iter_mut().filter(|load| load.after < record.number) {
        let row = &load.row;
        // Events tell whole seconds: those of the second in which it began belong to it.
        let is_since = |begin: Timestamp| at.as_millis() + 999 >= begin.as_millis();
        let is_silent = |silence: &Silence| at > silence.from && !is_since(silence.until);
        let is_in_time = is_since(load.from)
            && load.until.is_none_or(|until| at <= until)
            && !row.delivery.silences.iter().any(is_silent);
        if is_in_time
            && row.scope.account.to_string() == heading.recipient_account_id
            && trail::delivers(row, region, is_global, heading.read_only, heading.event_source)
        {
            let files = load.files.entry(region).or_default();
            match files.last_mut().filter(|file| file.bytes() < FILE_BYTES) {
                Some(file) => file.push(record, at),
                None => files.push(LogFile::new(record, at)),
            }
        }
    }
}
