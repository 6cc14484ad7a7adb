//! File shares: file systems, how they are made, changed and done away with. Their mount targets and access points have
//! files of their own.
//!
//! A file system's files lie on one host, which is chosen with its first mount target; until then there is nothing to keep.
//! Source: the Amazon EFS API Reference and User Guide.

pub mod access_point;
pub mod mount_target;
pub mod policy;

use std::time::Duration;

use landfall_model::file_system::EMPTY_BYTES;
use landfall_model::host::Shares;
use landfall_model::{
    DataKey, FileSystem, FileSystemId, FileTransition, Host, HostId, MeteredSize, PerformanceMode, ShareState,
    Throughput, Timestamp, ZoneName,
};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{FileSystems, MountTargets};
use crate::view::View;
use crate::{ebs, tag};

/// The key that encrypts file systems unless another is asked for.
pub const OWN_KEY: &str = "alias/aws/elasticfilesystem";
/// "File systems for each account", in a region.
const LIMIT: usize = 1_000;
/// The throughput that can be provisioned, in KiB a second: from 1 MiB on, and as far as an account's quota.
const LEAST_KIB: u64 = 1 << 10;
const MOST_KIB: u64 = 3_414 << 10;
const QUOTA_KIB: u64 = 1_024 << 10;
/// How long throughput stays as it is after it was lowered or became of another kind.
const PAUSE: Duration = Duration::from_secs(24 * 3600);

/// What a new file system is to be.
#[derive(Clone, Debug, Default)]
pub struct NewFileSystem {
    /// What its maker calls it.
    pub token: String,
    /// What it is made for.
    pub performance: PerformanceMode,
    /// How fast it is to be.
    pub throughput: Throughput,
    /// The one zone that it is to be in.
    pub zone: Option<ZoneName>,
    /// The KMS key that it is to be encrypted with, as requests call it.
    pub kms_key: Option<String>,
    /// Whether it is to be backed up.
    pub backup: Option<bool>,
}

/// Makes a file system.
pub fn create(tx: &mut Tx<'_, '_>, new: NewFileSystem) -> Result<FileSystemId, Fault> {
    let scope = tx.scope();
    check_throughput(new.throughput)?;
    if new.performance == PerformanceMode::MaxIo && (new.zone.is_some() || new.throughput == Throughput::Elastic) {
        return Err(Fault::Combination(
            "The performance mode maxIO is not supported on One Zone file systems and with elastic throughput.".into(),
        ));
    }
    if tx.file_systems.by_scope.count(&scope) >= LIMIT {
        return Err(Fault::Quota(QuotaKind::Of("FileSystemLimitExceeded", "file systems"), LIMIT as u64));
    }
    check_hosts(&tx.view(), new.kms_key.is_some())?;
    let data_key = data_key(tx, new.kms_key)?;
    let (id, now) = (tx.new_id(), tx.now());
    // "If you are creating a One Zone file system, automatic backups are enabled by default."
    let backup = new.backup.or(new.zone.map(|_| true)).filter(|on| *on);
    tx.put::<FileSystems>(FileSystem {
        scope,
        id,
        token: new.token,
        state: ShareState::Creating,
        performance: new.performance,
        throughput: new.throughput,
        slowed_at: None,
        zone: new.zone,
        data_key,
        policy: None,
        lifecycle: Vec::new(),
        backup,
        may_be_overwritten: false,
        size: MeteredSize::default(),
        created_at: now,
        host: None,
    });
    Ok(id)
}

/// The data key under that KMS key, whose faults are told as this service tells them.
fn data_key(tx: &mut Tx<'_, '_>, kms_key: Option<String>) -> Result<Option<DataKey>, Fault> {
    ebs::data_key(tx, kms_key, None).map_err(|fault| match fault {
        Fault::Taken { message, .. } => Fault::Refused(message),
        other => other,
    })
}

/// That a host of the region can have such a file system at all: one that can't be served isn't made.
fn check_hosts(view: &View<'_>, encrypted: bool) -> Result<(), Fault> {
    let region = view.scope().region;
    let wanted = if encrypted { Shares::Encrypted } else { Shares::Plain };
    let serves = |host: &Host| host.join.is_none() && host.region.is_none_or(|other| other == region);
    let mut hosts = view.tables().hosts.iter().filter(|host| serves(host));
    if hosts.any(|host| host.facts.shares >= wanted) {
        return Ok(());
    }
    Err(Fault::Unsupported(if encrypted {
        "encrypted file systems: no host of this region can encrypt files at rest".into()
    } else {
        "file systems here: no host of this region can serve them (Debian's packages nfs-ganesha and nfs-ganesha-vfs)"
            .into()
    }))
}

