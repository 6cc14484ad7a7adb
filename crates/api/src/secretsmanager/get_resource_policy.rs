//! secretsmanager:GetResourcePolicy. Shows the policy of a secret, as it was given; whoever it names that is gone shows by the
//! unique id.

use std::borrow::Cow;

use landfall_cloud::identity::speaking;
use landfall_cloud::{View, secret};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::{demand, home};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetResourcePolicy {
    secret_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetResourcePolicyResult<'v> {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy: Option<Cow<'v, str>>,
}

impl Read for GetResourcePolicy {
    const ACTION: Action = Action::secretsmanager("GetResourcePolicy");
    type Output<'v> = GetResourcePolicyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetResourcePolicyResult<'v>, ApiError> {
        let home = home(&look.view, &self.secret_id);
        let row = secret::need_alive(home.view(), &self.secret_id)?;
        let resource_policy = row.policy.as_ref().map(|policy| speaking::shown(&look.view, policy));
        Ok(GetResourcePolicyResult { arn: row.arn(), name: &row.name, resource_policy })
    }
}
