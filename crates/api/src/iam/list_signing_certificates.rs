//! iam:ListSigningCertificates. Lists a user's signing certificates: none, since nobody here takes signatures by one and
//! none can be uploaded. Tools ask before they delete a user.

use landfall_cloud::View;
use landfall_model::UniqueId;
use serde::{Deserialize, Serialize};

use super::shape::Nothing;
use super::shape::demand::whom_demand;
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListSigningCertificates {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSigningCertificatesResult {
    certificates: Vec<Nothing>,
}

impl Read for ListSigningCertificates {
    const ACTION: Action = Action::iam("ListSigningCertificates");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListSigningCertificatesResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListSigningCertificatesResult, ApiError> {
        whom(&look.view, self.user_name.as_deref(), self.caller.as_ref())?;
        Ok(ListSigningCertificatesResult { certificates: Vec::new() })
    }
}
