//! Imports: a host makes a volume of a disk that comes from elsewhere, that becomes a snapshot as any volume does, and an
//! image is made of the snapshots.
//!
//! The volume is the provider's own, so no tenant sees, uses or pays for it; it goes when the snapshot is whole, or when the
//! import ends without. So an import needs no machinery of its own: what a host does about it, and finds again after it was
//! killed, is what it does about every volume and snapshot (decision 0033).
//!
//! Looks across accounts: volumes of imports are the provider's, and their snapshots the tenants'.

use std::time::Duration;

use landfall_model::agent::{VolumePhase, VolumeSeen};
use landfall_model::import::IMPORTING_FORMAT;
use landfall_model::{
    DataKey, Host, HostId, ImageDisk, ImageTraits, ImportImageTaskId, ImportImageTaskKind, ImportPlace,
    ImportSnapshotTaskId, ImportSource, ImportState, ImportTask, ImportedDisk, ImportedImage, Scope, SnapshotId,
    SnapshotState, Volume, VolumeId, VolumeKind, VolumeShape, VolumeState, ZoneName,
};

use crate::ebs::{self, Encryption};
use crate::fault::{Fault, QuotaKind};
use crate::identity::role;
use crate::identity::speaking::admits_service;
use crate::image::create::{self, Registration};
use crate::tx::Tx;
use crate::value::{Cloud, ImportImages, ImportSnapshots, Snapshots, Volumes};
use crate::view::View;
use crate::{snapshot, tag};

/// How many may be under way in an account and region. Source: "VM Import/Export quotas".
const AT_ONCE: usize = 20;
/// How long one that is over is shown.
const SHOWN: Duration = Duration::from_secs(7 * 24 * 3600);
/// What the first disk of an image is called. Source: the same guide.
pub const ROOT_DEVICE: &str = "/dev/sda1";
/// Who takes the role. Source: the VM Import/Export User Guide, "Required permissions".
const SERVICE: &str = "vmie.amazonaws.com";
/// What AWS begins a failure with that is the tenant's to mend.
const FAILURE: &str = "ClientError: ";
/// What a host begins its words with where the disk is to blame.
const INVALID: &str = "Disk validation failed";
/// What is said where a host is to blame.
const HOST_FAILURE: &str = "ServerError: The disk couldn't be imported";

/// What is to be imported. Its disks have no volumes yet.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// What its owner says of it.
    pub description: String,
    /// The disks.
    pub disks: Vec<ImportedDisk>,
    /// What the image is to be, if there is to be one.
    pub image: Option<ImportedImage>,
    /// What is said of its encryption.
    pub encryption: Encryption,
}

/// Begins an import. Returns it as it is then.
pub fn begin(tx: &mut Tx<'_, '_>, new: NewImport) -> Result<ImportTask, Fault> {
    new.encryption.check()?;
    let view = tx.view();
    if active(&view) >= AT_ONCE {
        return Err(Fault::Quota(QuotaKind::Of("ResourceLimitExceeded", "import tasks under way"), AT_ONCE as u64));
    }
    let mut disks = new.disks;
    for id in disks.iter().filter(|disk| disk.source.is_none()).filter_map(|disk| disk.snapshot) {
        view.need::<Snapshots, _>(id)?;
        snapshot::source(&view, id, None)?;
    }
    if new.image.is_some() {
        let names: Vec<_> = disks.iter().enumerate().map(|(number, disk)| device(number, disk)).collect();
        create::check_devices(names.iter().map(String::as_str))?;
    }
    snapshot::check_count(tx, disks.len())?;
    let kms_key = new.encryption.key_of_volume(&tx.view(), None);
    let mut kms_arn = None;
    for disk in &mut disks {
        let Some(source) = &disk.source else { continue };
        let data_key = ebs::data_key(tx, kms_key.clone(), None)?;
        let (host, zone) = place(&tx.view(), data_key.as_ref())?;
        kms_arn = data_key.as_ref().map(|key| key.kms_key.clone());
        let mut own = tx.scoped(provider(tx, tx.scope()));
        let id = own.new_id();
        let row = Volume { import: Some(source.clone()), data_key, ..blank(&own, id, host, zone) };
        own.put::<Volumes>(row);
        disk.volume = Some(id);
    }
    let bits = tx.new_id::<ImportImageTaskKind>().bits();
    let task = ImportTask {
        scope: tx.scope(),
        bits: u64::try_from(bits).unwrap_or_default(),
        description: new.description,
        disks,
        image: new.image,
        kms_key: kms_arn,
        state: ImportState::Active,
        created_at: tx.now(),
        expires_at: None,
    };
    put(tx, task.clone());
    advance(tx, task.clone());
    Ok(task)
}

