//! iam:DeleteAccountPasswordPolicy. Has the account ask of its users' passwords what the default policy asks.

use landfall_cloud::identity::password_policy;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccountPasswordPolicy {}

impl Write for DeleteAccountPasswordPolicy {
    const ACTION: Action = Action::iam("DeleteAccountPasswordPolicy");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        password_policy::delete(tx)?;
        Ok(Nothing {})
    }
}
