//! iam:ListEntitiesForPolicy. Lists who has a managed policy, attached or as a boundary.

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy;
use landfall_model::{Principal, UniqueId};
use serde::{Deserialize, Serialize};

use super::shape::demand::policy_demand;
use super::shape::policy::Usage;
use super::shape::{policy_arn, root};
use crate::{Action, ApiError, Demands, Look, Read};

/// What kind of entities.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Which {
    User,
    Role,
    Group,
    LocalManagedPolicy,
    #[serde(rename = "AWSManagedPolicy")]
    AwsManagedPolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListEntitiesForPolicy {
    policy_arn: String,
    entity_filter: Option<Which>,
    #[serde(default = "root")]
    path_prefix: String,
    policy_usage_filter: Option<Usage>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListEntitiesForPolicyResult<'v> {
    policy_groups: Vec<GroupEntity<'v>>,
    policy_users: Vec<UserEntity<'v>>,
    policy_roles: Vec<RoleEntity<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupEntity<'v> {
    group_name: &'v str,
    group_id: &'v UniqueId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserEntity<'v> {
    user_name: &'v str,
    user_id: &'v UniqueId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RoleEntity<'v> {
    role_name: &'v str,
    role_id: &'v UniqueId,
}

impl Read for ListEntitiesForPolicy {
    const ACTION: Action = Action::iam("ListEntitiesForPolicy");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListEntitiesForPolicyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        policy_demand(view, demands, Self::ACTION, &self.policy_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListEntitiesForPolicyResult<'v>, ApiError> {
        let view = look.view;
        let arn = policy_arn(&self.policy_arn)?;
        managed_policy::need(&view, &arn)?;
        let asked = self.policy_usage_filter;
        let uses = |row: &Principal| {
            Usage::PermissionsPolicy.is_wanted(asked) && row.attached.contains(&arn)
                || Usage::PermissionsBoundary.is_wanted(asked) && row.boundary.as_ref() == Some(&arn)
        };
        let is_wanted = |which: Which| self.entity_filter.is_none_or(|wanted| wanted == which);
        let principals =
            managed_policy::principals(&view, &arn).filter(|row| uses(row) && row.path.starts_with(&self.path_prefix));
        let principals = principals.filter_map(|row| {
            let which = if row.role().is_some() { Which::Role } else { Which::User };
            is_wanted(which).then_some((&row.id, which, row.name.as_str()))
        });
        let groups = managed_policy::groups(&view, &arn).filter(|row| {
            is_wanted(Which::Group)
                && Usage::PermissionsPolicy.is_wanted(asked)
                && row.path.starts_with(&self.path_prefix)
        });
        let mut rows: Vec<_> = principals.chain(groups.map(|row| (&row.id, Which::Group, row.name.as_str()))).collect();
        rows.sort_by_key(|(id, ..)| *id);
        let mut result = ListEntitiesForPolicyResult::default();
        for (id, which, name) in look.page.take(rows, |(id, ..)| UniqueId::clone(id))? {
            match which {
                Which::User => result.policy_users.push(UserEntity { user_name: name, user_id: id }),
                Which::Group => result.policy_groups.push(GroupEntity { group_name: name, group_id: id }),
                _ => result.policy_roles.push(RoleEntity { role_name: name, role_id: id }),
            }
        }
        Ok(result)
    }
}
