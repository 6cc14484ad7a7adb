//! A volume's size, kind and speed changed while it is there.
//!
//! The row says at once what it is to be, and the host makes it so; until the host has said that it is, the volume shows
//! as it was. There is no time of optimising: blocks don't move to other disks.

use landfall_model::agent::DiskSeen;
use landfall_model::{InstanceState, Volume, VolumeId, VolumeModification, VolumeShape, VolumeState};

use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::{Instances, Volumes};

/// Changes a volume. What isn't asked for stays, or is what the new kind has by default.
pub fn modify(tx: &mut Tx<'_, '_>, id: VolumeId, asked: &Asked) -> Result<VolumeModification, Fault> {
    let row = tx.view().need::<Volumes, _>(id)?.clone();
    if !matches!(row.state, VolumeState::Present) {
        return Err(Fault::WrongState(format!("Volume '{id}' is not 'available' or 'in-use'.")));
    }
    if row.modification.as_ref().is_some_and(|change| change.ended_at.is_none()) {
        let message = format!("Cannot modify volume {id}. Volume is currently in state MODIFYING");
        return Err(Fault::Taken { code: "IncorrectModificationState", message });
    }
    let mut target = asked.applied_to(row.shape);
    super::check(&mut target)?;
    if target.size_gib < row.shape.size_gib {
        let why = format!("New size cannot be smaller than existing size {}", row.shape.size_gib);
        return Err(Fault::Invalid { name: "size", value: target.size_gib.to_string(), why });
    }
    let now = tx.now();
    let change = VolumeModification { original: row.shape, target, started_at: now, ended_at: None };
    tx.put::<Volumes>(Volume { shape: target, modification: Some(change.clone()), ..row });
    let row = tx.view().need::<Volumes, _>(id)?.clone();
    settle(tx, &row);
    Ok(change)
}

/// What a change is to change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The size, in GiB.
    pub size_gib: Option<u32>,
    /// The kind.
    pub kind: Option<landfall_model::VolumeKind>,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput_mib: Option<u32>,
}

impl Asked {
    fn applied_to(&self, before: VolumeShape) -> VolumeShape {
        use landfall_model::VolumeKind::{Gp2, Gp3, Io1, Io2};
        let kind = self.kind.unwrap_or(before.kind);
        // What was provisioned stays with kinds that have it; what follows from the size is reckoned anew.
        let keeps_iops = matches!(before.kind, Gp3 | Io1 | Io2) && matches!(kind, Gp3 | Io1 | Io2);
        let iops = self.iops.or(before.iops.filter(|_| keeps_iops && kind != Gp2));
        let throughput_mib = self.throughput_mib.or(before.throughput_mib.filter(|_| kind == before.kind));
        VolumeShape { size_gib: self.size_gib.unwrap_or(before.size_gib), kind, iops, throughput_mib }
    }
}

/// Takes note that a running machine's disk is so large and so fast.
pub(super) fn tuned(tx: &mut Tx<'_, '_>, row: &Volume, disk: &DiskSeen) {
    if disk.limits == row.shape.limits() && disk.size_bytes >= row.size_bytes() {
        end(tx, row);
    }
}

/// Takes note that a volume's host has it so large.
pub(crate) fn grown(tx: &mut Tx<'_, '_>, row: &Volume, size_bytes: u64) {
    if size_bytes >= row.size_bytes() && !is_running(tx, row) {
        end(tx, row);
    }
}

/// Ends a change for which nothing has to be done: nobody has the volume's disk, so only its file may have to grow, and
/// that isn't there yet or needs not.
pub(super) fn settle(tx: &mut Tx<'_, '_>, row: &Volume) {
    let grows = row.modification.as_ref().is_some_and(|change| change.target.size_gib > change.original.size_gib);
    if row.host.is_none() || (!grows && !is_running(tx, row)) {
        end(tx, row);
    }
}

fn is_running(tx: &Tx<'_, '_>, row: &Volume) -> bool {
    let Some(attachment) = &row.attachment else { return false };
    let machine = tx.view().find::<Instances, _>(attachment.instance);
    machine.is_some_and(|machine| !matches!(machine.status.state, InstanceState::Stopped | InstanceState::Terminated))
}

fn end(tx: &mut Tx<'_, '_>, row: &Volume) {
    if row.modification.as_ref().is_some_and(|change| change.ended_at.is_none()) {
        let now = tx.now();
        tx.update::<Volumes, _>(&row.key(), |row| {
            if let Some(change) = &mut row.modification {
                change.ended_at = Some(now);
            }
        });
    }
}
