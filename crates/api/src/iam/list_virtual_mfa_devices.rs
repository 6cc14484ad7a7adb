//! iam:ListVirtualMFADevices. Lists the account's virtual devices, and whose they are.

use landfall_cloud::identity::{mfa, user};
use landfall_model::Arn;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::time;
use super::shape::user::{UserShape, listed};
use crate::{Action, ApiError, Look, Read};

/// Which of them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Assignment {
    Assigned,
    Unassigned,
    #[default]
    Any,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListVirtualMFADevices {
    #[serde(default)]
    assignment_status: Assignment,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListVirtualMFADevicesResult<'v> {
    #[serde(rename = "VirtualMFADevices")]
    devices: Vec<DeviceShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeviceShape<'v> {
    serial_number: &'v Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_date: Option<Time>,
}

impl Read for ListVirtualMFADevices {
    const ACTION: Action = Action::iam("ListVirtualMFADevices");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListVirtualMFADevicesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListVirtualMFADevicesResult<'v>, ApiError> {
        let view = look.view;
        let rows = mfa::all(&view).filter(|row| match self.assignment_status {
            Assignment::Any => true,
            Assignment::Assigned => row.enabled.is_some(),
            Assignment::Unassigned => row.enabled.is_none(),
        });
        let rows = look.page.take(rows, |row| row.serial.to_string())?;
        let shown = rows.into_iter().map(|row| DeviceShape {
            serial_number: &row.serial,
            user: row.enabled.as_ref().and_then(|enabled| user::by_id(&view, &enabled.user)).map(listed),
            enable_date: row.enabled.as_ref().map(|enabled| time(enabled.at)),
        });
        Ok(ListVirtualMFADevicesResult { devices: shown.collect() })
    }
}
