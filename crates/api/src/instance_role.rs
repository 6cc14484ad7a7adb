//! What EC2 does for instances with a profile: takes the profile's role in their name, and delivers the credentials through
//! the metadata service. A session is named by the instance, and its token carries where it was delivered and how.
//! Source: the EC2 User Guide, "IAM roles for Amazon EC2" and "Retrieve security credentials from instance metadata".

use landfall_cloud::{Cloud, View, profile_association};
use landfall_model::agent::Secret;
use landfall_model::delivery::{RoleCredentials, SessionKey};
use landfall_model::{Arn, Instance, Principal, Timestamp, UniqueKind};

use crate::error::ApiError;
use crate::session::{Delivery, NewSession, Session, SessionKind};
use crate::sts::shape::SECRET_CHARS;
use crate::vault::Vault;

/// How long credentials last, in seconds. Those of a role's other sessions end by what the role says; these don't.
const DURATION_S: u32 = 6 * 3600;
/// The two versions of the metadata service, as `ec2:RoleDelivery` says them.
const V1: &str = "1.0";
const V2: &str = "2.0";

/// The credentials of an instance's role: nothing where it has none, or where EC2 may not take it.
pub fn credentials(
    vault: &Vault,
    cloud: &Cloud,
    row: &Instance,
    now: Timestamp,
) -> Result<Option<RoleCredentials>, ApiError> {
    let view = View::new(cloud, row.scope, now);
    let Some(association) = view.profile_of(row.id) else { return Ok(None) };
    let plan = profile_association::role_of(&view, association);
    let Some(role) = plan.role().and_then(|id| cloud.principals.get(id)) else { return Ok(None) };
    let session = |delivery| deliver(vault, &view, row, role, delivery);
    let ((first, v1), (_, v2)) = (session(V1)?, session(V2)?);
    Ok(Some(RoleCredentials {
        role: role.id.clone(),
        issued_at: first.issued_at,
        expires_at: first.expires_at,
        v1,
        v2,
    }))
}

fn deliver(
    vault: &Vault,
    view: &View<'_>,
    row: &Instance,
    role: &Principal,
    version: &str,
) -> Result<(Session, SessionKey), ApiError> {
    let new = NewSession {
        kind: SessionKind::Role(row.id.to_string()),
        access_key: vault.make_id(UniqueKind::SessionKey, role.account)?,
        secret: vault.make(SECRET_CHARS)?,
        issued_at: view.now(),
        duration_s: DURATION_S,
    };
    let mut session = Session::new(role, new);
    session.delivery = Some(Delivery {
        instance: Arn::ec2(row.scope, row.id),
        version: version.to_owned(),
        vpc: row.spec.vpc,
        address: view.primary_interface(row.id).map(|row| row.primary()),
    });
    let key = SessionKey {
        access_key: session.access_key.clone(),
        secret: Secret(session.secret.clone()),
        token: Secret(session.seal(vault)),
    };
    Ok((session, key))
}
