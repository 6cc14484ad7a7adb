//! ec2:CreateTags. Gives tags to resources of any kinds, or changes those that they have: to all of them or to none.

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::Done;
use super::shape::resource::{check_count, demand_all, need_all};
use super::shape::tag::{TagIn, claimed, pairs};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTags {
    resource_id: Vec<String>,
    tag: Vec<TagIn>,
}

impl Write for CreateTags {
    const ACTION: Action = Action::ec2("CreateTags");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_all(view, demands, Self::ACTION, &self.resource_id, &claimed(&self.tag));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        check_count(&self.resource_id)?;
        if self.tag.is_empty() {
            return Err(ApiError::missing("Tag"));
        }
        let tags = pairs(&self.tag)?;
        for resource in need_all(&tx.view(), &self.resource_id)? {
            tag::put(tx, resource.kind(), &resource.id(), &tags)?;
        }
        Ok(Done::OK)
    }
}
