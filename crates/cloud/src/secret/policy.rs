//! Policies of secrets: whether a document is one, and whether it lets everybody in.

use landfall_policy::{DocumentKind, Policy};
use serde_json::Value;

use super::fault::SecretFault;

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

/// That a document is a policy that a secret can have.
pub fn check(document: &str) -> Result<(), SecretFault> {
    if document.len() > BYTES {
        return Err(SecretFault::Policy(format!("A resource policy has at most {BYTES} characters.")));
    }
    let read = Policy::parse_as(DocumentKind::Resource, document);
    read.map(drop).map_err(|why| {
        SecretFault::Policy(format!("This resource policy contains invalid Json or is malformed: {why}"))
    })
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
        assert!(check(&policy(r#"{"AWS":"111122223333"}"#, "")).is_ok());
        for bad in
            ["{", "{}", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#]
        {
            assert!(matches!(check(bad), Err(SecretFault::Policy(_))), "{bad}");
        }
    }
}
