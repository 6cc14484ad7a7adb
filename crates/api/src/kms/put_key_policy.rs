//! kms:PutKeyPolicy. Gives a key another policy.

use landfall_cloud::kms::key;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::policy_name::check;
use crate::authorise::locks_out;
use crate::{Action, ApiError, Caller, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutKeyPolicy {
    key_id: String,
    policy_name: Option<String>,
    policy: String,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
    #[serde(skip)]
    caller: Option<Caller>,
}

impl Write for PutKeyPolicy {
    const ACTION: Action = Action::kms("PutKeyPolicy");
    type Output<'t> = Nothing;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:BypassPolicyLockoutSafetyCheck", self.bypass_policy_lockout_safety_check);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = own(&tx.view(), &self.key_id)?.clone();
        check(self.policy_name.as_deref())?;
        key::set_policy(tx, &row, &self.policy)?;
        let caller = self.caller.as_ref().ok_or_else(ApiError::internal)?;
        if !self.bypass_policy_lockout_safety_check {
            locks_out(caller, &tx.view(), &self.policy)?;
        }
        Ok(Nothing {})
    }
}
