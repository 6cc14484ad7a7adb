//! Policies: what they are demanded by, and how answers show them.

use std::collections::BTreeMap;

use landfall_cloud::identity::home;
use landfall_cloud::{Fault, View, lifecycle};
use landfall_model::lifecycle::Details;
use landfall_model::{Arn, LifecyclePolicy, LifecyclePolicyId, LifecycleState};
use serde::{Deserialize, Serialize};

use crate::demand::Demand;
use crate::error::ApiError;
use crate::iam::shape::demand::role_demand;
use crate::{Action, Demands};

/// The answer of what says nothing.
#[derive(Serialize)]
pub struct Done {}

/// A policy, by its id in the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// It.
    #[serde(rename = "policyId")]
    pub policy_id: LifecyclePolicyId,
}

/// A policy, as it is shown whole.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyShape<'v> {
    policy_id: LifecyclePolicyId,
    description: &'v str,
    state: LifecycleState,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'v str>,
    execution_role_arn: &'v Arn,
    date_created: String,
    date_modified: String,
    policy_details: &'v Details,
    tags: BTreeMap<&'v str, &'v str>,
    policy_arn: Arn,
    default_policy: bool,
}

impl<'v> PolicyShape<'v> {
    /// A policy as answers show it.
    pub fn of(view: &View<'v>, row: &'v LifecyclePolicy) -> Self {
        Self {
            policy_id: row.id,
            description: &row.description,
            state: row.state,
            status_message: row.message.as_deref(),
            execution_role_arn: &row.role,
            date_created: row.created_at.to_string(),
            date_modified: row.modified_at.to_string(),
            policy_details: &row.details,
            tags: tags(view, row),
            policy_arn: row.arn(),
            default_policy: false,
        }
    }
}

/// The tags of a policy.
pub fn tags<'v>(view: &View<'v>, row: &LifecyclePolicy) -> BTreeMap<&'v str, &'v str> {
    let tags = view.tags(row.arn().as_str()).into_iter().flatten();
    tags.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// The demand of an action on a policy.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: LifecyclePolicyId) -> &'d mut Demand {
    demand_arn(view, demands, action, LifecyclePolicy::arn_of(view.scope(), id).as_str())
}

/// The demand of an action on whatever an ARN names.
pub fn demand_arn<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, arn: &str) -> &'d mut Demand {
    let demand = demands.resource(action, arn);
    for (key, value) in view.tags(arn).into_iter().flatten() {
        demand.with(&format!("aws:ResourceTag/{key}"), value);
    }
    demand
}

/// The policy that an ARN names.
pub fn target<'v>(view: &View<'v>, arn: &str) -> Result<&'v LifecyclePolicy, ApiError> {
    let invalid = || ApiError::invalid("resourceArn", arn, "It is the ARN of a lifecycle policy.");
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", _, "dlm", _, _, resource] = parts[..] else { return Err(invalid()) };
    let id: LifecyclePolicyId = resource.strip_prefix("policy/").ok_or_else(invalid)?.parse().map_err(|_| invalid())?;
    let found = lifecycle::find(view, id).filter(|row| row.arn().as_str() == arn);
    found.ok_or_else(|| Fault::no_such(id).into())
}

/// That the caller may pass a role to the service.
pub fn demand_role(view: &View<'_>, demands: &mut Demands, role: &str) {
    let pass = Action::iam("PassRole");
    let named = role.parse::<Arn>().ok().filter(|arn| arn.account() == Some(view.scope().account));
    let demand = match &named {
        Some(arn) => {
            let at_home = View::new(view.tables(), home(view.scope().account), view.now());
            role_demand(&at_home, demands, pass, lifecycle::name_of(arn))
        }
        None => demands.resource(pass, role),
    };
    demand.with("iam:PassedToService", lifecycle::SERVICE);
}
