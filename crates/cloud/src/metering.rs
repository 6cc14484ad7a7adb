//! What is consumed: readings of what there is to pay for, recorded with the changes themselves, and what they come to over a
//! period.
//!
//! A reading says what a resource has from a revision on, until its next one; one that has nothing says that it is gone. It
//! is written in the same append as the change that it is of, so that none is lost and none is of what never happened.
//! What a snapshot holds alone is found a moment later by whoever can read the chunk store. At the first of each month all
//! there is is read once more, with a mark behind it ([`Record::Mark`]): a period is worked out from the mark before it.

use std::collections::BTreeMap;

use landfall_model::{
    AccountId, FileSystem, Region, Scope, ShareState, Snapshot, SnapshotState, Timestamp, Volume, VolumeKind,
    VolumeState,
};
use landfall_state::{BulkEntry, Moment, bulk_key};
use serde::{Deserialize, Serialize};

use crate::value::Cloud;

/// The stream of readings.
pub const STREAM: &str = "usage";

/// What gp3 has for nothing. Source: AWS's "Amazon EBS pricing".
const GP3_IOPS: u32 = 3_000;
/// See [`GP3_IOPS`]; MiB a second.
const GP3_THROUGHPUT_MIB: u32 = 125;
/// What a file system has for each GiB in it, in KiB a second. Source: AWS's "Amazon EFS pricing".
const SHARE_KIB_PER_GIB: u64 = 50;
/// Digits of a quantity behind the point.
const DIGITS: u32 = 9;

/// What is paid for, by the names of AWS's bills. Source: AWS's price list of Amazon EC2, its `usagetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UsageType {
    /// Room on a magnetic volume.
    #[serde(rename = "EBS:VolumeUsage")]
    Standard,
    /// Room on a general purpose volume of the first generation.
    #[serde(rename = "EBS:VolumeUsage.gp2")]
    Gp2,
    /// Room on a general purpose volume.
    #[serde(rename = "EBS:VolumeUsage.gp3")]
    Gp3,
    /// Room on an io1 volume.
    #[serde(rename = "EBS:VolumeUsage.piops")]
    Io1,
    /// Room on an io2 volume.
    #[serde(rename = "EBS:VolumeUsage.io2")]
    Io2,
    /// Room on a throughput optimised volume.
    #[serde(rename = "EBS:VolumeUsage.st1")]
    St1,
    /// Room on a cold volume.
    #[serde(rename = "EBS:VolumeUsage.sc1")]
    Sc1,
    /// A gp3 volume's operations a second above what it has for nothing.
    #[serde(rename = "EBS:VolumeP-IOPS.gp3")]
    Gp3Iops,
    /// An io1 volume's operations a second.
    #[serde(rename = "EBS:VolumeP-IOPS.piops")]
    Io1Iops,
    /// An io2 volume's operations a second.
    #[serde(rename = "EBS:VolumeP-IOPS.io2")]
    Io2Iops,
    /// A gp3 volume's bytes a second above what it has for nothing.
    #[serde(rename = "EBS:VolumeP-Throughput.gp3")]
    Gp3Throughput,
    /// What a snapshot has that no older one of its account has.
    #[serde(rename = "EBS:SnapshotUsage")]
    Snapshot,
    /// What is in a file system.
    #[serde(rename = "TimedStorage-ByteHrs")]
    Share,
    /// What is in a file system of one zone.
    #[serde(rename = "TimedStorage-Z-ByteHrs")]
    ZonalShare,
    /// What a file system's throughput is above what it has for its size.
    #[serde(rename = "ProvisionedTP-MiBpsHrs")]
    ShareThroughput,
}

