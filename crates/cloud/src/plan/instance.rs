//! Pieces of instances and their volumes.

use landfall_model::delivery::ProfilePlan;
use landfall_model::plan::{DiskPlan, ImagePlan, InstancePlan, MetadataPlan, SnapshotPlan, VolumePlan, VolumeSource};
use landfall_model::{
    AttachmentState, BootMode, Image, ImageSource, Instance, InstanceType, NetworkInterface, ProfileAssociation,
    Volume, VolumeState,
};

use crate::network::private_name;
use crate::profile_association;
use crate::value::{Cloud, SecurityGroups};
use crate::view::View;

pub(super) fn volume(cloud: &Cloud, row: &Volume) -> Option<VolumePlan> {
    let chunks = row.chunks.as_ref().map(|root| VolumeSource::Chunks(root.clone()));
    let source = match row.image.and_then(|id| cloud.images.by_id(&id).next()) {
        Some(image) => VolumeSource::Image(image_plan(image)),
        None => VolumeSource::Blank,
    };
    let wanted = row.state != VolumeState::Deleting;
    let imported = row.import.clone().map(VolumeSource::Import);
    let source = imported.or(chunks).unwrap_or(source);
    Some(VolumePlan {
        id: row.id,
        size_bytes: row.size_bytes(),
        source,
        encrypted: row.data_key.is_some(),
        wanted,
        snapshots: snapshots(cloud, row),
    })
}

/// The snapshots that are to be made of a volume, the earliest first.
fn snapshots(cloud: &Cloud, volume: &Volume) -> Vec<SnapshotPlan> {
    let pending = cloud.snapshots.by_pending(&volume.id).filter_map(|row| {
        let task = row.task()?;
        let base = task.base.as_ref().map(|base| base.root.clone());
        let (domain, session, moment) = (row.scope.account, task.session, task.moment);
        let size_bytes = u64::from(row.size_gib) << 30;
        let (taken, before_boot) = (task.taken, task.before_boot);
        Some(SnapshotPlan { id: row.id, domain, session, base, size_bytes, moment, taken, before_boot })
    });
    let mut all: Vec<_> = pending.collect();
    all.sort_unstable_by_key(|plan| plan.session);
    all
}

fn image_plan(image: &Image) -> ImagePlan {
    match &image.source {
        ImageSource::File { file, size_bytes, direct_boot } => {
            ImagePlan { id: image.id, file: file.clone(), size_bytes: *size_bytes, direct_boot: direct_boot.clone() }
        }
        ImageSource::Simulated => ImagePlan { id: image.id, file: String::new(), size_bytes: 0, direct_boot: None },
    }
}

pub(super) fn instance(cloud: &Cloud, row: &Instance) -> Option<InstancePlan> {
    let kind = InstanceType::find(&row.spec.instance_type)?;
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let image = row.kernel_image().and_then(|id| cloud.images.by_id(&id).next());
    let volumes = view.volumes_of(row);
    let disks = volumes.iter().filter_map(|volume| {
        let attachment = volume.attachment.as_ref().filter(|attachment| attachment.is_wanted())?;
        Some(DiskPlan {
            volume: volume.id,
            device: attachment.device.clone(),
            root: attachment.device == row.spec.root_device,
            size_bytes: volume.size_bytes(),
            limits: volume.shape.limits(),
        })
    });
    let is_pulled = |volume: &&&Volume| {
        let state = volume.attachment.as_ref().map(|attachment| attachment.state);
        state == Some(AttachmentState::Detaching { forced: true })
    };
    let pulled_disks = volumes.iter().filter(is_pulled).map(|volume| volume.id).collect();
    let mut attached: Vec<_> =
        view.interfaces_of(row.id).filter_map(|row| Some((row.attachment.as_ref()?, row))).collect();
    attached.sort_by_key(|(attachment, _)| attachment.device_index);
    let pulled = attached.iter().filter(|(it, _)| it.state == AttachmentState::Detaching { forced: true });
    let pulled = pulled.map(|(_, row)| row.id).collect();
    attached.retain(|(attachment, _)| attachment.is_wanted());
    let interfaces: Vec<_> = attached.iter().map(|(_, row)| *row).collect();
    Some(InstancePlan {
        id: row.id,
        account: row.scope.account,
        zone: row.spec.zone,
        power: row.spec.power,
        boot: row.spec.boot,
        reboots: row.spec.reboots,
        forced: row.spec.forced,
        vcpus: kind.vcpus,
        memory_mib: kind.memory_mib,
        machine: row.status.machine.clone(),
        disks: disks.collect(),
        pulled_disks,
        interfaces: interfaces.iter().map(|row| row.id).collect(),
        pulled,
        max_interfaces: kind.max_interfaces,
        direct_boot: image.and_then(|image| image_plan(image).direct_boot),
        uefi: BootMode::current(view.traits(row).and_then(|traits| traits.boot_mode), Some(kind)) == BootMode::Uefi,
        metadata: metadata(&view, row, &interfaces),
    })
}

fn metadata(view: &View<'_>, row: &Instance, interfaces: &[&NetworkInterface]) -> MetadataPlan {
    let primary = interfaces.first().map(|row| row.primary());
    let groups = interfaces.iter().flat_map(|row| row.groups.iter().copied());
    let group_names = groups.filter_map(|id| {
        let row = view.find::<SecurityGroups, _>(id)?;
        Some((id, row.name.clone()))
    });
    // Tags show only where the owner asked for it, so that a change of them touches no plan otherwise.
    let tags = view.tags(&row.id.to_string()).filter(|_| row.spec.metadata.tags);
    MetadataPlan {
        options: row.spec.metadata.clone(),
        image: row.spec.image,
        instance_type: row.spec.instance_type.clone(),
        reservation: row.spec.reservation,
        launch_index: row.spec.launch_index,
        launched_at: row.spec.launched_at,
        hostname: primary.map_or_else(String::new, |address| private_name(row.scope.region, address)),
        public_domain: public_domain(view),
        key: row.spec.key.clone(),
        user_data: view.user_data(row).map(str::to_owned),
        tags: tags.cloned().unwrap_or_default(),
        group_names: group_names.collect(),
        profile: view.profile_of(row.id).map(|association| profile(view, association)),
    }
}

fn profile(view: &View<'_>, association: &ProfileAssociation) -> ProfilePlan {
    let role = profile_association::role_of(view, association);
    ProfilePlan { arn: association.arn.clone(), id: association.profile.clone(), since: association.since, role }
}

/// What public names end in: `compute-1.amazonaws.com` in us-east-1 where the suffix is AWS's, `<region>.<suffix>`
/// elsewhere.
pub fn public_domain(view: &View<'_>) -> String {
    let (suffix, region) = (view.provider().public_domain.as_str(), view.scope().region);
    match suffix.strip_prefix("compute.") {
        Some(rest) if region.name() == "us-east-1" => format!("compute-1.{rest}"),
        _ => format!("{region}.{suffix}"),
    }
}

/// The name of a public address, such as `ec2-198-18-0-1.compute-1.amazonaws.com`.
pub fn public_name(view: &View<'_>, address: std::net::Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("ec2-{a}-{b}-{c}-{d}.{}", public_domain(view))
}
