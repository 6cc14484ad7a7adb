//! Roles and their trust policies.

use std::collections::BTreeMap;

use landfall_model::{Arn, Principal, PrincipalKind, Role, TrustPolicy, UniqueId, UniqueKind};
use landfall_policy::{DocumentKind, Malformed, Policy, PrincipalName};

use super::fault::IdentityFault;
use super::{managed_policy, naming, new_unique_id};
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, Principals};
use crate::view::View;

/// Roles of an account.
pub const LIMIT: usize = 1000;
/// How long a session may last at most, in seconds.
const SESSION_S: std::ops::RangeInclusive<u32> = 3600..=43_200;

/// The role of that name.
pub fn find<'a>(view: &View<'a>, name: &str) -> Option<&'a Principal> {
    view.tables().principals.by_place(&(view.scope().account, Principal::place_of_role(name))).next()
}

/// The role of that name, or that there is none.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<&'a Principal, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("The role with name {name} cannot be found."));
    Ok(find(view, name).ok_or_else(no_such)?)
}

/// An account's roles, by name.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Principal> + use<'a> {
    view.tables().principals.by_account(&view.scope().account).filter(|row| row.role().is_some())
}

/// What a role is made of.
#[derive(Clone, Debug)]
pub struct NewRole<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its path.
    pub path: &'a str,
    /// The trust policy's document.
    pub trust: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// How long its sessions may last, in seconds.
    pub max_session_s: u32,
    /// What bounds it.
    pub boundary: Option<Arn>,
}

/// Below which path the roles of services lie.
pub const OF_SERVICES: &str = "/aws-service-role/";
/// What the names of services' roles begin with, and what the provider's own sessions are called by: nobody is to be taken
/// for either.
const SERVICE_PREFIX: &str = "AWSServiceRoleFor";
const PROVIDERS: &str = "LandfallBreakGlass";

/// Refuses names that are kept for others.
fn check_free(new: &NewRole<'_>) -> Result<(), IdentityFault> {
    let begins = new.name.get(..SERVICE_PREFIX.len());
    let is_services = begins.is_some_and(|begins| begins.eq_ignore_ascii_case(SERVICE_PREFIX));
    if new.name.eq_ignore_ascii_case(PROVIDERS) || is_services && !new.path.starts_with(OF_SERVICES) {
        return Err(IdentityFault::Input(format!("The role name {} is reserved.", new.name)));
    }
    Ok(())
}

/// Makes a role.
pub fn create(tx: &mut Tx<'_, '_>, new: NewRole<'_>) -> Result<UniqueId, Fault> {
    naming::check_name("roleName", new.name, naming::ROLE_CHARS)?;
    naming::check_path("path", new.path)?;
    check_free(&new)?;
    naming::check_role_description(new.description)?;
    check_duration(new.max_session_s)?;
    let account = tx.scope().account;
    if find(&tx.view(), new.name).is_some() {
        return Err(IdentityFault::Exists(format!("Role with name {} already exists.", new.name)).into());
    }
    if all(&tx.view()).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "RolesPerAccount", limit: LIMIT }.into());
    }
    if let Some(boundary) = &new.boundary {
        managed_policy::need_boundary(&tx.view(), boundary)?;
    }
    let trust = trust(tx, new.trust)?;
    let (id, created_at) = (new_unique_id(tx, UniqueKind::Role), tx.now());
    tx.put::<Principals>(Principal {
        account,
        id: id.clone(),
        kind: PrincipalKind::Role(Role {
            trust,
            description: new.description.into(),
            max_session_s: new.max_session_s,
            linked_to: None,
            last_used: None,
        }),
        name: new.name.into(),
        path: new.path.into(),
        created_at,
        policies: Default::default(),
        attached: Default::default(),
        boundary: new.boundary,
    });
    Ok(id)
}

