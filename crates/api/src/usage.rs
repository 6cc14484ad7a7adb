//! The stream of usage, read (`landfall_cloud::metering` says what is in it).

use landfall_cloud::Cloud;
use landfall_cloud::metering::{self, Reading, Record, STREAM};
use landfall_model::{AccountId, Timestamp};
use landfall_state::{BulkRecord, Engine, LogError};

/// By how much a record may be written later than its time says, in milliseconds: some wait in a queue.
const LATE_MS: i64 = 10_000;
/// Records read at once.
const PIECE: usize = 1_000;

/// A moment of which all there was has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The value's revision.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
}

/// The last mark that was made by then.
pub fn mark_before(engine: &Engine<Cloud>, until: Timestamp) -> Result<Option<Mark>, LogError> {
    let mut before = u64::MAX;
    loop {
        let until_ms = until.0.saturating_add(LATE_MS);
        let records = engine.find_bulk(STREAM, metering::mark_key(), before, until_ms)?;
        let Some(oldest) = records.last() else { return Ok(None) };
        before = oldest.number;
        let marks = records.iter().filter_map(|record| match read(record) {
            Some(Record::Mark { revision, at }) if at <= until => Some(Mark { revision, at }),
            _ => None,
        });
        if let Some(mark) = marks.max_by_key(|mark| (mark.revision, mark.at)) {
            return Ok(Some(mark));
        }
    }
}

/// A number of the stream before which nothing is that belongs to a mark or came after it.
pub fn begin_of(engine: &Engine<Cloud>, mark: Mark) -> Result<u64, LogError> {
    engine.bulk_until(STREAM, mark.at.0.saturating_sub(LATE_MS))
}

/// The readings that tell what there was in a period: of an account, or of all.
pub fn readings(
    engine: &Engine<Cloud>,
    account: Option<AccountId>,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Reading>, LogError> {
    let mark = mark_before(engine, from)?;
    let begin = mark.map_or(Ok(0), |mark| begin_of(engine, mark))?;
    let least = mark.map_or(0, |mark| mark.revision);
    let is_wanted = |reading: &Reading| {
        reading.revision >= least && reading.at < to && account.is_none_or(|account| reading.account == account)
    };
    let take = |records: &[BulkRecord]| -> Vec<Reading> {
        let read = records.iter().filter_map(read);
        let readings =
            read.filter_map(|record| if let Record::Reading(reading) = record { Some(reading) } else { None });
        readings.filter(is_wanted).collect()
    };
    let mut all = Vec::new();
    if let Some(account) = account {
        let (key, mut before) = (metering::account_key(account), u64::MAX);
        loop {
            let records = engine.find_bulk(STREAM, key, before, to.0.saturating_add(LATE_MS))?;
            let Some(oldest) = records.last().filter(|_| before > begin) else { return Ok(all) };
            before = oldest.number;
            all.extend(take(&records));
        }
    }
    let mut after = begin;
    loop {
        let records = engine.bulk(STREAM, after, PIECE)?;
        let Some(last) = records.last() else { return Ok(all) };
        after = last.number;
        all.extend(take(&records));
        if last.time_ms > to.0.saturating_add(LATE_MS) {
            return Ok(all);
        }
    }
}

fn read(record: &BulkRecord) -> Option<Record> {
    serde_json::from_str(&record.record).ok()
}
