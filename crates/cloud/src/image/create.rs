//! Making images: of an instance, of snapshots, of another image.

use std::collections::BTreeSet;

use landfall_model::{
    DeregistrationProtection, ImageDisk, ImageId, ImageTraits, Instance, InstanceId, InstanceState, OwnImage, Region,
    SnapshotId, Volume, VolumeKind,
};

use super::FoundImage;
use crate::ebs::Encryption;
use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{Instances, OwnImages, Snapshots};
use crate::view::View;
use crate::{snapshot, volume};

/// How an image is to be made of an instance.
#[derive(Clone, Debug)]
pub struct OfInstance<'a> {
    /// The instance.
    pub instance: InstanceId,
    /// The image's name.
    pub name: &'a str,
    /// Its description.
    pub description: &'a str,
    /// Whether the guest is shut down for it and started again.
    pub reboots: bool,
    /// What is to differ of the instance's disks: those that are left out, those that go or stay with instances, and new
    /// ones.
    pub changes: Vec<DiskChange>,
}

/// How a disk of an image is to differ from that of its instance.
#[derive(Clone, Debug)]
pub struct DiskChange {
    /// Its name.
    pub device: String,
    /// What becomes of it.
    pub how: DiskChangeKind,
}

/// What becomes of a disk.
#[derive(Clone, Debug)]
pub enum DiskChangeKind {
    /// It isn't in the image.
    LeaveOut,
    /// It is in the image, where the instance has one of that name with these changes, else as a new one.
    Put {
        /// Whether it goes with instances, where that is said.
        delete_on_termination: Option<bool>,
        /// What it is where the instance has none of that name; nothing where no more was said.
        new: Option<ImageDisk>,
    },
}

/// What an image that is made of snapshots is to be.
#[derive(Clone, Debug)]
pub struct Registration<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its description.
    pub description: &'a str,
    /// What it says of the machines that it is for.
    pub traits: ImageTraits,
    /// The root device's name.
    pub root_device: &'a str,
    /// Its disks.
    pub disks: Vec<ImageDisk>,
    /// Whether metadata options start as `required`.
    pub imds_v2: bool,
    /// Whether it says that it has the driver of AWS's fast network cards.
    pub ena_support: bool,
}

/// Makes an image of an instance's disks. Where the guest is rebooted for it, that is a shutdown and a start, between which
/// the snapshots are made.
pub fn of_instance(tx: &mut Tx<'_, '_>, order: &OfInstance<'_>) -> Result<ImageId, Fault> {
    check_new(tx, order.name)?;
    let machine = tx.view().need::<Instances, _>(order.instance)?.clone();
    if machine.status.state.is_over() || machine.status.state == InstanceState::Pending {
        let id = order.instance.to_string();
        return Err(Fault::State { id, state: machine.status.state, wants: "running or stopped" });
    }
    let id: ImageId = tx.new_id();
    let volumes: Vec<Volume> = tx.view().volumes_of(&machine).into_iter().cloned().collect();
    let root = machine.spec.root_device.as_str();
    if !volumes.iter().any(|row| device(row) == root) {
        let message = format!("Instance '{}' does not have a volume attached at root ({root})", machine.id);
        return Err(Fault::Taken { code: "IncorrectInstanceState", message });
    }
    check_devices(order.changes.iter().map(|change| change.device.as_str()))?;
    let without = left_out(order, root, &volumes)?;
    let before_boot = restart(tx, &machine, order.reboots);
    let words = format!("Created by CreateImage({}) for {id}", order.instance);
    let snapshots = snapshot::create_of_instance(tx, machine.id, false, &without, &words, before_boot)?;
    let kept = volumes.iter().filter(|row| !without.contains(&row.id));
    let mut disks: Vec<ImageDisk> = kept.zip(&snapshots).map(|(row, snapshot)| disk(row, *snapshot)).collect();
    for change in &order.changes {
        let DiskChangeKind::Put { delete_on_termination, new } = &change.how else { continue };
        match (disks.iter_mut().find(|disk| disk.device == change.device), new) {
            (Some(disk), _) => {
                disk.delete_on_termination = delete_on_termination.unwrap_or(disk.delete_on_termination);
            }
            (None, Some(new)) => {
                check_disk(&tx.view(), new)?;
                disks.push(new.clone());
            }
            (None, None) => return Err(Fault::Missing("BlockDeviceMapping.Ebs")),
        }
    }
    let view = tx.view();
    let traits = traits_of(&view, &machine);
    let image = view.find_image(machine.spec.image);
    let (scope, now) = (tx.scope(), tx.now());
    let row = OwnImage {
        imds_v2: image.is_some_and(FoundImage::imds_v2),
        source_image: Some((machine.spec.image, scope.region)),
        source_instance: Some(machine.id),
        ..plain(scope, id, now, order.name, order.description, traits, root, disks)
    };
    tx.put::<OwnImages>(row);
    Ok(id)
}

