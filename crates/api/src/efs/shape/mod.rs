//! What several operations of EFS share: how a resource is called and what is demanded of it, and how each is shown.

pub mod access_point;
pub mod file_system;
pub mod lifecycle;
pub mod mount_target;
pub mod throughput;

use landfall_cloud::View;
use landfall_cloud::value::{AccessPoints, FileSystems, MountTargets};
use landfall_model::id::{Id, Kind};
use landfall_model::{
    AccessPoint, AccessPointId, AccessPointKind, Arn, FileSystem, FileSystemId, FileSystemKind, MountTarget,
    MountTargetId,
};
use serde::Serialize;

use super::SERVICE;
use crate::demand::{Demand, Owned};
use crate::{Action, ApiError, Demands};

/// The answer of operations that say nothing.
#[derive(Serialize)]
pub struct Nothing {}

/// An id in a request, which may be an ARN of the caller's own account and region.
fn id_of<K: Kind>(view: &View<'_>, text: &str) -> Result<Id<K>, ApiError> {
    let malformed = || {
        let shown: String = text.chars().take(128).collect();
        ApiError::new("BadRequest", format!("invalid {} ID: {shown}", K::NOUN))
    };
    let Ok(arn) = text.parse::<Arn>() else { return text.parse().map_err(|_| malformed()) };
    let id = arn.resource().strip_prefix(K::RESOURCE).and_then(|rest| rest.strip_prefix('/'));
    let id: Id<K> = id.and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
    let own = Arn::new(SERVICE, view.scope(), format_args!("{}/{id}", K::RESOURCE));
    if own == arn { Ok(id) } else { Err(landfall_cloud::Fault::no_such(id).into()) }
}

/// The file system that a request calls so.
pub fn file_system<'v>(view: &View<'v>, text: &str) -> Result<&'v FileSystem, ApiError> {
    let id: FileSystemId = id_of(view, text)?;
    Ok(view.need::<FileSystems, _>(id)?)
}

/// The mount target that a request calls so.
pub fn mount_target<'v>(view: &View<'v>, text: &str) -> Result<&'v MountTarget, ApiError> {
    let id: MountTargetId = id_of(view, text)?;
    Ok(view.need::<MountTargets, _>(id)?)
}

/// The access point that a request calls so.
pub fn access_point<'v>(view: &View<'v>, text: &str) -> Result<&'v AccessPoint, ApiError> {
    let id: AccessPointId = id_of(view, text)?;
    Ok(view.need::<AccessPoints, _>(id)?)
}

/// The demand of an action on a file system, with its tags and its policy.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    let row = file_system(view, text).ok();
    let demand = on::<FileSystemKind>(view, demands, action, text);
    if let Some(policy) = row.and_then(|row| row.policy.clone()) {
        demand.owned = Some(Owned { policy, owner: view.scope().account.to_string(), required: false });
    }
    demand
}

/// The demand of an action on an access point, with its tags.
pub fn demand_point<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    on::<AccessPointKind>(view, demands, action, text)
}

/// The demand of an action on what a request calls a resource: a file system or an access point.
pub fn demand_resource<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    match resource_kind(text) {
        ResourceKind::FileSystem => demand(view, demands, action, text),
        ResourceKind::AccessPoint => demand_point(view, demands, action, text),
    }
}

/// The demand of an action on the file system that a mount target is of. Where there is no such mount target, any.
pub fn demand_of_target<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    match mount_target(view, text) {
        Ok(row) => demand(view, demands, action, &row.file_system.to_string()),
        Err(_) => on::<FileSystemKind>(view, demands, action, "*"),
    }
}

fn on<'d, K: Kind>(view: &View<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    let id = id_of::<K>(view, text).map(|id| id.to_string());
    let arn = match &id {
        Ok(id) => Arn::new(SERVICE, view.scope(), format_args!("{}/{id}", K::RESOURCE)).to_string(),
        Err(_) if text.starts_with("arn:") => text.to_owned(),
        Err(_) => Arn::new(SERVICE, view.scope(), format_args!("{}/{text}", K::RESOURCE)).to_string(),
    };
    let demand = demands.resource(action, arn);
    if let Some(tags) = id.ok().and_then(|id| view.tags(&id)) {
        for (key, value) in tags {
            demand.with(&format!("aws:ResourceTag/{key}"), value);
        }
    }
    demand
}

/// That the caller may tag what the action makes.
pub fn demand_tagging(
    view: &View<'_>,
    demands: &mut Demands,
    action: Action,
    kind: &str,
    tags: &std::collections::BTreeMap<String, String>,
) {
    if !tags.is_empty() {
        let arn = Arn::new(SERVICE, view.scope(), format_args!("{kind}/*"));
        let demand = demands.resource(Action::efs("TagResource"), arn).request_tags(tags);
        demand.with("elasticfilesystem:CreateAction", action.name);
    }
}

/// What a request calls a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// A file system.
    FileSystem,
    /// An access point.
    AccessPoint,
}

/// Which it is, by how it begins.
pub fn resource_kind(text: &str) -> ResourceKind {
    let is_point = text.starts_with("fsap-") || text.contains(":access-point/");
    if is_point { ResourceKind::AccessPoint } else { ResourceKind::FileSystem }
}

/// The kind and the id of a resource that is there, as tags are kept under.
pub fn resource(view: &View<'_>, text: &str) -> Result<(&'static str, String), ApiError> {
    match resource_kind(text) {
        ResourceKind::FileSystem => Ok(("file-system", file_system(view, text)?.id.to_string())),
        ResourceKind::AccessPoint => Ok(("access-point", access_point(view, text)?.id.to_string())),
    }
}

/// The code of tags that are no set of tags.
pub const BAD_TAGS: &str = "BadRequest";

/// The refusal of a request that is no good, in a whole sentence.
pub fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new("BadRequest", message)
}
