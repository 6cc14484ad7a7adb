//! iam:GetAccountAuthorizationDetails. Shows users, groups, roles and policies with all that says what they may do.

use std::borrow::Cow;
use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy::{self, Managed};
use landfall_cloud::identity::{group, instance_profile, provided, role, speaking, user};
use landfall_model::{Arn, Group, Principal, UniqueId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::document::Document;
use super::shape::holder::{AttachedShape, attached};
use super::shape::policy::{PolicyShape, provided_version, shown, whole_version};
use super::shape::profile::{self, ProfileShape};
use super::shape::role::{LastUsedShape, last_used};
use super::shape::tag::{TagShape, tags};
use super::shape::{BoundaryShape, boundary, time};
use crate::{Action, ApiError, Look, Read};

/// Rows of a page, if it isn't said.
const PAGE: usize = 100;

/// What is shown.
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
pub struct GetAccountAuthorizationDetails {
    #[serde(default)]
    filter: Vec<Which>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountAuthorizationDetailsResult<'v> {
    user_detail_list: Vec<UserDetail<'v>>,
    group_detail_list: Vec<GroupDetail<'v>>,
    role_detail_list: Vec<RoleDetail<'v>>,
    policies: Vec<PolicyShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserDetail<'v> {
    path: &'v str,
    user_name: &'v str,
    user_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
    user_policy_list: Vec<PolicyText<'v>>,
    group_list: Vec<&'v str>,
    attached_managed_policies: Vec<AttachedShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<BoundaryShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupDetail<'v> {
    path: &'v str,
    group_name: &'v str,
    group_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
    group_policy_list: Vec<PolicyText<'v>>,
    attached_managed_policies: Vec<AttachedShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RoleDetail<'v> {
    path: &'v str,
    role_name: &'v str,
    role_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
    assume_role_policy_document: Document<Cow<'v, str>>,
    instance_profile_list: Vec<ProfileShape<'v>>,
    role_policy_list: Vec<PolicyText<'v>>,
    attached_managed_policies: Vec<AttachedShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<BoundaryShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
    role_last_used: LastUsedShape,
}

/// An inline policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyText<'v> {
    policy_name: &'v str,
    policy_document: Document<&'v str>,
}

/// A row of any kind.
enum Entity<'v> {
    User(&'v Principal),
    Group(&'v Group),
    Role(&'v Principal),
    Policy(Arn, Managed<'v>),
}

impl Entity<'_> {
    /// Where it stands among all: pages go on after it.
    fn place(&self) -> String {
        match self {
            Self::User(row) => format!("1{}", row.id),
            Self::Group(row) => format!("2{}", row.id),
            Self::Role(row) => format!("3{}", row.id),
            Self::Policy(_, Managed::Own(row)) => format!("4{}", row.id),
            Self::Policy(arn, Managed::Provided(_)) => format!("5{arn}"),
        }
    }
}

impl Read for GetAccountAuthorizationDetails {
    const ACTION: Action = Action::iam("GetAccountAuthorizationDetails");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = GetAccountAuthorizationDetailsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetAccountAuthorizationDetailsResult<'v>, ApiError> {
        let view = look.view;
        look.page.bound(PAGE);
        let wants = |which| self.filter.is_empty() || self.filter.contains(&which);
        let users = user::all(&view).filter(|_| wants(Which::User)).map(Entity::User);
        let groups = group::all(&view).filter(|_| wants(Which::Group)).map(Entity::Group);
        let roles = role::all(&view).filter(|_| wants(Which::Role)).map(Entity::Role);
        let own = managed_policy::own(&view).filter(|_| wants(Which::LocalManagedPolicy));
        let own = own.map(|row| Entity::Policy(row.arn(), Managed::Own(row)));
        // Of those that come with the cloud AWS shows the ones that somebody has.
        let is_had = |arn: &Arn| managed_policy::attachments(&view, arn) + managed_policy::boundaries(&view, arn) > 0;
        let provided = provided::all().filter(|(arn, _)| wants(Which::AwsManagedPolicy) && is_had(arn));
        let provided = provided.map(|(arn, policy)| Entity::Policy(arn.clone(), Managed::Provided(policy)));
        let rows = users.chain(groups).chain(roles).chain(own).chain(provided);
        let mut result = GetAccountAuthorizationDetailsResult::default();
        for row in look.page.take(rows, Entity::place)? {
            result.add(&view, row);
        }
        Ok(result)
    }
}

impl<'v> GetAccountAuthorizationDetailsResult<'v> {
    fn add(&mut self, view: &View<'v>, row: Entity<'v>) {
        match row {
            Entity::User(row) => self.user_detail_list.push(UserDetail {
                path: &row.path,
                user_name: &row.name,
                user_id: &row.id,
                arn: row.arn(),
                create_date: time(row.created_at),
                user_policy_list: texts(&row.policies),
                group_list: group::of_user(view, row).map(|group| group.name.as_str()).collect(),
                attached_managed_policies: attached(view, &row.attached),
                permissions_boundary: row.boundary.as_ref().map(boundary),
                tags: tags(view, &row.id),
            }),
            Entity::Group(row) => self.group_detail_list.push(GroupDetail {
                path: &row.path,
                group_name: &row.name,
                group_id: &row.id,
                arn: row.arn(),
                create_date: time(row.created_at),
                group_policy_list: texts(&row.policies),
                attached_managed_policies: attached(view, &row.attached),
            }),
            Entity::Role(row) => {
                let Some(role) = row.role() else { return };
                let profiles = instance_profile::of_role(view, &row.id);
                self.role_detail_list.push(RoleDetail {
                    path: &row.path,
                    role_name: &row.name,
                    role_id: &row.id,
                    arn: row.arn(),
                    create_date: time(row.created_at),
                    assume_role_policy_document: Document(speaking::shown(view, &role.trust)),
                    instance_profile_list: profiles.map(|row| profile::shown(view, row)).collect(),
                    role_policy_list: texts(&row.policies),
                    attached_managed_policies: attached(view, &row.attached),
                    permissions_boundary: row.boundary.as_ref().map(boundary),
                    tags: tags(view, &row.id),
                    role_last_used: last_used(role),
                });
            }
            Entity::Policy(arn, policy) => {
                let versions = match policy {
                    Managed::Own(row) => {
                        row.versions.iter().rev().map(|each| whole_version(each, row.default_version)).collect()
                    }
                    Managed::Provided(policy) => vec![provided_version(Some(&policy.document))],
                };
                self.policies.push(shown(view, arn, policy).with_versions(versions));
            }
        }
    }
}

fn texts(policies: &BTreeMap<String, String>) -> Vec<PolicyText<'_>> {
    policies
        .iter()
        .map(|(name, document)| PolicyText { policy_name: name, policy_document: Document(document.as_str()) })
        .collect()
}
