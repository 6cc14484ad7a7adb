//! How a file system is shown.

use landfall_cloud::View;
use landfall_model::{Arn, FileSystem, FileSystemId, PerformanceMode, ZoneName};
use landfall_wire::Time;
use serde::Serialize;

use crate::tagging::{self, TagShape};

/// A file system in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileSystemShape<'v> {
    owner_id: String,
    creation_token: &'v str,
    file_system_id: FileSystemId,
    file_system_arn: Arn,
    creation_time: Time,
    life_cycle_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'v str>,
    number_of_mount_targets: usize,
    size_in_bytes: SizeShape,
    performance_mode: PerformanceMode,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'v Arn>,
    throughput_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned_throughput_in_mibps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone_name: Option<ZoneName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone_id: Option<String>,
    tags: Vec<TagShape<'v>>,
    file_system_protection: Protection,
}

/// How much is in it. All of it is in the standard class: files move nowhere.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SizeShape {
    value: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
    #[serde(rename = "ValueInIA")]
    value_in_ia: u64,
    value_in_standard: u64,
    value_in_archive: u64,
}

/// Whether it is kept from becoming another one's replica.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Protection {
    replication_overwrite_protection: &'static str,
}

impl Protection {
    /// That of a file system.
    pub fn of(row: &FileSystem) -> Self {
        Self { replication_overwrite_protection: if row.may_be_overwritten { "DISABLED" } else { "ENABLED" } }
    }
}

/// Shows a file system.
pub fn shown<'v>(view: &View<'v>, row: &'v FileSystem) -> FileSystemShape<'v> {
    let id = row.id.to_string();
    FileSystemShape {
        owner_id: row.scope.account.to_string(),
        creation_token: &row.token,
        file_system_id: row.id,
        file_system_arn: row.arn(),
        creation_time: Time(row.created_at.as_millis()),
        life_cycle_state: row.state.name(),
        name: view.tags(&id).and_then(|tags| tags.get("Name")).map(String::as_str),
        number_of_mount_targets: view.mount_targets_of(row.id).count(),
        size_in_bytes: SizeShape {
            value: row.size.bytes,
            timestamp: row.size.at.map(|at| Time(at.as_millis())),
            value_in_ia: 0,
            value_in_standard: row.size.bytes,
            value_in_archive: 0,
        },
        performance_mode: row.performance,
        encrypted: row.data_key.is_some(),
        kms_key_id: row.data_key.as_ref().map(|key| &key.kms_key),
        throughput_mode: row.throughput.name(),
        provisioned_throughput_in_mibps: row.throughput.provisioned_kib().map(mib),
        availability_zone_name: row.zone,
        availability_zone_id: row.zone.map(ZoneName::zone_id),
        tags: tagging::shown(view, &id),
        file_system_protection: Protection::of(row),
    }
}

/// MiB of KiB, which are few enough to be exact.
#[expect(clippy::cast_precision_loss, reason = "KiB a second are far below the 52 bits of a float")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
