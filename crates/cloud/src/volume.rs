//! Volumes: what kinds take which sizes and speeds, and their making and ending with an instance.

use landfall_model::{
    HostId, ImageId, Instance, InstanceId, SnapshotId, Volume, VolumeAttachment, VolumeId, VolumeKind, VolumeState,
};

use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Volumes;
use crate::view::View;

/// What a new volume is to be.
#[derive(Clone, Debug)]
pub struct NewVolume {
    /// The name that the guest's owner gives it, such as `/dev/sdf`.
    pub device: String,
    /// Its size, in GiB.
    pub size_gib: u32,
    /// Its kind.
    pub kind: VolumeKind,
    /// Operations a second, where asked for.
    pub iops: Option<u32>,
    /// MiB a second, where asked for.
    pub throughput_mib: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// The image that it is cloned from; zeroes if none.
    pub image: Option<(ImageId, SnapshotId)>,
}

impl NewVolume {
    /// Checks size and speeds against the kind, and fills in what the kind has by default. Source: AWS's "Amazon EBS
    /// volume types".
    pub fn check(&mut self) -> Result<(), Fault> {
        let (least, most) = match self.kind {
            VolumeKind::Gp2 | VolumeKind::Gp3 => (1, 16384),
            VolumeKind::Io1 => (4, 16384),
            VolumeKind::Io2 => (4, 65536),
            VolumeKind::St1 | VolumeKind::Sc1 => (125, 16384),
            VolumeKind::Standard => (1, 1024),
        };
        if !(least..=most).contains(&self.size_gib) {
            let why = format!("Volume of {}GiB is outside {least}-{most}GiB for {}", self.size_gib, self.kind.name());
            return Err(Fault::Invalid { name: "size", value: self.size_gib.to_string(), why });
        }
        let iops = match self.kind {
            VolumeKind::Gp3 => Some((3000, 3000, 16000.min(3000.max(self.size_gib * 500)))),
            VolumeKind::Io1 => Some((0, 100, 64000.min(self.size_gib * 50))),
            VolumeKind::Io2 => Some((0, 100, 256_000.min(self.size_gib * 1000))),
            _ => None,
        };
        match (iops, self.iops) {
            (None, Some(given)) => {
                let why = format!("The parameter iops is not supported for {} volumes.", self.kind.name());
                return Err(Fault::Invalid { name: "iops", value: given.to_string(), why });
            }
            (Some((0, ..)), None) => return Err(Fault::Missing("iops")),
            (Some((default, ..)), None) => self.iops = Some(default),
            (Some((_, least, most)), Some(given)) if !(least..=most).contains(&given) => {
                let why = format!("Volume iops of {given} is outside {least}-{most}");
                return Err(Fault::Invalid { name: "iops", value: given.to_string(), why });
            }
            _ => {}
        }
        if self.kind == VolumeKind::Gp2 {
            self.iops = Some((self.size_gib * 3).clamp(100, 16000));
        }
        match (self.kind, self.throughput_mib) {
            (VolumeKind::Gp3, None) => self.throughput_mib = Some(125),
            (VolumeKind::Gp3, Some(given)) if !(125..=1000).contains(&given) => {
                let why = format!("Volume throughput of {given} is outside 125-1000");
                return Err(Fault::Invalid { name: "throughput", value: given.to_string(), why });
            }
            (VolumeKind::Gp3, Some(_)) | (_, None) => {}
            (_, Some(given)) => {
                let why = format!("The parameter throughput is not supported for {} volumes.", self.kind.name());
                return Err(Fault::Invalid { name: "throughput", value: given.to_string(), why });
            }
        }
        Ok(())
    }
}

/// Makes a volume of an instance, on the host that the instance is placed on.
pub fn create_for(tx: &mut Tx<'_, '_>, instance: &Instance, host: HostId, new: &NewVolume) -> VolumeId {
    let (scope, id, now) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<Volumes>(Volume {
        scope,
        id,
        size_gib: new.size_gib,
        kind: new.kind,
        iops: new.iops,
        throughput_mib: new.throughput_mib,
        encrypted: new.encrypted,
        zone: instance.spec.zone,
        image: new.image.map(|(image, _)| image),
        snapshot: new.image.map(|(_, snapshot)| snapshot),
        created_at: now,
        attachment: Some(VolumeAttachment {
            instance: instance.id,
            device: new.device.clone(),
            delete_on_termination: new.delete_on_termination,
            attached_at: now,
            attached: false,
        }),
        host: Some(host),
        state: VolumeState::Creating,
    });
    id
}

/// What becomes of an instance's volumes when it is gone: those that go with it are to be destroyed by their host, the
/// others are free.
pub(crate) fn part(tx: &mut Tx<'_, '_>, instance: InstanceId) {
    let rows: Vec<Volume> = tx.volumes.by_instance(&instance).cloned().collect();
    for mut row in rows {
        let goes = row.attachment.as_ref().is_some_and(|attachment| attachment.delete_on_termination);
        row.attachment = None;
        if goes {
            row.state = VolumeState::Deleting;
        }
        tx.put::<Volumes>(row);
    }
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
