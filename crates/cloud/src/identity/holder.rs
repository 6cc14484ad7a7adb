//! What has policies: users, groups and roles. Inline ones are part of the holder, managed ones are attached by ARN.

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::{Arn, Group, Principal, UniqueId};
use landfall_policy::{DocumentKind, Policy};

use super::fault::IdentityFault;
use super::{group, managed_policy, naming, role, user};
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::{Groups, Principals};
use crate::view::View;

/// Managed policies that may be attached to one holder.
pub const ATTACHED: usize = 10;

/// The kinds of holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

/// What has policies.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A user or a role.
    Principal(&'a Principal),
    /// A group.
    Group(&'a Group),
}

impl HolderKind {
    /// What it is called, in lower case.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// The quota of its inline policies together: AWS's name of it and how many characters, white space aside.
    pub const fn inline(self) -> (&'static str, usize) {
        match self {
            Self::User => ("UserPolicySize", 2_048),
            Self::Group => ("GroupPolicySize", 5_120),
            Self::Role => ("RolePolicySize", 10_240),
        }
    }

    const fn attached(self) -> &'static str {
        match self {
            Self::User => "PoliciesPerUser",
            Self::Group => "PoliciesPerGroup",
            Self::Role => "PoliciesPerRole",
        }
    }
}

impl<'a> Holder<'a> {
    /// The holder of that kind and name, or that there is none.
    pub fn need(view: &View<'a>, kind: HolderKind, name: &str) -> Result<Self, Fault> {
        match kind {
            HolderKind::User => user::need(view, name).map(Self::Principal),
            HolderKind::Group => group::need(view, name).map(Self::Group),
            HolderKind::Role => role::need(view, name).map(Self::Principal),
        }
    }

    /// Its unique id.
    pub fn id(self) -> &'a UniqueId {
        match self {
            Self::Principal(row) => &row.id,
            Self::Group(row) => &row.id,
        }
    }

    /// Its inline policies.
    pub fn policies(self) -> &'a BTreeMap<String, String> {
        match self {
            Self::Principal(row) => &row.policies,
            Self::Group(row) => &row.policies,
        }
    }

    /// Its managed policies.
    pub fn attached(self) -> &'a BTreeSet<Arn> {
        match self {
            Self::Principal(row) => &row.attached,
            Self::Group(row) => &row.attached,
        }
    }

    /// An inline policy of it, or that there is none.
    pub fn need_policy(self, kind: HolderKind, name: &str) -> Result<&'a str, Fault> {
        let no_such = || IdentityFault::NoSuch(format!("The {} policy with name {name} cannot be found.", kind.noun()));
        Ok(self.policies().get(name).ok_or_else(no_such)?)
    }
}

/// Gives a user or group another name or path. Roles keep theirs.
pub fn rename(
    tx: &mut Tx<'_, '_>,
    kind: HolderKind,
    holder: &str,
    name: Option<&str>,
    path: Option<&str>,
) -> Result<(), Fault> {
    let id = Holder::need(&tx.view(), kind, holder)?.id().clone();
    if let Some(path) = path {
        naming::check_path("newPath", path)?;
    }
    if let Some(name) = name {
        let (member, most, noun) = match kind {
            HolderKind::Group => ("newGroupName", naming::NAME_CHARS, "Group"),
            HolderKind::User | HolderKind::Role => ("newUserName", naming::USER_CHARS, "User"),
        };
        naming::check_name(member, name, most)?;
        if Holder::need(&tx.view(), kind, name).is_ok_and(|other| *other.id() != id) {
            return Err(IdentityFault::Exists(format!("{noun} with name {name} already exists.")).into());
        }
    }
    let set = |row_name: &mut String, row_path: &mut String| {
        name.into_iter().for_each(|name| name.clone_into(row_name));
        path.into_iter().for_each(|path| path.clone_into(row_path));
    };
    match kind {
        HolderKind::Group => tx.update::<Groups, _>(&id, |row| set(&mut row.name, &mut row.path)),
        HolderKind::User | HolderKind::Role => tx.update::<Principals, _>(&id, |row| set(&mut row.name, &mut row.path)),
    };
    Ok(())
}