impl UsageType {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            UsageType::Standard => "EBS:VolumeUsage",
            UsageType::Gp2 => "EBS:VolumeUsage.gp2",
            UsageType::Gp3 => "EBS:VolumeUsage.gp3",
            UsageType::Io1 => "EBS:VolumeUsage.piops",
            UsageType::Io2 => "EBS:VolumeUsage.io2",
            UsageType::St1 => "EBS:VolumeUsage.st1",
            UsageType::Sc1 => "EBS:VolumeUsage.sc1",
            UsageType::Gp3Iops => "EBS:VolumeP-IOPS.gp3",
            UsageType::Io1Iops => "EBS:VolumeP-IOPS.piops",
            UsageType::Io2Iops => "EBS:VolumeP-IOPS.io2",
            UsageType::Gp3Throughput => "EBS:VolumeP-Throughput.gp3",
            UsageType::Snapshot => "EBS:SnapshotUsage",
            UsageType::Share => "TimedStorage-ByteHrs",
            UsageType::ZonalShare => "TimedStorage-Z-ByteHrs",
            UsageType::ShareThroughput => "ProvisionedTP-MiBpsHrs",
        }
    }

    /// The one of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }

    /// What its quantities are in, and how many of a reading's units that is: a reading has GiB, operations a second, MiB a
    /// second, of snapshots and file systems bytes, and of those KiB a second.
    pub const fn unit(self) -> (&'static str, u64) {
        match self {
            UsageType::Gp3Iops | UsageType::Io1Iops | UsageType::Io2Iops => ("IOPS-Mo", 1),
            UsageType::Gp3Throughput => ("GiBps-mo", 1 << 10),
            UsageType::Snapshot | UsageType::Share | UsageType::ZonalShare => ("GB-Mo", 1 << 30),
            UsageType::ShareThroughput => ("MiBps-Mo", 1 << 10),
            _ => ("GB-Mo", 1),
        }
    }
}

/// What a resource has, by what is paid for it.
pub type Measures = BTreeMap<UsageType, u64>;

/// What a resource has from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The revision that made it so.
    #[serde(rename = "r")]
    pub revision: u64,
    /// Since when.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// Whose.
    #[serde(rename = "a")]
    pub account: AccountId,
    /// Where.
    #[serde(rename = "g")]
    pub region: Region,
    /// Which, by its id.
    #[serde(rename = "i")]
    pub resource: String,
    /// Nothing if it is gone.
    #[serde(rename = "m")]
    pub measures: Measures,
}

/// What the stream has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    /// A resource.
    Reading(Reading),
    /// All that there was at a revision has been read, at that time.
    Mark {
        /// The revision.
        #[serde(rename = "r")]
        revision: u64,
        /// Its time.
        #[serde(rename = "t")]
        at: Timestamp,
    },
}

impl Record {
    /// As the stream has it.
    pub fn entry(&self) -> BulkEntry {
        let (time_ms, key) = match self {
            Record::Reading(reading) => (reading.at.0, account_key(reading.account)),
            Record::Mark { at, .. } => (at.0, mark_key()),
        };
        let record = serde_json::to_string(self).unwrap_or_default();
        BulkEntry { stream: STREAM.into(), time_ms, record: record.as_str().into(), keys: vec![key] }
    }
}

/// What an account's readings are found by.
pub fn account_key(account: AccountId) -> u64 {
    bulk_key(&["account", &account.to_string()])
}

/// What marks are found by.
pub fn mark_key() -> u64 {
    bulk_key(&["mark"])
}