/// Makes an image of snapshots of the account's own.
pub fn register(tx: &mut Tx<'_, '_>, order: &Registration<'_>) -> Result<ImageId, Fault> {
    check_new(tx, order.name)?;
    let view = tx.view();
    let mut disks = order.disks.clone();
    for disk in &disks {
        check_disk(&view, disk)?;
    }
    check_devices(disks.iter().map(|disk| disk.device.as_str()))?;
    disks.sort_by_key(|disk| disk.device != order.root_device);
    if disks.first().is_none_or(|disk| disk.device != order.root_device || disk.snapshot.is_none()) {
        let message = "No root snapshot specified in device mapping.".to_owned();
        return Err(Fault::Taken { code: "InvalidBlockDeviceMapping", message });
    }
    let (scope, now, id) = (tx.scope(), tx.now(), tx.new_id());
    let row = OwnImage {
        imds_v2: order.imds_v2,
        ena_support: order.ena_support,
        ..plain(scope, id, now, order.name, order.description, order.traits.clone(), order.root_device, disks)
    };
    tx.put::<OwnImages>(row);
    Ok(id)
}

/// Copies an image that the account may see, from this region or another one, with copies of its snapshots.
pub fn copy(
    tx: &mut Tx<'_, '_>,
    from: Region,
    source: ImageId,
    name: &str,
    description: Option<&str>,
    encryption: &Encryption,
) -> Result<ImageId, Fault> {
    check_new(tx, name)?;
    let there = landfall_model::Scope { region: from, ..tx.scope() };
    let view = View::new(tx, there, tx.now());
    let row = match view.find_image(source).ok_or_else(|| Fault::no_such(source))? {
        FoundImage::Own(row) => row.clone(),
        // Its bytes are a file of the provider's, which every region has.
        FoundImage::Provided(_) => {
            return Err(Fault::Unsupported("copies of the provider's images, which are in every region".into()));
        }
    };
    match view.image_state(&row) {
        super::ImageState::Available => {}
        state => return Err(unusable(source, state.name())),
    }
    let id: ImageId = tx.new_id();
    let words = format!("Copied for DestinationAmi {id} from SourceAmi {source} for SourceRegion {from}.");
    let mut disks = row.disks.clone();
    for disk in &mut disks {
        // Who may only launch from an image doesn't get at what it is made of.
        disk.snapshot =
            disk.snapshot.map(|snapshot| snapshot::copy(tx, there, snapshot, &words, encryption)).transpose().map_err(
                |fault| match fault {
                    Fault::NoSuch { .. } => Fault::Taken {
                        code: "InvalidRequest",
                        message: "You do not have permission to access the storage of this ami".into(),
                    },
                    other => other,
                },
            )?;
        let copied = disk.snapshot.and_then(|id| tx.view().find::<Snapshots, _>(id).map(|row| row.data_key.is_some()));
        disk.encrypted = copied.unwrap_or(disk.encrypted);
    }
    let (scope, now) = (tx.scope(), tx.now());
    let description = description.unwrap_or(&row.description);
    let new = OwnImage {
        imds_v2: row.imds_v2,
        ena_support: row.ena_support,
        source_image: Some((source, from)),
        ..plain(scope, id, now, name, description, row.traits.clone(), &row.root_device, disks)
    };
    tx.put::<OwnImages>(new);
    Ok(id)
}

/// That an image isn't in the state that something needs.
pub(super) fn unusable(id: ImageId, state: &str) -> Fault {
    let message = format!("The AMI ID '{id}' is currently {state} and may not be used for this operation");
    Fault::Taken { code: "InvalidAMIID.Unavailable", message }
}

/// A new image that nobody else sees.
#[expect(clippy::too_many_arguments, reason = "each is a member of the row")]
fn plain(
    scope: landfall_model::Scope,
    id: ImageId,
    now: landfall_model::Timestamp,
    name: &str,
    description: &str,
    traits: ImageTraits,
    root_device: &str,
    disks: Vec<ImageDisk>,
) -> OwnImage {
    OwnImage {
        scope,
        id,
        name: name.to_owned(),
        description: description.to_owned(),
        traits,
        root_device: root_device.to_owned(),
        disks,
        imds_v2: false,
        ena_support: true,
        source_instance: None,
        source_image: None,
        created_at: now,
        deprecate_at: None,
        is_disabled: false,
        protection: DeregistrationProtection::Off,
        shared_with: BTreeSet::new(),
        is_public: false,
    }
}

