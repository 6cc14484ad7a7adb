//! sts:GetFederationToken. Temporary credentials for somebody who a user vouches for: what both the user's policies and
//! the given ones allow.

use landfall_cloud::View;
use landfall_model::{Arn, PrincipalKind};
use serde::{Deserialize, Serialize};

use super::shape::{
    Credentials, PolicyDescriptor, SessionTag, by_key, check_lasting, check_name, check_tags, credentials, duration,
    narrowing, new_session, packed_size,
};
use crate::session::{Session, SessionKind};
use crate::{Action, ApiError, Caller, Demands, Inquire, Outside};

/// How long a session lasts, in seconds: if it isn't said, at least, at most. Root's lasts an hour at most. Source: the
/// STS API Reference.
const DEFAULT_S: u32 = 43_200;
const LEAST_S: u32 = 900;
const MOST_S: u32 = 129_600;
const ROOT_S: u32 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetFederationToken {
    name: String,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyDescriptor>,
    duration_seconds: Option<u32>,
    #[serde(default)]
    tags: Vec<SessionTag>,
    #[serde(skip)]
    caller: Option<Caller>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetFederationTokenResult {
    credentials: Credentials,
    federated_user: FederatedUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FederatedUser {
    federated_user_id: String,
    arn: Arn,
}

impl Inquire for GetFederationToken {
    const ACTION: Action = Action::sts("GetFederationToken");
    type Output = GetFederationTokenResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = by_key(&self.tags);
        let arn = Arn::sts(demands.account(), format_args!("federated-user/{}", self.name));
        demands.resource(Self::ACTION, &arn).request_tags(&tags);
        if !tags.is_empty() {
            demands.resource(Action::sts("TagSession"), &arn).request_tags(&tags);
        }
    }

    async fn inquire(&self, outside: &Outside, view: View<'_>) -> Result<GetFederationTokenResult, ApiError> {
        check_lasting(self.caller.as_ref(), "GetFederationToken")?;
        let principal = &self.caller.as_ref().ok_or_else(ApiError::internal)?.principal;
        check_name("name", &self.name, 2..=32)?;
        check_tags(&self.tags)?;
        let mut duration_s = duration(self.duration_seconds, DEFAULT_S, LEAST_S..=MOST_S)?;
        if principal.kind == PrincipalKind::Root {
            duration_s = duration_s.min(ROOT_S);
        }
        let kind = SessionKind::Federated(self.name.clone());
        let new = new_session(&outside.vault, &view, principal.account, kind, duration_s)?;
        let mut session = Session::new(principal, new);
        (session.policies, session.managed) =
            narrowing(&view, principal.account, self.policy.as_deref(), &self.policy_arns)?;
        session.tags = by_key(&self.tags);
        let federated_user = FederatedUser { federated_user_id: session.user_id(), arn: session.arn(principal) };
        let packed_policy_size = packed_size(&session)?;
        let credentials = credentials(&outside.vault, session);
        Ok(GetFederationTokenResult { credentials, federated_user, packed_policy_size })
    }
}
