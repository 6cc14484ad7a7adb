//! dlm:TagResource. Gives a policy tags, or changes those that it has.

use std::collections::BTreeMap;

use landfall_cloud::{Tx, View, lifecycle, tag};
use serde::Deserialize;

use super::shape::{Done, demand_arn, target};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagResource {
    #[serde(rename = "resourceArn")]
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

impl Write for TagResource {
    const ACTION: Action = Action::dlm("TagResource");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_arn(view, demands, Self::ACTION, &self.resource_arn).request_tags(&self.tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let arn = target(&tx.view(), &self.resource_arn)?.arn();
        tag::put(tx, lifecycle::KIND, arn.as_str(), &self.tags)?;
        Ok(Done {})
    }
}
