//! iam:DetachGroupPolicy. Detaches a managed policy from a group.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::holder_demand;
use super::shape::{Nothing, policy_arn};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DetachGroupPolicy {
    group_name: String,
    policy_arn: String,
}

impl Write for DetachGroupPolicy {
    const ACTION: Action = Action::iam("DetachGroupPolicy");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = holder_demand(view, demands, Self::ACTION, HolderKind::Group, &self.group_name);
        demand.with("iam:PolicyARN", &self.policy_arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        holder::detach(tx, HolderKind::Group, &self.group_name, &policy_arn(&self.policy_arn)?)?;
        Ok(Nothing {})
    }
}