/// The host that is to have a file system which is first mounted in that zone.
fn choose_host(view: &View<'_>, zone: ZoneName, encrypted: bool) -> Result<HostId, Fault> {
    let wanted = if encrypted { Shares::Encrypted } else { Shares::Plain };
    let fits = |host: &&Host| host.serves(zone) && host.lost.is_none() && host.schedulable;
    let mut hosts: Vec<&Host> = view.tables().hosts.iter().filter(fits).collect();
    hosts.retain(|host| host.facts.shares >= wanted);
    let roomy = hosts.into_iter().max_by_key(|host| (host.facts.disk_gib, std::cmp::Reverse(host.id)));
    let none = || Fault::Unsupported(format!("file systems in {zone}: no host that answers there can serve them"));
    roomy.map(|host| host.id).ok_or_else(none)
}

fn check_throughput(throughput: Throughput) -> Result<(), Fault> {
    let Some(kib) = throughput.provisioned_kib() else { return Ok(()) };
    if !(LEAST_KIB..=MOST_KIB).contains(&kib) {
        let why = format!("It is from 1 to {} MiB a second.", MOST_KIB >> 10);
        let value = (kib >> 10).to_string();
        return Err(Fault::Invalid { name: "ProvisionedThroughputInMibps", value, why });
    }
    if kib > QUOTA_KIB {
        let message = format!("The throughput limit of {} MiB/s has been reached.", QUOTA_KIB >> 10);
        return Err(Fault::Taken { code: "ThroughputLimitExceeded", message });
    }
    Ok(())
}

/// The file system that its maker calls so.
pub fn of_token<'v>(view: &View<'v>, token: &str) -> Option<&'v FileSystem> {
    view.tables().file_systems.by_token(&view.scope().key(token.to_owned())).next()
}

/// A file system that can be worked with now.
pub fn need_available<'v>(view: &View<'v>, id: FileSystemId) -> Result<&'v FileSystem, Fault> {
    let row = view.need::<FileSystems, _>(id)?;
    if row.state == ShareState::Available {
        return Ok(row);
    }
    let message = format!("The file system '{id}' is {}, not available.", row.state.name());
    Err(Fault::Taken { code: "IncorrectFileSystemLifeCycleState", message })
}

/// Changes how fast a file system is.
pub fn set_throughput(tx: &mut Tx<'_, '_>, id: FileSystemId, throughput: Throughput) -> Result<(), Fault> {
    let row = need_available(&tx.view(), id)?;
    check_throughput(throughput)?;
    if throughput == Throughput::Elastic && row.performance == PerformanceMode::MaxIo {
        let message = "Elastic throughput is not supported with the performance mode maxIO.".to_owned();
        return Err(Fault::Combination(message));
    }
    if throughput == row.throughput {
        let message = "The file system already has the throughput that was asked for.".to_owned();
        return Err(Fault::Combination(message));
    }
    let is_raised =
        matches!((row.throughput.provisioned_kib(), throughput.provisioned_kib()), (Some(old), Some(new)) if new > old);
    let (now, key) = (tx.now(), row.key());
    if !is_raised && row.slowed_at.is_some_and(|at| now.since(at) < PAUSE) {
        let message = "You must wait at least 24 hours before changing the throughput mode or decreasing the provisioned throughput again.";
        return Err(Fault::Taken { code: "TooManyRequests", message: message.into() });
    }
    tx.update::<FileSystems, _>(&key, |row| {
        row.throughput = throughput;
        row.state = ShareState::Updating;
        if !is_raised {
            row.slowed_at = Some(now);
        }
    });
    Ok(())
}

