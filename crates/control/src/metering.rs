//! Reads what each snapshot has of its own, and once a month all there is, for the stream of usage (`landfall_cloud::metering`,
//! which says what a reading is and why all is read).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landfall_api::usage::{begin_of, mark_before};
use landfall_chunks::{Domain, Objects, Root, Store, own_bytes};
use landfall_cloud::Cloud;
use landfall_cloud::metering::{self, Record};
use landfall_model::{AccountId, Scoped, Snapshot, SnapshotId, SnapshotState, Timestamp};
use landfall_state::{BulkRefused, Engine, LogError, Moment};

/// How often it is looked what snapshots have. A new one isn't paid for until then.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long usage is kept: a year's, with the month before it whole.
const KEPT: Duration = Duration::from_secs(430 * 86_400);
/// How long is waited when too much waits to be written.
const BREATH: Duration = Duration::from_millis(50);

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the log of usage")]
    Log(#[from] LogError),
    #[error("the log of usage: {0}")]
    Refused(#[from] BulkRefused),
    #[error("the store of snapshots")]
    Chunks(#[from] landfall_chunks::Error),
}

/// Runs until it is ended. A simulated cloud has no store: there a snapshot has what it says that it has.
pub async fn run(engine: Engine<Cloud>, objects: Option<Arc<dyn Objects>>) {
    let mut meter = Meter { engine, objects, told: BTreeMap::new() };
    loop {
        let look = tokio::task::spawn_blocking(move || {
            if let Err(error) = meter.look() {
                tracing::error!(error = &error as &dyn std::error::Error, "usage isn't read");
            }
            meter
        });
        let Ok(back) = look.await else { return };
        meter = back;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

struct Meter {
    engine: Engine<Cloud>,
    objects: Option<Arc<dyn Objects>>,
    /// What was told of each part of the chunk store: of which snapshots, and how much.
    told: BTreeMap<AccountId, Vec<Told>>,
}

/// A snapshot, its root, and the bytes that it has of its own.
#[derive(Clone, PartialEq, Eq)]
struct Told {
    key: Scoped<SnapshotId>,
    root: String,
    bytes: u64,
}

impl Meter {
    fn look(&mut self) -> Result<(), Trouble> {
        let cloud = self.engine.read();
        let now = Timestamp(self.engine.now_ms().max(cloud.time_ms));
        let at = Moment { revision: cloud.revision, time_ms: now.0 };
        let is_due = mark_before(&self.engine, now)?.is_none_or(|mark| mark.at < now.month().0);
        if is_due {
            for reading in metering::volumes(&cloud, at).chain(metering::file_systems(&cloud, at)) {
                self.write(&Record::Reading(reading))?;
            }
        }
        let (mut told, mut is_whole) = (BTreeMap::new(), true);
        for domain in cloud.chunk_domains.iter().map(|row| row.account) {
            let before = self.told.get(&domain).map_or(&[][..], |told| told);
            let own = match self.own(before, &metering::by_age(&cloud, domain), domain) {
                Ok(own) => own,
                Err(error) => {
                    // Its snapshots are paid for as they were; it is tried again.
                    tracing::warn!(%domain, error = &error as &dyn std::error::Error, "snapshots aren't measured");
                    is_whole = false;
                    before.to_vec()
                }
            };
            for one in own.iter().filter(|one| is_due || !before.contains(one)) {
                if let Some(row) = cloud.snapshots.get(&one.key) {
                    self.write(&Record::Reading(metering::snapshot_reading(row, one.bytes, at)))?;
                }
            }
            told.insert(domain, own);
        }
        self.told = told;
        // What isn't measured now mustn't be missing behind the mark: it is made as soon as all is.
        if is_due && is_whole {
            self.write(&Record::Mark { revision: at.revision, at: now })?;
            if let Some(mark) = mark_before(&self.engine, now - KEPT)? {
                self.engine.trim_bulk(metering::STREAM, begin_of(&self.engine, mark)?)?;
            }
        }
        Ok(())
    }

    /// What the whole snapshots of a domain have of their own. If they are those of before, nothing is read.
    fn own(&self, before: &[Told], rows: &[(&Snapshot, &str)], domain: AccountId) -> Result<Vec<Told>, Trouble> {
        let is_same = |(one, (row, root)): (&Told, &(&Snapshot, &str))| one.key == row.key() && one.root == *root;
        if before.len() == rows.len() && before.iter().zip(rows).all(is_same) {
            return Ok(before.to_vec());
        }
        let bytes = match &self.objects {
            Some(objects) => {
                let roots = rows.iter().map(|(_, root)| root.parse()).collect::<Result<Vec<Root>, _>>()?;
                let name: Domain = domain.to_string().parse()?;
                own_bytes(&Store::without_keys(objects.clone(), name), &roots)?
            }
            None => rows.iter().map(|(row, _)| full_bytes(row)).collect(),
        };
        let told = rows.iter().zip(bytes);
        Ok(told.map(|((row, root), bytes)| Told { key: row.key(), root: (*root).to_owned(), bytes }).collect())
    }

    /// Blocks while too much waits to be written.
    fn write(&self, record: &Record) -> Result<(), Trouble> {
        loop {
            match self.engine.append_entry(record.entry()) {
                Err(BulkRefused::Full) => std::thread::sleep(BREATH),
                done => return Ok(done?),
            }
        }
    }
}

fn full_bytes(row: &Snapshot) -> u64 {
    match row.state {
        SnapshotState::Completed { full_bytes, .. } => full_bytes.unwrap_or(0),
        SnapshotState::Pending(_) | SnapshotState::Failed(_) => 0,
    }
}

#[cfg(test)]
mod tests;
