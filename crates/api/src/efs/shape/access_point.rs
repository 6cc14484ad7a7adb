//! How an access point is shown.

use landfall_cloud::View;
use landfall_cloud::value::FileSystems;
use landfall_model::{AccessPoint, AccessPointId, Arn, CreationInfo, FileSystemId, PosixUser, ShareState};
use serde::Serialize;

use crate::tagging::{self, TagShape};

/// An access point in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessPointShape<'v> {
    client_token: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'v str>,
    tags: Vec<TagShape<'v>>,
    access_point_id: AccessPointId,
    access_point_arn: Arn,
    file_system_id: FileSystemId,
    #[serde(skip_serializing_if = "Option::is_none")]
    posix_user: Option<&'v PosixUser>,
    root_directory: RootShape<'v>,
    owner_id: String,
    life_cycle_state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RootShape<'v> {
    path: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_info: Option<&'v CreationInfo>,
}

/// Shows an access point.
pub fn shown<'v>(view: &View<'v>, row: &'v AccessPoint) -> AccessPointShape<'v> {
    let id = row.id.to_string();
    AccessPointShape {
        client_token: &row.token,
        name: view.tags(&id).and_then(|tags| tags.get("Name")).map(String::as_str),
        tags: tagging::shown(view, &id),
        access_point_id: row.id,
        access_point_arn: row.arn(),
        file_system_id: row.file_system,
        posix_user: row.user.as_ref(),
        root_directory: RootShape { path: &row.root, creation_info: row.creation.as_ref() },
        owner_id: row.scope.account.to_string(),
        life_cycle_state: state(view, row).name(),
    }
}

/// How an access point is: being deleted as soon as its file system is, although its row goes later.
fn state(view: &View<'_>, row: &AccessPoint) -> ShareState {
    match view.find::<FileSystems, _>(row.file_system) {
        Some(share) if share.state == ShareState::Deleting => ShareState::Deleting,
        _ => row.state,
    }
}
