//! iam:UntagPolicy. Removes tags of a policy.

use landfall_cloud::identity::managed_policy;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::policy_demand;
use super::shape::{Nothing, policy_arn, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagPolicy {
    policy_arn: String,
    tag_keys: Vec<String>,
}

impl Write for UntagPolicy {
    const ACTION: Action = Action::iam("UntagPolicy");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = policy_demand(view, demands, Self::ACTION, &self.policy_arn);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = managed_policy::need_own(&tx.view(), &policy_arn(&self.policy_arn)?)?.id.clone();
        tag::remove(tx, tag::Tagged::Policy, &id, &self.tag_keys)?;
        Ok(Nothing {})
    }
}
