//! Whether an account is served at all. One that the provider has suspended or closed is refused whatever it calls, before
//! any policy is asked; the provider itself may still enter it.

use landfall_cloud::Cloud;
use landfall_model::{AccountId, AccountState};

use crate::authorise::Caller;
use crate::error::ApiError;
use crate::session::SessionKind;

/// Refuses callers of accounts that aren't served. EC2 says that the account is blocked; the others, which know no such
/// word, that it has no subscription. Sources: "Error codes for the Amazon EC2 API", the common errors of IAM and STS, and
/// S3's error responses.
pub(crate) fn check(cloud: &Cloud, caller: &Caller, service: &str) -> Result<(), ApiError> {
    let state = state(cloud, caller.principal.account);
    let session = caller.session.as_ref().map(|session| &session.kind);
    if state == AccountState::Active || matches!(session, Some(SessionKind::Provider(_))) {
        return Ok(());
    }
    let error = match service {
        "ec2" => {
            ApiError::new("Blocked", "Your account is currently blocked. Contact AWS Support if you have questions.")
        }
        "kms" | "ssm" | "secretsmanager" | "cloudtrail" | "dlm" | "ebs" | "elasticfilesystem" => {
            ApiError::new("AccessDeniedException", "Your account is currently blocked.")
        }
        "s3" => {
            ApiError::new("AccountProblem", "There is a problem with your AWS account that prevents the operation.")
        }
        _ => ApiError::new("OptInRequired", "The AWS access key ID needs a subscription for the service"),
    };
    Err(error.with_status(403))
}

/// Whether the owner of what a call is about is served: what a suspended or closed account has is out of reach of others,
/// whatever its policies let them do.
pub(crate) fn serves_owner(cloud: &Cloud, caller: &Caller, owner: &str) -> bool {
    let other = owner.parse().ok().filter(|owner: &AccountId| *owner != caller.principal.account);
    other.is_none_or(|owner| state(cloud, owner) == AccountState::Active)
}

fn state(cloud: &Cloud, account: AccountId) -> AccountState {
    cloud.accounts.get(&account).map(|row| row.standing.state).unwrap_or_default()
}
