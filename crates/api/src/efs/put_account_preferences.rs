//! elasticfilesystem:PutAccountPreferences. Chooses long ids, the only ones that there are: AWS too makes short ones no more.

use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::describe_account_preferences::PreferencesResponse;
use super::shape::bad;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutAccountPreferences {
    resource_id_type: ResourceIdType,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ResourceIdType {
    LongId,
    ShortId,
}

impl Write for PutAccountPreferences {
    const ACTION: Action = Action::efs("PutAccountPreferences");
    type Output<'t> = PreferencesResponse;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, _: &mut Tx<'_, '_>) -> Result<PreferencesResponse, ApiError> {
        match self.resource_id_type {
            ResourceIdType::LongId => Ok(PreferencesResponse::long()),
            ResourceIdType::ShortId => Err(bad("Short resource IDs are not available any more.")),
        }
    }
}
