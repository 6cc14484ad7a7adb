//! Tags of what has no region, and the operations on them.

use std::collections::BTreeMap;

use landfall_cloud::{Tx, View, tag};
use serde::{Deserialize, Serialize};

use crate::{ApiError, Look};

/// A tag.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    key: String,
    value: String,
}

/// The tags of a request, by key.
pub fn by_key(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// Refuses keys that come twice. IAM doesn't tell keys apart by case.
pub fn check(tags: &[Tag]) -> Result<(), ApiError> {
    let mut keys: Vec<_> = tags.iter().map(|tag| tag.key.to_ascii_lowercase()).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(ApiError::new("InvalidInput", message));
    }
    Ok(())
}

/// Adds tags to what has that id.
pub fn put(tx: &mut Tx<'_, '_>, kind: &str, id: impl AsRef<str>, tags: &[Tag]) -> Result<(), ApiError> {
    check(tags)?;
    Ok(tag::put(tx, kind, id.as_ref(), &by_key(tags))?)
}

/// Removes tags of those keys.
pub fn remove(tx: &mut Tx<'_, '_>, id: impl AsRef<str>, keys: Vec<String>) {
    if !keys.is_empty() {
        tag::remove(tx, id.as_ref(), &keys.into_iter().map(|key| (key, None)).collect::<Vec<_>>());
    }
}

/// A tag in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagShape<'v> {
    key: &'v str,
    value: &'v str,
}

/// The tags of what has that id.
pub fn tags<'v>(view: &View<'v>, id: impl AsRef<str>) -> Vec<TagShape<'v>> {
    let tags = view.tags(id.as_ref()).into_iter().flatten();
    tags.map(|(key, value)| TagShape { key, value }).collect()
}

/// The answer of the lists of tags.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagList<'v> {
    tags: Vec<TagShape<'v>>,
}

/// A page of the tags of what has that id.
pub fn list<'v>(look: &mut Look<'v, '_>, id: impl AsRef<str>) -> Result<TagList<'v>, ApiError> {
    let tags = tags(&look.view, id);
    Ok(TagList { tags: look.page.take(tags, |tag| tag.key.to_owned())? })
}
