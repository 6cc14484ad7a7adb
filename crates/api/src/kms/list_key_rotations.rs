//! kms:ListKeyRotations. Lists when a key got new material.

use landfall_cloud::View;
use landfall_cloud::kms::life;
use landfall_model::Arn;
use landfall_model::kms::RotationCause;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::any;
use super::shape::time;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListKeyRotations {
    key_id: String,
    #[serde(default)]
    include_key_material: Included,
}

/// Which material is listed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Included {
    #[default]
    #[serde(rename = "ROTATIONS_ONLY")]
    Rotations,
    #[serde(rename = "ALL_KEY_MATERIAL")]
    All,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyRotationsResponse<'v> {
    rotations: Vec<RotationsListEntry<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RotationsListEntry<'v> {
    key_id: Arn,
    key_material_id: &'v str,
    key_material_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_date: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_type: Option<&'static str>,
}

impl Read for ListKeyRotations {
    const ACTION: Action = Action::kms("ListKeyRotations");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListKeyRotationsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListKeyRotationsResponse<'v>, ApiError> {
        let row = any(&look.view, &self.key_id)?;
        life::check_rotates(row)?;
        look.page.bound(100);
        let all = self.include_key_material == Included::All;
        let versions = row.versions.iter().filter(|version| all || version.cause != RotationCause::First);
        let versions = look.page.take(versions, |version| version.number)?;
        let rotations = versions.into_iter().map(|version| {
            let cause = match version.cause {
                RotationCause::First => None,
                RotationCause::Automatic => Some("AUTOMATIC"),
                RotationCause::OnDemand => Some("ON_DEMAND"),
            };
            RotationsListEntry {
                key_id: row.arn(),
                key_material_id: &version.id,
                key_material_state: if version.number == row.version() { "CURRENT" } else { "NON_CURRENT" },
                rotation_date: cause.map(|_| time(version.since)),
                rotation_type: cause,
            }
        });
        Ok(ListKeyRotationsResponse { rotations: rotations.collect() })
    }
}