/// That the name can be one and is free, and that the account may have one image more.
fn check_new(tx: &Tx<'_, '_>, name: &str) -> Result<(), Fault> {
    // Source: the EC2 API Reference on CreateImage.
    let fits = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(fits) {
        let message = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', \
                       '.', '-', '/' and '_'";
        return Err(Fault::Taken { code: "InvalidAMIName.Malformed", message: message.into() });
    }
    let scope = tx.scope();
    if let Some(other) = tx.own_images.by_name(&scope.key(name.to_owned())).next() {
        let message = format!("AMI name {name} is already in use by AMI {}", other.id);
        return Err(Fault::Taken { code: "InvalidAMIName.Duplicate", message });
    }
    let limit = u64::from(tx.view().quotas().images);
    if tx.own_images.by_scope.count(&scope) as u64 >= limit {
        return Err(Fault::Quota(QuotaKind::Of("ResourceLimitExceeded", "images"), limit));
    }
    Ok(())
}

/// That each device is named once.
pub(crate) fn check_devices<'d>(devices: impl Iterator<Item = &'d str>) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for device in devices {
        if !seen.insert(device) {
            let message = format!("'{device}' is used more than once in the block device mapping.");
            return Err(Fault::Taken { code: "InvalidBlockDeviceMapping", message });
        }
    }
    Ok(())
}

/// That a disk can be made as it is described: of a snapshot of the account's own that is whole, or of zeroes.
fn check_disk(view: &View<'_>, disk: &ImageDisk) -> Result<(), Fault> {
    let mut shape = disk.shape;
    volume::check(&mut shape)?;
    let Some(id) = disk.snapshot else { return Ok(()) };
    // It is to be the account's own: one that is shared can be taken back from under the image, and isn't found by the
    // image's state.
    view.need::<Snapshots, _>(id)?;
    let least = snapshot::source(view, id, None)?.size_gib;
    if shape.size_gib < least {
        let size = shape.size_gib;
        let why = format!("Volume of size {size}GB is smaller than snapshot '{id}', expect size>= {least}GB");
        return Err(Fault::Invalid { name: "VolumeSize", value: size.to_string(), why });
    }
    Ok(())
}

fn device(row: &Volume) -> &str {
    row.attachment.as_ref().map_or("", |attachment| attachment.device.as_str())
}

/// The volumes that the order leaves out.
fn left_out(order: &OfInstance<'_>, root: &str, volumes: &[Volume]) -> Result<Vec<landfall_model::VolumeId>, Fault> {
    let mut without = Vec::new();
    for change in order.changes.iter().filter(|change| matches!(change.how, DiskChangeKind::LeaveOut)) {
        if change.device == root {
            let message = format!("The root device {root} cannot be suppressed.");
            return Err(Fault::Taken { code: "InvalidBlockDeviceMapping", message });
        }
        without.extend(volumes.iter().filter(|row| device(row) == change.device).map(|row| row.id));
    }
    Ok(without)
}

/// Has a running guest shut down and started again, if that is asked for. Returns the start that waits for what is made
/// meanwhile. The instance stays `running`, as on EC2, and keeps its addresses.
fn restart(tx: &mut Tx<'_, '_>, machine: &Instance, reboots: bool) -> Option<u64> {
    if !reboots || machine.status.state != InstanceState::Running {
        return None;
    }
    let boot = machine.spec.boot + 1;
    tx.update::<Instances, _>(&machine.key(), |row| {
        row.spec.boot = boot;
        row.spec.forced = false;
        row.status.answered = false;
    });
    Some(boot)
}

/// The disk of an image that a volume becomes.
fn disk(row: &Volume, snapshot: SnapshotId) -> ImageDisk {
    let mut shape = row.seen();
    // Its speed follows from its size.
    if shape.kind == VolumeKind::Gp2 {
        shape.iops = None;
    }
    ImageDisk {
        device: device(row).to_owned(),
        snapshot: Some(snapshot),
        shape,
        delete_on_termination: row.attachment.as_ref().is_some_and(|attachment| attachment.delete_on_termination),
        encrypted: row.data_key.is_some(),
    }
}

/// What an instance's own image says, for one that is made of it.
fn traits_of(view: &View<'_>, machine: &Instance) -> ImageTraits {
    if let Some(traits) = &machine.spec.traits {
        return traits.clone();
    }
    let traits = view.image(machine.spec.image).map(|image| FoundImage::Provided(image).traits());
    ImageTraits {
        architecture: traits.map_or("x86_64", |traits| traits.architecture).to_owned(),
        platform_details: traits.map_or("Linux/UNIX", |traits| traits.platform_details).to_owned(),
        boot_mode: traits.and_then(|traits| traits.boot_mode),
        min_memory_mib: traits.map_or(0, |traits| traits.min_memory_mib),
        kernel: Some(machine.spec.image),
    }
}
