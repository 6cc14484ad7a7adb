//! ec2:DeleteTags. Takes tags from resources of any kinds: by key, by key and value, or all of them.

use std::collections::BTreeMap;

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::Done;
use super::shape::resource::{check_count, demand_all, need_all};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTags {
    resource_id: Vec<String>,
    #[serde(default)]
    tag: Vec<TagToDelete>,
}

/// Without a value, the tag goes whatever its value is; with one, and be it empty, only if it has that value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagToDelete {
    key: String,
    value: Option<String>,
}

impl Write for DeleteTags {
    const ACTION: Action = Action::ec2("DeleteTags");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags: BTreeMap<_, _> =
            self.tag.iter().map(|tag| (tag.key.clone(), tag.value.clone().unwrap_or_default())).collect();
        demand_all(view, demands, Self::ACTION, &self.resource_id, &tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        check_count(&self.resource_id)?;
        if let Some(reserved) = self.tag.iter().find(|tag| tag.key.to_ascii_lowercase().starts_with("aws:")) {
            let why = "Tag keys starting with 'aws:' are reserved for internal use";
            return Err(ApiError::invalid("tag", &reserved.key, why));
        }
        let resources = need_all(&tx.view(), &self.resource_id)?;
        let which: Vec<_> = self.tag.into_iter().map(|tag| (tag.key, tag.value)).collect();
        for resource in resources {
            tag::remove(tx, &resource.id(), &which);
        }
        Ok(Done::OK)
    }
}
