//! Instance profiles.

use landfall_model::{InstanceProfile, Principal, UniqueId, UniqueKind};

use super::fault::IdentityFault;
use super::holder::{Holder, check_modifiable};
use super::{naming, new_unique_id, role};
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::InstanceProfiles;
use crate::view::View;

/// Instance profiles of an account.
pub const LIMIT: usize = 1000;

/// The profile of that name.
pub fn find<'a>(view: &View<'a>, name: &str) -> Option<&'a InstanceProfile> {
    view.tables().instance_profiles.by_name(&(view.scope().account, name.to_ascii_lowercase())).next()
}

/// The profile of that name, or that there is none.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<&'a InstanceProfile, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("Instance Profile {name} cannot be found."));
    Ok(find(view, name).ok_or_else(no_such)?)
}

/// An account's profiles.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a InstanceProfile> + use<'a> {
    view.tables().instance_profiles.by_account(&view.scope().account)
}

/// The profiles that have a role.
pub fn of_role<'a>(view: &View<'a>, role: &UniqueId) -> impl Iterator<Item = &'a InstanceProfile> + use<'a> {
    view.tables().instance_profiles.by_role(role)
}

/// The role that a profile has.
pub fn role<'a>(view: &View<'a>, row: &InstanceProfile) -> Option<&'a Principal> {
    view.tables().principals.get(row.role.as_ref()?)
}

/// Makes a profile without a role.
pub fn create(tx: &mut Tx<'_, '_>, name: &str, path: &str) -> Result<UniqueId, Fault> {
    naming::check_name("instanceProfileName", name, naming::NAME_CHARS)?;
    naming::check_path("path", path)?;
    let account = tx.scope().account;
    if find(&tx.view(), name).is_some() {
        return Err(IdentityFault::Exists(format!("Instance Profile {name} already exists.")).into());
    }
    if tx.instance_profiles.by_account(&account).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "InstanceProfilesPerAccount", limit: LIMIT }.into());
    }
    let (id, created_at) = (new_unique_id(tx, UniqueKind::InstanceProfile), tx.now());
    tx.put::<InstanceProfiles>(InstanceProfile {
        account,
        id: id.clone(),
        name: name.into(),
        path: path.into(),
        created_at,
        role: None,
    });
    Ok(id)
}

/// Puts a role into a profile, which takes one.
pub fn add_role(tx: &mut Tx<'_, '_>, profile: &str, role: &str) -> Result<(), Fault> {
    let row = need(&tx.view(), profile)?;
    let role = role::need(&tx.view(), role)?;
    check_modifiable(Holder::Principal(role))?;
    let role = role.id.clone();
    if row.role.is_some() {
        return Err(IdentityFault::Limit { quota: "InstanceSessionsPerInstanceProfile", limit: 1 }.into());
    }
    let id = row.id.clone();
    tx.update::<InstanceProfiles, _>(&id, |row| row.role = Some(role));
    Ok(())
}

/// Takes the role out of a profile.
pub fn remove_role(tx: &mut Tx<'_, '_>, profile: &str, role: &str) -> Result<(), Fault> {
    let row = need(&tx.view(), profile)?;
    let role_id = &role::need(&tx.view(), role)?.id;
    if row.role.as_ref() != Some(role_id) {
        return Err(IdentityFault::NoSuch(format!("The role with name {role} cannot be found.")).into());
    }
    let id = row.id.clone();
    tx.update::<InstanceProfiles, _>(&id, |row| row.role = None);
    Ok(())
}

/// Deletes a profile that has no role.
pub fn delete(tx: &mut Tx<'_, '_>, name: &str) -> Result<(), Fault> {
    let row = need(&tx.view(), name)?;
    if row.role.is_some() {
        let message = "Cannot delete entity, must remove roles from instance profile first.";
        return Err(IdentityFault::Conflict(message.into()).into());
    }
    let id = row.id.clone();
    tag::forget(tx, id.as_str());
    tx.delete::<InstanceProfiles>(&id);
    Ok(())
}
