//! cloudtrail:AddTags. Tags a trail.

use landfall_cloud::{Tx, View, tag, trail};
use serde::{Deserialize, Serialize};

use super::shape::{TagShape, by_key, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddTags {
    resource_id: String,
    tags_list: Vec<TagShape>,
}

#[derive(Serialize)]
pub struct AddTagsResponse {}

impl Write for AddTags {
    const ACTION: Action = Action::cloudtrail("AddTags");
    type Output<'t> = AddTagsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.resource_id).request_tags(&by_key(&self.tags_list));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AddTagsResponse, ApiError> {
        let arn = trail::tagged(&tx.view(), &self.resource_id)?;
        tag::put(tx, "trail", arn.as_str(), &by_key(&self.tags_list))?;
        Ok(AddTagsResponse {})
    }
}
