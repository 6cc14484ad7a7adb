//! Which instance has an interface: attached while it runs or is stopped, and detached again.
//!
//! What a running machine is to have or to lose is done by its host; the attachment says so until the host has said that
//! it is done ([`crate::report`]). A machine that doesn't run has nothing to be told.

use landfall_model::{
    Attachment, AttachmentId, AttachmentState, Instance, InstanceId, InstanceState, InstanceType, InterfaceId,
    NetworkInterface,
};

use crate::fault::Fault;
use crate::interface_address::check_fits;
use crate::tx::Tx;
use crate::value::{Instances, Interfaces};
use crate::view::View;

/// Attaches an interface to an instance that runs or is stopped.
pub fn attach(
    tx: &mut Tx<'_, '_>,
    id: InterfaceId,
    instance: InstanceId,
    device_index: u32,
) -> Result<AttachmentId, Fault> {
    let view = tx.view();
    let row = view.unattached(id)?.clone();
    let machine = view.need::<Instances, _>(instance)?;
    let state = match machine.status.state {
        InstanceState::Running => AttachmentState::Attaching,
        InstanceState::Stopped => AttachmentState::Attached,
        _ => return Err(Fault::WrongState(format!("Instance '{instance}' is not 'running' or 'stopped'."))),
    };
    check_place(&view, &row, machine, device_index)?;
    let attachment = Attachment {
        id: tx.new_id(),
        instance,
        device_index,
        delete_on_termination: false,
        attached_at: tx.now(),
        state,
    };
    let result = attachment.id;
    tx.update::<Interfaces, _>(&row.key(), |row| row.attachment = Some(attachment));
    Ok(result)
}

/// That an instance takes an interface at a place.
fn check_place(view: &View<'_>, row: &NetworkInterface, machine: &Instance, device_index: u32) -> Result<(), Fault> {
    if row.zone != machine.spec.zone {
        return Err(Fault::Combination(
            "You may not attach a network interface to an instance if they are not in the same availability zone"
                .into(),
        ));
    }
    let taken = |other: &NetworkInterface| other.attachment.as_ref().is_some_and(|a| a.device_index == device_index);
    if view.interfaces_of(machine.id).any(taken) {
        let message =
            format!("Instance '{}' already has an interface attached at device index '{device_index}'.", machine.id);
        return Err(Fault::Refused(message));
    }
    let Some(kind) = InstanceType::find(&machine.spec.instance_type) else { return Ok(()) };
    check_count(view.interfaces_of(machine.id).count() + 1, kind)?;
    check_fits(kind, row.addresses.len() as u64, row.ipv6.len() as u64)
}

/// That an instance of a type may have so many interfaces.
pub fn check_count(count: usize, kind: InstanceType) -> Result<(), Fault> {
    if count > kind.max_interfaces as usize {
        return Err(Fault::TooManyInterfaces { count, instance_type: kind.name() });
    }
    Ok(())
}

/// Detaches an interface. A running machine's host takes it away first, with the guest's consent unless it is forced.
pub fn detach(tx: &mut Tx<'_, '_>, id: AttachmentId, forced: bool) -> Result<(), Fault> {
    let view = tx.view();
    let row = view.attached_by(id)?.clone();
    let Some(attachment) = &row.attachment else { return Err(Fault::no_such(id)) };
    if attachment.device_index == 0 {
        return Err(Fault::NotPermitted(
            "The network interface at device index 0 and networkCard index 0 cannot be detached.".into(),
        ));
    }
    let state = view.need::<Instances, _>(attachment.instance)?.status.state;
    match state {
        InstanceState::Stopped => {
            part(tx, row);
            return Ok(());
        }
        InstanceState::ShuttingDown | InstanceState::Terminated => {
            let message = format!("Instance '{}' is being terminated.", attachment.instance);
            return Err(Fault::WrongState(message));
        }
        InstanceState::Pending | InstanceState::Running | InstanceState::Stopping => {}
    }
    tx.update::<Interfaces, _>(&row.key(), |row| {
        if let Some(attachment) = &mut row.attachment {
            // A detachment that was forced once isn't waited for again.
            let was_forced = attachment.state == AttachmentState::Detaching { forced: true };
            attachment.state = AttachmentState::Detaching { forced: forced || was_forced };
        }
    });
    Ok(())
}

/// Takes note of the interfaces that a running machine has.
pub(crate) fn seen(tx: &mut Tx<'_, '_>, instance: InstanceId, has: &[InterfaceId]) {
    let rows: Vec<_> = tx.interfaces.by_instance(&instance).cloned().collect();
    for row in rows {
        let is_there = has.contains(&row.id);
        match row.attachment.as_ref().map(|attachment| attachment.state) {
            Some(AttachmentState::Attaching) if is_there => arrived(tx, &row),
            Some(AttachmentState::Detaching { .. }) if !is_there => part(tx, row),
            _ => {}
        }
    }
}

/// Settles the attachments of a machine that has stopped: nothing holds what it was to lose, and what it was to get it
/// has from its next start on.
pub(crate) fn stopped(tx: &mut Tx<'_, '_>, instance: InstanceId) {
    let rows: Vec<_> = tx.interfaces.by_instance(&instance).cloned().collect();
    for row in rows {
        match row.attachment.as_ref().map(|attachment| attachment.state) {
            Some(AttachmentState::Attaching) => arrived(tx, &row),
            Some(AttachmentState::Detaching { .. }) => part(tx, row),
            _ => {}
        }
    }
}

fn arrived(tx: &mut Tx<'_, '_>, row: &NetworkInterface) {
    tx.update::<Interfaces, _>(&row.key(), |row| {
        if let Some(attachment) = &mut row.attachment {
            attachment.state = AttachmentState::Attached;
        }
    });
}

/// Frees an interface: it stays with its addresses, but for the public one that a start gave.
pub(crate) fn part(tx: &mut Tx<'_, '_>, mut row: NetworkInterface) {
    row.attachment = None;
    row.public_address = None;
    tx.put::<Interfaces>(row);
}

impl<'a> View<'a> {
    /// The tenant's interface of that id, which nothing may have.
    pub fn unattached(&self, id: InterfaceId) -> Result<&'a NetworkInterface, Fault> {
        let row = self.tenants_interface(id)?;
        if row.attachment.is_some() { Err(Fault::InterfaceInUse(id)) } else { Ok(row) }
    }

    /// The interface that is attached so.
    pub fn attached_by(&self, id: AttachmentId) -> Result<&'a NetworkInterface, Fault> {
        let mut rows = self.own(self.tables().interfaces.by_attachment(&id), |row| row.scope);
        rows.next().ok_or_else(|| Fault::no_such(id))
    }
}
