//! Which instance has a volume: attached while it runs or is stopped, and detached again.
//!
//! As with interfaces, what a running machine is to have or to lose is done by its host, and the attachment says so until
//! the host has said that it is done ([`crate::report`]). A machine that doesn't run has nothing to be told.

use landfall_model::agent::DiskSeen;
use landfall_model::{
    AttachmentState, Instance, InstanceId, InstanceState, Volume, VolumeAttachment, VolumeId, VolumeState,
};

use super::modification;
use crate::ebs;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::{Instances, Volumes};
use crate::view::View;

/// Volumes and interfaces that an instance may have together. Source: the EC2 User Guide, "Amazon EBS volume limits".
pub const ATTACHMENTS: usize = 28;

/// That an instance may have so many volumes and interfaces.
pub fn check_count(count: usize) -> Result<(), Fault> {
    if count > ATTACHMENTS {
        let message = format!("You have exceeded the maximum number of attachments ({ATTACHMENTS}) of an instance.");
        return Err(Fault::Taken { code: "AttachmentLimitExceeded", message });
    }
    Ok(())
}

/// Gives a volume to an instance that runs or is stopped.
pub fn attach(tx: &mut Tx<'_, '_>, id: VolumeId, instance: InstanceId, device: &str) -> Result<(), Fault> {
    let view = tx.view();
    let mut row = view.need::<Volumes, _>(id)?.clone();
    if row.attachment.is_some() {
        let message = format!("{id} is already attached to an instance");
        return Err(Fault::Taken { code: "VolumeInUse", message });
    }
    if row.state != VolumeState::Present {
        return Err(Fault::WrongState(format!("Volume '{id}' is not 'available'.")));
    }
    let machine = view.need::<Instances, _>(instance)?;
    let state = match machine.status.state {
        InstanceState::Running => AttachmentState::Attaching,
        InstanceState::Stopped => AttachmentState::Attached,
        _ => return Err(Fault::WrongState(format!("Instance '{instance}' is not 'running'."))),
    };
    check_place(&view, &row, machine, device)?;
    ebs::check_key(&view, row.data_key.as_ref())?;
    if row.host.is_none() {
        // It is yet to be filled with what it is made of.
        ebs::check_key(&view, row.chunks.as_ref().and_then(|root| root.data_key.as_ref()))?;
    }
    if let Some(host) = machine.status.host {
        ebs::check_host(&view, host, row.data_key.as_ref())?;
    }
    if row.host.is_none() {
        row.host = machine.status.host;
        row.state = VolumeState::Creating;
    } else if row.host != machine.status.host {
        return Err(Fault::Unsupported(format!(
            "the attachment of '{id}', which lies on another machine's disk than '{instance}' runs on"
        )));
    }
    row.attachment = Some(VolumeAttachment {
        instance,
        device: device.to_owned(),
        delete_on_termination: false,
        attached_at: tx.now(),
        state,
    });
    tx.put::<Volumes>(row);
    Ok(())
}

fn check_place(view: &View<'_>, row: &Volume, machine: &Instance, device: &str) -> Result<(), Fault> {
    if row.zone != machine.spec.zone {
        let (id, instance) = (row.id, machine.id);
        return Err(Fault::Taken {
            code: "InvalidVolume.ZoneMismatch",
            message: format!("The volume '{id}' is not in the same availability zone as instance '{instance}'"),
        });
    }
    let has = view.volumes_of(machine);
    if has.iter().filter_map(|row| row.attachment.as_ref()).any(|it| short(&it.device) == short(device)) {
        return Err(Fault::Refused(format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )));
    }
    check_count(has.len() + 1 + view.interfaces_of(machine.id).count())
}

/// A device's name without its folder: `sdf` and `/dev/sdf` are one place.
fn short(device: &str) -> &str {
    device.strip_prefix("/dev/").unwrap_or(device)
}

