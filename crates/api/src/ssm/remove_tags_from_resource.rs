//! ssm:RemoveTagsFromResource. Takes tags from a parameter.

use landfall_cloud::{Tx, View, parameter, tag};
use serde::Deserialize;

use super::shape::tag::ResourceType;
use super::shape::{Nothing, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RemoveTagsFromResource {
    resource_type: ResourceType,
    resource_id: String,
    tag_keys: Vec<String>,
}

impl Write for RemoveTagsFromResource {
    const ACTION: Action = Action::ssm("RemoveTagsFromResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand(view, demands, Self::ACTION, &self.resource_id);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let name = self.resource_type.parameter(&tx.view(), &self.resource_id)?;
        let which: Vec<_> = self.tag_keys.into_iter().map(|key| (key, None)).collect();
        if !which.is_empty() {
            tag::remove(tx, &parameter::tag_id(&name), &which);
        }
        Ok(Nothing {})
    }
}
