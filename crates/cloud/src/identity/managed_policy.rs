//! Managed policies: an account's own, and those that come with every cloud.

use landfall_model::{AccountId, Arn, Group, ManagedPolicy, PolicyVersion, Principal, UniqueId, UniqueKind};
use landfall_policy::{DocumentKind, Malformed, Policy};

use super::fault::IdentityFault;
use super::provided::{self, Provided};
use super::{naming, new_unique_id};
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, ManagedPolicies};
use crate::view::View;

/// Managed policies of an account.
pub const LIMIT: usize = 1500;
/// Versions of a policy.
pub const VERSIONS: usize = 5;

/// A managed policy, whoever manages it.
#[derive(Clone, Copy, Debug)]
pub enum Managed<'a> {
    /// The account's.
    Own(&'a ManagedPolicy),
    /// One that comes with every cloud.
    Provided(&'static Provided),
}

impl<'a> Managed<'a> {
    /// The document that holds.
    pub fn document(self) -> &'a str {
        match self {
            Self::Own(row) => row.document(),
            Self::Provided(policy) => &policy.document,
        }
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Own(row) => &row.name,
            Self::Provided(policy) => &policy.name,
        }
    }
}

/// The policy of an ARN, as the account may attach it: its own, or one that comes with every cloud.
pub fn find<'a>(view: &View<'a>, arn: &Arn) -> Option<Managed<'a>> {
    of_account(view.tables(), view.scope().account, arn)
}

/// The same for a principal's account.
pub fn of_account<'a>(cloud: &'a Cloud, account: AccountId, arn: &Arn) -> Option<Managed<'a>> {
    if let Some(policy) = provided::find(arn) {
        return Some(Managed::Provided(policy));
    }
    let name = arn.resource().strip_prefix("policy/")?.rsplit('/').next()?.to_ascii_lowercase();
    let row = cloud.managed_policies.by_name(&(account, name)).next()?;
    (row.arn() == *arn).then_some(Managed::Own(row))
}

/// The account's own policies.
pub fn own<'a>(view: &View<'a>) -> impl Iterator<Item = &'a ManagedPolicy> + use<'a> {
    view.tables().managed_policies.by_account(&view.scope().account)
}

/// The users and roles that have it, attached or as a boundary.
pub fn principals<'a>(view: &View<'a>, arn: &Arn) -> impl Iterator<Item = &'a Principal> + use<'a> {
    view.tables().principals.by_policy(&(view.scope().account, arn.clone()))
}

/// The groups that have it.
pub fn groups<'a>(view: &View<'a>, arn: &Arn) -> impl Iterator<Item = &'a Group> + use<'a> {
    view.tables().groups.by_policy(&(view.scope().account, arn.clone()))
}

/// The policy of an ARN, or that there is none.
pub fn need<'a>(view: &View<'a>, arn: &Arn) -> Result<Managed<'a>, Fault> {
    Ok(find(view, arn).ok_or_else(|| IdentityFault::NoSuch(format!("Policy {arn} was not found.")))?)
}

/// The account's own policy of an ARN: what comes with every cloud nobody changes.
pub fn need_own<'a>(view: &View<'a>, arn: &Arn) -> Result<&'a ManagedPolicy, Fault> {
    match need(view, arn)? {
        Managed::Own(row) => Ok(row),
        Managed::Provided(_) => {
            let message = "Cannot update or delete a policy that comes with the cloud.";
            Err(IdentityFault::Input(message.into()).into())
        }
    }
}

/// That the policy of an ARN is there to be a permissions boundary.
pub fn need_boundary(view: &View<'_>, arn: &Arn) -> Result<(), Fault> {
    let no_such = || IdentityFault::NoSuch(format!("Scope ARN: {arn} does not exist or is not attachable."));
    find(view, arn).map(drop).ok_or_else(|| no_such().into())
}

/// How many principals and groups have it attached.
pub fn attachments(view: &View<'_>, arn: &Arn) -> usize {
    principals(view, arn).filter(|row| row.attached.contains(arn)).count() + groups(view, arn).count()
}

/// How many principals have it for a boundary.
pub fn boundaries(view: &View<'_>, arn: &Arn) -> usize {
    principals(view, arn).filter(|row| row.boundary.as_ref() == Some(arn)).count()
}

