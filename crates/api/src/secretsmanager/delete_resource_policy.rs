//! secretsmanager:DeleteResourcePolicy. Takes a secret's policy away.

use landfall_cloud::{Tx, View, secret};
use serde::Deserialize;

use super::shape::{Named, at_home, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteResourcePolicy {
    secret_id: String,
}

impl Write for DeleteResourcePolicy {
    const ACTION: Action = Action::secretsmanager("DeleteResourcePolicy");
    const FREES: bool = true;
    type Output<'t> = Named;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Named, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        if row.policy.is_some() {
            secret::update(&mut tx, &row, |row| row.policy = None);
        }
        Ok(Named::of(&row))
    }
}
