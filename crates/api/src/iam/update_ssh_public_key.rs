//! iam:UpdateSSHPublicKey. Switches a user's public key on or off.

use landfall_cloud::identity::{ssh_public_key, user};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use super::shape::ssh_public_key::Status;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateSSHPublicKey {
    user_name: String,
    #[serde(rename = "SSHPublicKeyId")]
    id: String,
    status: Status,
}

impl Write for UpdateSSHPublicKey {
    const ACTION: Action = Action::iam("UpdateSSHPublicKey");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = user::need(&tx.view(), &self.user_name)?.clone();
        ssh_public_key::set_active(tx, &row, &self.id, self.status == Status::Active)?;
        Ok(Nothing {})
    }
}
