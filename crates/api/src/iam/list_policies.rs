//! iam:ListPolicies. Lists managed policies: the account's, those that come with the cloud, or both.

use landfall_cloud::identity::managed_policy::{self, Managed};
use landfall_cloud::identity::provided;
use serde::{Deserialize, Serialize};

use super::shape::policy::{PolicyShape, Usage, listed};
use super::shape::root;
use crate::{Action, ApiError, Look, Read};

/// Whose policies.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Whose {
    #[default]
    All,
    #[serde(rename = "AWS")]
    Aws,
    Local,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPolicies {
    #[serde(default)]
    scope: Whose,
    #[serde(default)]
    only_attached: bool,
    #[serde(default = "root")]
    path_prefix: String,
    policy_usage_filter: Option<Usage>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPoliciesResult<'v> {
    policies: Vec<PolicyShape<'v>>,
}

impl Read for ListPolicies {
    const ACTION: Action = Action::iam("ListPolicies");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListPoliciesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListPoliciesResult<'v>, ApiError> {
        let view = look.view;
        let own = managed_policy::own(&view).filter(|_| self.scope != Whose::Aws);
        let own = own.map(|row| (row.arn(), row.path.as_str(), Managed::Own(row)));
        let provided = provided::all().filter(|_| self.scope != Whose::Local);
        let provided = provided.map(|(arn, policy)| (arn.clone(), policy.path.as_str(), Managed::Provided(policy)));
        let is_wanted = |arn: &landfall_model::Arn| {
            let is_used = |usage: Usage| {
                usage.is_wanted(self.policy_usage_filter)
                    && match usage {
                        Usage::PermissionsPolicy => managed_policy::attachments(&view, arn) > 0,
                        Usage::PermissionsBoundary => managed_policy::boundaries(&view, arn) > 0,
                    }
            };
            let is_asked = self.only_attached || self.policy_usage_filter.is_some();
            !is_asked || is_used(Usage::PermissionsPolicy) || is_used(Usage::PermissionsBoundary)
        };
        let mut rows: Vec<_> = own
            .chain(provided)
            .filter(|(arn, path, _)| path.starts_with(&self.path_prefix) && is_wanted(arn))
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let rows = look.page.take(rows, |(arn, ..)| arn.to_string())?;
        Ok(ListPoliciesResult {
            policies: rows.into_iter().map(|(arn, _, policy)| listed(&view, arn, policy)).collect(),
        })
    }
}
