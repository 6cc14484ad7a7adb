//! Roles that are linked to a service: the service's principal alone takes them, and nobody else changes them.
//!
//! Which there are is the services' own to say. The names are AWS's; those that are listed are of the services that
//! Landfall has or will have.

use std::time::Duration;

use landfall_model::{Arn, Principal, PrincipalKind, RoleDeletion, UniqueId};

use super::fault::IdentityFault;
use super::role::{self, NewRole};
use super::{naming, provided};
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{Principals, RoleDeletions};
use crate::view::View;

/// How long a task is shown.
const SHOWN: Duration = Duration::from_secs(24 * 3600);
/// How long its sessions last at most, in seconds.
const SESSION_S: u32 = 3600;

/// A service that roles are linked to.
struct Service {
    principal: &'static str,
    role: &'static str,
    /// The managed policy that its role has, where it has one.
    policy: Option<&'static str>,
    /// Whether an account may have several.
    takes_suffix: bool,
}

static SERVICES: &[Service] = &[
    Service {
        principal: "autoscaling.amazonaws.com",
        role: "AWSServiceRoleForAutoScaling",
        policy: Some("AutoScalingServiceRolePolicy"),
        takes_suffix: true,
    },
    Service { principal: "backup.amazonaws.com", role: "AWSServiceRoleForBackup", policy: None, takes_suffix: false },
    Service {
        principal: "cloudtrail.amazonaws.com",
        role: "AWSServiceRoleForCloudTrail",
        policy: None,
        takes_suffix: false,
    },
    Service { principal: "config.amazonaws.com", role: "AWSServiceRoleForConfig", policy: None, takes_suffix: false },
    Service {
        principal: "elasticloadbalancing.amazonaws.com",
        role: "AWSServiceRoleForElasticLoadBalancing",
        policy: Some("AWSElasticLoadBalancingServiceRolePolicy"),
        takes_suffix: false,
    },
    Service {
        principal: "events.amazonaws.com",
        role: "AWSServiceRoleForCloudWatchEvents",
        policy: None,
        takes_suffix: false,
    },
    Service { principal: "spot.amazonaws.com", role: "AWSServiceRoleForEC2Spot", policy: None, takes_suffix: false },
    Service { principal: "ssm.amazonaws.com", role: "AWSServiceRoleForAmazonSSM", policy: None, takes_suffix: false },
    Service {
        principal: "transitgateway.amazonaws.com",
        role: "AWSServiceRoleForVPCTransitGateway",
        policy: None,
        takes_suffix: false,
    },
];

/// Where the role of a service stands, and what it is called.
pub fn place(service: &str, suffix: Option<&str>) -> (String, String) {
    let known = SERVICES.iter().find(|known| known.principal == service).map_or("", |known| known.role);
    let name = suffix.map_or_else(|| known.to_owned(), |suffix| format!("{known}_{suffix}"));
    (format!("/aws-service-role/{service}/"), name)
}

/// Makes the role of a service.
pub fn create(tx: &mut Tx<'_, '_>, service: &str, description: &str, suffix: Option<&str>) -> Result<UniqueId, Fault> {
    let invalid = |message: String| Fault::from(IdentityFault::Input(message));
    let known = SERVICES.iter().find(|known| known.principal == service);
    let known = known.ok_or_else(|| invalid(format!("{service} has no service-linked role here.")))?;
    if let Some(suffix) = suffix {
        naming::check_name("customSuffix", suffix, naming::ROLE_CHARS)?;
        if !known.takes_suffix {
            return Err(invalid(format!("Custom suffix is not allowed for {service}")));
        }
    }
    let (path, name) = place(service, suffix);
    if role::find(&tx.view(), &name).is_some() {
        let message =
            format!("Service role name {name} has been taken in this account, please try a different suffix.");
        return Err(invalid(message));
    }
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let new =
        NewRole { name: &name, path: &path, trust: &trust, description, max_session_s: SESSION_S, boundary: None };
    let id = role::create(tx, new)?;
    let policy = known.policy.map(|policy| Arn::provided_policy("/aws-service-role/", policy));
    let attached = policy.filter(|arn| provided::find(arn).is_some());
    tx.update::<Principals, _>(&id, |row| {
        row.attached.extend(attached);
        if let PrincipalKind::Role(role) = &mut row.kind {
            role.linked_to = Some(service.to_owned());
        }
    });
    Ok(id)
}

/// The role of that name that is linked to a service, with the service.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<(&'a Principal, &'a str), Fault> {
    let row = role::need(view, name)?;
    let service = row.role().and_then(|role| role.linked_to.as_deref());
    let no_such = || IdentityFault::NoSuch(format!("The service-linked role with name {name} cannot be found."));
    Ok((row, service.ok_or_else(no_such)?))
}

/// Deletes the role of a service, which nothing of the service's uses: no service here acts by its role yet. Returns the
/// task's id.
pub fn delete(tx: &mut Tx<'_, '_>, name: &str) -> Result<String, Fault> {
    let (row, service) = need(&tx.view(), name)?;
    let (role, name, service) = (row.id.clone(), row.name.clone(), service.to_owned());
    let bits = tx.entropy().next_u128();
    let number = format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 68 & 0xfff,
        bits >> 56 & 0xfff,
        bits & 0xffff_ffff_ffff
    );
    let id = format!("task/aws-service-role/{service}/{name}/{number}");
    let (account, done_at) = (tx.scope().account, tx.now());
    tag::forget(tx, role.as_str());
    tx.delete::<Principals>(&role);
    let expires_at = done_at + SHOWN;
    tx.put::<RoleDeletions>(RoleDeletion { id: id.clone(), account, name, role, done_at, expires_at });
    Ok(id)
}

/// The task of that id, or that there is none.
pub fn need_deletion<'a>(view: &View<'a>, id: &str) -> Result<&'a RoleDeletion, Fault> {
    let row = view.tables().role_deletions.get(&id.to_owned()).filter(|row| row.account == view.scope().account);
    let no_such = || IdentityFault::NoSuch(format!("Deletion task {id} cannot be found."));
    Ok(row.ok_or_else(no_such)?)
}
