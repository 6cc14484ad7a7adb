//! iam:ListInstanceProfiles. Lists instance profiles, below a path.

use landfall_cloud::identity::instance_profile;
use serde::{Deserialize, Serialize};

use super::shape::profile::{ProfileShape, shown};
use super::shape::root;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListInstanceProfiles {
    #[serde(default = "root")]
    path_prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstanceProfilesResult<'v> {
    instance_profiles: Vec<ProfileShape<'v>>,
}

impl Read for ListInstanceProfiles {
    const ACTION: Action = Action::iam("ListInstanceProfiles");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListInstanceProfilesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListInstanceProfilesResult<'v>, ApiError> {
        let view = look.view;
        let all = instance_profile::all(&view);
        let rows = look.page.take(all.filter(|row| row.path.starts_with(&self.path_prefix)), |row| row.id.clone())?;
        Ok(ListInstanceProfilesResult { instance_profiles: rows.into_iter().map(|row| shown(&view, row)).collect() })
    }
}