/// What is paid for a volume: all of it, from the call that makes it to the call that deletes it, and a change from its
/// beginning.
pub fn volume_measures(row: &Volume) -> Measures {
    if matches!(row.state, VolumeState::Deleting | VolumeState::Error) {
        return Measures::new();
    }
    let shape = &row.shape;
    let room = match shape.kind {
        VolumeKind::Standard => UsageType::Standard,
        VolumeKind::Gp2 => UsageType::Gp2,
        VolumeKind::Gp3 => UsageType::Gp3,
        VolumeKind::Io1 => UsageType::Io1,
        VolumeKind::Io2 => UsageType::Io2,
        VolumeKind::St1 => UsageType::St1,
        VolumeKind::Sc1 => UsageType::Sc1,
    };
    let above = |given: Option<u32>, free: u32| given.unwrap_or(0).saturating_sub(free);
    let speed = match shape.kind {
        VolumeKind::Gp3 => vec![
            (UsageType::Gp3Iops, above(shape.iops, GP3_IOPS)),
            (UsageType::Gp3Throughput, above(shape.throughput_mib, GP3_THROUGHPUT_MIB)),
        ],
        VolumeKind::Io1 => vec![(UsageType::Io1Iops, above(shape.iops, 0))],
        VolumeKind::Io2 => vec![(UsageType::Io2Iops, above(shape.iops, 0))],
        VolumeKind::Standard | VolumeKind::Gp2 | VolumeKind::St1 | VolumeKind::Sc1 => Vec::new(),
    };
    let all = std::iter::once((room, shape.size_gib)).chain(speed);
    all.filter(|(_, amount)| *amount > 0).map(|(usage, amount)| (usage, u64::from(amount))).collect()
}

fn reading(scope: Scope, resource: &dyn std::fmt::Display, measures: Measures, at: Moment) -> Reading {
    Reading {
        revision: at.revision,
        at: Timestamp(at.time_ms),
        account: scope.account,
        region: scope.region,
        resource: resource.to_string(),
        measures,
    }
}

/// A volume's reading.
pub fn volume_reading(row: &Volume, measures: Measures, at: Moment) -> Reading {
    reading(row.scope, &row.id, measures, at)
}

/// A snapshot's reading: so many bytes are its own.
pub fn snapshot_reading(row: &Snapshot, bytes: u64, at: Moment) -> Reading {
    let measures = std::iter::once((UsageType::Snapshot, bytes)).filter(|(_, bytes)| *bytes > 0).collect();
    reading(row.scope, &row.id, measures, at)
}

/// What is paid for a file system: what is in it, and what its throughput is above what it has for that.
pub fn file_system_measures(row: &FileSystem) -> Measures {
    if row.state == ShareState::Deleting {
        return Measures::new();
    }
    let room = if row.zone.is_some() { UsageType::ZonalShare } else { UsageType::Share };
    let own_kib = SHARE_KIB_PER_GIB * (row.size.bytes >> 30);
    let above = row.throughput.provisioned_kib().unwrap_or(0).saturating_sub(own_kib);
    let all = [(room, row.size.bytes), (UsageType::ShareThroughput, above)];
    all.into_iter().filter(|(_, amount)| *amount > 0).collect()
}

/// A file system's reading.
pub fn file_system_reading(row: &FileSystem, measures: Measures, at: Moment) -> Reading {
    reading(row.scope, &row.id, measures, at)
}

/// Records what a change of a file system means to its owner's bill.
pub fn of_file_system(
    before: Option<&FileSystem>,
    after: Option<&FileSystem>,
    at: Moment,
    records: &mut Vec<BulkEntry>,
) {
    let Some(row) = after.or(before) else { return };
    let measures = after.map(file_system_measures).unwrap_or_default();
    if before.map(file_system_measures).unwrap_or_default() != measures {
        records.push(Record::Reading(file_system_reading(row, measures, at)).entry());
    }
}

/// All file systems that are paid for, as of a moment.
pub fn file_systems(cloud: &Cloud, at: Moment) -> impl Iterator<Item = Reading> {
    let measured = cloud.file_systems.iter().map(|row| (row, file_system_measures(row)));
    let paid = measured.filter(|(_, measures)| !measures.is_empty());
    paid.map(move |(row, measures)| file_system_reading(row, measures, at))
}

/// Records what a change of a volume means to its owner's bill.
pub fn of_volume(before: Option<&Volume>, after: Option<&Volume>, at: Moment, records: &mut Vec<BulkEntry>) {
    let Some(row) = after.or(before) else { return };
    let measures = after.map(volume_measures).unwrap_or_default();
    if before.map(volume_measures).unwrap_or_default() != measures {
        records.push(Record::Reading(volume_reading(row, measures, at)).entry());
    }
}

