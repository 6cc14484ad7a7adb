//! elasticfilesystem:CreateAccessPoint. Makes a narrower way into a file system: a folder, as a user that who comes that way is
//! taken for.

use landfall_cloud::file_system::access_point::{self, NewAccessPoint};
use landfall_cloud::value::AccessPoints;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{CreationInfo, PosixUser};
use serde::Deserialize;

use super::shape::access_point::{AccessPointShape, shown};
use super::shape::{BAD_TAGS, bad, demand, demand_tagging, file_system};
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAccessPoint {
    client_token: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    file_system_id: String,
    posix_user: Option<User>,
    root_directory: Option<RootDirectory>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct User {
    uid: u32,
    gid: u32,
    #[serde(default)]
    secondary_gids: Vec<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RootDirectory {
    path: Option<String>,
    creation_info: Option<Creation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Creation {
    owner_uid: u32,
    owner_gid: u32,
    permissions: String,
}

/// The longest client token, in characters.
const TOKEN_CHARS: usize = 64;

impl Write for CreateAccessPoint {
    const ACTION: Action = Action::efs("CreateAccessPoint");
    type Output<'t> = AccessPointShape<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = tagging::by_key(&self.tags);
        demand(view, demands, Self::ACTION, &self.file_system_id).request_tags(&tags);
        demand_tagging(view, demands, Self::ACTION, "access-point", &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<AccessPointShape<'t>, ApiError> {
        let file_system = file_system(&tx.view(), &self.file_system_id)?.id;
        let tags = tagging::distinct(&self.tags, BAD_TAGS)?;
        // Tools that don't name one send one of their own making.
        let token = self.client_token.ok_or_else(|| ApiError::missing("ClientToken"))?;
        if token.is_empty() || token.chars().count() > TOKEN_CHARS {
            return Err(bad("A client token has 1 to 64 characters."));
        }
        if let Some(row) = access_point::of_token(&tx.view(), &token) {
            let message = format!("Access point '{}' already exists with client token '{token}'", row.id);
            return Err(ApiError::new("AccessPointAlreadyExists", message).with_member("AccessPointId", row.id));
        }
        let user =
            self.posix_user.map(|user| PosixUser { uid: user.uid, gid: user.gid, secondary_gids: user.secondary_gids });
        let root = self.root_directory.unwrap_or_default();
        let creation = root.creation_info.map(|info| CreationInfo {
            owner_uid: info.owner_uid,
            owner_gid: info.owner_gid,
            permissions: info.permissions,
        });
        let new = NewAccessPoint { file_system, token, user, root: root.path, creation };
        let id = access_point::create(tx, new)?;
        tag::put(tx, "access-point", &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(shown(&view, view.need::<AccessPoints, _>(id)?))
    }
}
