//! dlm:GetLifecyclePolicies. Lists policies in short.

use std::collections::{BTreeMap, BTreeSet};

use landfall_cloud::{Fault, lifecycle};
use landfall_model::lifecycle::{PolicyTag, PolicyType, TargetKind};
use landfall_model::{LifecyclePolicy, LifecyclePolicyId, LifecycleState};
use serde::{Deserialize, Serialize};

use super::shape::tags;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetLifecyclePolicies {
    #[serde(default)]
    policy_ids: BTreeSet<LifecyclePolicyId>,
    state: Option<LifecycleState>,
    #[serde(default)]
    resource_types: Vec<TargetKind>,
    #[serde(default)]
    target_tags: Vec<String>,
    #[serde(default)]
    tags_to_add: Vec<String>,
    default_policy_type: Option<DefaultPolicyType>,
}

/// Default policies, of which there are none.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum DefaultPolicyType {
    Volume,
    Instance,
    All,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetLifecyclePoliciesResponse<'v> {
    policies: Vec<Summary<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'v> {
    policy_id: LifecyclePolicyId,
    description: &'v str,
    state: LifecycleState,
    tags: BTreeMap<&'v str, &'v str>,
    policy_type: PolicyType,
    default_policy: bool,
}

impl Read for GetLifecyclePolicies {
    const ACTION: Action = Action::dlm("GetLifecyclePolicies");
    type Output<'v> = GetLifecyclePoliciesResponse<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetLifecyclePoliciesResponse<'v>, ApiError> {
        let view = &look.view;
        let target_tags = read(&self.target_tags)?;
        let tags_to_add = read(&self.tags_to_add)?;
        let missing: Vec<_> = self.policy_ids.iter().filter(|id| lifecycle::find(view, **id).is_none()).collect();
        if let Some(first) = missing.first() {
            return Err(Fault::no_such(**first).into());
        }
        let is_wanted = |row: &&LifecyclePolicy| {
            let details = &row.details;
            let added: Vec<_> = details.schedules.iter().flat_map(|schedule| &schedule.tags_to_add).collect();
            self.default_policy_type.is_none()
                && (self.policy_ids.is_empty() || self.policy_ids.contains(&row.id))
                && self.state.is_none_or(|state| row.state == state)
                && (self.resource_types.is_empty() || self.resource_types.contains(&details.target()))
                && target_tags.iter().all(|tag| details.target_tags.contains(tag))
                && tags_to_add.iter().all(|tag| added.contains(&tag))
        };
        let summary = |row: &'v LifecyclePolicy| Summary {
            policy_id: row.id,
            description: &row.description,
            state: row.state,
            tags: tags(view, row),
            policy_type: row.details.policy_type,
            default_policy: false,
        };
        let policies = lifecycle::all(view).filter(is_wanted).map(summary).collect();
        Ok(GetLifecyclePoliciesResponse { policies })
    }
}

/// Tags in the form `key=value`.
fn read(list: &[String]) -> Result<Vec<PolicyTag>, ApiError> {
    let one = |text: &String| {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| ApiError::invalid("targetTags", text, "Tags are strings in the format key=value."))?;
        Ok(PolicyTag { key: key.to_owned(), value: value.to_owned() })
    };
    list.iter().map(one).collect()
}
