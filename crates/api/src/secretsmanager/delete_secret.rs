//! secretsmanager:DeleteSecret. Marks a secret for its deletion, or lets it go at once.

use std::time::Duration;

use landfall_cloud::secret::{self, SecretFault};
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, Secret};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::{at_home, demand, time};
use crate::{Action, ApiError, Demands, Write};

/// How long a secret can be taken back unless it is said, in days.
const DEFAULT_DAYS: u64 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<u64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteSecretResult {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: String,
    deletion_date: Time,
}

impl Write for DeleteSecret {
    const ACTION: Action = Action::secretsmanager("DeleteSecret");
    const FREES: bool = true;
    type Output<'t> = DeleteSecretResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand(view, demands, Self::ACTION, &self.secret_id);
        if let Some(days) = self.recovery_window_in_days {
            own.with("secretsmanager:RecoveryWindowInDays", days);
        }
        own.with("secretsmanager:ForceDeleteWithoutRecovery", self.force_delete_without_recovery);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteSecretResult, ApiError> {
        let invalid = |message: &str| Err(SecretFault::Invalid(message.into()).into());
        if self.recovery_window_in_days.is_some_and(|days| !(7..=30).contains(&days)) {
            return invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
        }
        if self.recovery_window_in_days.is_some() && self.force_delete_without_recovery {
            return invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
        }
        let mut tx = at_home(tx, &self.secret_id);
        let now = tx.now();
        let row = match secret::need(&tx.view(), &self.secret_id) {
            // What is gone already may be forced to go again.
            Err(SecretFault::NoSuch) if self.force_delete_without_recovery => {
                let suffix: String = (0..secret::SUFFIX_CHARS).map(|_| letter(tx.entropy().next_u64())).collect();
                let arn = match self.secret_id.parse() {
                    Ok(arn) => arn,
                    Err(_) => Secret::arn_of(tx.scope(), &self.secret_id, &suffix),
                };
                return Ok(DeleteSecretResult { arn, name: self.secret_id, deletion_date: time(now) });
            }
            found => found?.clone(),
        };
        let due_at = if self.force_delete_without_recovery {
            secret::delete(&mut tx, &row);
            now
        } else {
            let days = self.recovery_window_in_days.unwrap_or(DEFAULT_DAYS);
            secret::mark(&mut tx, &row, Duration::from_secs(days * 24 * 3600))?.due_at
        };
        Ok(DeleteSecretResult { arn: row.arn(), name: row.name, deletion_date: time(due_at) })
    }
}

fn letter(bits: u64) -> char {
    char::from(b'a' + (bits % 26) as u8)
}
