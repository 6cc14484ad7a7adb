//! Tags in the form of services that speak JSON: pairs of a key and a value.

use std::collections::BTreeMap;

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::page::Page;

/// A tag of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// The tags of a request, by key.
pub fn by_key(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// The same, where no key comes twice; else the error has that code.
pub fn distinct(tags: &[Tag], code: &'static str) -> Result<BTreeMap<String, String>, ApiError> {
    let all = by_key(tags);
    if all.len() < tags.len() {
        return Err(ApiError::new(code, "Each tag key can be given once only."));
    }
    Ok(all)
}

/// A tag in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagShape<'v> {
    key: &'v str,
    value: &'v str,
}

/// The tags that are kept under that id.
pub fn shown<'v>(view: &View<'v>, id: &str) -> Vec<TagShape<'v>> {
    let tags = view.tags(id).into_iter().flatten();
    tags.map(|(key, value)| TagShape { key, value }).collect()
}

/// A page of them, by key.
pub fn shown_page<'v>(view: &View<'v>, page: &mut Page, id: &str) -> Result<Vec<TagShape<'v>>, ApiError> {
    let tags = view.tags(id).into_iter().flatten();
    let taken = page.take(tags, |(key, _)| (*key).clone())?;
    Ok(taken.into_iter().map(|(key, value)| TagShape { key, value }).collect())
}