/// Records that a snapshot is gone. How much one has is known a moment after it is whole, by who reads the chunk store.
pub fn of_snapshot(before: Option<&Snapshot>, after: Option<&Snapshot>, at: Moment, records: &mut Vec<BulkEntry>) {
    if let (Some(row), None) = (before, after)
        && matches!(row.state, SnapshotState::Completed { .. })
    {
        records.push(Record::Reading(snapshot_reading(row, 0, at)).entry());
    }
}

/// Of what a quantity is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// Which, by its id; nothing where all of a kind are counted together.
    pub resource: String,
    /// What is paid for.
    pub usage: UsageType,
}

/// What a resource had since when, by revision.
type Life = BTreeMap<u64, (Timestamp, Measures)>;

/// What readings come to from one moment to another, in billionths of the unit of each: units times their part of the
/// calendar month (in UTC) that they were there in. Readings come in any order, and one may come twice.
pub fn usage(
    readings: impl IntoIterator<Item = Reading>,
    (from, to): (Timestamp, Timestamp),
    by_resource: bool,
) -> BTreeMap<Item, u128> {
    let mut resources: BTreeMap<(AccountId, Region, String), Life> = BTreeMap::new();
    for reading in readings {
        let of = resources.entry((reading.account, reading.region, reading.resource)).or_default();
        let at = of.get(&reading.revision).map_or(reading.at, |(at, _)| reading.at.min(*at));
        of.insert(reading.revision, (at, reading.measures));
    }
    let mut sums = BTreeMap::new();
    for ((account, region, resource), readings) in resources {
        let ends: Vec<Timestamp> = readings.values().skip(1).map(|(at, _)| *at).chain([to]).collect();
        for ((begin, measures), end) in readings.into_values().zip(ends) {
            let span = (begin.max(from), end.min(to));
            for (usage, amount) in measures {
                let resource = if by_resource { resource.clone() } else { String::new() };
                let months = billionths_of_months(span);
                if months > 0 {
                    *sums.entry(Item { account, region, resource, usage }).or_insert(0) +=
                        months * u128::from(amount) / u128::from(usage.unit().1);
                }
            }
        }
    }
    sums
}

/// How many billionths of a calendar month a span is, each month by its own length.
fn billionths_of_months((mut from, to): (Timestamp, Timestamp)) -> u128 {
    let mut sum = 0;
    while from < to {
        let (begin, next) = from.month();
        let here = next.min(to).since(from).as_millis();
        sum += here * 10_u128.pow(DIGITS) / next.since(begin).as_millis().max(1);
        from = next;
    }
    sum
}

/// A quantity as text, with nine digits behind the point.
pub fn quantity(billionths: u128) -> String {
    let one = 10_u128.pow(DIGITS);
    format!("{}.{:09}", billionths / one, billionths % one)
}

/// The whole snapshots with roots in a domain of the chunk store, the oldest first, in which order each one's own is told.
/// Copies, also those of other accounts, are among them: they pay for what they share with nobody older.
pub fn by_age(cloud: &Cloud, domain: AccountId) -> Vec<(&Snapshot, &str)> {
    let root = |row: &'_ Snapshot| {
        row.contents().and_then(|contents| contents.root()).is_some_and(|root| root.domain == domain)
    };
    let mut rows: Vec<&Snapshot> = cloud.snapshots.by_domain(&domain).filter(|row| root(row)).collect();
    rows.sort_by_key(|row| (row.started_at, row.id));
    rows.into_iter().filter_map(|row| Some((row, row.contents()?.root()?.root.as_str()))).collect()
}

/// All volumes that are paid for, as of a moment.
pub fn volumes(cloud: &Cloud, at: Moment) -> impl Iterator<Item = Reading> {
    let measured = cloud.volumes.iter().map(|row| (row, volume_measures(row)));
    measured.filter(|(_, measures)| !measures.is_empty()).map(move |(row, measures)| volume_reading(row, measures, at))
}

#[cfg(test)]
mod tests;
