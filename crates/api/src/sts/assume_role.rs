//! sts:AssumeRole. Takes a role, if its trust policy lets the caller: credentials that act as the role for a while.

use std::collections::BTreeSet;

use landfall_cloud::identity::{naming, role};
use landfall_cloud::{Fault, Tx, View};
use landfall_model::{Principal, PrincipalKind, UniqueId};
use serde::{Deserialize, Serialize};

use super::shape::taking::{AssumedRoleUser, check_role_arn, note_use, trust_demand};
use super::shape::{
    Credentials, PolicyDescriptor, SessionTag, by_key, check_name, check_tags, credentials, duration, narrowing,
    new_session, packed_size,
};
use crate::second_factor::Shown;
use crate::session::{Session, SessionKind};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

/// How long a session lasts if it isn't said, and at least, in seconds. Source: the STS API Reference, as are the others.
const DEFAULT_S: u32 = 3600;
const LEAST_S: u32 = 900;
/// How long at most, where a session takes the role.
const CHAINED_S: u32 = 3600;
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssumeRole {
    role_arn: String,
    role_session_name: String,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    policy: Option<String>,
    duration_seconds: Option<u32>,
    #[serde(default)]
    tags: Vec<SessionTag>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
    external_id: Option<String>,
    serial_number: Option<String>,
    token_code: Option<String>,
    source_identity: Option<String>,
    provided_contexts: Option<Unsupported>,
    #[serde(skip)]
    caller: Option<Caller>,
    #[serde(skip)]
    factor: Option<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumeRoleResult {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

/// A session that was made, on that role.
pub struct Made {
    role: UniqueId,
    result: AssumeRoleResult,
}

impl Call for AssumeRole {
    const ACTION: Action = Action::sts("AssumeRole");
    type Made = Made;
    type Output<'t> = AssumeRoleResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn hear_proof(&mut self, outside: &Outside, view: &View<'_>) -> Result<(), ApiError> {
        let caller = self.caller.as_ref().ok_or_else(ApiError::internal)?;
        // The device is the caller's, whose account's it is.
        let home = View::new(view.tables(), landfall_cloud::identity::home(caller.principal.account), view.now());
        let (serial, code) = (self.serial_number.as_deref(), self.token_code.as_deref());
        self.factor = Shown::look(outside, &home, &caller.principal, serial, code)?;
        Ok(())
    }

    fn check(&self) -> Result<(), ApiError> {
        check_role_arn(&self.role_arn)
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.demand(view, demands, Self::ACTION);
        // What a chain of roles carries on is set anew in each of its sessions. Source: the IAM User Guide, "Monitor and
        // control actions taken with assumed roles"; the same of tags is what STS does.
        let before = self.caller.as_ref().and_then(|caller| caller.session.as_deref());
        if !self.tags.is_empty() || before.is_some_and(|session| !session.transitive.is_empty()) {
            self.demand(view, demands, Action::sts("TagSession"));
        }
        if self.source_identity.is_some() || before.is_some_and(|session| session.source_identity.is_some()) {
            self.demand(view, demands, Action::sts("SetSourceIdentity"));
        }
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        refuse_parameters!(self; provided_contexts);
        let caller = self.caller.as_ref().ok_or_else(ApiError::internal)?;
        if caller.principal.kind == PrincipalKind::Root {
            return Err(denied("Roles may not be assumed by root accounts."));
        }
        check_name("roleSessionName", &self.role_session_name, 2..=64)?;
        if let Some(id) = &self.external_id {
            naming::check_external_id(id).map_err(Fault::from)?;
        }
        let (row, most_s) = self.role(&view).ok_or_else(|| denied("The role is not there."))?;
        let is_chained = caller.principal.role().is_some();
        let most_s = if is_chained { CHAINED_S } else { most_s };
        let duration_s = duration(self.duration_seconds, DEFAULT_S, LEAST_S..=43_200)?;
        if duration_s > most_s {
            let message = if is_chained {
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            } else {
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            };
            return Err(ApiError::new("ValidationError", message));
        }
        let kind = SessionKind::Role(self.role_session_name.clone());
        let new = new_session(&outside.vault, &view, row.account, kind, duration_s)?;
        let mut session = Session::new(row, new);
        (session.policies, session.managed) = narrowing(&view, row.account, self.policy.as_deref(), &self.policy_arns)?;
        self.tag(caller, &mut session)?;
        session.source_identity = self.source_identity(caller)?;
        let assumed_role_user = AssumedRoleUser { assumed_role_id: session.user_id(), arn: session.arn(row) };
        let packed_policy_size = packed_size(&session)?;
        let source_identity = session.source_identity.clone();
        let credentials = credentials(&outside.vault, session);
        let result = AssumeRoleResult { credentials, assumed_role_user, packed_policy_size, source_identity };
        Ok(Made { role: row.id.clone(), result })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<AssumeRoleResult, ApiError> {
        if let (Some(factor), Some(caller)) = (&self.factor, &self.caller) {
            factor.take(tx, &caller.principal)?;
        }
        note_use(tx, &made.role);
        Ok(made.result)
    }
}

impl AssumeRole {
    /// The role, and how long its sessions may last, in seconds.
    fn role<'v>(&self, view: &View<'v>) -> Option<(&'v Principal, u32)> {
        let row = role::by_arn(view.tables(), &self.role_arn.parse().ok()?)?;
        Some((row, row.role()?.max_session_s))
    }

    /// What the role's trust policy may look at.
    fn demand(&self, view: &View<'_>, demands: &mut Demands, action: Action) {
        let demand = trust_demand(view, demands, action, &self.role_arn);
        demand.request_tags(&by_key(&self.tags)).with("sts:RoleSessionName", &self.role_session_name);
        if self.factor.is_some() {
            demand.with("aws:MultiFactorAuthPresent", true).with("aws:MultiFactorAuthAge", 0);
        }
        if let Some(id) = &self.external_id {
            demand.with("sts:ExternalId", id);
        }
        let before = self.caller.as_ref().and_then(|caller| caller.session.as_deref());
        let carried = before.and_then(|session| session.source_identity.as_ref());
        if let Some(source) = self.source_identity.as_ref().or(carried) {
            demand.with("sts:SourceIdentity", source);
        }
        if !self.transitive_tag_keys.is_empty() {
            demand.context.set_many("sts:TransitiveTagKeys", self.transitive_tag_keys.iter().map(String::as_str));
        }
    }

    /// The session's tags: those of the request, and those that a chain of roles carries on.
    fn tag(&self, caller: &Caller, session: &mut Session) -> Result<(), ApiError> {
        check_tags(&self.tags)?;
        let before = caller.session.as_deref();
        // Conditions don't tell keys apart by case: TEAM would stand in for a team that is carried on.
        let carried = |key: &str| {
            before.is_some_and(|session| session.transitive.iter().any(|kept| kept.eq_ignore_ascii_case(key)))
        };
        if let Some(tag) = by_key(&self.tags).keys().find(|key| carried(key)) {
            let message = format!(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session: {tag}"
            );
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        session.tags = by_key(&self.tags);
        session.transitive = self.transitive_tag_keys.iter().cloned().collect::<BTreeSet<_>>();
        if let Some(missing) = session.transitive.iter().find(|key| !session.tags.contains_key(*key)) {
            let message = format!("The specified transitive tag key must be included in the requested tags: {missing}");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        for key in before.iter().flat_map(|session| &session.transitive) {
            if let Some(value) = before.and_then(|session| session.tags.get(key)) {
                session.tags.insert(key.clone(), value.clone());
                session.transitive.insert(key.clone());
            }
        }
        Ok(())
    }

    /// The words of the first of a chain of roles, which nobody changes afterwards.
    fn source_identity(&self, caller: &Caller) -> Result<Option<String>, ApiError> {
        let before = caller.session.as_ref().and_then(|session| session.source_identity.clone());
        if let Some(name) = &self.source_identity {
            check_name("sourceIdentity", name, 2..=64)?;
        }
        match (before, &self.source_identity) {
            (Some(before), Some(now)) if before != *now => {
                Err(denied("A source identity that a role chain has can't be changed."))
            }
            (Some(before), _) => Ok(Some(before)),
            (None, now) => Ok(now.clone()),
        }
    }
}

fn denied(message: &str) -> ApiError {
    ApiError::new("AccessDenied", message).with_status(403)
}
