//! iam:CreatePolicy. Makes a managed policy.

use landfall_cloud::identity::managed_policy::{self, Managed};
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::policy::{PolicyShape, shown};
use super::shape::{root, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreatePolicy {
    policy_name: String,
    #[serde(default = "root")]
    path: String,
    policy_document: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: Vec<tag::Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatePolicyResult<'t> {
    policy: Option<PolicyShape<'t>>,
}

impl Write for CreatePolicy {
    const ACTION: Action = Action::iam("CreatePolicy");
    type Output<'t> = CreatePolicyResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let _ = view;
        let arn = Arn::iam(demands.account(), format_args!("policy{}{}", self.path, self.policy_name));
        demands.resource(Self::ACTION, arn).request_tags(&tag::by_key(&self.tags));
        tag::demand_on_new(demands, "TagPolicy", &self.tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreatePolicyResult<'t>, ApiError> {
        let id = managed_policy::create(tx, &self.policy_name, &self.path, &self.description, &self.policy_document)?;
        tag::put(tx, tag::Tagged::Policy, &id, &self.tags)?;
        let view = tx.view();
        let row = managed_policy::own(&view).find(|row| row.id == id);
        Ok(CreatePolicyResult { policy: row.map(|row| shown(&view, row.arn(), Managed::Own(row))) })
    }
}
