//! Changes of volumes as answers show them.

use landfall_model::{VolumeId, VolumeModification, VolumeShape};
use landfall_wire::Time;
use serde::Serialize;

use super::time;

/// A change of a volume.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModificationOut {
    volume_id: VolumeId,
    modification_state: &'static str,
    target_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_iops: Option<u32>,
    target_volume_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_throughput: Option<u32>,
    target_multi_attach_enabled: bool,
    original_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_iops: Option<u32>,
    original_volume_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_throughput: Option<u32>,
    original_multi_attach_enabled: bool,
    progress: u8,
    start_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<Time>,
}

/// The state of a change, in AWS's words.
pub fn state(change: &VolumeModification) -> &'static str {
    if change.ended_at.is_some() { "completed" } else { "modifying" }
}

/// A change as it is shown.
pub fn modification(volume_id: VolumeId, change: &VolumeModification) -> ModificationOut {
    let (VolumeShape { size_gib, kind, iops, throughput_mib }, original) = (change.target, change.original);
    ModificationOut {
        volume_id,
        modification_state: state(change),
        target_size: size_gib,
        target_iops: iops,
        target_volume_type: kind.name(),
        target_throughput: throughput_mib,
        target_multi_attach_enabled: false,
        original_size: original.size_gib,
        original_iops: original.iops,
        original_volume_type: original.kind.name(),
        original_throughput: original.throughput_mib,
        original_multi_attach_enabled: false,
        progress: if change.ended_at.is_some() { 100 } else { 0 },
        start_time: time(change.started_at),
        end_time: change.ended_at.map(time),
    }
}
