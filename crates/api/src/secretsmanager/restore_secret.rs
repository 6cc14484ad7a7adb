//! secretsmanager:RestoreSecret. Takes back the deletion of a secret.

use landfall_cloud::{Tx, View, secret};
use serde::Deserialize;

use super::shape::{Named, at_home, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestoreSecret {
    secret_id: String,
}

impl Write for RestoreSecret {
    const ACTION: Action = Action::secretsmanager("RestoreSecret");
    type Output<'t> = Named;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Named, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need(&tx.view(), &self.secret_id)?.clone();
        secret::restore(&mut tx, &row);
        Ok(Named::of(&row))
    }
}
