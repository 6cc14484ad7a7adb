//! iam:GetMFADevice. Shows a user's device: the caller's, if no user is named.

use landfall_cloud::View;
use landfall_cloud::identity::mfa;
use landfall_model::{Arn, UniqueId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::time;
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetMFADevice {
    serial_number: String,
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMFADeviceResult<'v> {
    user_name: &'v str,
    serial_number: &'v Arn,
    enable_date: Time,
}

impl Read for GetMFADevice {
    const ACTION: Action = Action::iam("GetMFADevice");
    type Output<'v> = GetMFADeviceResult<'v>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetMFADeviceResult<'v>, ApiError> {
        let user = whom(&look.view, self.user_name.as_deref(), self.caller.as_ref())?;
        let (device, enabled) = mfa::need_of(&look.view, user, &self.serial_number)?;
        Ok(GetMFADeviceResult { user_name: &user.name, serial_number: &device.serial, enable_date: time(enabled.at) })
    }
}
