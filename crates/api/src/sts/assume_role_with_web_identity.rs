//! sts:AssumeRoleWithWebIdentity. Takes a role by the token of an identity provider, if the role's trust policy lets whom
//! the token proves. Nobody signs the call: [`crate::web_identity`] proves the token before.

use landfall_cloud::identity::role;
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, UniqueId};
use serde::{Deserialize, Serialize};

use super::shape::taking::{AssumedRoleUser, check_role_arn, note_use, trust_demand};
use super::shape::{
    Credentials, PolicyDescriptor, check_by_key, check_name, credentials, duration, narrowing, new_session, packed_size,
};
use crate::demand::Veil;
use crate::session::{Session, SessionKind};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::web_identity::Labels;
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

/// How long a session lasts if it isn't said, and at least, in seconds. Source: the STS API Reference.
const DEFAULT_S: u32 = 3600;
const LEAST_S: u32 = 900;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssumeRoleWithWebIdentity {
    role_arn: String,
    role_session_name: String,
    web_identity_token: String,
    provider_id: Option<Unsupported>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    policy: Option<String>,
    duration_seconds: Option<u32>,
    #[serde(skip)]
    caller: Option<Caller>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumeRoleWithWebIdentityResult {
    credentials: Credentials,
    subject_from_web_identity_token: String,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    provider: String,
    audience: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

/// A session that was made, on that role.
pub struct Made {
    role: UniqueId,
    result: AssumeRoleWithWebIdentityResult,
}

impl AssumeRoleWithWebIdentity {
    /// The token.
    pub fn token(&self) -> &str {
        &self.web_identity_token
    }

    /// Refuses what names no role.
    pub fn check_role(&self) -> Result<(), ApiError> {
        check_role_arn(&self.role_arn)
    }

    /// The role that is asked for.
    pub fn role_arn(&self) -> &str {
        &self.role_arn
    }

    /// What the session is to be called.
    pub fn session_name(&self) -> &str {
        &self.role_session_name
    }

    /// What the token says of the session.
    fn labels(&self) -> Option<&Labels> {
        Some(&self.caller.as_ref()?.vouched.as_deref()?.labels)
    }

    /// What the role's trust policy may look at.
    fn demand(&self, view: &View<'_>, demands: &mut Demands, action: Action) {
        let demand = trust_demand(view, demands, action, &self.role_arn);
        demand.with("sts:RoleSessionName", &self.role_session_name).veil = Some(Veil::WebIdentity);
        let Some(labels) = self.labels() else { return };
        demand.request_tags(&labels.tags);
        if let Some(source) = &labels.source {
            demand.with("sts:SourceIdentity", source);
        }
        if !labels.transitive.is_empty() {
            demand.context.set_many("sts:TransitiveTagKeys", labels.transitive.iter().map(String::as_str));
        }
    }
}

impl Call for AssumeRoleWithWebIdentity {
    const ACTION: Action = Action::sts("AssumeRoleWithWebIdentity");
    type Made = Made;
    type Output<'t> = AssumeRoleWithWebIdentityResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.demand(view, demands, Self::ACTION);
        let Some(labels) = self.labels() else { return };
        if !labels.tags.is_empty() {
            self.demand(view, demands, Action::sts("TagSession"));
        }
        if labels.source.is_some() {
            self.demand(view, demands, Action::sts("SetSourceIdentity"));
        }
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        refuse_parameters!(self; provider_id);
        let vouched = self.caller.as_ref().and_then(|caller| caller.vouched.as_deref());
        // Whoever signs the call is somebody already.
        let vouched = vouched.ok_or_else(|| ApiError::new("InvalidIdentityToken", "This call is not to be signed."))?;
        check_name("roleSessionName", &self.role_session_name, 2..=64)?;
        let row = self.role_arn.parse().ok().and_then(|arn: Arn| role::by_arn(view.tables(), &arn));
        let role = row.and_then(|row| Some((row, row.role()?)));
        let (row, role) = role.ok_or_else(ApiError::internal)?;
        let duration_s = duration(self.duration_seconds, DEFAULT_S, LEAST_S..=43_200)?;
        if duration_s > role.max_session_s {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return Err(ApiError::new("ValidationError", message));
        }
        let kind = SessionKind::Role(self.role_session_name.clone());
        let new = new_session(&outside.vault, &view, row.account, kind, duration_s)?;
        let mut session = Session::new(row, new);
        (session.policies, session.managed) = narrowing(&view, row.account, self.policy.as_deref(), &self.policy_arns)?;
        session.provider = Some(vouched.provider.to_string());
        session.claims = vouched.keys().into_iter().collect();
        check_by_key(&vouched.labels.tags)?;
        if let Some(missing) = vouched.labels.transitive.iter().find(|key| !vouched.labels.tags.contains_key(*key)) {
            let message = format!("The specified transitive tag key must be included in the requested tags: {missing}");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if let Some(source) = &vouched.labels.source {
            check_name("sourceIdentity", source, 2..=64)?;
        }
        session.tags = vouched.labels.tags.clone();
        session.transitive = vouched.labels.transitive.clone();
        session.source_identity = vouched.labels.source.clone();
        let assumed_role_user = AssumedRoleUser { assumed_role_id: session.user_id(), arn: session.arn(row) };
        let packed_policy_size = packed_size(&session)?;
        let result = AssumeRoleWithWebIdentityResult {
            credentials: credentials(&outside.vault, session),
            subject_from_web_identity_token: vouched.subject.clone(),
            assumed_role_user,
            packed_policy_size,
            source_identity: vouched.labels.source.clone(),
            provider: vouched.issuer.clone(),
            audience: vouched.audience.clone(),
        };
        Ok(Made { role: row.id.clone(), result })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<AssumeRoleWithWebIdentityResult, ApiError> {
        note_use(tx, &made.role);
        Ok(made.result)
    }
}
