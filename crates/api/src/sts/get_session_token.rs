//! sts:GetSessionToken. Temporary credentials for the caller itself. Nobody needs a permission for it.

use landfall_cloud::{Tx, View};
use landfall_model::PrincipalKind;
use serde::{Deserialize, Serialize};

use super::shape::{Credentials, check_lasting, credentials, duration, new_session};
use crate::second_factor::Shown;
use crate::session::{Session, SessionKind};
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

/// How long a session lasts, in seconds: if it isn't said, at least, at most. Root's lasts an hour at most. Source: the
/// STS API Reference.
const DEFAULT_S: u32 = 43_200;
const LEAST_S: u32 = 900;
const MOST_S: u32 = 129_600;
const ROOT_S: u32 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetSessionToken {
    duration_seconds: Option<u32>,
    serial_number: Option<String>,
    token_code: Option<String>,
    #[serde(skip)]
    caller: Option<Caller>,
    #[serde(skip)]
    factor: Option<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetSessionTokenResult {
    credentials: Credentials,
}

impl Call for GetSessionToken {
    const ACTION: Action = Action::sts("GetSessionToken");
    type Made = GetSessionTokenResult;
    type Output<'t> = GetSessionTokenResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn hear_proof(&mut self, outside: &Outside, view: &View<'_>) -> Result<(), ApiError> {
        let principal = &self.caller.as_ref().ok_or_else(ApiError::internal)?.principal;
        self.factor = Shown::look(outside, view, principal, self.serial_number.as_deref(), self.token_code.as_deref())?;
        Ok(())
    }

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION).implied = true;
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<GetSessionTokenResult, ApiError> {
        check_lasting(self.caller.as_ref(), "GetSessionToken")?;
        let principal = &self.caller.as_ref().ok_or_else(ApiError::internal)?.principal;
        let mut duration_s = duration(self.duration_seconds, DEFAULT_S, LEAST_S..=MOST_S)?;
        if principal.kind == PrincipalKind::Root {
            duration_s = duration_s.min(ROOT_S);
        }
        let new = new_session(&outside.vault, &view, principal.account, SessionKind::Itself, duration_s)?;
        let mut session = Session::new(principal, new);
        session.mfa_at = self.factor.is_some().then(|| view.now());
        Ok(GetSessionTokenResult { credentials: credentials(&outside.vault, session) })
    }

    fn run(self, made: GetSessionTokenResult, tx: &mut Tx<'_, '_>) -> Result<GetSessionTokenResult, ApiError> {
        if let (Some(factor), Some(caller)) = (&self.factor, &self.caller) {
            factor.take(tx, &caller.principal)?;
        }
        Ok(made)
    }
}