fn active(view: &View<'_>) -> usize {
    let images = view.all::<ImportImages, ImportImageTaskId>();
    let all = images.chain(view.all::<ImportSnapshots, ImportSnapshotTaskId>());
    all.filter(|task| task.state == ImportState::Active).count()
}

/// Where the volumes of a tenant's imports are kept.
fn provider(cloud: &Cloud, scope: Scope) -> Scope {
    Scope { account: cloud.provider().operator, region: scope.region }
}

/// The host that does it: the first one that can.
fn place(view: &View<'_>, data_key: Option<&DataKey>) -> Result<(HostId, ZoneName), Fault> {
    let can = |host: &&Host| host.schedulable && host.lost.is_none() && host.facts.format >= IMPORTING_FORMAT;
    let hosts = view.tables().hosts.iter().filter(can);
    let served = hosts.filter_map(|host| {
        let zone = view.scope().region.zones().find(|zone| host.serves(*zone))?;
        Some((host.id, zone))
    });
    let (host, zone) = served.min().ok_or_else(|| Fault::Taken {
        code: "Unavailable",
        message: "No host of this region that can import disks answers at the moment.".into(),
    })?;
    ebs::check_host(view, host, data_key)?;
    Ok((host, zone))
}

/// A volume of which nothing is known yet but where it is.
fn blank(tx: &Tx<'_, '_>, id: VolumeId, host: HostId, zone: ZoneName) -> Volume {
    Volume {
        scope: tx.scope(),
        id,
        shape: VolumeShape { size_gib: 1, kind: VolumeKind::Standard, iops: None, throughput_mib: None },
        modification: None,
        auto_enable_io: false,
        data_key: None,
        zone,
        image: None,
        snapshot: None,
        chunks: None,
        import: None,
        last_snapshot: None,
        created_at: tx.now(),
        attachment: None,
        host: Some(host),
        state: VolumeState::Creating,
    }
}

fn put(tx: &mut Tx<'_, '_>, task: ImportTask) {
    if task.image.is_some() {
        tx.put::<ImportImages>(task);
    } else {
        tx.put::<ImportSnapshots>(task);
    }
}

/// The import that a volume is of.
fn of_volume(cloud: &Cloud, id: VolumeId) -> Option<&ImportTask> {
    cloud.import_images.by_volume(&id).next().or_else(|| cloud.import_snapshots.by_volume(&id).next())
}

/// The import that a snapshot is of, or was.
pub(crate) fn of_snapshot(cloud: &Cloud, id: SnapshotId) -> Option<&ImportTask> {
    cloud.import_images.by_snapshot(&id).next().or_else(|| cloud.import_snapshots.by_snapshot(&id).next())
}

/// Takes note of what a host says of a volume that it is importing.
pub(crate) fn seen(tx: &mut Tx<'_, '_>, mut row: Volume, seen: &VolumeSeen) {
    let id = row.id;
    let Some(mut task) = of_volume(tx, id).filter(|task| task.state == ImportState::Active).cloned() else { return };
    let Some(disk) = task.disks.iter_mut().find(|disk| disk.volume == Some(id)) else { return };
    match &seen.phase {
        VolumePhase::Importing(percent) if *percent > disk.percent => disk.percent = (*percent).min(99),
        VolumePhase::Ready => {
            row.state = VolumeState::Present;
            // It is a volume as any other from now on, and how to come by its contents is as good as a password.
            forget_signature(row.import.as_mut());
            row.shape.size_gib = u32::try_from(seen.size_bytes.div_ceil(1 << 30)).unwrap_or(u32::MAX).max(1);
            tx.put::<Volumes>(row.clone());
            (disk.percent, disk.size_bytes) = (100, seen.size_bytes);
            disk.noticed.clone_from(&seen.noticed);
            let words = format!("Created by AWS-VMImport service for {}", task.name());
            let words =
                if task.image.is_some() || task.description.is_empty() { words } else { task.description.clone() };
            match snapshot::create_of_import(&mut tx.scoped(task.scope), &row, &words) {
                Ok(snapshot) => {
                    let disk = task.disks.iter_mut().find(|disk| disk.volume == Some(id));
                    disk.into_iter().for_each(|disk| disk.snapshot = Some(snapshot));
                }
                Err(fault) => return end(tx, task, &format!("{FAILURE}{fault}")),
            }
        }
        VolumePhase::Failed(why) => {
            // What else went wrong is between the host and its provider, who finds it in the host's log.
            let why = if why.starts_with(INVALID) { format!("{FAILURE}{why}") } else { HOST_FAILURE.to_owned() };
            return end(tx, task, &why);
        }
        _ => return,
    }
    put(tx, task);
}

