//! dlm:UntagResource. Takes tags off a policy.

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::{Done, demand_arn, target};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

impl Write for UntagResource {
    const ACTION: Action = Action::dlm("UntagResource");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand_arn(view, demands, Self::ACTION, &self.resource_arn);
        if !self.tag_keys.is_empty() {
            demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let arn = target(&tx.view(), &self.resource_arn)?.arn();
        let which: Vec<_> = self.tag_keys.into_iter().map(|key| (key, None)).collect();
        // With none named it would be all of them.
        if !which.is_empty() {
            tag::remove(tx, arn.as_str(), &which);
        }
        Ok(Done {})
    }
}
