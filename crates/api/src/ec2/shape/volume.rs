//! Volumes as answers show them, and demands on them.

use landfall_cloud::View;
use landfall_cloud::value::Volumes;
use landfall_model::{Arn, InstanceId, Volume, VolumeAttachment, VolumeId, VolumeShape, VolumeState, ZoneName};
use landfall_wire::Time;
use serde::Serialize;

use super::network_interface::Operator;
use super::{Tag, tag_set, time};
use crate::demand::{Demand, Demands};
use crate::operation::Action;

/// A volume.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeOut<'v> {
    volume_id: VolumeId,
    size: u32,
    /// Empty for a volume that was made of nothing, as EC2 sends it.
    snapshot_id: String,
    availability_zone: ZoneName,
    availability_zone_id: String,
    pub(crate) status: &'static str,
    create_time: Time,
    attachment_set: Vec<AttachmentOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    volume_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput: Option<u32>,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'v str>,
    multi_attach_enabled: bool,
    operator: Operator,
}

/// An attachment of a volume.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentOut {
    volume_id: VolumeId,
    instance_id: InstanceId,
    device: String,
    status: &'static str,
    attach_time: Time,
    delete_on_termination: bool,
}

/// A volume's row as it is shown.
pub fn volume<'v>(view: &View<'v>, row: &'v Volume) -> VolumeOut<'v> {
    let VolumeShape { size_gib, kind, iops, throughput_mib } = row.seen();
    VolumeOut {
        volume_id: row.id,
        size: size_gib,
        snapshot_id: row.snapshot.map_or_else(String::new, |id| id.to_string()),
        availability_zone: row.zone,
        availability_zone_id: row.zone.zone_id(),
        status: status(row),
        create_time: time(row.created_at),
        attachment_set: row.attachment.iter().map(|each| attachment(row.id, each)).collect(),
        tag_set: tag_set(view, &row.id.to_string()),
        volume_type: kind.name(),
        iops,
        throughput: throughput_mib,
        encrypted: row.data_key.is_some(),
        kms_key_id: row.data_key.as_ref().map(|key| key.kms_key.as_str()),
        multi_attach_enabled: false,
        operator: Operator::NONE,
    }
}

/// Its state in AWS's words.
pub fn status(row: &Volume) -> &'static str {
    match (row.state, &row.attachment) {
        // What was there before it was attached, and never used, comes to be where it is attached.
        (VolumeState::Creating, Some(attachment)) if attachment.attached_at > row.created_at => "in-use",
        (VolumeState::Creating, _) => "creating",
        (VolumeState::Present, Some(_)) => "in-use",
        (VolumeState::Present, None) => "available",
        (VolumeState::Deleting, _) => "deleting",
        (VolumeState::Error, _) => "error",
    }
}

/// An attachment as it is shown.
pub fn attachment(volume_id: VolumeId, attachment: &VolumeAttachment) -> AttachmentOut {
    AttachmentOut {
        volume_id,
        instance_id: attachment.instance,
        device: attachment.device.clone(),
        status: attachment.state.name(),
        attach_time: time(attachment.attached_at),
        delete_on_termination: attachment.delete_on_termination,
    }
}

/// The demand of an action on a volume.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: VolumeId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:VolumeID", id);
    if let Some(row) = view.find::<Volumes, _>(id) {
        shape_of(demand, &row.shape);
        demand.with("ec2:AvailabilityZone", row.zone).with("ec2:AvailabilityZoneId", row.zone.zone_id());
        demand.with("ec2:Encrypted", row.data_key.is_some());
        if let Some(snapshot) = row.snapshot {
            demand.with("ec2:ParentSnapshot", Arn::ec2_public(view.scope(), snapshot));
        }
    }
    demand
}

/// Lets conditions look at a volume's size and speed.
pub fn shape_of(demand: &mut Demand, shape: &VolumeShape) {
    demand.with("ec2:VolumeSize", shape.size_gib).with("ec2:VolumeType", shape.kind.name());
    if let Some(iops) = shape.iops {
        demand.with("ec2:VolumeIops", iops);
    }
    if let Some(throughput) = shape.throughput_mib {
        demand.with("ec2:VolumeThroughput", throughput);
    }
}
