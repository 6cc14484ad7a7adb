//! Users in answers.

use landfall_cloud::View;
use landfall_cloud::identity::user;
use landfall_model::{Arn, Principal, UniqueId};
use landfall_wire::Time;
use serde::Serialize;

use super::tag::{TagShape, tags};
use super::{BoundaryShape, boundary, time};
use crate::ApiError;

/// A user.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserShape<'v> {
    path: &'v str,
    user_name: &'v str,
    user_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<BoundaryShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
}

/// A user as the lists show it: without boundary and tags.
pub fn listed(row: &Principal) -> UserShape<'_> {
    UserShape {
        path: &row.path,
        user_name: &row.name,
        user_id: &row.id,
        arn: row.arn(),
        create_date: time(row.created_at),
        permissions_boundary: None,
        tags: Vec::new(),
    }
}

/// A user with all there is.
pub fn shown<'v>(view: &View<'v>, row: &'v Principal) -> UserShape<'v> {
    UserShape { permissions_boundary: row.boundary.as_ref().map(boundary), tags: tags(view, &row.id), ..listed(row) }
}

/// The user that is meant: the named one, or else the caller, who may be root.
pub fn whom<'v>(view: &View<'v>, name: Option<&str>, caller: Option<&UniqueId>) -> Result<&'v Principal, ApiError> {
    if let Some(name) = name {
        return Ok(user::need(view, name)?);
    }
    let row = caller.and_then(|id| user::by_id(view, id));
    row.ok_or_else(|| ApiError::new("ValidationError", "Must specify userName when calling with non-User credentials"))
}

/// The same, where only a user will do.
pub fn whom_user<'v>(
    view: &View<'v>,
    name: Option<&str>,
    caller: Option<&UniqueId>,
) -> Result<&'v Principal, ApiError> {
    let row = whom(view, name, caller)?;
    let is_user = row.user().is_some();
    let wrong = || ApiError::new("ValidationError", "Must specify userName when calling with non-User credentials");
    is_user.then_some(row).ok_or_else(wrong)
}
