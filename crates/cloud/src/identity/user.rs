//! Users.

use landfall_model::{Arn, Principal, PrincipalKind, UniqueId, UniqueKind, User};

use super::fault::IdentityFault;
use super::{group, managed_policy, mfa, naming, new_unique_id, ssh_public_key};
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::Principals;
use crate::view::View;

/// Users of an account. Source: the IAM User Guide, "IAM and AWS STS quotas", as are the other limits.
pub const LIMIT: usize = 5000;
/// Groups that a user may be in.
pub const GROUPS: usize = 10;

/// The user of that name.
pub fn find<'a>(view: &View<'a>, name: &str) -> Option<&'a Principal> {
    view.tables().principals.by_place(&(view.scope().account, Principal::place_of_user(name))).next()
}

/// The user of that name, or that there is none.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<&'a Principal, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("The user with name {name} cannot be found."));
    Ok(find(view, name).ok_or_else(no_such)?)
}

/// An account's users, by name.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Principal> + use<'a> {
    view.tables().principals.by_account(&view.scope().account).filter(|row| row.user().is_some())
}

/// The user or root of that id, if it is of this account.
pub fn by_id<'a>(view: &View<'a>, id: &UniqueId) -> Option<&'a Principal> {
    let row = view.tables().principals.get(id).filter(|row| row.account == view.scope().account)?;
    row.role().is_none().then_some(row)
}

/// Makes a user.
pub fn create(tx: &mut Tx<'_, '_>, name: &str, path: &str, boundary: Option<Arn>) -> Result<UniqueId, Fault> {
    naming::check_name("userName", name, naming::USER_CHARS)?;
    naming::check_path("path", path)?;
    let account = tx.scope().account;
    if find(&tx.view(), name).is_some() {
        return Err(IdentityFault::Exists(format!("User with name {name} already exists.")).into());
    }
    if all(&tx.view()).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "UsersPerAccount", limit: LIMIT }.into());
    }
    if let Some(boundary) = &boundary {
        managed_policy::need_boundary(&tx.view(), boundary)?;
    }
    let (id, created_at) = (new_unique_id(tx, UniqueKind::User), tx.now());
    tx.put::<Principals>(Principal {
        account,
        id: id.clone(),
        kind: PrincipalKind::User(User::default()),
        name: name.into(),
        path: path.into(),
        created_at,
        policies: Default::default(),
        attached: Default::default(),
        boundary,
    });
    Ok(id)
}

/// Deletes a user that nothing hangs on any more.
pub fn delete(tx: &mut Tx<'_, '_>, id: &UniqueId) -> Result<(), Fault> {
    let Some(row) = tx.principals.get(id) else { return Ok(()) };
    let conflict =
        |what: &str| Err(IdentityFault::Conflict(format!("Cannot delete entity, must {what} first.")).into());
    if !row.attached.is_empty() {
        return conflict("detach all policies");
    }
    if !row.policies.is_empty() {
        return conflict("delete policies");
    }
    if row.user().is_some_and(|user| !user.groups.is_empty()) {
        return conflict("remove users from group");
    }
    if tx.access_keys.by_principal(id).next().is_some() {
        return conflict("delete access keys");
    }
    if row.user().is_some_and(|user| user.login.is_some()) {
        return conflict("delete login profile");
    }
    if !ssh_public_key::all(row).is_empty() {
        return conflict("delete SSH public keys");
    }
    if mfa::of(&tx.view(), id).next().is_some() {
        return conflict("deactivate MFA device");
    }
    tag::forget(tx, id.as_str());
    tx.delete::<Principals>(id);
    Ok(())
}

/// Puts a user into a group.
pub fn join(tx: &mut Tx<'_, '_>, user: &str, group: &str) -> Result<(), Fault> {
    let group = group::need(&tx.view(), group)?.id.clone();
    let row = need(&tx.view(), user)?;
    let groups = row.user().map(|user| &user.groups);
    if groups.is_some_and(|groups| groups.contains(&group)) {
        return Ok(());
    }
    if groups.is_some_and(|groups| groups.len() >= GROUPS) {
        return Err(IdentityFault::Limit { quota: "GroupsPerUser", limit: GROUPS }.into());
    }
    let id = row.id.clone();
    change(tx, &id, |user| {
        user.groups.insert(group);
    });
    Ok(())
}

/// Takes a user out of a group.
pub fn leave(tx: &mut Tx<'_, '_>, user: &str, group: &str) -> Result<(), Fault> {
    let group = group::need(&tx.view(), group)?.id.clone();
    let row = need(&tx.view(), user)?;
    if !row.user().is_some_and(|user| user.groups.contains(&group)) {
        return Err(IdentityFault::NoSuch(format!("The user with name {user} is not in the group.")).into());
    }
    let id = row.id.clone();
    change(tx, &id, |user| {
        user.groups.remove(&group);
    });
    Ok(())
}

fn change(tx: &mut Tx<'_, '_>, id: &UniqueId, change: impl FnOnce(&mut User)) {
    tx.update::<Principals, _>(id, |row| {
        if let PrincipalKind::User(user) = &mut row.kind {
            change(user);
        }
    });
}
