//! Tags on the wire: what requests specify, and how answers show them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// A tag, in or out.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagIn {
    key: String,
    #[serde(default)]
    value: String,
}

/// A tag as answers show it.
#[derive(Clone, Debug, Serialize)]
pub struct Tag<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
}

/// `TagSpecification.N`: tags for the resources of one kind that a call makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagSpecification {
    resource_type: String,
    #[serde(default)]
    tag: Vec<TagIn>,
}

/// All of a call's tag specifications.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct TagSpecifications(Vec<TagSpecification>);

impl TagSpecifications {
    /// The tags for a kind of resource. Every specification must be for one of the kinds that the call makes.
    pub fn of(&self, kind: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let mut tags = BTreeMap::new();
        for specification in self.0.iter().filter(|specification| specification.resource_type == kind) {
            tags.extend(pairs(&specification.tag)?);
        }
        Ok(tags)
    }

    /// That no specification is for a kind that the call doesn't make.
    pub fn check(&self, kinds: &[&str]) -> Result<(), ApiError> {
        for specification in &self.0 {
            let kind = specification.resource_type.as_str();
            if !kinds.contains(&kind) {
                let message = format!("'{kind}' is not a valid taggable resource type for this operation.");
                return Err(ApiError::new("InvalidParameterValue", message));
            }
        }
        Ok(())
    }

    /// The tags for a kind, without looking whether they are any good: for demands, which come before.
    pub fn claimed(&self, kind: &str) -> BTreeMap<String, String> {
        let specifications = self.0.iter().filter(|specification| specification.resource_type == kind);
        specifications.flat_map(|s| s.tag.iter().map(|tag| (tag.key.clone(), tag.value.clone()))).collect()
    }
}

/// Tags as a map, without looking whether they are any good: for demands, which come before.
pub fn claimed(list: &[TagIn]) -> BTreeMap<String, String> {
    list.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// Tags as a map; the same key twice is refused.
pub fn pairs(list: &[TagIn]) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in list {
        if tags.insert(tag.key.clone(), tag.value.clone()).is_some() {
            let message = format!("Duplicate tag key '{}' specified.", tag.key);
            return Err(ApiError::new("InvalidParameterValue", message));
        }
    }
    Ok(tags)
}

/// The tags of a resource as answers show them: by key; `None`, and so no element, where it has none.
pub fn tag_set<'v>(view: &View<'v>, resource: &str) -> Option<Vec<Tag<'v>>> {
    let tags = view.tags(resource)?;
    Some(tags.iter().map(|(key, value)| Tag { key: key.as_str().into(), value: value.as_str().into() }).collect())
}