/// Takes note that a snapshot is whole.
pub(crate) fn stored(tx: &mut Tx<'_, '_>, id: SnapshotId) {
    let Some(mut task) = of_snapshot(tx, id).filter(|task| task.state == ImportState::Active).cloned() else { return };
    let Some(disk) = task.disks.iter_mut().find(|disk| disk.snapshot == Some(id)) else { return };
    let Some(volume) = disk.volume.take() else { return };
    // It is of no volume that its owner could have.
    tx.update::<Snapshots, _>(&task.scope.key(id), |row| row.volume = None);
    put(tx, task.clone());
    drop_volume(tx, volume);
    advance(tx, task);
}

/// Takes note that a snapshot can't be made.
pub(crate) fn failed_to_store(tx: &mut Tx<'_, '_>, id: SnapshotId) {
    let Some(task) = of_snapshot(tx, id).filter(|task| task.state == ImportState::Active).cloned() else { return };
    end(tx, task, HOST_FAILURE);
}

/// Takes note that nothing is left of a volume.
pub(crate) fn volume_gone(tx: &mut Tx<'_, '_>, id: VolumeId) {
    let Some(task) = of_volume(tx, id).filter(|task| task.state == ImportState::Active).cloned() else { return };
    end(tx, task, "ServerError: The disk was gone before its snapshot was whole");
}

/// Ends an import all of whose disks are snapshots, with its image.
fn advance(tx: &mut Tx<'_, '_>, mut task: ImportTask) {
    if task.disks.iter().any(|disk| disk.volume.is_some() || disk.snapshot.is_none()) {
        return;
    }
    let mut tx = tx.scoped(task.scope);
    if let Some(image) = task.image.clone() {
        match make_image(&mut tx, &task, &image) {
            Ok(id) => task.image = Some(ImportedImage { image: Some(id), ..image }),
            Err(fault) => return end(&mut tx, task, &format!("{FAILURE}{fault}")),
        }
    }
    forget_signatures(&mut task);
    task.state = ImportState::Completed;
    task.expires_at = Some(tx.now() + SHOWN);
    put(&mut tx, task);
}

/// The name of an image's disk. As AWS names those after the first where it isn't said: from `/dev/sdf` on.
fn device(number: usize, disk: &ImportedDisk) -> String {
    let letter = char::from(b'f' + u8::try_from(number.saturating_sub(1)).unwrap_or_default());
    let usual = if number == 0 { ROOT_DEVICE.to_owned() } else { format!("/dev/sd{letter}") };
    disk.device.clone().unwrap_or(usual)
}

fn make_image(tx: &mut Tx<'_, '_>, task: &ImportTask, image: &ImportedImage) -> Result<landfall_model::ImageId, Fault> {
    let is_windows = image.platform.as_deref() == Some("Windows");
    let view = tx.view();
    let mut disks = Vec::new();
    for (number, disk) in task.disks.iter().enumerate() {
        let id = disk.snapshot.ok_or(Fault::Missing("DiskContainer"))?;
        let row = view.need::<Snapshots, _>(id)?;
        disks.push(ImageDisk {
            device: device(number, disk),
            snapshot: Some(id),
            shape: VolumeShape { size_gib: row.size_gib, kind: VolumeKind::Gp2, iops: None, throughput_mib: None },
            delete_on_termination: true,
            encrypted: row.data_key.is_some(),
        });
    }
    let name = task.name();
    let words =
        format!("AWS-VMImport service: {} - {}", image.platform.as_deref().unwrap_or("Linux"), task.description);
    let order = Registration {
        name: &name,
        description: words.trim_end_matches([' ', '-']),
        traits: ImageTraits {
            architecture: "x86_64".into(),
            platform_details: if is_windows { "Windows" } else { "Linux/UNIX" }.into(),
            boot_mode: image.boot_mode,
            min_memory_mib: 0,
            kernel: None,
        },
        root_device: ROOT_DEVICE,
        disks,
        imds_v2: false,
        ena_support: false,
    };
    create::register(tx, &order)
}

/// Ends an import without a result: nothing of it stays but the word of it.
fn end(tx: &mut Tx<'_, '_>, mut task: ImportTask, why: &str) {
    for disk in &mut task.disks {
        if let Some(id) = disk.volume {
            drop_volume(tx, id);
        }
        // One that is whole is seen and may be taken; what an image of the tenant's is made of stays.
        let is_used = |id: &SnapshotId| tx.own_images.by_snapshot(id).next().is_some();
        let made = disk.snapshot.filter(|id| disk.source.is_some() && !is_used(id));
        if let Some(id) = made {
            tx.delete::<Snapshots>(&task.scope.key(id));
            tag::forget_all(tx, &id.to_string());
            disk.snapshot = None;
        }
    }
    forget_signatures(&mut task);
    task.state = ImportState::Ended(why.chars().take(1024).collect());
    task.expires_at = Some(tx.now() + SHOWN);
    put(tx, task);
}

/// Forgets what signs the addresses of disks, which is as good as a password: nobody fetches them any more.
fn forget_signatures(task: &mut ImportTask) {
    task.disks.iter_mut().for_each(|disk| forget_signature(disk.source.as_mut()));
}

