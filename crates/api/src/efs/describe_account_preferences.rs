//! elasticfilesystem:DescribeAccountPreferences. Says that ids are long.

use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAccountPreferences {}

/// What ids are like, in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PreferencesResponse {
    resource_id_preference: Preference,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Preference {
    resource_id_type: &'static str,
    resources: [&'static str; 2],
}

impl PreferencesResponse {
    /// That they are long.
    pub fn long() -> Self {
        let resource_id_preference =
            Preference { resource_id_type: "LONG_ID", resources: ["FILE_SYSTEM", "MOUNT_TARGET"] };
        Self { resource_id_preference }
    }
}

impl Read for DescribeAccountPreferences {
    const ACTION: Action = Action::efs("DescribeAccountPreferences");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = PreferencesResponse;

    fn run(self, _: &mut Look<'_, '_>) -> Result<PreferencesResponse, ApiError> {
        Ok(PreferencesResponse::long())
    }
}
