//! kms:GetKeyRotationStatus. Shows whether a key rotates by itself, how often, and when next.

use landfall_cloud::View;
use landfall_cloud::kms::life;
use landfall_model::Arn;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::any;
use super::shape::time;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetKeyRotationStatus {
    key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyRotationStatusResponse {
    key_rotation_enabled: bool,
    key_id: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<Time>,
}

impl Read for GetKeyRotationStatus {
    const ACTION: Action = Action::kms("GetKeyRotationStatus");
    type Output<'v> = GetKeyRotationStatusResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetKeyRotationStatusResponse, ApiError> {
        let row = any(&look.view, &self.key_id)?;
        // A key that can't rotate doesn't; clients ask it of all.
        let rotation = row.rotation.filter(|_| life::check_rotates(row).is_ok() && row.deletes_at.is_none());
        Ok(GetKeyRotationStatusResponse {
            key_rotation_enabled: rotation.is_some(),
            key_id: row.arn(),
            rotation_period_in_days: rotation.map(|rotation| rotation.period_days),
            next_rotation_date: rotation.map(|rotation| time(rotation.next_at)),
        })
    }
}
