//! What EC2 does for instances with a profile: takes the profile's role in their name, and delivers the credentials through
//! the metadata service. A session is named by the instance, and its token carries where it was delivered and how.
//! Source: the EC2 User Guide, "IAM roles for Amazon EC2" and "Retrieve security credentials from instance metadata".

use landfall_cloud::{Cloud, View, profile_association};
use landfall_model::agent::Secret;
use landfall_model::delivery::{RoleCredentials, SessionKey};
use landfall_model::{Arn, Instance, Principal, Timestamp, UniqueKind};
use landfall_state::BulkEntry;

use crate::audit;
use crate::error::ApiError;
use crate::session::{Delivery, NewSession, Session, SessionKind};
use crate::sts::shape::SECRET_CHARS;
use crate::vault::Vault;

/// How long credentials last, in seconds. Those of a role's other sessions end by what the role says; these don't.
const DURATION_S: u32 = 6 * 3600;
/// Who takes the role.
const EC2: &str = "ec2.amazonaws.com";
/// The two versions of the metadata service, as `ec2:RoleDelivery` says them.
const V1: &str = "1.0";
const V2: &str = "2.0";

/// An instance's credentials, and the records that EC2 took its role: one of each session.
#[derive(Debug)]
pub struct Lent {
    /// They.
    pub credentials: RoleCredentials,
    /// What must be taken into the audit before they are given to anybody.
    pub records: Vec<BulkEntry>,
}

/// The credentials of an instance's role: nothing where it has none, or where EC2 may not take it.
pub fn credentials(vault: &Vault, cloud: &Cloud, row: &Instance, now: Timestamp) -> Result<Option<Lent>, ApiError> {
    let view = View::new(cloud, row.scope, now);
    let Some(association) = view.profile_of(row.id) else { return Ok(None) };
    let plan = profile_association::role_of(&view, association);
    let Some(role) = plan.role().and_then(|id| cloud.principals.get(id)) else { return Ok(None) };
    let session = |delivery| deliver(vault, &view, row, role, delivery);
    let ((first, v1), (second, v2)) = (session(V1)?, session(V2)?);
    let (role_id, issued_at, expires_at) = (role.id.clone(), first.issued_at, first.expires_at);
    let credentials = RoleCredentials { role: role_id, issued_at, expires_at, v1, v2 };
    let mut records = Vec::with_capacity(2);
    for session in [first, second] {
        let mut bits = [0; 16];
        aws_lc_rs::rand::fill(&mut bits).map_err(|_| ApiError::internal())?;
        records.extend(audit::taken(EC2, row.scope, role, &row.id.to_string(), &session, u128::from_le_bytes(bits)));
    }
    Ok(Some(Lent { credentials, records }))
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
