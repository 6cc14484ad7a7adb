//! iam:GetAccountPasswordPolicy. Shows what the account asks of its users' passwords.

use landfall_cloud::View;
use landfall_cloud::identity::password_policy;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetAccountPasswordPolicy {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountPasswordPolicyResult {
    password_policy: PolicyShape,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "as AWS shows it")]
struct PolicyShape {
    minimum_password_length: u32,
    require_symbols: bool,
    require_numbers: bool,
    require_uppercase_characters: bool,
    require_lowercase_characters: bool,
    allow_users_to_change_password: bool,
    expire_passwords: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_password_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_reuse_prevention: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hard_expiry: Option<bool>,
}

impl Read for GetAccountPasswordPolicy {
    const ACTION: Action = Action::iam("GetAccountPasswordPolicy");
    type Output<'v> = GetAccountPasswordPolicyResult;

    /// Whoever may change its own password may know what is asked of it.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let may_change = password_policy::find(view).is_some_and(|policy| policy.may_change);
        demands.anything(Self::ACTION).implied = may_change;
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetAccountPasswordPolicyResult, ApiError> {
        let policy = password_policy::need(&look.view)?;
        let password_policy = PolicyShape {
            minimum_password_length: policy.min_length,
            require_symbols: policy.symbols,
            require_numbers: policy.numbers,
            require_uppercase_characters: policy.uppercase,
            require_lowercase_characters: policy.lowercase,
            allow_users_to_change_password: policy.may_change,
            expire_passwords: policy.max_age_days.is_some(),
            max_password_age: policy.max_age_days,
            password_reuse_prevention: policy.reuse_prevention,
            hard_expiry: policy.hard_expiry,
        };
        Ok(GetAccountPasswordPolicyResult { password_policy })
    }
}
