//! ssm:ListTagsForResource. Lists the tags of a parameter.

use landfall_cloud::{View, parameter};
use serde::{Deserialize, Serialize};

use super::shape::demand;
use super::shape::tag::ResourceType;
use crate::tagging::{self, TagShape};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListTagsForResource {
    resource_type: ResourceType,
    resource_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourceResult<'v> {
    tag_list: Vec<TagShape<'v>>,
}

impl Read for ListTagsForResource {
    const ACTION: Action = Action::ssm("ListTagsForResource");
    type Output<'v> = ListTagsForResourceResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.resource_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListTagsForResourceResult<'v>, ApiError> {
        let name = self.resource_type.parameter(&look.view, &self.resource_id)?;
        Ok(ListTagsForResourceResult { tag_list: tagging::shown(&look.view, &parameter::tag_id(&name)) })
    }
}
