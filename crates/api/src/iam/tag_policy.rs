//! iam:TagPolicy. Adds tags to a policy, or changes those that it has.

use landfall_cloud::identity::managed_policy;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::policy_demand;
use super::shape::{Nothing, policy_arn, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagPolicy {
    policy_arn: String,
    tags: Vec<tag::Tag>,
}

impl Write for TagPolicy {
    const ACTION: Action = Action::iam("TagPolicy");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = managed_policy::need_own(&tx.view(), &policy_arn(&self.policy_arn)?)?.id.clone();
        tag::put(tx, tag::Tagged::Policy, &id, &self.tags)?;
        Ok(Nothing {})
    }
}