/// Has files move between classes of storage by those rules, of which each kind comes once.
pub fn set_lifecycle(tx: &mut Tx<'_, '_>, id: FileSystemId, rules: Vec<FileTransition>) -> Result<(), Fault> {
    let row = need_available(&tx.view(), id)?;
    let kinds: std::collections::BTreeSet<u8> = rules.iter().map(kind_of).collect();
    if kinds.len() < rules.len() {
        return Err(Fault::Combination("Each kind of transition can be given once only.".into()));
    }
    let days = |kind: u8| rules.iter().filter(|rule| kind_of(rule) == kind).find_map(days_of);
    if let (Some(access), Some(archive)) = (days(0), days(1))
        && archive <= access
    {
        return Err(Fault::Combination("TransitionToArchive must be later than TransitionToIA.".into()));
    }
    let is_fast = row.throughput == Throughput::Elastic && row.performance == PerformanceMode::GeneralPurpose;
    if days(1).is_some() && !is_fast {
        let message = "TransitionToArchive takes elastic throughput and the performance mode generalPurpose.";
        return Err(Fault::Combination(message.into()));
    }
    let key = row.key();
    tx.update::<FileSystems, _>(&key, |row| row.lifecycle = rules);
    Ok(())
}

fn kind_of(rule: &FileTransition) -> u8 {
    match rule {
        FileTransition::ToInfrequentAccess(_) => 0,
        FileTransition::ToArchive(_) => 1,
        FileTransition::BackWhenUsed => 2,
    }
}

fn days_of(rule: &FileTransition) -> Option<u16> {
    match rule {
        FileTransition::ToInfrequentAccess(days) | FileTransition::ToArchive(days) => Some(*days),
        FileTransition::BackWhenUsed => None,
    }
}

/// Changes what is only recorded of a file system that is available.
pub fn update(tx: &mut Tx<'_, '_>, id: FileSystemId, change: impl FnOnce(&mut FileSystem)) -> Result<(), Fault> {
    let key = need_available(&tx.view(), id)?.key();
    tx.update::<FileSystems, _>(&key, change);
    Ok(())
}

/// Deletes a file system that isn't mounted anywhere. Its access points, of which there may be thousands, go batch by
/// batch, and it goes after them.
pub fn delete(tx: &mut Tx<'_, '_>, id: FileSystemId) -> Result<(), Fault> {
    let key = tx.view().need::<FileSystems, _>(id)?.key();
    if tx.mount_targets.by_file_system.count(&id) > 0 {
        let message = format!("The file system '{id}' has mount targets; delete them first.");
        return Err(Fault::Taken { code: "FileSystemInUse", message });
    }
    tx.update::<FileSystems, _>(&key, |row| row.state = ShareState::Deleting);
    Ok(())
}

/// Deletes at most so many access points of a file system that is to go, and forgets it once it has none. Returns how
/// many.
fn end(tx: &mut Tx<'_, '_>, row: &FileSystem, most: usize) -> usize {
    let ended = access_point::delete_some(tx, row.id, most);
    if tx.access_points.by_file_system.count(&row.id) == 0 {
        forget(tx, row);
    }
    ended
}

/// Forgets a file system of which nothing is left.
fn forget(tx: &mut Tx<'_, '_>, row: &FileSystem) {
    tx.delete::<FileSystems>(&row.key());
    tag::forget(tx, &row.id.to_string());
}

/// Passes on what is due: file systems, mount targets and access points. Returns whether there may be more.
pub(crate) fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<_> = tx.file_systems.due_until(until).take(most).cloned().collect();
    // All that are to go share one batch of access points, so that the transaction is short however many they are.
    let mut room = most;
    for row in &due {
        let mut tx = tx.scoped(row.scope);
        if row.state == ShareState::Deleting {
            room -= end(&mut tx, row, room);
            continue;
        }
        let at: Timestamp = tx.now();
        tx.update::<FileSystems, _>(&row.key(), |row| {
            row.state = ShareState::Available;
            if row.size.at.is_none() {
                row.size = MeteredSize { bytes: EMPTY_BYTES, at: Some(at) };
            }
        });
    }
    let more = [mount_target::pass(tx, until, most), access_point::pass(tx, until, most)];
    due.len() == most || room == 0 || more.contains(&true)
}

impl<'a> View<'a> {
    /// How many places a file system can be mounted at.
    pub fn mount_targets_of(&self, id: FileSystemId) -> impl Iterator<Item = &'a landfall_model::MountTarget> {
        self.own(self.tables().mount_targets.by_file_system(&id), |row| row.scope)
    }

    /// A file system's access points.
    pub fn access_points_of(&self, id: FileSystemId) -> impl Iterator<Item = &'a landfall_model::AccessPoint> {
        self.own(self.tables().access_points.by_file_system(&id), |row| row.scope)
    }

    /// The mount target of that id.
    pub fn mount_target(&self, id: landfall_model::MountTargetId) -> Result<&'a landfall_model::MountTarget, Fault> {
        self.need::<MountTargets, _>(id)
    }
}
