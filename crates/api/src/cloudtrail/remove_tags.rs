//! cloudtrail:RemoveTags. Takes tags off a trail.

use landfall_cloud::{Tx, View, tag, trail};
use serde::{Deserialize, Serialize};

use super::shape::{TagShape, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RemoveTags {
    resource_id: String,
    tags_list: Vec<TagShape>,
}

#[derive(Serialize)]
pub struct RemoveTagsResponse {}

impl Write for RemoveTags {
    const ACTION: Action = Action::cloudtrail("RemoveTags");
    type Output<'t> = RemoveTagsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand(view, demands, Self::ACTION, &self.resource_id);
        if !self.tags_list.is_empty() {
            demand.context.set_many("aws:TagKeys", self.tags_list.iter().map(|tag| tag.key.as_str()));
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<RemoveTagsResponse, ApiError> {
        let arn = trail::tagged(&tx.view(), &self.resource_id)?;
        let which: Vec<_> = self.tags_list.into_iter().map(|tag| (tag.key, tag.value)).collect();
        if !which.is_empty() {
            tag::remove(tx, arn.as_str(), &which);
        }
        Ok(RemoveTagsResponse {})
    }
}
