//! Groups of users.

use landfall_model::{Group, Principal, UniqueId, UniqueKind};

use super::fault::IdentityFault;
use super::{naming, new_unique_id};
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Groups;
use crate::view::View;

/// Groups of an account.
pub const LIMIT: usize = 300;

/// The group of that name.
pub fn find<'a>(view: &View<'a>, name: &str) -> Option<&'a Group> {
    view.tables().groups.by_name(&(view.scope().account, name.to_ascii_lowercase())).next()
}

/// The group of that name, or that there is none.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<&'a Group, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("The group with name {name} cannot be found."));
    Ok(find(view, name).ok_or_else(no_such)?)
}

/// Who is in it.
pub fn users<'a>(view: &View<'a>, id: &UniqueId) -> impl Iterator<Item = &'a Principal> + use<'a> {
    view.tables().principals.by_group(id)
}

/// An account's groups.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Group> + use<'a> {
    view.tables().groups.by_account(&view.scope().account)
}

/// The groups that a user is in.
pub fn of_user<'a>(view: &View<'a>, user: &'a Principal) -> impl Iterator<Item = &'a Group> + use<'a> {
    let cloud = view.tables();
    user.user().into_iter().flat_map(|user| &user.groups).filter_map(|id| cloud.groups.get(id))
}

/// Makes a group.
pub fn create(tx: &mut Tx<'_, '_>, name: &str, path: &str) -> Result<UniqueId, Fault> {
    naming::check_name("groupName", name, naming::NAME_CHARS)?;
    naming::check_path("path", path)?;
    let account = tx.scope().account;
    if find(&tx.view(), name).is_some() {
        return Err(IdentityFault::Exists(format!("Group with name {name} already exists.")).into());
    }
    if tx.groups.by_account(&account).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "GroupsPerAccount", limit: LIMIT }.into());
    }
    let (id, created_at) = (new_unique_id(tx, UniqueKind::Group), tx.now());
    tx.put::<Groups>(Group {
        account,
        id: id.clone(),
        name: name.into(),
        path: path.into(),
        created_at,
        policies: Default::default(),
        attached: Default::default(),
    });
    Ok(id)
}

/// Deletes a group that nobody is in and nothing hangs on any more.
pub fn delete(tx: &mut Tx<'_, '_>, name: &str) -> Result<(), Fault> {
    let row = need(&tx.view(), name)?;
    let conflict =
        |what: &str| Err(IdentityFault::Conflict(format!("Cannot delete entity, must {what} first.")).into());
    if !row.attached.is_empty() {
        return conflict("detach all policies");
    }
    if !row.policies.is_empty() {
        return conflict("delete policies");
    }
    let id = row.id.clone();
    if users(&tx.view(), &id).next().is_some() {
        return conflict("remove users from group");
    }
    tx.delete::<Groups>(&id);
    Ok(())
}
