//! Policies of secrets: whether a document is one, and whether it lets everybody in.

use landfall_model::TrustPolicy;
use landfall_policy::{DocumentKind, Policy};
use serde_json::Value;

use super::fault::SecretFault;
use crate::identity::role;
use crate::value::Cloud;

/// The longest policy, in bytes.
const BYTES: usize = 20_480;
/// Condition keys by which a policy says whose calls it means. Source: the Secrets Manager User Guide on public access,
/// and the IAM User Guide, "Public access" of Access Analyzer.
const NARROWING: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "kms:calleraccount",
];

/// Reads a policy that a secret can have, with those whom it names. They must be there: a name that nobody has yet would mean
/// whoever takes it first.
pub fn read(cloud: &Cloud, document: &str) -> Result<TrustPolicy, SecretFault> {
    if document.len() > BYTES {
        return Err(SecretFault::Policy(format!("A resource policy has at most {BYTES} characters.")));
    }
    let read = Policy::parse_as(DocumentKind::Resource, document).map_err(|why| {
        SecretFault::Policy(format!("This resource policy contains invalid Json or is malformed: {why}"))
    })?;
    let unsupported = |_| SecretFault::Policy("This resource policy contains an unsupported principal.".into());
    let named = role::named(cloud, &read).map_err(unsupported)?;
    Ok(TrustPolicy { document: document.into(), named })
}

/// Whether a policy lets callers in that it doesn't name, and doesn't narrow down by a condition either.
pub fn is_public(document: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(document) else { return true };
    let statements = match &value["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    statements.into_iter().any(|statement| {
        statement["Effect"] == "Allow"
            && (statement.get("NotPrincipal").is_some() || names_everybody(&statement["Principal"]))
            && !is_narrowed(&statement["Condition"])
    })
}

fn names_everybody(principal: &Value) -> bool {
    match principal {
        Value::String(name) => name == "*",
        Value::Array(names) => names.iter().any(names_everybody),
        Value::Object(kinds) => kinds.values().any(names_everybody),
        _ => false,
    }
}

/// Whether one of the conditions holds for certain callers only. Operators that hold where the key is absent, or that
/// exclude some, let the others in; a wildcard lets anybody.
fn is_narrowed(condition: &Value) -> bool {
    let Some(operators) = condition.as_object() else { return false };
    operators.iter().any(|(operator, keys)| {
        let narrows = matches!(operator.as_str(), "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike");
        let is_named = |value: &Value| match value {
            Value::String(text) => !text.starts_with('*'),
            Value::Array(texts) => texts.iter().all(|text| text.as_str().is_some_and(|text| !text.starts_with('*'))),
            _ => false,
        };
        let mut keys = keys.as_object().into_iter().flatten();
        narrows && keys.any(|(key, value)| NARROWING.contains(&key.to_ascii_lowercase().as_str()) && is_named(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"secretsmanager:GetSecretValue","Resource":"*"{condition}}}]}}"#
        )
    }

    #[test]
    fn what_names_nobody_is_public_unless_a_condition_does() {
        let narrowed = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
        let excluded = r#","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
        let anybody = r#","Condition":{"StringLike":{"aws:PrincipalArn":"*"}}"#;
        for (principal, condition, public) in [
            (r#""*""#, "", true),
            (r#"{"AWS":"*"}"#, "", true),
            (r#"{"AWS":["arn:aws:iam::111122223333:root","*"]}"#, "", true),
            (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "", false),
            (r#""*""#, narrowed, false),
            (r#""*""#, excluded, true),
            (r#""*""#, anybody, true),
        ] {
            assert_eq!(is_public(&policy(principal, condition)), public, "{principal} {condition}");
        }
        assert!(!is_public(&policy(r#""*""#, "").replace("Allow", "Deny")));
    }

    #[test]
    fn a_policy_says_whom_it_means() {
        let cloud = Cloud::default();
        assert!(read(&cloud, &policy(r#"{"AWS":"111122223333"}"#, "")).is_ok());
        let nobody = policy(r#"{"AWS":"arn:aws:iam::111122223333:user/nobody"}"#, "");
        assert!(matches!(read(&cloud, &nobody), Err(SecretFault::Policy(_))));
        for bad in
            ["{", "{}", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#]
        {
            assert!(matches!(read(&cloud, bad), Err(SecretFault::Policy(_))), "{bad}");
        }
    }
}
