//! Tags of keys.

use std::collections::BTreeMap;

use landfall_cloud::kms::KmsFault;
use landfall_cloud::{Tx, tag};
use landfall_model::KmsKeyId;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// The type of resource under which tags of keys are kept.
const KIND: &str = "kms-key";

/// A tag.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    tag_key: String,
    tag_value: String,
}

/// A tag in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagShape<'v> {
    /// Its key.
    pub tag_key: &'v str,
    /// Its value.
    pub tag_value: &'v str,
}

/// The tags of a request, by key.
pub fn by_key(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.tag_key.clone(), tag.tag_value.clone())).collect()
}

/// Under which name a key's tags are kept.
pub fn owner(id: KmsKeyId) -> String {
    format!("key/{id}")
}

/// Adds tags to a key.
pub fn put(tx: &mut Tx<'_, '_>, id: KmsKeyId, tags: &[Tag]) -> Result<(), ApiError> {
    let all = by_key(tags);
    if all.len() != tags.len() {
        return Err(KmsFault::Tag("Duplicate tag keys".into()).into());
    }
    match tag::put(tx, KIND, &owner(id), &all) {
        Err(landfall_cloud::Fault::Invalid { why, .. }) => Err(KmsFault::Tag(why).into()),
        done => Ok(done?),
    }
}
