//! Who called, as records tell it. Source: the CloudTrail User Guide, "CloudTrail userIdentity element".

use landfall_model::{Principal, PrincipalKind, Timestamp};
use landfall_wire::{Time, write_json_string};
use serde_json::Value;

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
        // The provider is nobody of the account's, least of all its root.
        (_, Some(SessionKind::Provider(_))) => "AssumedRole",
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
    if let Some(service) = caller.service {
        member(out, ",\"invokedBy", service);
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
    let mut text = Time(at.as_millis()).to_string();
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

/// The same name, as the identity in a record tells it.
pub fn user_name_of(identity: &Value) -> Option<&str> {
    match identity["type"].as_str()? {
        "Root" => Some("root"),
        "IAMUser" | "WebIdentityUser" => identity["userName"].as_str(),
        "AssumedRole" | "FederatedUser" => identity["principalId"].as_str()?.split_once(':').map(|(_, name)| name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use landfall_model::{AccountId, Role, TrustPolicy, UniqueId};

    use super::*;
    use crate::session::NewSession;

    #[test]
    fn the_name_that_is_filed_is_the_name_that_is_read() {
        let account: AccountId = "111122223333".parse().unwrap();
        let principal = |kind: PrincipalKind, name: &str| Principal {
            account,
            id: UniqueId::root(account),
            kind,
            name: name.into(),
            path: "/".into(),
            created_at: Timestamp(0),
            policies: Default::default(),
            attached: Default::default(),
            boundary: None,
        };
        let root = principal(PrincipalKind::Root, "");
        let user = principal(PrincipalKind::User(Default::default()), "alice");
        let trust = TrustPolicy { document: "{}".into(), named: Default::default() };
        let (description, max_session_s) = (String::new(), 3600);
        let role = Role { trust, description, max_session_s, linked_to: None, last_used: None };
        let role = principal(PrincipalKind::Role(role), "watch");
        let callers = [
            (&root, None),
            (&user, None),
            (&root, Some(SessionKind::Itself)),
            (&user, Some(SessionKind::Itself)),
            (&role, Some(SessionKind::Role("night".into()))),
            (&user, Some(SessionKind::Federated("guest".into()))),
            (&root, Some(SessionKind::Provider("operator".into()))),
        ];
        for (principal, kind) in callers {
            let session = kind.clone().map(|kind| {
                let (access_key, secret, issued_at) = ("ASIA".to_owned(), "s".to_owned(), Timestamp(0));
                Arc::new(Session::new(principal, NewSession { kind, access_key, secret, issued_at, duration_s: 900 }))
            });
            let caller = Caller {
                principal: Arc::new(principal.clone()),
                session,
                vouched: None,
                service: None,
                access_key: "ASIA".into(),
                source: IpAddr::V4(Ipv4Addr::LOCALHOST),
                secure: false,
                origin: None,
                headers: Default::default(),
            };
            let mut out = Vec::new();
            write(&mut out, &caller);
            let identity: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(user_name_of(&identity), Some(user_name(&caller)), "{kind:?} {identity}");
        }
    }
}
