//! ec2:DescribeVolumes. Lists volumes, with the instance that each is attached to.

use landfall_cloud::value::Volumes;
use landfall_model::{InstanceId, Volume, VolumeAttachment, VolumeId, VolumeState, ZoneName};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::network_interface::Operator;
use super::shape::{Tag, tag_set, time};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVolumes {
    #[serde(default)]
    volume_id: Vec<VolumeId>,
    #[serde(default)]
    filter: Filters,
    /// No volume is managed by another service, so that both answers are the same.
    #[serde(default, rename = "IncludeManagedResources")]
    _include_managed_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVolumesResult<'v> {
    volume_set: Vec<VolumeShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeShape<'v> {
    volume_id: VolumeId,
    size: u32,
    /// Empty for a volume that was made of nothing, as EC2 sends it.
    snapshot_id: String,
    availability_zone: ZoneName,
    availability_zone_id: String,
    status: &'static str,
    create_time: Time,
    attachment_set: Vec<AttachmentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    volume_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput: Option<u32>,
    encrypted: bool,
    multi_attach_enabled: bool,
    operator: Operator,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentShape<'v> {
    volume_id: VolumeId,
    instance_id: InstanceId,
    device: &'v str,
    status: &'static str,
    attach_time: Time,
    delete_on_termination: bool,
}

impl Read for DescribeVolumes {
    const ACTION: Action = Action::ec2("DescribeVolumes");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "attachment.attach-time",
            "attachment.delete-on-termination",
            "attachment.device",
            "attachment.instance-id",
            "attachment.status",
            "availability-zone",
            "availability-zone-id",
            "create-time",
            "encrypted",
            "fast-restored",
            "multi-attach-enabled",
            "operator.managed",
            "operator.principal",
            "size",
            "snapshot-id",
            "status",
            "tag-key",
            "volume-id",
            "volume-type",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeVolumesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVolumesResult<'v>, ApiError> {
        let view = look.view;
        let rows =
            listing::<Volumes, _>(look, &self.volume_id, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| VolumeShape {
            volume_id: row.id,
            size: row.size_gib,
            snapshot_id: row.snapshot.map_or_else(String::new, |id| id.to_string()),
            availability_zone: row.zone,
            availability_zone_id: row.zone.zone_id(),
            status: status(row),
            create_time: time(row.created_at),
            attachment_set: row.attachment.iter().map(|each| attachment(row, each)).collect(),
            tag_set: tag_set(&view, &row.id.to_string()),
            volume_type: row.kind.name(),
            iops: row.iops,
            throughput: row.throughput_mib,
            encrypted: row.encrypted,
            multi_attach_enabled: false,
            operator: Operator::NONE,
        });
        Ok(DescribeVolumesResult { volume_set: shapes.collect() })
    }
}

/// Its state in AWS's words.
fn status(row: &Volume) -> &'static str {
    match (row.state, &row.attachment) {
        (VolumeState::Creating, _) => "creating",
        (VolumeState::Present, Some(_)) => "in-use",
        (VolumeState::Present, None) => "available",
        (VolumeState::Deleting, _) => "deleting",
        (VolumeState::Error, _) => "error",
    }
}

fn attachment_status(attachment: &VolumeAttachment) -> &'static str {
    if attachment.attached { "attached" } else { "attaching" }
}

fn attachment<'v>(row: &Volume, attachment: &'v VolumeAttachment) -> AttachmentShape<'v> {
    AttachmentShape {
        volume_id: row.id,
        instance_id: attachment.instance,
        device: &attachment.device,
        status: attachment_status(attachment),
        attach_time: time(attachment.attached_at),
        delete_on_termination: attachment.delete_on_termination,
    }
}

fn field<'v>(row: &'v Volume, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("attachment.") {
        let Some(attachment) = row.attachment.as_ref() else { return Vec::new() };
        return match name {
            "attach-time" => shown(attachment.attached_at),
            "delete-on-termination" => shown(attachment.delete_on_termination),
            "device" => one(attachment.device.as_str()),
            "instance-id" => shown(attachment.instance),
            "status" => one(attachment_status(attachment)),
            _ => Vec::new(),
        };
    }
    match name {
        "availability-zone" => shown(row.zone),
        "availability-zone-id" => shown(row.zone.zone_id()),
        "create-time" => shown(row.created_at),
        "encrypted" => shown(row.encrypted),
        "fast-restored" | "multi-attach-enabled" | "operator.managed" => one("false"),
        "size" => shown(row.size_gib),
        "snapshot-id" => many(row.snapshot),
        "status" => one(status(row)),
        "volume-id" => shown(row.id),
        "volume-type" => one(row.kind.name()),
        // No volume has a service that manages it.
        _ => Vec::new(),
    }
}
