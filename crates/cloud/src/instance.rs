//! Instances: how they are seen, and what may be changed of them.

use landfall_model::{Instance, InstanceId, InstanceState, InstanceType, NetworkInterface, SecurityGroupId};

use crate::fault::{Fault, QuotaKind};
use crate::interface;
use crate::tx::Tx;
use crate::value::{Instances, Interfaces, UserDataTable};
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
        (view.image(row.spec.image), view.interfaces_of(id).count())
    };
    let needs = image.map_or(0, |image| image.min_memory_mib);
    if kind.memory_mib < needs {
        let why = format!("its image needs {needs} MiB of memory");
        return Err(Fault::Invalid { name: "InstanceType", value: kind.name(), why });
    }
    if interfaces > kind.max_interfaces as usize {
        let why = format!("it has {interfaces} interfaces attached, more than the type takes");
        return Err(Fault::Invalid { name: "InstanceType", value: kind.name(), why });
    }
    let addresses = tx.view().interfaces_of(id).map(|row| row.addresses.len()).max().unwrap_or(0);
    if addresses > kind.addresses_per_interface as usize {
        return Err(Fault::Quota(QuotaKind::AddressesPerInterface, u64::from(kind.addresses_per_interface)));
    }
    change_stopped(tx, id, |row| {
        row.spec.instance_type = kind.name();
        if !kind.family.burstable {
            row.spec.cpu_credits = None;
        }
    })
}

/// Sets the security groups of an instance's primary interface.
pub fn set_groups(tx: &mut Tx<'_, '_>, id: InstanceId, groups: &[SecurityGroupId]) -> Result<(), Fault> {
    change(tx, id, |_| ())?;
    let view = tx.view();
    let row = view.primary_interface(id).ok_or_else(|| Fault::no_such(id))?;
    if view.interfaces_of(id).count() > 1 {
        return Err(Fault::Combination(format!(
            "There are multiple interfaces attached to instance '{id}'. Please specify an interface ID for the operation instead."
        )));
    }
    let groups = interface::check_groups(&view, row.vpc, groups)?;
    let key = row.key();
    tx.update::<Interfaces, _>(&key, |row| row.groups = groups);
    Ok(())
}

/// Removes user data that no instance of the scope has any more.
pub fn forget_user_data(tx: &mut Tx<'_, '_>, sha256: Option<String>) {
    let Some(sha256) = sha256 else { return };
    let key = tx.scope().key(sha256);
    if tx.instances.by_user_data.count(&key) == 0 {
        tx.delete::<UserDataTable>(&key);
    }
}
