//! How a mount target is shown.

use std::net::Ipv4Addr;

use landfall_model::{FileSystemId, InterfaceId, MountTarget, MountTargetId, SubnetId, VpcId, ZoneName};
use serde::Serialize;

/// A mount target in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MountTargetShape {
    owner_id: String,
    mount_target_id: MountTargetId,
    file_system_id: FileSystemId,
    subnet_id: SubnetId,
    life_cycle_state: &'static str,
    ip_address: Ipv4Addr,
    network_interface_id: InterfaceId,
    availability_zone_id: String,
    availability_zone_name: ZoneName,
    vpc_id: VpcId,
}

/// Shows a mount target.
pub fn shown(row: &MountTarget) -> MountTargetShape {
    MountTargetShape {
        owner_id: row.scope.account.to_string(),
        mount_target_id: row.id,
        file_system_id: row.file_system,
        subnet_id: row.subnet,
        life_cycle_state: row.state.name(),
        ip_address: row.address,
        network_interface_id: row.interface,
        availability_zone_id: row.zone.zone_id(),
        availability_zone_name: row.zone,
        vpc_id: row.vpc,
    }
}
