//! iam:ChangePassword. Gives the calling user another password, if it knows the one that it has. The account's password
//! policy can let every user do it for itself.

use landfall_cloud::identity::{login, password_policy, user};
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, LoginProfile, Principal, UniqueId};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use super::shape::login::hash_new;
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ChangePassword {
    old_password: String,
    new_password: String,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

/// What the user had, and the hash of what it gets.
pub struct Made {
    before: LoginProfile,
    hash: String,
}

impl Call for ChangePassword {
    const ACTION: Action = Action::iam("ChangePassword");
    type Made = Made;
    type Output<'t> = Nothing;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let may_change = password_policy::find(view).is_some_and(|policy| policy.may_change);
        match self.caller(view) {
            Some(row) => user_demand(view, demands, Self::ACTION, &row.name).implied = may_change,
            None => {
                demands.resource(Self::ACTION, Arn::iam(demands.account(), "user/*"));
            }
        }
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        let before = login::need(self.need_caller(&view)?)?.clone();
        if !outside.hasher.is_of(&before.password, &self.old_password).await? {
            return Err(ApiError::new("AccessDenied", "The old password was incorrect.").with_status(403));
        }
        let hash = hash_new(outside, &view, &before, &self.new_password).await?;
        Ok(Made { before, hash })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = self.need_caller(&tx.view())?.id.clone();
        login::change(tx, &id, &made.before, Some(made.hash), Some(false))?;
        Ok(Nothing {})
    }
}

impl ChangePassword {
    /// The caller, if it is a user: neither root nor roles have passwords here.
    fn caller<'v>(&self, view: &View<'v>) -> Option<&'v Principal> {
        let row = self.caller.as_ref().and_then(|id| user::by_id(view, id));
        row.filter(|row| row.user().is_some())
    }

    fn need_caller<'v>(&self, view: &View<'v>) -> Result<&'v Principal, ApiError> {
        let wrong = || ApiError::new("InvalidUserType", "Only IAM Users can change their own password.");
        self.caller(view).ok_or_else(wrong)
    }
}
