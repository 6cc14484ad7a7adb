//! elasticfilesystem:ListTagsForResource. Lists the tags of a file system or an access point.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::{demand_resource, resource};
use crate::tagging::{TagShape, shown_page};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListTagsForResource {
    resource_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourceResponse<'v> {
    tags: Vec<TagShape<'v>>,
}

impl Read for ListTagsForResource {
    const ACTION: Action = Action::efs("ListTagsForResource");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListTagsForResourceResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_resource(view, demands, Self::ACTION, &self.resource_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListTagsForResourceResponse<'v>, ApiError> {
        let (_, id) = resource(&look.view, &self.resource_id)?;
        Ok(ListTagsForResourceResponse { tags: shown_page(&look.view, &mut look.page, &id)? })
    }
}
