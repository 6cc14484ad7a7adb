//! What a token's issuer says of the session that it is for: its tags, those of them that go on to other sessions, and who a
//! chain of roles begins with. Source: the IAM User Guide, "Pass session tags in AWS STS" and "Monitor and control actions
//! taken with assumed roles".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE: &str = "https://aws.amazon.com/source_identity";

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Tags of the session.
    pub tags: BTreeMap<String, String>,
    /// The keys of those that go on.
    pub transitive: BTreeSet<String>,
    /// Who a chain of roles begins with.
    pub source: Option<String>,
}

impl Labels {
    /// Reads it of the claims: nothing where it can't be read. Issuers that can't nest claims write the tags one by one,
    /// behind a longer name.
    pub(super) fn read(claims: &Map<String, Value>) -> Option<Self> {
        let mut labels = Self::default();
        if let Some(nested) = claims.get(TAGS) {
            let nested = nested.as_object()?;
            for (key, value) in nested.get("principal_tags").map_or(Some(&Map::new()), Value::as_object)? {
                labels.tags.insert(key.clone(), one(value)?);
            }
            labels.go_on(nested.get("transitive_tag_keys"))?;
        }
        for (name, value) in claims {
            let Some(rest) = name.strip_prefix(TAGS).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if rest == "transitive_tag_keys" {
                labels.go_on(Some(value))?;
            } else if let Some(key) = rest.strip_prefix("principal_tags/") {
                labels.tags.insert(key.to_owned(), one(value)?);
            }
        }
        labels.source = match claims.get(SOURCE) {
            None => None,
            Some(source) => Some(source.as_str()?.to_owned()),
        };
        Some(labels)
    }

    fn go_on(&mut self, keys: Option<&Value>) -> Option<()> {
        match keys {
            None => {}
            Some(Value::String(key)) => _ = self.transitive.insert(key.clone()),
            Some(keys) => {
                for key in keys.as_array()? {
                    self.transitive.insert(key.as_str()?.to_owned());
                }
            }
        }
        Some(())
    }
}

/// A tag has one value, alone or in a list of itself.
fn one(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(values) if values.len() == 1 => values[0].as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: Value) -> Option<Labels> {
        Labels::read(claims.as_object().unwrap())
    }

    #[test]
    fn tags_are_read_nested_and_one_by_one() {
        let nested = read(json!({ TAGS: { "principal_tags": { "team": ["blue"] }, "transitive_tag_keys": ["team"] } }));
        let flat = read(json!({
            "https://aws.amazon.com/tags/principal_tags/team": "blue",
            "https://aws.amazon.com/tags/transitive_tag_keys": "team",
        }));
        assert_eq!(nested, flat);
        let nested = nested.unwrap();
        assert_eq!((nested.tags["team"].as_str(), nested.transitive.len()), ("blue", 1));
        assert_eq!(read(json!({})), Some(Labels::default()));
        assert_eq!(read(json!({ SOURCE: "alice" })).unwrap().source.as_deref(), Some("alice"));
        for bad in [
            json!({ TAGS: "x" }),
            json!({ TAGS: { "principal_tags": { "team": ["blue", "red"] } } }),
            json!({ TAGS: { "principal_tags": { "team": 7 } } }),
            json!({ TAGS: { "transitive_tag_keys": 7 } }),
            json!({ SOURCE: 7 }),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