/// Makes a policy.
pub fn create(
    tx: &mut Tx<'_, '_>,
    name: &str,
    path: &str,
    description: &str,
    document: &str,
) -> Result<UniqueId, Fault> {
    naming::check_name("policyName", name, naming::NAME_CHARS)?;
    naming::check_path("path", path)?;
    naming::check_description(description)?;
    check(document)?;
    let account = tx.scope().account;
    if tx.managed_policies.by_name(&(account, name.to_ascii_lowercase())).next().is_some() {
        let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(IdentityFault::Exists(message).into());
    }
    if tx.managed_policies.by_account(&account).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "PoliciesPerAccount", limit: LIMIT }.into());
    }
    let (id, created_at) = (new_unique_id(tx, UniqueKind::Policy), tx.now());
    tx.put::<ManagedPolicies>(ManagedPolicy {
        account,
        id: id.clone(),
        name: name.into(),
        path: path.into(),
        description: description.into(),
        created_at,
        updated_at: created_at,
        versions: vec![PolicyVersion { number: 1, document: document.into(), created_at }],
        default_version: 1,
        next_version: 2,
    });
    Ok(id)
}

/// Makes a version of a policy, which may be the one that holds from now on. Returns its number.
pub fn add_version(tx: &mut Tx<'_, '_>, arn: &Arn, document: &str, is_default: bool) -> Result<u32, Fault> {
    let row = need_own(&tx.view(), arn)?;
    check(document)?;
    if row.versions.len() >= VERSIONS {
        let message = format!(
            "A managed policy can have up to {VERSIONS} versions. Before you create a new version, you must delete an existing version."
        );
        return Err(IdentityFault::Versions(message).into());
    }
    let (id, number, created_at) = (row.id.clone(), row.next_version, tx.now());
    tx.update::<ManagedPolicies, _>(&id, |row| {
        row.versions.push(PolicyVersion { number, document: document.into(), created_at });
        row.next_version += 1;
        row.updated_at = created_at;
        if is_default {
            row.default_version = number;
        }
    });
    Ok(number)
}

/// A version of a policy, or that there is none.
pub fn need_version(row: &ManagedPolicy, number: u32) -> Result<&PolicyVersion, Fault> {
    let no_such = || {
        IdentityFault::NoSuch(format!("Policy {} version v{number} does not exist or is not attachable.", row.arn()))
    };
    Ok(row.version(number).ok_or_else(no_such)?)
}

/// Has another version hold.
pub fn set_default(tx: &mut Tx<'_, '_>, arn: &Arn, number: u32) -> Result<(), Fault> {
    let row = need_own(&tx.view(), arn)?;
    need_version(row, number)?;
    let (id, now) = (row.id.clone(), tx.now());
    tx.update::<ManagedPolicies, _>(&id, |row| {
        row.default_version = number;
        row.updated_at = now;
    });
    Ok(())
}

/// Deletes a version that doesn't hold.
pub fn delete_version(tx: &mut Tx<'_, '_>, arn: &Arn, number: u32) -> Result<(), Fault> {
    let row = need_own(&tx.view(), arn)?;
    need_version(row, number)?;
    if row.default_version == number {
        return Err(IdentityFault::Conflict("Cannot delete the default version of a policy.".into()).into());
    }
    let (id, now) = (row.id.clone(), tx.now());
    tx.update::<ManagedPolicies, _>(&id, |row| {
        row.versions.retain(|version| version.number != number);
        row.updated_at = now;
    });
    Ok(())
}

/// Deletes a policy that nothing has and whose other versions are gone.
pub fn delete(tx: &mut Tx<'_, '_>, arn: &Arn) -> Result<(), Fault> {
    let row = need_own(&tx.view(), arn)?;
    let id = row.id.clone();
    if attachments(&tx.view(), arn) + boundaries(&tx.view(), arn) > 0 {
        return Err(IdentityFault::Conflict("Cannot delete a policy attached to entities.".into()).into());
    }
    if row.versions.len() > 1 {
        let message = "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.";
        return Err(IdentityFault::Conflict(message.into()).into());
    }
    tag::forget(tx, id.as_str());
    tx.delete::<ManagedPolicies>(&id);
    Ok(())
}

fn check(document: &str) -> Result<(), Malformed> {
    Policy::parse_as(DocumentKind::Managed, document).map(drop)
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Fault::Identity(malformed.into())
    }
}
