//! iam:CreateLoginProfile. Gives a user its first password: the caller, if none is named.

use landfall_cloud::identity::{login, password_policy};
use landfall_cloud::{Tx, View};
use landfall_model::UniqueId;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::login::{LoginShape, shown};
use super::shape::user::whom_user;
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateLoginProfile {
    user_name: Option<String>,
    password: String,
    #[serde(default)]
    password_reset_required: bool,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateLoginProfileResult<'t> {
    login_profile: LoginShape<'t>,
}

impl Call for CreateLoginProfile {
    const ACTION: Action = Action::iam("CreateLoginProfile");
    type Made = String;
    type Output<'t> = CreateLoginProfileResult<'t>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<String, ApiError> {
        login::check_absent(whom_user(&view, self.user_name.as_deref(), self.caller.as_ref())?)?;
        password_policy::check(password_policy::find(&view), &self.password)?;
        outside.hasher.hash(&self.password).await
    }

    fn run<'t>(self, hash: String, tx: &'t mut Tx<'_, '_>) -> Result<CreateLoginProfileResult<'t>, ApiError> {
        let id = whom_user(&tx.view(), self.user_name.as_deref(), self.caller.as_ref())?.id.clone();
        login::create(tx, &id, hash, self.password_reset_required)?;
        let row = whom_user(&tx.view(), self.user_name.as_deref(), self.caller.as_ref())?;
        Ok(CreateLoginProfileResult { login_profile: shown(row, login::need(row)?) })
    }
}
