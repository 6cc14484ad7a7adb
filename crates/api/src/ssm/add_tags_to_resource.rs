//! ssm:AddTagsToResource. Adds tags to a parameter, or changes those that it has.

use landfall_cloud::{Tx, View, parameter, tag};
use serde::Deserialize;

use super::shape::tag::ResourceType;
use super::shape::{Nothing, demand};
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddTagsToResource {
    resource_type: ResourceType,
    resource_id: String,
    tags: Vec<Tag>,
}

impl Write for AddTagsToResource {
    const ACTION: Action = Action::ssm("AddTagsToResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.resource_id).request_tags(&tagging::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let name = self.resource_type.parameter(&tx.view(), &self.resource_id)?;
        let tags = tagging::distinct(&self.tags, "ValidationException")?;
        tag::put(tx, "parameter", &parameter::tag_id(&name), &tags)?;
        Ok(Nothing {})
    }
}