/// Changes what a role is for and how long its sessions may last.
pub fn describe(
    tx: &mut Tx<'_, '_>,
    id: &UniqueId,
    description: Option<&str>,
    max_session_s: Option<u32>,
) -> Result<(), Fault> {
    if let Some(text) = description {
        naming::check_role_description(text)?;
    }
    if let Some(seconds) = max_session_s {
        check_duration(seconds)?;
    }
    change(tx, id, |role| {
        if let Some(text) = description {
            role.description = text.into();
        }
        role.max_session_s = max_session_s.unwrap_or(role.max_session_s);
    });
    Ok(())
}

/// Gives a role another trust policy.
pub fn set_trust(tx: &mut Tx<'_, '_>, id: &UniqueId, document: &str) -> Result<(), Fault> {
    let trust = trust(tx, document)?;
    change(tx, id, |role| role.trust = trust);
    Ok(())
}

/// Deletes a role that nothing hangs on any more. Its sessions end with it.
pub fn delete(tx: &mut Tx<'_, '_>, id: &UniqueId) -> Result<(), Fault> {
    let Some(row) = tx.principals.get(id) else { return Ok(()) };
    let conflict =
        |what: &str| Err(IdentityFault::Conflict(format!("Cannot delete entity, must {what} first.")).into());
    if tx.instance_profiles.by_role(id).next().is_some() {
        return conflict("remove roles from instance profile");
    }
    if !row.attached.is_empty() {
        return conflict("detach all policies");
    }
    if !row.policies.is_empty() {
        return conflict("delete policies");
    }
    tag::forget(tx, id.as_str());
    tx.delete::<Principals>(id);
    Ok(())
}

/// A trust policy's document, read, with those whom it names. They must be there: a name that nobody has yet would mean
/// whoever takes it first.
fn trust(cloud: &Cloud, document: &str) -> Result<TrustPolicy, Fault> {
    let policy = Policy::parse_as(DocumentKind::Trust, document).map_err(IdentityFault::from)?;
    let named = named(cloud, &policy).map_err(IdentityFault::from)?;
    Ok(TrustPolicy { document: document.into(), named })
}

/// The users and roles that a policy names, each with its unique id.
pub fn named(cloud: &Cloud, policy: &Policy) -> Result<BTreeMap<Arn, UniqueId>, Malformed> {
    let mut named = BTreeMap::new();
    for name in policy.principals() {
        let PrincipalName::Arn(text) = name else { continue };
        let invalid = || Malformed::Principal { kind: "AWS".into(), value: text.to_string() };
        let arn: Arn = text.parse().map_err(|_| invalid())?;
        // A session's name is checked when somebody has it.
        if text.starts_with("arn:aws:sts:") {
            continue;
        }
        let row = by_arn(cloud, &arn).ok_or_else(invalid)?;
        named.insert(arn, row.id.clone());
    }
    Ok(named)
}

/// The user or role of an ARN.
pub fn by_arn<'a>(cloud: &'a Cloud, arn: &Arn) -> Option<&'a Principal> {
    let (kind, rest) = arn.resource().split_once('/')?;
    let name = rest.rsplit('/').next()?;
    let place = match kind {
        "user" => Principal::place_of_user(name),
        "role" => Principal::place_of_role(name),
        _ => return None,
    };
    cloud.principals.by_place(&(arn.account()?, place)).next().filter(|row| row.arn() == *arn)
}

fn check_duration(seconds: u32) -> Result<(), Fault> {
    if SESSION_S.contains(&seconds) {
        return Ok(());
    }
    let message = format!(
        "1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between {} and {}",
        SESSION_S.start(),
        SESSION_S.end()
    );
    Err(IdentityFault::Validation(message).into())
}

fn change(tx: &mut Tx<'_, '_>, id: &UniqueId, change: impl FnOnce(&mut Role)) {
    tx.update::<Principals, _>(id, |row| {
        if let PrincipalKind::Role(role) = &mut row.kind {
            change(role);
        }
    });
}
