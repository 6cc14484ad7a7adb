//! Second factors: virtual devices that show one-time codes (RFC 6238).

use serde::{Deserialize, Serialize};

use super::UniqueId;
use crate::arn::Arn;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// A virtual device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaDevice {
    /// The account.
    pub account: AccountId,
    /// Its serial number, which is its ARN.
    pub serial: Arn,
    /// What its codes are made from, sealed with the root key.
    pub seed: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whose it is, once it is somebody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<MfaEnabled>,
    /// The step of the last code that was taken from its users before: it isn't taken from the next one either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_step: Option<i64>,
}

/// What is known of a device that is somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaEnabled {
    /// The user.
    pub user: UniqueId,
    /// Since when.
    pub at: Timestamp,
    /// How far the device's clock is ahead of ours, in steps of a code.
    pub drift_steps: i64,
    /// The step of the last code that was taken: neither it nor an earlier one is taken again.
    pub last_step: i64,
}

impl MfaDevice {
    /// The serial number of an account's device.
    pub fn serial(account: AccountId, path: &str, name: &str) -> Arn {
        Arn::iam(account, format_args!("mfa{path}{name}"))
    }
}
