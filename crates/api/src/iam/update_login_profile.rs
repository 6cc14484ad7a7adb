//! iam:UpdateLoginProfile. Gives a user another password, or has it set one at the next sign-in.

use landfall_cloud::identity::{login, user};
use landfall_cloud::{Tx, View};
use landfall_model::LoginProfile;
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::user_demand;
use super::shape::login::hash_new;
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateLoginProfile {
    user_name: String,
    password: Option<String>,
    password_reset_required: Option<bool>,
}

/// What the user had, and the hash of what it gets.
pub struct Made {
    before: LoginProfile,
    hash: Option<String>,
}

impl Call for UpdateLoginProfile {
    const ACTION: Action = Action::iam("UpdateLoginProfile");
    type Made = Made;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        let before = login::need(user::need(&view, &self.user_name)?)?.clone();
        let hash = match &self.password {
            Some(password) => Some(hash_new(outside, &view, &before, password).await?),
            None => None,
        };
        Ok(Made { before, hash })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = user::need(&tx.view(), &self.user_name)?.id.clone();
        login::change(tx, &id, &made.before, made.hash, self.password_reset_required)?;
        Ok(Nothing {})
    }
}
