//! Volumes: what kinds take which sizes and speeds, and how volumes come to be and end.
//!
//! A volume that nobody has had yet lies on no host: it comes to be on that of the first machine that gets it.

pub mod attachment;
pub mod modification;

use landfall_model::{
    AttachmentState, Contents, HostId, ImageId, Instance, SnapshotId, Volume, VolumeAttachment, VolumeId, VolumeKind,
    VolumeShape, VolumeState, ZoneName,
};

use crate::ebs::{self, Encryption};
use crate::fault::{Fault, QuotaKind};
use crate::snapshot;
use crate::tx::Tx;
use crate::value::Volumes;
use crate::view::View;

/// What a new volume is to be.
#[derive(Clone, Debug)]
pub struct NewVolume {
    /// Its size and speed, where they were asked for.
    pub shape: VolumeShape,
    /// What is said of its encryption.
    pub encryption: Encryption,
    /// The image that it is cloned from.
    pub image: Option<(ImageId, SnapshotId)>,
    /// The snapshot that it is made of; zeroes if it is neither.
    pub snapshot: Option<SnapshotId>,
    /// The image that the snapshot is of, where an image says it: who may launch from that may have the volume.
    pub of_image: Option<ImageId>,
}

/// A new volume and its place in an instance.
#[derive(Clone, Debug)]
pub struct NewDisk {
    /// The name that the guest's owner gives it, such as `/dev/sdf`.
    pub device: String,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// The volume.
    pub volume: NewVolume,
}

/// Checks size and speeds against the kind, and fills in what the kind has by default. Source: AWS's "Amazon EBS volume
/// types".
pub fn check(shape: &mut VolumeShape) -> Result<(), Fault> {
    let (kind, size) = (shape.kind, shape.size_gib);
    let (least, most) = match kind {
        VolumeKind::Gp2 | VolumeKind::Gp3 => (1, 16384),
        VolumeKind::Io1 => (4, 16384),
        VolumeKind::Io2 => (4, 65536),
        VolumeKind::St1 | VolumeKind::Sc1 => (125, 16384),
        VolumeKind::Standard => (1, 1024),
    };
    if !(least..=most).contains(&size) {
        let why = format!("Volume of {size}GiB is outside {least}-{most}GiB for {}", kind.name());
        return Err(Fault::Invalid { name: "size", value: size.to_string(), why });
    }
    let iops = match kind {
        VolumeKind::Gp3 => Some((3000, 3000, 16000.min(3000.max(size * 500)))),
        VolumeKind::Io1 => Some((0, 100, 64000.min(size * 50))),
        VolumeKind::Io2 => Some((0, 100, 256_000.min(size * 1000))),
        _ => None,
    };
    match (iops, shape.iops) {
        (None, Some(given)) => {
            let why = format!("The parameter iops is not supported for {} volumes.", kind.name());
            return Err(Fault::Invalid { name: "iops", value: given.to_string(), why });
        }
        (Some((0, ..)), None) => return Err(Fault::Missing("iops")),
        (Some((default, ..)), None) => shape.iops = Some(default),
        (Some((_, least, most)), Some(given)) if !(least..=most).contains(&given) => {
            let why = format!("Volume iops of {given} is outside {least}-{most}");
            return Err(Fault::Invalid { name: "iops", value: given.to_string(), why });
        }
        _ => {}
    }
    if kind == VolumeKind::Gp2 {
        shape.iops = Some((size * 3).clamp(100, 16000));
    }
    match (kind, shape.throughput_mib) {
        (VolumeKind::Gp3, None) => shape.throughput_mib = Some(125),
        (VolumeKind::Gp3, Some(given)) if !(125..=1000).contains(&given) => {
            let why = format!("Volume throughput of {given} is outside 125-1000");
            return Err(Fault::Invalid { name: "throughput", value: given.to_string(), why });
        }
        // A quarter of a MiB an operation is the most.
        (VolumeKind::Gp3, Some(given)) if given * 4 > shape.iops.unwrap_or(3000) => {
            let why =
                format!("Throughput (MiBps) to iops ratio of {given} is too high; maximum is 0.25 MiBps per iops");
            return Err(Fault::Invalid { name: "throughput", value: given.to_string(), why });
        }
        (VolumeKind::Gp3, Some(_)) | (_, None) => {}
        (_, Some(given)) => {
            let why = format!("The parameter throughput is not supported for {} volumes.", kind.name());
            return Err(Fault::Invalid { name: "throughput", value: given.to_string(), why });
        }
    }
    Ok(())
}

/// Makes a volume that nothing has yet.
pub fn create(tx: &mut Tx<'_, '_>, zone: ZoneName, mut new: NewVolume) -> Result<VolumeId, Fault> {
    check(&mut new.shape)?;
    check_fits(tx, &new)?;
    check_count(tx, 1)?;
    put(tx, zone, &new, None, None)
}

