//! Instance profiles in answers.

use landfall_cloud::View;
use landfall_cloud::identity::instance_profile;
use landfall_model::{Arn, InstanceProfile, UniqueId};
use landfall_wire::Time;
use serde::Serialize;

use super::role::{self, RoleShape};
use super::tag::{TagShape, tags};
use super::time;

/// An instance profile.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProfileShape<'v> {
    path: &'v str,
    instance_profile_name: &'v str,
    instance_profile_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
    roles: Vec<RoleShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
}

/// A profile with its role.
pub fn shown<'v>(view: &View<'v>, row: &'v InstanceProfile) -> ProfileShape<'v> {
    let role = instance_profile::role(view, row);
    ProfileShape {
        path: &row.path,
        instance_profile_name: &row.name,
        instance_profile_id: &row.id,
        arn: row.arn(),
        create_date: time(row.created_at),
        roles: role.and_then(|role| role::listed(view, role)).into_iter().collect(),
        tags: tags(view, &row.id),
    }
}
