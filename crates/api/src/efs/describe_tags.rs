//! elasticfilesystem:DescribeTags. Lists the tags of a file system, as tools did before ListTagsForResource.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::{demand, file_system};
use crate::tagging::{TagShape, shown_page};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeTags {
    file_system_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeTagsResponse<'v> {
    tags: Vec<TagShape<'v>>,
}

impl Read for DescribeTags {
    const ACTION: Action = Action::efs("DescribeTags");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeTagsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTagsResponse<'v>, ApiError> {
        let id = file_system(&look.view, &self.file_system_id)?.id.to_string();
        Ok(DescribeTagsResponse { tags: shown_page(&look.view, &mut look.page, &id)? })
    }
}
