//! Mount targets: the places in a network's subnets, one a zone, at which a file system is mounted.

use std::net::Ipv4Addr;

use landfall_model::{
    FileSystemId, InterfacePurpose, MountTarget, MountTargetId, SecurityGroupId, ShareState, Subnet, SubnetId, VpcId,
};

use crate::fault::{Fault, QuotaKind};
use crate::interface::{self, NewInterface};
use crate::tx::Tx;
use crate::value::{FileSystems, Interfaces, MountTargets, Subnets};
use crate::view::View;

/// "Number of mount targets for each VPC".
const LIMIT: usize = 1_400;

/// What a new mount target is to be.
#[derive(Clone, Debug)]
pub struct NewMountTarget {
    /// The file system.
    pub file_system: FileSystemId,
    /// Where.
    pub subnet: SubnetId,
    /// Its address; a free one where none is asked for.
    pub address: Option<Ipv4Addr>,
    /// Its groups; the VPC's default one if none are named.
    pub groups: Vec<SecurityGroupId>,
}

/// Makes a mount target, with its interface.
pub fn create(tx: &mut Tx<'_, '_>, new: NewMountTarget) -> Result<MountTargetId, Fault> {
    let view = tx.view();
    let share = super::need_available(&view, new.file_system)?;
    let subnet = view.need::<Subnets, _>(new.subnet)?;
    check_place(&view, new.file_system, subnet)?;
    if let Some(zone) = share.zone.filter(|zone| *zone != subnet.zone) {
        let message = format!("The file system is in {zone} alone, and the subnet '{}' in {}.", subnet.id, subnet.zone);
        return Err(Fault::Taken { code: "AvailabilityZonesMismatch", message });
    }
    if tx.mount_targets.by_vpc.count(&subnet.vpc) >= LIMIT {
        return Err(Fault::Quota(
            QuotaKind::Of("NetworkInterfaceLimitExceeded", "mount targets of a VPC"),
            LIMIT as u64,
        ));
    }
    let host = match share.host {
        Some(host) => host,
        None => super::choose_host(&view, subnet.zone, share.data_key.is_some())?,
    };
    let groups = check_groups(&view, subnet.vpc, &new.groups)?;
    let (share, vpc, zone, scope, now) = (share.key(), subnet.vpc, subnet.zone, tx.scope(), tx.now());
    let id = tx.new_id();
    let order = NewInterface {
        address: new.address,
        groups,
        description: format!("EFS mount target for {} ({id})", new.file_system),
        purpose: InterfacePurpose::MountTarget(id),
        ..NewInterface::default()
    };
    let interface = interface::create(tx, new.subnet, order, None)?;
    let address = tx.view().need::<Interfaces, _>(interface)?.primary();
    tx.update::<FileSystems, _>(&share, |row| row.host = Some(host));
    tx.put::<MountTargets>(MountTarget {
        scope,
        id,
        file_system: new.file_system,
        vpc,
        subnet: new.subnet,
        zone,
        interface,
        address,
        state: ShareState::Creating,
        created_at: now,
    });
    Ok(id)
}

/// That a file system can have a mount target in a subnet besides those that it has.
fn check_place(view: &View<'_>, id: FileSystemId, subnet: &Subnet) -> Result<(), Fault> {
    let conflict = |message: String| Err(Fault::Taken { code: "MountTargetConflict", message });
    for other in view.mount_targets_of(id) {
        if other.vpc != subnet.vpc {
            return conflict(format!(
                "The file system '{id}' has mount targets in {}, not in {}.",
                other.vpc, subnet.vpc
            ));
        }
        if other.zone == subnet.zone {
            return conflict(format!("mount target already exists in this AZ: {}", other.id));
        }
    }
    Ok(())
}

/// The groups that a mount target in that VPC is to have. One of another VPC isn't found: "Returned if one of the
/// specified security groups doesn't exist in the subnet's virtual private cloud (VPC)." Source: the API Reference.
fn check_groups(view: &View<'_>, vpc: VpcId, groups: &[SecurityGroupId]) -> Result<Vec<SecurityGroupId>, Fault> {
    interface::check_groups(view, vpc, groups).map_err(|fault| match fault {
        Fault::Mismatch(message) => Fault::Taken { code: "SecurityGroupNotFound", message },
        other => other,
    })
}

/// A mount target that can be worked with now.
pub fn need_available<'v>(view: &View<'v>, id: MountTargetId) -> Result<&'v MountTarget, Fault> {
    let row = view.mount_target(id)?;
    if row.state == ShareState::Available {
        return Ok(row);
    }
    let message = format!("The mount target '{id}' is {}, not available.", row.state.name());
    Err(Fault::Taken { code: "IncorrectMountTargetState", message })
}

/// Replaces its groups.
pub fn set_groups(tx: &mut Tx<'_, '_>, id: MountTargetId, groups: &[SecurityGroupId]) -> Result<(), Fault> {
    let view = tx.view();
    let row = need_available(&view, id)?;
    let groups = check_groups(&view, row.vpc, groups)?;
    // The region's own, which a tenant's rules would refuse to change.
    let key = tx.scope().key(row.interface);
    tx.update::<Interfaces, _>(&key, |row| row.groups = groups);
    Ok(())
}

/// Deletes a mount target; its interface goes with it.
pub fn delete(tx: &mut Tx<'_, '_>, id: MountTargetId) -> Result<(), Fault> {
    let key = tx.view().mount_target(id)?.key();
    tx.update::<MountTargets, _>(&key, |row| row.state = ShareState::Deleting);
    Ok(())
}

/// Passes on what is due. Returns whether there may be more.
pub(super) fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<_> = tx.mount_targets.due_until(until).take(most).cloned().collect();
    for row in &due {
        let mut tx = tx.scoped(row.scope);
        if row.state == ShareState::Deleting {
            interface::delete(&mut tx, row.interface);
            tx.delete::<MountTargets>(&row.key());
        } else {
            tx.update::<MountTargets, _>(&row.key(), |row| row.state = ShareState::Available);
        }
    }
    due.len() == most
}

/// The names that lead to file systems within a network: each one's, to all of its mount targets there, and that of each
/// zone to the zone's own.
pub fn names(view: &View<'_>, vpc: VpcId) -> Vec<(String, Vec<Ipv4Addr>)> {
    let rows = view.own(view.tables().mount_targets.by_vpc(&vpc), |row| row.scope);
    let live = rows.filter(|row| row.state != ShareState::Deleting);
    let mut all: std::collections::BTreeMap<String, Vec<Ipv4Addr>> = std::collections::BTreeMap::new();
    for row in live {
        let name = host_name(row.file_system, row.scope.region);
        all.entry(format!("{}.{name}", row.zone)).or_default().push(row.address);
        all.entry(name).or_default().push(row.address);
    }
    all.into_iter().collect()
}

/// The name of a file system in a region's networks.
pub fn host_name(id: FileSystemId, region: landfall_model::Region) -> String {
    format!("{id}.efs.{region}.amazonaws.com")
}
