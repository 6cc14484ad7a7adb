//! iam:ListMFADevices. Lists a user's devices: the caller's, if none is named.

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
pub struct ListMFADevices {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMFADevicesResult<'v> {
    #[serde(rename = "MFADevices")]
    devices: Vec<DeviceShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeviceShape<'v> {
    user_name: &'v str,
    serial_number: &'v Arn,
    enable_date: Time,
}

impl Read for ListMFADevices {
    const ACTION: Action = Action::iam("ListMFADevices");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListMFADevicesResult<'v>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListMFADevicesResult<'v>, ApiError> {
        let view = look.view;
        let user = whom(&view, self.user_name.as_deref(), self.caller.as_ref())?;
        let rows = mfa::of(&view, &user.id).filter_map(|row| {
            let enable_date = time(row.enabled.as_ref()?.at);
            Some(DeviceShape { user_name: &user.name, serial_number: &row.serial, enable_date })
        });
        Ok(ListMFADevicesResult { devices: look.page.take(rows, |row| row.serial_number.to_string())? })
    }
}
