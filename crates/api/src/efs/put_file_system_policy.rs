//! elasticfilesystem:PutFileSystemPolicy. Gives a file system a policy of its own.

use landfall_cloud::identity::speaking;
use landfall_cloud::value::FileSystems;
use landfall_cloud::{Tx, View, file_system};
use serde::Deserialize;

use super::describe_file_system_policy::PolicyDescription;
use super::shape::{demand, file_system as named};
use crate::authorise::locks_out_of;
use crate::{Action, ApiError, Caller, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutFileSystemPolicy {
    file_system_id: String,
    policy: String,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
    #[serde(skip)]
    caller: Option<Caller>,
}

impl Write for PutFileSystemPolicy {
    const ACTION: Action = Action::efs("PutFileSystemPolicy");
    type Output<'t> = PolicyDescription;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<PolicyDescription, ApiError> {
        let row = named(&tx.view(), &self.file_system_id)?;
        let (id, arn) = (row.id, row.arn());
        let policy = file_system::policy::read(tx, &self.policy)?;
        let caller = self.caller.as_ref().ok_or_else(ApiError::internal)?;
        let is_locked =
            locks_out_of(caller, &tx.view(), &self.policy, "elasticfilesystem:PutFileSystemPolicy", arn.as_str());
        if is_locked && !self.bypass_policy_lockout_safety_check {
            let message = "The new file system policy will not allow you to update the policy in the future.";
            return Err(ApiError::new("InvalidPolicyException", message));
        }
        file_system::update(tx, id, |row| row.policy = Some(policy))?;
        let view = tx.view();
        let kept = view.need::<FileSystems, _>(id)?.policy.as_ref();
        let policy = kept.map(|policy| speaking::shown(&view, policy).into_owned()).unwrap_or_default();
        Ok(PolicyDescription { file_system_id: id, policy })
    }
}
