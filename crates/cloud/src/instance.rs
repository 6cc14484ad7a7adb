//! Instances: how they are seen, and what may be changed of them.

use landfall_model::{Instance, InstanceId, InstanceState, InstanceType, NetworkInterface, SecurityGroupId};

use crate::fault::Fault;
use crate::interface;
use crate::interface_address::check_fits;
use crate::tx::Tx;
use crate::value::{Instances, UserDataTable};
use crate::view::View;

impl<'a> View<'a> {
    /// The interfaces of an instance, in no particular order.
    pub fn interfaces_of(&self, id: InstanceId) -> impl Iterator<Item = &'a NetworkInterface> {
        self.tables().interfaces.by_instance(&id)
    }

    /// The primary interface of an instance; none once it is terminated.
    pub fn primary_interface(&self, id: InstanceId) -> Option<&'a NetworkInterface> {
        self.interfaces_of(id).find(|row| row.attachment.as_ref().is_some_and(|a| a.device_index == 0))
    }

    /// The interface of an instance that has no other: with several, it must be said which.
    pub fn only_interface(&self, id: InstanceId) -> Result<&'a NetworkInterface, Fault> {
        let mut rows = self.interfaces_of(id);
        match (rows.next(), rows.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Fault::no_such(id)),
            (Some(_), Some(_)) => Err(Fault::ManyInterfaces(id)),
        }
    }

    /// The user data of an instance, in base64.
    pub fn user_data(&self, instance: &Instance) -> Option<&'a str> {
        let sha256 = instance.spec.user_data.clone()?;
        self.find::<UserDataTable, _>(sha256).map(|row| row.base64.as_str())
    }
}

/// Changes a row of an instance that isn't over.
pub fn change<R>(tx: &mut Tx<'_, '_>, id: InstanceId, change: impl FnOnce(&mut Instance) -> R) -> Result<R, Fault> {
    let row = tx.view().need::<Instances, _>(id)?;
    if row.status.state.is_over() {
        return Err(Fault::State { id: id.to_string(), state: row.status.state, wants: "running or stopped" });
    }
    let key = row.key();
    tx.update::<Instances, _>(&key, change).ok_or_else(|| Fault::no_such(id))
}

/// Changes a row of an instance that is stopped.
pub fn change_stopped<R>(
    tx: &mut Tx<'_, '_>,
    id: InstanceId,
    run: impl FnOnce(&mut Instance) -> R,
) -> Result<R, Fault> {
    let state = tx.view().need::<Instances, _>(id)?.status.state;
    if state != InstanceState::Stopped {
        return Err(Fault::State { id: id.to_string(), state, wants: "stopped" });
    }
    change(tx, id, run)
}

/// Gives a stopped instance another type: vertical scaling.
pub fn resize(tx: &mut Tx<'_, '_>, id: InstanceId, kind: InstanceType) -> Result<(), Fault> {
    let (image, interfaces) = {
        let view = tx.view();
        let row = view.need::<Instances, _>(id)?;
        let traits = view.traits(row);
        crate::image::check_boot(traits.and_then(|traits| traits.boot_mode), kind)?;
        (traits.map(|traits| traits.min_memory_mib), view.interfaces_of(id).count())
    };
    let needs = image.unwrap_or(0);
    if kind.memory_mib < needs {
        let why = format!("its image needs {needs} MiB of memory");
        return Err(Fault::Invalid { name: "InstanceType", value: kind.name(), why });
    }
    if interfaces > kind.max_interfaces as usize {
        let why = format!("it has {interfaces} interfaces attached, more than the type takes");
        return Err(Fault::Invalid { name: "InstanceType", value: kind.name(), why });
    }
    for row in tx.view().interfaces_of(id) {
        check_fits(kind, row.addresses.len() as u64, row.ipv6.len() as u64)?;
    }
    change_stopped(tx, id, |row| {
        row.spec.instance_type = kind.name();
        if !kind.family.burstable {
            row.spec.cpu_credits = None;
        }
    })
}

/// Sets the security groups of an instance's only interface.
pub fn set_groups(tx: &mut Tx<'_, '_>, id: InstanceId, groups: &[SecurityGroupId]) -> Result<(), Fault> {
    change(tx, id, |_| ())?;
    let only = tx.view().only_interface(id)?.id;
    interface::set_groups(tx, only, groups)
}

/// Says whether an instance's only interface may send and receive only as itself.
pub fn set_source_dest_check(tx: &mut Tx<'_, '_>, id: InstanceId, on: bool) -> Result<(), Fault> {
    change(tx, id, |_| ())?;
    let only = tx.view().only_interface(id)?.id;
    interface::change(tx, only, |row| row.source_dest_check = on)
}

/// Removes user data that no instance of the scope has any more.
pub fn forget_user_data(tx: &mut Tx<'_, '_>, sha256: Option<String>) {
    let Some(sha256) = sha256 else { return };
    let key = tx.scope().key(sha256);
    if tx.instances.by_user_data.count(&key) == 0 {
        tx.delete::<UserDataTable>(&key);
    }
}
