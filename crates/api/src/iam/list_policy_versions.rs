//! iam:ListPolicyVersions. Lists the versions of a managed policy, the newest first.

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy::{self, Managed};
use serde::{Deserialize, Serialize};

use super::shape::demand::policy_demand;
use super::shape::policy::{VersionShape, provided_version, version};
use super::shape::policy_arn;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPolicyVersions {
    policy_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPolicyVersionsResult<'v> {
    versions: Vec<VersionShape<'v>>,
}

impl Read for ListPolicyVersions {
    const ACTION: Action = Action::iam("ListPolicyVersions");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListPolicyVersionsResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListPolicyVersionsResult<'v>, ApiError> {
        let rows = match managed_policy::need(&look.view, &policy_arn(&self.policy_arn)?)? {
            Managed::Own(row) => row
                .versions
                .iter()
                .rev()
                .map(|each| (u32::MAX - each.number, version(each, row.default_version)))
                .collect(),
            Managed::Provided(_) => vec![(u32::MAX - 1, provided_version(None))],
        };
        let rows = look.page.take(rows, |(place, _)| *place)?;
        Ok(ListPolicyVersionsResult { versions: rows.into_iter().map(|(_, version)| version).collect() })
    }
}