/// That what it is made of is there, and that it is as large as that.
pub(crate) fn check_fits(tx: &Tx<'_, '_>, new: &NewVolume) -> Result<(), Fault> {
    let (snapshot, least) = match (new.snapshot, new.image) {
        (Some(id), _) => (id, snapshot::source(&tx.view(), id, new.of_image)?.size_gib),
        (None, Some((image, snapshot))) => (snapshot, tx.view().image(image).map_or(0, |image| image.size_gib)),
        (None, None) => return Ok(()),
    };
    if new.shape.size_gib < least {
        let size = new.shape.size_gib;
        let why = format!("Volume of size {size}GB is smaller than snapshot '{snapshot}', expect size>= {least}GB");
        return Err(Fault::Invalid { name: "VolumeSize", value: size.to_string(), why });
    }
    Ok(())
}

/// That the account may have so many volumes more.
pub(crate) fn check_count(tx: &Tx<'_, '_>, more: u64) -> Result<(), Fault> {
    let limit = u64::from(tx.view().quotas().volumes);
    let scope = tx.scope();
    if tx.volumes.by_scope(&scope).count() as u64 + more > limit {
        return Err(Fault::Quota(QuotaKind::Of("VolumeLimitExceeded", "volumes"), limit));
    }
    Ok(())
}

/// Makes a volume of an instance, on the host that the instance is placed on.
pub fn create_for(tx: &mut Tx<'_, '_>, instance: &Instance, host: HostId, new: &NewDisk) -> Result<VolumeId, Fault> {
    let attachment = VolumeAttachment {
        instance: instance.id,
        device: new.device.clone(),
        delete_on_termination: new.delete_on_termination,
        attached_at: tx.now(),
        state: AttachmentState::Attaching,
    };
    put(tx, instance.spec.zone, &new.volume, Some(host), Some(attachment))
}

fn put(
    tx: &mut Tx<'_, '_>,
    zone: ZoneName,
    new: &NewVolume,
    host: Option<HostId>,
    attachment: Option<VolumeAttachment>,
) -> Result<VolumeId, Fault> {
    new.encryption.check()?;
    let view = tx.view();
    let source = new.snapshot.map(|id| snapshot::source(&view, id, new.of_image)).transpose()?;
    let source_key = source.and_then(|row| row.data_key.clone());
    let kms_key = new.encryption.key_of_volume(&view, source_key.as_ref());
    let (image, chunks) = match source.and_then(|row| row.contents().cloned()) {
        Some(Contents::Chunks(root)) => (None, Some(root)),
        Some(Contents::Image(image)) => (Some(image), None),
        Some(Contents::Zeros) => (None, None),
        None => (new.image.map(|(image, _)| image), None),
    };
    let data_key = ebs::data_key(tx, kms_key, source_key.as_ref())?;
    if let Some(host) = host {
        ebs::check_host(&tx.view(), host, data_key.as_ref())?;
    }
    let (scope, id, now) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<Volumes>(Volume {
        scope,
        id,
        shape: new.shape,
        modification: None,
        auto_enable_io: false,
        data_key,
        zone,
        image,
        snapshot: new.snapshot.or(new.image.map(|(_, snapshot)| snapshot)),
        chunks,
        import: None,
        last_snapshot: None,
        created_at: now,
        attachment,
        host,
        state: if host.is_some() { VolumeState::Creating } else { VolumeState::Present },
    });
    Ok(id)
}

/// Destroys a volume that nothing has.
pub fn delete(tx: &mut Tx<'_, '_>, id: VolumeId) -> Result<(), Fault> {
    let mut row = tx.view().need::<Volumes, _>(id)?.clone();
    if let Some(attachment) = &row.attachment {
        let message = format!("Volume {id} is currently attached to {}", attachment.instance);
        return Err(Fault::Taken { code: "VolumeInUse", message });
    }
    match (row.state, row.host) {
        (VolumeState::Deleting, _) => {}
        (_, Some(_)) => {
            row.state = VolumeState::Deleting;
            tx.put::<Volumes>(row);
        }
        (_, None) => forget(tx, &row),
    }
    Ok(())
}

/// Forgets a volume of which nothing is left.
pub(crate) fn forget(tx: &mut Tx<'_, '_>, row: &Volume) {
    snapshot::volume_gone(tx, row.id);
    crate::import::volume_gone(tx, row.id);
    tx.delete::<Volumes>(&row.key());
    crate::tag::forget(tx, &row.id.to_string());
}

/// Whether a volume goes on by itself after an error of its disk.
pub fn set_auto_enable_io(tx: &mut Tx<'_, '_>, id: VolumeId, auto_enable_io: bool) -> Result<(), Fault> {
    let key = tx.view().need::<Volumes, _>(id)?.key();
    tx.update::<Volumes, _>(&key, |row| row.auto_enable_io = auto_enable_io);
    Ok(())
}

impl<'a> View<'a> {
    /// The volumes of an instance, the root one first, then by device name.
    pub fn volumes_of(&self, instance: &Instance) -> Vec<&'a Volume> {
        let mut rows: Vec<_> = self.tables().volumes.by_instance(&instance.id).collect();
        if rows.len() > 1 {
            let root = &instance.spec.root_device;
            rows.sort_by_key(|row| {
                let device = row.attachment.as_ref().map_or("", |attachment| attachment.device.as_str());
                (device != root, device)
            });
        }
        rows
    }
}
