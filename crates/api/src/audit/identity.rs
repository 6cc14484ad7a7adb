//! Who called, as records tell it. Source: the CloudTrail User Guide, "CloudTrail userIdentity element".

use landfall_model::{Principal, PrincipalKind, Timestamp};
use landfall_wire::write_json_string;

use crate::authorise::Caller;
use crate::session::{Session, SessionKind};

/// Writes the caller.
pub(super) fn write(out: &mut Vec<u8>, caller: &Caller) {
    if let Some(vouched) = &caller.vouched {
        member(out, r#"{"type":"WebIdentityUser","principalId"#, &vouched.name());
        member(out, ",\"userName", &vouched.subject);
        member(out, ",\"identityProvider", vouched.provider.as_str());
        out.push(b'}');
        return;
    }
    let principal = &caller.principal;
    let kind = match (&principal.kind, caller.session.as_ref().map(|session| &session.kind)) {
        (_, Some(SessionKind::Federated(_))) => "FederatedUser",
        (PrincipalKind::Root, _) => "Root",
        (PrincipalKind::User(_), _) => "IAMUser",
        (PrincipalKind::Role(_), _) => "AssumedRole",
    };
    out.extend_from_slice(br#"{"type":""#);
    out.extend_from_slice(kind.as_bytes());
    member(out, "\",\"principalId", &caller.user_id());
    member(out, ",\"arn", &caller.arn());
    member(out, ",\"accountId", &principal.account.to_string());
    member(out, ",\"accessKeyId", &caller.access_key);
    if kind == "IAMUser" {
        member(out, ",\"userName", &principal.name);
    }
    if let Some(session) = &caller.session {
        out.extend_from_slice(br#","sessionContext":{"#);
        if session.kind != SessionKind::Itself {
            issuer(out, principal);
            out.push(b',');
        }
        attributes(out, session);
        out.push(b'}');
    }
    out.push(b'}');
}

/// Writes the caller as another account sees it, whose resource was used.
pub(super) fn write_foreign(out: &mut Vec<u8>, caller: &Caller) {
    member(out, r#"{"type":"AWSAccount","principalId"#, &caller.user_id());
    member(out, ",\"accountId", &caller.principal.account.to_string());
    out.push(b'}');
}

/// What the session stands on.
fn issuer(out: &mut Vec<u8>, principal: &Principal) {
    let kind = match principal.kind {
        PrincipalKind::Root => "Root",
        PrincipalKind::User(_) => "IAMUser",
        PrincipalKind::Role(_) => "Role",
    };
    member(out, r#""sessionIssuer":{"type"#, kind);
    member(out, ",\"principalId", principal.id.as_str());
    member(out, ",\"arn", principal.arn().as_str());
    member(out, ",\"accountId", &principal.account.to_string());
    if kind != "Root" {
        member(out, ",\"userName", &principal.name);
    }
    out.push(b'}');
}

fn attributes(out: &mut Vec<u8>, session: &Session) {
    member(out, r#""attributes":{"creationDate"#, &second(session.issued_at));
    member(out, ",\"mfaAuthenticated", if session.mfa_at.is_some() { "true" } else { "false" });
    out.push(b'}');
    if let Some(source) = &session.source_identity {
        member(out, ",\"sourceIdentity", source);
    }
    if let Some(provider) = &session.provider {
        member(out, r#","webIdFederationData":{"federatedProvider"#, provider);
        out.push(b'}');
    }
}

/// Writes a name, whose first quotation mark it has itself with what comes before it, and its value.
fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write_json_string(out, value);
}

/// A moment to the second, as records have them.
pub(super) fn second(at: Timestamp) -> String {
    let mut text = at.to_string();
    text.truncate("2026-11-22T10:00:00".len());
    text.push('Z');
    text
}

/// The name that an event is looked up by: a user's, a session's, or root's.
pub(super) fn user_name(caller: &Caller) -> &str {
    if let Some(vouched) = &caller.vouched {
        return &vouched.subject;
    }
    match (&caller.principal.kind, caller.session.as_ref().map(|session| &session.kind)) {
        (_, Some(SessionKind::Role(name) | SessionKind::Federated(name) | SessionKind::Provider(name))) => name,
        (PrincipalKind::Root, _) => "root",
        _ => &caller.principal.name,
    }
}
