//! iam:ListServiceSpecificCredentials. Lists a user's passwords for single services: none, since there is no service here
//! that takes one and none can be made. Tools ask before they delete a user.

use landfall_cloud::View;
use landfall_model::UniqueId;
use serde::{Deserialize, Serialize};

use super::shape::Nothing;
use super::shape::demand::whom_demand;
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListServiceSpecificCredentials {
    user_name: Option<String>,
    service_name: Option<String>,
    #[serde(default)]
    all_users: bool,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListServiceSpecificCredentialsResult {
    service_specific_credentials: Vec<Nothing>,
}

impl Read for ListServiceSpecificCredentials {
    const ACTION: Action = Action::iam("ListServiceSpecificCredentials");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListServiceSpecificCredentialsResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListServiceSpecificCredentialsResult, ApiError> {
        // Whichever service is asked about, and of however many users: there are none.
        let _ = &self.service_name;
        if !self.all_users {
            whom(&look.view, self.user_name.as_deref(), self.caller.as_ref())?;
        }
        Ok(ListServiceSpecificCredentialsResult { service_specific_credentials: Vec::new() })
    }
}
