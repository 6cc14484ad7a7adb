//! dlm:ListTagsForResource. Lists the tags of a policy.

use std::collections::BTreeMap;

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::{demand_arn, tags, target};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListTagsForResource {
    #[serde(rename = "resourceArn")]
    resource_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourceResponse<'v> {
    tags: BTreeMap<&'v str, &'v str>,
}

impl Read for ListTagsForResource {
    const ACTION: Action = Action::dlm("ListTagsForResource");
    type Output<'v> = ListTagsForResourceResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_arn(view, demands, Self::ACTION, &self.resource_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListTagsForResourceResponse<'v>, ApiError> {
        let row = target(&look.view, &self.resource_arn)?;
        Ok(ListTagsForResourceResponse { tags: tags(&look.view, row) })
    }
}