/// Takes a volume from its instance. A running machine's host does that, with the guest's consent unless it is forced.
/// Returns the attachment as it is then.
pub fn detach(
    tx: &mut Tx<'_, '_>,
    id: VolumeId,
    instance: Option<InstanceId>,
    device: Option<&str>,
    forced: bool,
) -> Result<VolumeAttachment, Fault> {
    let view = tx.view();
    let row = view.need::<Volumes, _>(id)?.clone();
    let Some(mut attachment) = row.attachment.clone() else {
        return Err(Fault::WrongState(format!("Volume '{id}' is in the 'available' state.")));
    };
    let is_there = instance.is_none_or(|asked| asked == attachment.instance)
        && device.is_none_or(|asked| short(asked) == short(&attachment.device));
    if !is_there {
        let message = format!("The volume '{id}' is not attached to the instance or device that was named.");
        return Err(Fault::Taken { code: "InvalidAttachment.NotFound", message });
    }
    let machine = view.need::<Instances, _>(attachment.instance)?;
    let (state, is_root) = (machine.status.state, attachment.device == machine.spec.root_device);
    if is_root && state != InstanceState::Stopped {
        let message = format!("Unable to detach root volume '{id}' from instance '{}'", attachment.instance);
        return Err(Fault::NotPermitted(message));
    }
    let was_forced = attachment.state == AttachmentState::Detaching { forced: true };
    attachment.state = AttachmentState::Detaching { forced: forced || was_forced };
    match state {
        InstanceState::Stopped => free(tx, row),
        InstanceState::ShuttingDown | InstanceState::Terminated => {
            return Err(Fault::WrongState(format!("Instance '{}' is being terminated.", attachment.instance)));
        }
        InstanceState::Pending | InstanceState::Running | InstanceState::Stopping => {
            tx.update::<Volumes, _>(&row.key(), |row| row.attachment = Some(attachment.clone()));
        }
    }
    Ok(attachment)
}

/// Whether a volume goes with its instance.
pub fn set_delete_on_termination(tx: &mut Tx<'_, '_>, id: VolumeId, delete: bool) -> Result<(), Fault> {
    let key = tx.view().need::<Volumes, _>(id)?.key();
    tx.update::<Volumes, _>(&key, |row| {
        if let Some(attachment) = &mut row.attachment {
            attachment.delete_on_termination = delete;
        }
    });
    Ok(())
}

/// Takes note of the disks that a running machine has.
pub(crate) fn seen(tx: &mut Tx<'_, '_>, instance: InstanceId, has: &[DiskSeen]) {
    let rows: Vec<_> = tx.volumes.by_instance(&instance).cloned().collect();
    for row in rows {
        let disk = has.iter().find(|disk| disk.volume == row.id);
        match (row.attachment.as_ref().map(|attachment| attachment.state), disk) {
            (Some(AttachmentState::Attaching), Some(disk)) if disk.whole => arrived(tx, &row),
            (Some(AttachmentState::Detaching { .. }), None) => free(tx, row),
            (Some(AttachmentState::Attached), Some(disk)) if disk.whole => modification::tuned(tx, &row, disk),
            _ => {}
        }
    }
}

/// Settles the attachments of a machine that has stopped: nothing holds what it was to lose, and what it was to get it
/// has from its next start on.
pub(crate) fn stopped(tx: &mut Tx<'_, '_>, instance: InstanceId) {
    let rows: Vec<_> = tx.volumes.by_instance(&instance).cloned().collect();
    for row in rows {
        match row.attachment.as_ref().map(|attachment| attachment.state) {
            Some(AttachmentState::Attaching) => arrived(tx, &row),
            Some(AttachmentState::Detaching { .. }) => free(tx, row),
            _ => modification::settle(tx, &row),
        }
    }
}

/// What becomes of an instance's volumes when it is gone: those that go with it are to be destroyed by their host, the
/// others are free.
pub(crate) fn part(tx: &mut Tx<'_, '_>, instance: InstanceId) {
    let rows: Vec<Volume> = tx.volumes.by_instance(&instance).cloned().collect();
    for mut row in rows {
        let goes = row.attachment.as_ref().is_some_and(|it| it.delete_on_termination && it.is_wanted());
        if goes {
            row.attachment = None;
            row.state = VolumeState::Deleting;
            tx.put::<Volumes>(row);
        } else {
            free(tx, row);
        }
    }
}

fn arrived(tx: &mut Tx<'_, '_>, row: &Volume) {
    tx.update::<Volumes, _>(&row.key(), |row| {
        if let Some(attachment) = &mut row.attachment {
            attachment.state = AttachmentState::Attached;
        }
    });
}

fn free(tx: &mut Tx<'_, '_>, mut row: Volume) {
    row.attachment = None;
    modification::settle(tx, &row);
    let modification = tx.volumes.get(&row.key()).and_then(|row| row.modification.clone());
    tx.put::<Volumes>(Volume { modification, ..row });
}
