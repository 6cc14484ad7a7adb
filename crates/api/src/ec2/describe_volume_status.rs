//! ec2:DescribeVolumeStatus. Tells of volumes whether they can be read and written.

use landfall_cloud::value::Volumes;
use landfall_model::{InstanceId, Volume, VolumeId, VolumeState, ZoneName};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::network_interface::Operator;
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVolumeStatus {
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
pub struct DescribeVolumeStatusResult {
    volume_status_set: Vec<StatusOut>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusOut {
    volume_id: VolumeId,
    availability_zone: ZoneName,
    availability_zone_id: String,
    volume_status: Status,
    /// Nothing is ever to be done, and nothing was announced.
    events_set: [(); 0],
    actions_set: [(); 0],
    attachment_statuses: Vec<AttachmentStatus>,
    operator: Operator,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: &'static str,
    details: [Detail; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    name: &'static str,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentStatus {
    instance_id: InstanceId,
    io_performance: &'static str,
}

impl Read for DescribeVolumeStatus {
    const ACTION: Action = Action::ec2("DescribeVolumeStatus");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "action.code",
            "action.description",
            "action.event-id",
            "availability-zone",
            "event.description",
            "event.event-id",
            "event.event-type",
            "event.not-after",
            "event.not-before",
            "volume-status.details-name",
            "volume-status.details-status",
            "volume-status.status",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeVolumeStatusResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeVolumeStatusResult, ApiError> {
        let ids = &self.volume_id;
        let rows = listing::<Volumes, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| StatusOut {
            volume_id: row.id,
            availability_zone: row.zone,
            availability_zone_id: row.zone.zone_id(),
            volume_status: Status { status: status(row), details: details(row) },
            events_set: [],
            actions_set: [],
            attachment_statuses: Vec::from_iter(row.attachment.as_ref().map(|attachment| AttachmentStatus {
                instance_id: attachment.instance,
                io_performance: performance(row),
            })),
            operator: Operator::NONE,
        });
        Ok(DescribeVolumeStatusResult { volume_status_set: shapes.collect() })
    }
}

fn status(row: &Volume) -> &'static str {
    match row.state {
        VolumeState::Error => "impaired",
        VolumeState::Creating if row.attachment.is_none() => "insufficient-data",
        VolumeState::Creating | VolumeState::Present | VolumeState::Deleting => "ok",
    }
}

/// Only volumes whose operations are provisioned and that are used have a performance to speak of.
fn performance(row: &Volume) -> &'static str {
    use landfall_model::VolumeKind::{Io1, Io2};
    match (row.shape.kind, &row.attachment) {
        (Io1 | Io2, Some(_)) => "normal",
        _ => "not-applicable",
    }
}

fn details(row: &Volume) -> [Detail; 2] {
    let enabled = if status(row) == "ok" { "passed" } else { "failed" };
    [Detail { name: "io-enabled", status: enabled }, Detail { name: "io-performance", status: performance(row) }]
}

fn field<'v>(row: &'v Volume, name: &str) -> Values<'v> {
    match name {
        "availability-zone" => shown(row.zone),
        "volume-status.status" => one(status(row)),
        "volume-status.details-name" => details(row).iter().flat_map(|detail| one(detail.name)).collect(),
        "volume-status.details-status" => details(row).iter().flat_map(|detail| one(detail.status)).collect(),
        // No volume has an event or an action.
        _ => Vec::new(),
    }
}
