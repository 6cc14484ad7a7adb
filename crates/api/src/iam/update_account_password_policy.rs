//! iam:UpdateAccountPasswordPolicy. Sets what the account asks of its users' passwords. What isn't said isn't asked.

use landfall_cloud::identity::password_policy;
use landfall_cloud::{Tx, View};
use landfall_model::PasswordPolicy;
use serde::Deserialize;

use super::shape::Nothing;
use crate::{Action, ApiError, Demands, Write};

/// The fewest characters, if it isn't said. Source: the IAM API Reference.
const MIN_LENGTH: u32 = 6;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "as AWS takes it")]
pub struct UpdateAccountPasswordPolicy {
    minimum_password_length: Option<u32>,
    #[serde(default)]
    require_symbols: bool,
    #[serde(default)]
    require_numbers: bool,
    #[serde(default)]
    require_uppercase_characters: bool,
    #[serde(default)]
    require_lowercase_characters: bool,
    #[serde(default)]
    allow_users_to_change_password: bool,
    max_password_age: Option<u32>,
    password_reuse_prevention: Option<u32>,
    hard_expiry: Option<bool>,
}

impl Write for UpdateAccountPasswordPolicy {
    const ACTION: Action = Action::iam("UpdateAccountPasswordPolicy");
    type Output<'t> = Nothing;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let policy = PasswordPolicy {
            min_length: self.minimum_password_length.unwrap_or(MIN_LENGTH),
            symbols: self.require_symbols,
            numbers: self.require_numbers,
            uppercase: self.require_uppercase_characters,
            lowercase: self.require_lowercase_characters,
            may_change: self.allow_users_to_change_password,
            max_age_days: self.max_password_age,
            reuse_prevention: self.password_reuse_prevention,
            hard_expiry: self.hard_expiry,
        };
        password_policy::set(tx, policy)?;
        Ok(Nothing {})
    }
}
