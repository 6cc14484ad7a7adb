//! The `Principal` element's forms.

use super::{one_or_many, text};
use crate::json::Json;
use crate::malformed::Malformed;
use crate::principal::PrincipalName;

/// Reads the element as pairs of kind and value.
pub(super) fn read(value: &Json) -> Result<Vec<(String, String)>, Malformed> {
    let Json::Object(kinds) = value else {
        return match text(value)? {
            "*" => Ok(vec![("AWS".to_owned(), "*".to_owned())]),
            _ => Err(Malformed::Syntax("a principal that is neither * nor an object")),
        };
    };
    let mut names = Vec::new();
    for (kind, values) in kinds {
        if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str()) {
            return Err(Malformed::Syntax("an unknown kind of principal"));
        }
        names.extend(one_or_many(values)?.into_iter().map(|value| (kind.clone(), value)));
    }
    Ok(names)
}

/// Parses one name. Canonical user ids belong to S3 alone and are refused: skipping one in a deny would grant.
pub(super) fn parse(kind: &str, value: &str) -> Result<PrincipalName, Malformed> {
    let parsed = match kind {
        "AWS" => parse_aws(value),
        "Service" => is_service(value).then(|| PrincipalName::Service(value.into())),
        "Federated" => (is_host(value) || is_provider(value)).then(|| PrincipalName::Federated(value.into())),
        _ => None,
    };
    parsed.ok_or_else(|| Malformed::Principal { kind: kind.to_owned(), value: value.to_owned() })
}

fn parse_aws(value: &str) -> Option<PrincipalName> {
    if value == "*" {
        return Some(PrincipalName::Everyone);
    }
    if is_account(value) {
        return Some(PrincipalName::Account(value.into()));
    }
    if is_unique_id(value) {
        return Some(PrincipalName::Id(value.into()));
    }
    let fields = crate::statement::arn_fields(value)?;
    let [_, partition, service, "", account, resource] = fields else { return None };
    if !super::resource::is_partition(partition) || !is_account(account) || value.contains(['*', '?']) {
        return None;
    }
    let parts: Vec<&str> = resource.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    match (service, parts.as_slice()) {
        ("iam", ["root"]) => Some(PrincipalName::Account(account.into())),
        ("iam", ["user" | "role", _, ..]) | ("sts", ["assumed-role", _, _] | ["federated-user", _]) => {
            Some(PrincipalName::Arn(value.into()))
        }
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `AIDA…` of a user, `AROA…` of a role.
fn is_unique_id(text: &str) -> bool {
    text.len() >= 16
        && (text.starts_with("AIDA") || text.starts_with("AROA"))
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_service(text: &str) -> bool {
    is_host(text)
        && (text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn") || text.ends_with(".internal"))
}

fn is_host(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| !label.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn is_provider(text: &str) -> bool {
    crate::statement::arn_fields(text).is_some_and(|[_, partition, service, region, account, resource]| {
        super::resource::is_partition(partition)
            && service == "iam"
            && region.is_empty()
            && is_account(account)
            && (resource.starts_with("oidc-provider/") || resource.starts_with("saml-provider/"))
    })
}
