//! kms:ListKeyRotations. Lists when a key got new material.

use landfall_cloud::View;
use landfall_cloud::kms::life;
use landfall_model::Arn;
use landfall_model::kms::{Import, KmsKey, MaterialVersion, RotationCause};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_description: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_state: Option<&'static str>,
    key_material_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Time>,
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
        let made = row.versions.iter().filter(|version| all || version.cause != RotationCause::First);
        let made = made.map(|version| (version.number, version.id.as_str(), Some(version)));
        // What waits for a rotation has no number yet; it will have the next.
        let waiting = row.waiting_import().filter(|_| all);
        let waiting = waiting.map(|import| (row.version() + 1, import.id.as_str(), None));
        let listed = look.page.take(made.chain(waiting), |(number, _, _)| *number)?;
        let rotations = listed.into_iter().map(|(number, id, version)| entry(row, number, id, version));
        Ok(ListKeyRotationsResponse { rotations: rotations.collect() })
    }
}

fn entry<'v>(row: &'v KmsKey, number: u32, id: &'v str, version: Option<&MaterialVersion>) -> RotationsListEntry<'v> {
    let cause = version.and_then(|version| match version.cause {
        RotationCause::First => None,
        RotationCause::Automatic => Some("AUTOMATIC"),
        RotationCause::OnDemand => Some("ON_DEMAND"),
    });
    let import = row.import(id);
    let present = import.filter(|import| import.material.is_some());
    RotationsListEntry {
        key_id: row.arn(),
        key_material_id: id,
        key_material_description: import.and_then(|import| import.description.as_deref()),
        import_state: import.map(|_| if present.is_some() { "IMPORTED" } else { "PENDING_IMPORT" }),
        key_material_state: match version {
            None => "PENDING_ROTATION",
            Some(_) if number == row.version() => "CURRENT",
            Some(_) => "NON_CURRENT",
        },
        expiration_model: present.map(Import::expiration_model),
        valid_to: present.and_then(|import| import.expires_at).map(time),
        rotation_date: version.filter(|_| cause.is_some()).map(|version| time(version.since)),
        rotation_type: cause,
    }
}
