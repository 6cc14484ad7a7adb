//! Policies of parameters. One that ends a parameter is acted on; those that only notify somebody are refused, since
//! there is nobody yet who would hear it.

use landfall_model::Timestamp;
use serde::Deserialize;

use super::fault::ParameterFault;
use crate::fault::Fault;

/// Policies of a parameter.
const LIMIT: usize = 10;

/// The policies of a parameter, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// The JSON of each.
    pub texts: Vec<String>,
    /// When the parameter goes.
    pub expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    #[serde(rename = "Type")]
    kind: Option<String>,
    version: Option<String>,
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attributes {
    timestamp: Option<String>,
}

/// Reads a JSON array of policies. An empty one, or one of an empty policy, takes away what there was.
pub fn parse(text: &str, now: Timestamp) -> Result<Policies, Fault> {
    let list: Vec<serde_json::Value> =
        serde_json::from_str(text).map_err(|_| attribute("Policies is no JSON array."))?;
    if list.len() > LIMIT {
        return Err(ParameterFault::Policies(LIMIT).into());
    }
    let mut policies = Policies::default();
    for value in list.iter().filter(|value| value.as_object().is_none_or(|members| !members.is_empty())) {
        if let Some(kind @ ("ExpirationNotification" | "NoChangeNotification")) = value["Type"].as_str() {
            return Err(Fault::Unsupported(format!("the parameter policy {kind}")));
        }
        let malformed = || attribute("A policy has a Type, a Version and Attributes, all of which are known.");
        let policy: Policy = serde_json::from_value(value.clone()).map_err(|_| malformed())?;
        match policy.kind.as_deref() {
            Some("Expiration") => {}
            other => return Err(ParameterFault::PolicyType(other.unwrap_or_default().to_owned()).into()),
        }
        if policy.version.as_deref() != Some("1.0") {
            return Err(attribute("The version of a policy is 1.0.").into());
        }
        let at = policy.attributes.and_then(|attributes| attributes.timestamp);
        let at = at.and_then(|text| text.parse().ok()).ok_or_else(|| attribute("Timestamp is no time of ISO 8601."))?;
        if at <= now {
            return Err(attribute("Timestamp lies in the past.").into());
        }
        if policies.expires_at.replace(at).is_some() {
            let message = "There can be only one policy of the type Expiration.";
            return Err(ParameterFault::PolicyConflict(message.into()).into());
        }
        policies.texts.push(value.to_string());
    }
    Ok(policies)
}

fn attribute(message: &str) -> ParameterFault {
    ParameterFault::PolicyAttribute(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str = r#"{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2027-01-01T00:00:00.000Z"}}"#;

    #[test]
    fn an_end_is_read_and_what_notifies_is_refused() {
        let now = Timestamp(1_795_341_600_000);
        let read = parse(&format!("[{END}]"), now).unwrap();
        assert_eq!(read.expires_at.map(|at| at.to_string()).as_deref(), Some("2027-01-01T00:00:00.000Z"));
        assert_eq!(read.texts.len(), 1);
        assert_eq!(parse("[]", now), Ok(Policies::default()));
        assert_eq!(parse("[{}]", now), Ok(Policies::default()));
        for (text, code) in [
            (format!("[{END},{END}]"), "only one"),
            (format!("[{}]", END.replace("2027", "2017")), "past"),
            (format!("[{}]", END.replace("2027-01-01T00:00:00.000Z", "soon")), "ISO 8601"),
            (format!("[{}]", END.replace("1.0", "2.0")), "version"),
            (format!("[{}]", END.replace("Expiration", "Nonsense")), "Nonsense"),
            (r#"[{"Type":"NoChangeNotification","Version":"1.0"}]"#.to_owned(), "unsupported"),
            ("{}".to_owned(), "array"),
            (format!("[{}]", [END; 11].join(",")), "maximum is 10"),
        ] {
            let error = parse(&text, now).unwrap_err().to_string();
            assert!(error.contains(code), "{text}: {error}");
        }
    }
}
