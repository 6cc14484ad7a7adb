//! ec2:DescribeVolumes. Lists volumes, with the instance that each is attached to.

use landfall_cloud::value::Volumes;
use landfall_model::{Volume, VolumeId};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::volume::{VolumeOut, status, volume};
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
    volume_set: Vec<VolumeOut<'v>>,
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
        let shapes = rows.into_iter().map(|row| volume(&view, row));
        Ok(DescribeVolumesResult { volume_set: shapes.collect() })
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
            "status" => one(attachment.state.name()),
            _ => Vec::new(),
        };
    }
    match name {
        "availability-zone" => shown(row.zone),
        "availability-zone-id" => shown(row.zone.zone_id()),
        "create-time" => shown(row.created_at),
        "encrypted" => shown(row.data_key.is_some()),
        "fast-restored" | "multi-attach-enabled" | "operator.managed" => one("false"),
        "size" => shown(row.seen().size_gib),
        "snapshot-id" => many(row.snapshot),
        "status" => one(status(row)),
        "volume-id" => shown(row.id),
        "volume-type" => one(row.seen().kind.name()),
        // No volume has a service that manages it.
        _ => Vec::new(),
    }
}
