//! Trails: delivers events to the folders that stand for buckets, as CloudTrail does.
//!
//! Each trail's row says up to which event it is done. A file is written before the row says so, under a name that
//! follows from where the row stood: who is killed in between writes the same file once more, with what came meanwhile.
//! So every event is delivered, and none twice. Digests ([`digest`]) name the files that the row knew, hour by hour.

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
use landfall_model::{DeliveredFile, Delivery, Region, Timestamp, Trail};
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
}

/// What is on its way for one trail.
struct Load {
    row: Trail,
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
    pub fn deliver(&self) -> bool {
        let snapshot = self.engine.read();
        let now = Timestamp(self.engine.now_ms().max(snapshot.time_ms));
        let mut loads = Vec::new();
        for row in trail::active(&snapshot) {
            match self.load(row) {
                Ok(load) => loads.push(load),
                Err(error) => tracing::warn!(%error, trail = row.name, "events can't be read"),
            }
        }
        drop(snapshot);
        if loads.is_empty() {
            return false;
        }
        let Some((last, has_more)) = self.gather(&mut loads) else { return false };
        let mut goes_on = has_more;
        for load in loads {
            let is_done = !has_more && load.until.is_none_or(|until| until + LATE < now);
            goes_on &= self.hand_over(load, last, now, is_done);
        }
        goes_on
    }

    fn load(&self, row: &Trail) -> Result<Load, landfall_state::LogError> {
        let (from, until) = trail::span(row);
        let after = match row.delivery.done {
            Some(done) => done,
            // Records are nearly in the order of their times: what was written long before it began isn't looked at.
            None => self.engine.bulk_until(STREAM, earlier(from).as_millis())?,
        };
        Ok(Load { row: row.clone(), after, from, until, files: BTreeMap::new() })
    }

    /// Reads events and shares them out; the number of the last, and whether there may be more.
    fn gather(&self, loads: &mut [Load]) -> Option<(u64, bool)> {
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
            if bytes > ROUND_BYTES {
                return Some((after, true));
            }
        }
    }

    /// Writes a trail's files and digests, and takes down how far it is; whether that went well.
    fn hand_over(&self, load: Load, last: u64, now: Timestamp, is_last: bool) -> bool {
        let Load { row, after, files, .. } = load;
        let mut delivery = row.delivery.clone();
        let is_new = !files.is_empty();
        match self.write_files(&row, after, files) {
            Ok(written) => {
                delivery.done = Some(last.max(after));
                if is_new {
                    delivery.delivered_at = Some(now);
                }
                delivery.error = None;
                if row.validates {
                    delivery.files.extend(written);
                }
            }
            Err(error) => {
                tracing::warn!(%error, trail = row.name, bucket = row.bucket, "events can't be delivered");
                delivery.error = Some(file::code(&error).to_owned());
            }
        }
        let is_well = delivery.error.is_none();
        let ends = is_last && !row.is_logging && is_well;
        if is_well {
            let done = self.digests(&row, &mut delivery, now, ends);
            if let Err(error) = &done {
                tracing::warn!(%error, trail = row.name, "a digest can't be delivered");
            }
            delivery.digest_error = done.err().map(|error| error.code().to_owned());
        }
        let ends = ends && delivery.digest_error.is_none();
        if ends {
            delivery.is_open = false;
        }
        let told = |delivery: &Delivery| (delivery.error.clone(), delivery.digest_error.clone(), delivery.digest_at);
        let is_changed = is_new || told(&delivery) != told(&row.delivery);
        // What is only a little further on, with nothing for this trail, is taken down with the next file.
        let is_far = row.delivery.done.is_none_or(|done| last.saturating_sub(done) > FAR);
        if is_changed || ends || is_far || !is_well {
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

    /// Writes the digests that are due, each about its hour, and a last one where the trail ends.
    fn digests(&self, row: &Trail, delivery: &mut Delivery, now: Timestamp, ends: bool) -> Result<(), digest::Error> {
        for _ in 0..DIGESTS_AT_ONCE {
            let Some(begin) = delivery.digested_until else { return Ok(()) };
            let hour = begin + self.digest;
            // The last one has a time of its own, so that it takes nobody's place.
            let end =
                if hour <= now { hour } else { row.stopped_at.unwrap_or(now).max(begin + Duration::from_secs(1)) };
            if hour > now && !ends {
                return Ok(());
            }
            let files = std::mem::take(&mut delivery.files);
            if let Err(error) = self.digest(row, delivery, (begin, end), &files) {
                delivery.files = files;
                return Err(error);
            }
            delivery.digest_at = Some(now);
            delivery.digested_until = Some(end);
            if hour > now {
                delivery.digested_until = None;
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
        self.commit(|tx| {
            tx.put::<landfall_cloud::value::DigestKeys>(row);
        });
        Ok(key)
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

/// A moment that no record of a time from `at` on was written before.
fn earlier(at: Timestamp) -> Timestamp {
    Timestamp(at.as_millis() - i64::try_from(LATE.as_millis()).unwrap_or(0))
}

/// Gives an event to the trails that deliver it.
fn share(loads: &mut [Load], record: &BulkRecord) {
    let Ok(heading) = serde_json::from_str::<Heading<'_>>(&record.record) else { return };
    let Ok(region) = heading.aws_region.parse::<Region>() else { return };
    let Some(at) = digest::parse_time(heading.event_time) else { return };
    let is_global = GLOBAL.contains(&heading.event_source);
    for load in loads.iter_mut().filter(|load| load.after < record.number) {
        let row = &load.row;
        // Events tell whole seconds: those of the second in which it began belong to it.
        let is_in_time = at.as_millis() + 999 >= load.from.as_millis() && load.until.is_none_or(|until| at <= until);
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
