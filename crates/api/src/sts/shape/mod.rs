//! Shapes that several operations of STS share: what narrows a session, and the credentials that it is.

pub mod taking;

use std::collections::BTreeMap;

use landfall_cloud::identity::{managed_policy, naming, tag};
use landfall_cloud::{Fault, View};
use landfall_model::{AccountId, Arn, UniqueKind};
use landfall_policy::{DocumentKind, Malformed, Policy};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use crate::authorise::Caller;
use crate::session::{NewSession, Session, SessionKind};
use crate::{ApiError, Vault};

/// Characters of a secret, as AWS has them.
pub const SECRET_CHARS: usize = 40;
/// Managed policies that may narrow a session. Source: the STS API Reference on AssumeRole.
const MANAGED: usize = 10;

/// A managed policy that narrows a session.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDescriptor {
    arn: String,
}

/// A session's tag.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SessionTag {
    key: String,
    value: String,
}

/// The tags of a request, by key.
pub fn by_key(tags: &[SessionTag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// Checks tags, whose keys are told apart without regard to case.
pub fn check_tags(tags: &[SessionTag]) -> Result<(), ApiError> {
    check_pairs(&tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect::<Vec<_>>())
}

/// The same of tags that are told apart already.
pub fn check_by_key(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    check_pairs(&tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>())
}

fn check_pairs(tags: &[(&str, &str)]) -> Result<(), ApiError> {
    let invalid = |message: &str| Err(ApiError::new("InvalidParameterValue", message));
    tag::check_form(tags).map_err(Fault::from)?;
    let mut keys: Vec<_> = tags.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return invalid(tag::DUPLICATE);
    }
    if keys.iter().any(|key| tag::is_reserved(key)) {
        return invalid(tag::RESERVED);
    }
    Ok(())
}

/// What narrows a session, read: a document, and managed policies of the account that the session acts in.
pub fn narrowing(
    view: &View<'_>,
    account: AccountId,
    policy: Option<&str>,
    managed: &[PolicyDescriptor],
) -> Result<(Vec<String>, Vec<Arn>), ApiError> {
    if let Some(document) = policy {
        Policy::parse_as(DocumentKind::Session, document).map_err(|malformed| match malformed {
            Malformed::TooLarge { .. } => ApiError::new("PackedPolicyTooLarge", malformed.to_string()),
            _ => ApiError::new("MalformedPolicyDocument", malformed.to_string()),
        })?;
    }
    if managed.len() > MANAGED {
        return Err(ApiError::new("ValidationError", "A session takes at most 10 managed policies."));
    }
    let find = |descriptor: &PolicyDescriptor| {
        let invalid = || ApiError::new("ValidationError", format!("Policy {} is not valid.", descriptor.arn));
        let arn: Arn = descriptor.arn.parse().map_err(|_| invalid())?;
        managed_policy::of_account(view.tables(), account, &arn).map(|_| arn).ok_or_else(invalid)
    };
    let managed = managed.iter().map(find).collect::<Result<_, _>>()?;
    Ok((policy.map(str::to_owned).into_iter().collect(), managed))
}

/// The credentials of a new session, without what is sealed in them.
pub fn new_session(
    vault: &Vault,
    view: &View<'_>,
    account: AccountId,
    kind: SessionKind,
    duration_s: u32,
) -> Result<NewSession, ApiError> {
    Ok(NewSession {
        kind,
        access_key: vault.make_id(UniqueKind::SessionKey, account)?,
        secret: vault.make(SECRET_CHARS)?,
        issued_at: view.now(),
        duration_s,
    })
}

/// How long a session is to last, in seconds, of what is allowed.
pub fn duration(asked: Option<u32>, default: u32, allowed: std::ops::RangeInclusive<u32>) -> Result<u32, ApiError> {
    let seconds = asked.unwrap_or(default);
    if allowed.contains(&seconds) {
        return Ok(seconds);
    }
    let side = if seconds < *allowed.start() {
        format!("greater than or equal to {}", allowed.start())
    } else {
        format!("less than or equal to {}", allowed.end())
    };
    Err(ApiError::new(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value {side}"
        ),
    ))
}

/// Checks a session's name.
pub fn check_name(member: &str, name: &str, chars: std::ops::RangeInclusive<usize>) -> Result<(), ApiError> {
    Ok(naming::check_session_name(member, name, chars).map_err(Fault::from)?)
}

/// That the caller's credentials last: a session doesn't make others of its kind.
pub fn check_lasting(caller: Option<&Caller>, action: &str) -> Result<(), ApiError> {
    if caller.is_some_and(|caller| caller.session.is_none()) {
        return Ok(());
    }
    Err(ApiError::new("AccessDenied", format!("Cannot call {action} with session credentials")).with_status(403))
}

/// Temporary credentials.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: Time,
}

/// The credentials that a session is.
pub fn credentials(vault: &Vault, session: Session) -> Credentials {
    Credentials {
        session_token: session.seal(vault),
        expiration: Time(session.expires_at.as_millis()),
        access_key_id: session.access_key,
        secret_access_key: session.secret,
    }
}

/// How much of the room for policies and tags a session takes, in per cent; nothing where it has neither. What takes more than
/// there is makes no session: its token goes along with each call, through whatever bounds headers on the way.
pub fn packed_size(session: &Session) -> Result<Option<usize>, ApiError> {
    const ROOM: usize = 2048 * 2;
    let policies = session.policies.iter().map(String::len).chain(session.managed.iter().map(|arn| arn.as_str().len()));
    let policies: usize = policies.sum();
    let tags: usize = session.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let percent = ((policies + tags) * 100).div_ceil(ROOM);
    if percent > 100 {
        let message = match policies {
            0 => format!("Packed size of session tags consumes {percent}% of allotted space."),
            _ => format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
        };
        return Err(ApiError::new("PackedPolicyTooLarge", message));
    }
    Ok((percent > 0).then_some(percent))
}
