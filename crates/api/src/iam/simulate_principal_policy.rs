//! iam:SimulatePrincipalPolicy. Says what the policies of a user, group or role would say of given calls.

use landfall_cloud::View;
use serde::Deserialize;

use super::shape::demand::entity_demand;
use super::shape::simulation::{Calls, ContextEntry, Evaluations, PAGE, Simulation, Who, Whose, given, one_boundary};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SimulatePrincipalPolicy {
    policy_source_arn: String,
    #[serde(default)]
    policy_input_list: Vec<String>,
    #[serde(default)]
    permissions_boundary_policy_input_list: Vec<String>,
    action_names: Vec<String>,
    #[serde(default)]
    resource_arns: Vec<String>,
    resource_policy: Option<String>,
    resource_owner: Option<String>,
    caller_arn: Option<String>,
    #[serde(default)]
    context_entries: Vec<ContextEntry>,
    resource_handling_option: Option<Unsupported>,
}

impl Read for SimulatePrincipalPolicy {
    const ACTION: Action = Action::iam("SimulatePrincipalPolicy");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = Evaluations;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        entity_demand(view, demands, Self::ACTION, &self.policy_source_arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<Evaluations, ApiError> {
        refuse_parameters!(self; resource_handling_option);
        look.page.bound(PAGE);
        let view = look.view;
        let whose = Whose::need(&view, &self.policy_source_arn)?;
        let mut identity = whose.sources(&view)?;
        identity.extend(given("PolicyInputList", &self.policy_input_list)?);
        // A boundary that is given takes the place of the one that is set.
        let boundary = match one_boundary(&self.permissions_boundary_policy_input_list)? {
            Some(given) => Some(given),
            None => whose.boundary(&view)?,
        };
        let who = match (&self.caller_arn, whose) {
            (Some(arn), _) => Who::caller(&view, arn)?,
            (None, Whose::Principal(row)) => Who::of(row),
            (None, Whose::Group(_)) => Who::somebody(view.scope().account),
        };
        let calls = Calls {
            actions: &self.action_names,
            resources: &self.resource_arns,
            resource_policy: self.resource_policy.as_deref(),
            resource_owner: self.resource_owner.as_deref(),
            context: &self.context_entries,
        };
        Simulation::new(identity, boundary, who, calls)?.page(&mut look.page)
    }
}
