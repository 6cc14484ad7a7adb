//! Tags of what has no region, and the operations on them.

use std::collections::BTreeMap;

use landfall_cloud::identity::tag;
pub use landfall_cloud::identity::tag::Tagged;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Look};

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

/// The demand of the action by which tags are put on what an action makes, where it makes any. It is of the same resource as
/// the demand before. Source: the IAM User Guide, "Tags for AWS Identity and Access Management resources".
pub fn demand_on_new(demands: &mut Demands, action: &'static str, tags: &[Tag]) {
    let Some(resource) = demands.list().last().map(|demand| demand.resource.clone()) else { return };
    if !tags.is_empty() {
        demands.resource(Action::iam(action), resource).request_tags(&by_key(tags));
    }
}

/// Adds tags to what has that id.
pub fn put(tx: &mut Tx<'_, '_>, kind: Tagged, id: impl AsRef<str>, tags: &[Tag]) -> Result<(), ApiError> {
    let pairs: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    Ok(tag::put(tx, kind, id.as_ref(), &pairs)?)
}

/// Removes tags of those keys.
pub fn remove(tx: &mut Tx<'_, '_>, kind: Tagged, id: impl AsRef<str>, keys: &[String]) -> Result<(), ApiError> {
    Ok(tag::remove(tx, kind, id.as_ref(), keys)?)
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