/// Adds an inline policy to a holder, or replaces the one of that name.
pub fn put_policy(
    tx: &mut Tx<'_, '_>,
    kind: HolderKind,
    holder: &str,
    name: &str,
    document: &str,
) -> Result<(), Fault> {
    naming::check_name("policyName", name, naming::NAME_CHARS)?;
    let row = Holder::need(&tx.view(), kind, holder)?;
    check_modifiable(row)?;
    let size = Policy::parse_as(DocumentKind::Inline, document)?.size();
    let others = row.policies().iter().filter(|(other, _)| *other != name);
    let total: usize = others.filter_map(|(_, text)| Policy::parse(text).ok()).map(|policy| policy.size()).sum();
    let (quota, limit) = kind.inline();
    if total + size > limit {
        return Err(IdentityFault::Limit { quota, limit }.into());
    }
    let id = row.id().clone();
    change(tx, kind, &id, |policies, _| {
        policies.insert(name.into(), document.into());
    });
    Ok(())
}

/// Removes an inline policy.
pub fn delete_policy(tx: &mut Tx<'_, '_>, kind: HolderKind, holder: &str, name: &str) -> Result<(), Fault> {
    let row = Holder::need(&tx.view(), kind, holder)?;
    check_modifiable(row)?;
    row.need_policy(kind, name)?;
    let id = row.id().clone();
    change(tx, kind, &id, |policies, _| {
        policies.remove(name);
    });
    Ok(())
}

/// Attaches a managed policy. One that is attached already stays so.
pub fn attach(tx: &mut Tx<'_, '_>, kind: HolderKind, holder: &str, arn: &Arn) -> Result<(), Fault> {
    let row = Holder::need(&tx.view(), kind, holder)?;
    check_modifiable(row)?;
    if managed_policy::find(&tx.view(), arn).is_none() {
        return Err(IdentityFault::NoSuch(format!("Policy {arn} does not exist or is not attachable.")).into());
    }
    if row.attached().contains(arn) {
        return Ok(());
    }
    if row.attached().len() >= ATTACHED {
        return Err(IdentityFault::Limit { quota: kind.attached(), limit: ATTACHED }.into());
    }
    let id = row.id().clone();
    change(tx, kind, &id, |_, attached| {
        attached.insert(arn.clone());
    });
    Ok(())
}

/// Detaches a managed policy.
pub fn detach(tx: &mut Tx<'_, '_>, kind: HolderKind, holder: &str, arn: &Arn) -> Result<(), Fault> {
    let row = Holder::need(&tx.view(), kind, holder)?;
    check_modifiable(row)?;
    if !row.attached().contains(arn) {
        return Err(IdentityFault::NoSuch(format!("Policy {arn} was not found.")).into());
    }
    let id = row.id().clone();
    change(tx, kind, &id, |_, attached| {
        attached.remove(arn);
    });
    Ok(())
}

/// Bounds a user or role by a managed policy, or no more.
pub fn set_boundary(tx: &mut Tx<'_, '_>, id: &UniqueId, boundary: Option<Arn>) -> Result<(), Fault> {
    match (&boundary, tx.principals.get(id)) {
        (Some(arn), _) => managed_policy::need_boundary(&tx.view(), arn)?,
        (None, Some(row)) if row.boundary.is_none() => {
            return Err(IdentityFault::NoSuch("No permissions boundary is set.".into()).into());
        }
        (None, _) => {}
    }
    tx.update::<Principals, _>(id, |row| row.boundary = boundary);
    Ok(())
}

/// A role that is linked to a service is the service's to change.
pub fn check_modifiable(holder: Holder<'_>) -> Result<(), Fault> {
    let Holder::Principal(row) = holder else { return Ok(()) };
    let Some(service) = row.role().and_then(|role| role.linked_to.as_ref()) else { return Ok(()) };
    let message = format!(
        "Cannot perform the operation on the protected role '{}' - this role is only modifiable by {service}",
        row.name
    );
    Err(IdentityFault::Unmodifiable(message).into())
}

fn change(
    tx: &mut Tx<'_, '_>,
    kind: HolderKind,
    id: &UniqueId,
    change: impl FnOnce(&mut BTreeMap<String, String>, &mut BTreeSet<Arn>),
) {
    match kind {
        HolderKind::User | HolderKind::Role => {
            tx.update::<Principals, _>(id, |row| change(&mut row.policies, &mut row.attached));
        }
        HolderKind::Group => {
            tx.update::<Groups, _>(id, |row| change(&mut row.policies, &mut row.attached));
        }
    }
}
