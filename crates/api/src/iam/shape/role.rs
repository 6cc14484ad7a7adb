//! Roles in answers.

use std::borrow::Cow;

use landfall_cloud::View;
use landfall_cloud::identity::speaking;
use landfall_model::{Arn, Principal, Region, Role, UniqueId};
use landfall_wire::Time;
use serde::Serialize;

use super::document::Document;
use super::tag::{TagShape, tags};
use super::{BoundaryShape, boundary, time};

/// A role.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleShape<'v> {
    path: &'v str,
    role_name: &'v str,
    role_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
    assume_role_policy_document: Document<Cow<'v, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    max_session_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<BoundaryShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_last_used: Option<LastUsedShape>,
}

/// When and where a role was last used; nothing where it never was.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LastUsedShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_date: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

/// A role as the lists show it: without boundary, tags and last use. `None` for what is none.
pub fn listed<'v>(view: &View<'v>, row: &'v Principal) -> Option<RoleShape<'v>> {
    let role: &Role = row.role()?;
    Some(RoleShape {
        path: &row.path,
        role_name: &row.name,
        role_id: &row.id,
        arn: row.arn(),
        create_date: time(row.created_at),
        assume_role_policy_document: Document(speaking::shown(view, &role.trust)),
        description: Some(role.description.as_str()).filter(|text| !text.is_empty()),
        max_session_duration: role.max_session_s,
        permissions_boundary: None,
        tags: Vec::new(),
        role_last_used: None,
    })
}

/// A role with all there is.
pub fn shown<'v>(view: &View<'v>, row: &'v Principal) -> Option<RoleShape<'v>> {
    Some(RoleShape {
        permissions_boundary: row.boundary.as_ref().map(boundary),
        tags: tags(view, &row.id),
        role_last_used: Some(last_used(row.role()?)),
        ..listed(view, row)?
    })
}

/// When and where a role was last used.
pub fn last_used(role: &Role) -> LastUsedShape {
    let used = role.last_used;
    LastUsedShape { last_used_date: used.map(|used| time(used.at)), region: used.map(|used| used.region) }
}
