//! Passwords in answers, and what two operations do to replace one.

use landfall_cloud::Fault;
use landfall_cloud::View;
use landfall_cloud::identity::{IdentityFault, login, password_policy};
use landfall_model::{LoginProfile, Principal};
use landfall_wire::Time;
use serde::Serialize;

use super::time;
use crate::{ApiError, Outside};

/// That a user has a password.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoginShape<'v> {
    user_name: &'v str,
    create_date: Time,
    password_reset_required: bool,
}

/// A user's password, without the password.
pub fn shown<'v>(user: &'v Principal, login: &LoginProfile) -> LoginShape<'v> {
    LoginShape {
        user_name: &user.name,
        create_date: time(login.created_at),
        password_reset_required: login.must_change,
    }
}

/// The hash of a password that is to replace another, if the account's policy takes it.
pub async fn hash_new(
    outside: &Outside,
    view: &View<'_>,
    before: &LoginProfile,
    password: &str,
) -> Result<String, ApiError> {
    password_policy::check(password_policy::find(view), password)?;
    for hash in login::barred(view, before) {
        if outside.hasher.is_of(hash, password).await? {
            let message = "Policy constraint violation with password reuse prevention during password change.";
            return Err(Fault::from(IdentityFault::Password(message.into())).into());
        }
    }
    outside.hasher.hash(password).await
}