fn forget_signature(source: Option<&mut ImportSource>) {
    if let Some(ImportSource { place: ImportPlace::Url(url), .. }) = source {
        url.truncate(url.find('?').unwrap_or(url.len()));
    }
}

/// Has the host destroy a volume, whosever it is: the provider may act in another account by now.
fn drop_volume(tx: &mut Tx<'_, '_>, id: VolumeId) {
    let key = tx.volumes.by_id(&id).find(|row| row.import.is_some()).map(Volume::key);
    if let Some(key) = key {
        tx.update::<Volumes, _>(&key, |row| {
            row.state = VolumeState::Deleting;
            forget_signature(row.import.as_mut());
        });
    }
}

/// Which import a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportId {
    /// One of an image.
    Image(ImportImageTaskId),
    /// One of a snapshot.
    Snapshot(ImportSnapshotTaskId),
}

/// The import of that id.
pub fn find<'v>(view: &View<'v>, id: ImportId) -> Result<&'v ImportTask, Fault> {
    match id {
        ImportId::Image(id) => view.need::<ImportImages, _>(id),
        ImportId::Snapshot(id) => view.need::<ImportSnapshots, _>(id),
    }
}

/// Ends an import that is under way, for that reason.
pub fn cancel(tx: &mut Tx<'_, '_>, id: ImportId, why: &str) -> Result<(), Fault> {
    let task = find(&tx.view(), id)?.clone();
    if task.state != ImportState::Active {
        let message = format!("The import task {} is not active and can't be canceled.", task.name());
        return Err(Fault::Taken { code: "IncorrectState", message });
    }
    end(tx, task, why);
    Ok(())
}

/// Ends all that an account has under way: it is being closed.
pub(crate) fn end_all(tx: &mut Tx<'_, '_>) {
    let view = tx.view();
    let images = view.all::<ImportImages, ImportImageTaskId>();
    let all = images.chain(view.all::<ImportSnapshots, ImportSnapshotTaskId>());
    let active: Vec<ImportTask> = all.filter(|task| task.state == ImportState::Active).cloned().collect();
    for task in active {
        end(tx, task, "The account is closed");
    }
}

/// Forgets imports that have been shown long enough, at most so many of a kind. Returns whether there may be more.
pub(crate) fn expire(tx: &mut Tx<'_, '_>, now: i64, most: usize) -> bool {
    let images: Vec<_> = tx.import_images.due_until(now).take(most).cloned().collect();
    let snapshots: Vec<_> = tx.import_snapshots.due_until(now).take(most).cloned().collect();
    for task in images.iter().chain(&snapshots) {
        tag::forget(&mut tx.scoped(task.scope), &task.name());
        tx.delete::<ImportImages>(&task.image_key());
        tx.delete::<ImportSnapshots>(&task.snapshot_key());
    }
    images.len() == most || snapshots.len() == most
}

/// How far an import is, in AWS's words: its status, and what is going on or went wrong.
pub fn status(view: &View<'_>, task: &ImportTask) -> (&'static str, Option<String>) {
    match &task.state {
        ImportState::Active => {
            let is_stored = task.disks.iter().all(|disk| disk.snapshot.is_some());
            let is_begun = task.disks.iter().any(|disk| disk.percent > 0);
            let stage = match (is_stored, task.image.is_some()) {
                (true, true) => "preparing ami",
                (true, false) => "preparing snapshot",
                (false, _) if is_begun => "converting",
                (false, _) => "pending",
            };
            ("active", Some(stage.to_owned()))
        }
        ImportState::Completed => {
            let noticed: Vec<_> = task.disks.iter().filter_map(|disk| disk.noticed.clone()).collect();
            ("completed", Some(noticed.join(" ")).filter(|words| !words.is_empty()))
        }
        ImportState::Ended(why) => {
            let is_left = |id: &VolumeId| view.tables().volumes.by_id(id).next().is_some();
            let is_left = task.disks.iter().filter_map(|disk| disk.volume).any(|id| is_left(&id));
            (if is_left { "deleting" } else { "deleted" }, Some(why.clone()))
        }
    }
}

/// How much of an import is done, in hundredths, while it is under way.
pub fn percent(view: &View<'_>, task: &ImportTask) -> Option<u32> {
    let stored = |id: SnapshotId| match view.find::<Snapshots, _>(id).map(|row| &row.state) {
        Some(SnapshotState::Pending(task)) => task.percent,
        _ => 100,
    };
    (task.state == ImportState::Active).then(|| task.percent(stored).min(99))
}

/// Whether the account has that role, and lets the service take it.
pub fn has_role(view: &View<'_>, name: &str) -> bool {
    role::find(view, name).is_some_and(|row| admits_service(row, SERVICE))
}
