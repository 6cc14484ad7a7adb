//! secretsmanager:UpdateSecretVersionStage. Moves a stage from one version of a secret to another, or takes it away.

use landfall_cloud::secret::{self, version};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::{Named, at_home, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateSecretVersionStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

impl Write for UpdateSecretVersionStage {
    const ACTION: Action = Action::secretsmanager("UpdateSecretVersionStage");
    type Output<'t> = Named;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand(view, demands, Self::ACTION, &self.secret_id);
        own.with("secretsmanager:VersionStage", &self.version_stage);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Named, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        let (from, to) = (self.remove_from_version_id.as_deref(), self.move_to_version_id.as_deref());
        version::move_stage(&mut tx, &row, &self.version_stage, from, to)?;
        Ok(Named::of(&row))
    }
}
