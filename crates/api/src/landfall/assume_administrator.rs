//! landfall:AssumeAdministrator. Breaks the glass: gives the operator credentials for a while that may do in a tenant's
//! account what its root may, also while the account is suspended. Who did so and why stands in the audit of both accounts.

use landfall_cloud::{Tx, View, account};
use landfall_model::{AccountId, UniqueId};
use serde::{Deserialize, Serialize};

use super::{check_operator, demand_account};
use crate::session::{Session, SessionKind};
use crate::sts::shape::{Credentials, credentials, duration, new_session};
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

/// How long the credentials last unless that is said, and at least, in seconds.
const DEFAULT_S: u32 = 900;
/// How long at most.
const MOST_S: u32 = 3600;
/// Characters of a reason.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 8..=256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssumeAdministrator {
    account_id: AccountId,
    /// Why, for whoever reads the audit.
    reason: String,
    duration_seconds: Option<u32>,
    #[serde(skip)]
    caller: Option<Caller>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumeAdministratorResponse {
    credentials: Credentials,
    arn: landfall_model::Arn,
}

impl Call for AssumeAdministrator {
    const ACTION: Action = Action::landfall("AssumeAdministrator");
    type Made = AssumeAdministratorResponse;
    type Output<'t> = AssumeAdministratorResponse;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn concerns(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<AssumeAdministratorResponse, ApiError> {
        check_operator(&view)?;
        let caller = self.caller.as_ref().ok_or_else(ApiError::internal)?;
        account::need(&view, self.account_id)?;
        if !REASON_CHARS.contains(&self.reason.trim().chars().count()) || self.reason.contains(char::is_control) {
            return Err(ApiError::invalid("Reason", self.reason.escape_debug(), "A reason has 8 to 256 characters."));
        }
        let duration_s = duration(self.duration_seconds, DEFAULT_S, DEFAULT_S..=MOST_S)?;
        let root = view.tables().principals.get(&UniqueId::root(self.account_id)).ok_or_else(ApiError::internal)?;
        // As its ARN ends: `root`, a user's name, or a session's, which tells more than its role's.
        let arn = caller.arn();
        let who = arn.rsplit(['/', ':']).next().unwrap_or_default();
        let kind = SessionKind::Provider(who.to_owned());
        let session = Session::new(root, new_session(&outside.vault, &view, self.account_id, kind, duration_s)?);
        let arn = session.arn(root);
        Ok(AssumeAdministratorResponse { credentials: credentials(&outside.vault, session), arn })
    }

    fn run(
        self,
        made: AssumeAdministratorResponse,
        tx: &mut Tx<'_, '_>,
    ) -> Result<AssumeAdministratorResponse, ApiError> {
        check_operator(&tx.view())?;
        Ok(made)
    }
}
