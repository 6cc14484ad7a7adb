//! secretsmanager:PutResourcePolicy. Gives a secret a policy of its own.

use landfall_cloud::secret::{self, SecretFault, policy};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::{Named, at_home, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutResourcePolicy {
    secret_id: String,
    resource_policy: String,
    #[serde(default)]
    block_public_policy: bool,
}

impl Write for PutResourcePolicy {
    const ACTION: Action = Action::secretsmanager("PutResourcePolicy");
    type Output<'t> = Named;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand(view, demands, Self::ACTION, &self.secret_id);
        own.with("secretsmanager:BlockPublicPolicy", self.block_public_policy);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Named, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        let read = policy::read(&tx, &self.resource_policy)?;
        if self.block_public_policy && policy::is_public(&self.resource_policy) {
            return Err(SecretFault::Public.into());
        }
        secret::update(&mut tx, &row, |row| row.policy = Some(read));
        Ok(Named::of(&row))
    }
}
