//! iam:SimulateCustomPolicy. Says what given policies would say of given calls.

use serde::Deserialize;

use super::shape::simulation::{Calls, ContextEntry, Evaluations, PAGE, Simulation, Who, given, one_boundary};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SimulateCustomPolicy {
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

impl Read for SimulateCustomPolicy {
    const ACTION: Action = Action::iam("SimulateCustomPolicy");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = Evaluations;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<Evaluations, ApiError> {
        refuse_parameters!(self; resource_handling_option);
        look.page.bound(PAGE);
        let who = match &self.caller_arn {
            Some(arn) => Who::caller(&look.view, arn)?,
            None => Who::somebody(look.view.scope().account),
        };
        let identity = given("PolicyInputList", &self.policy_input_list)?;
        let boundary = one_boundary(&self.permissions_boundary_policy_input_list)?;
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
