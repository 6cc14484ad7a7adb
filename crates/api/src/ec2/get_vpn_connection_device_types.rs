//! ec2:GetVpnConnectionDeviceTypes. Lists the devices that there are sample configurations for.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::vpn_sample::{DEVICES, Device};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetVpnConnectionDeviceTypes {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetVpnConnectionDeviceTypesResult {
    vpn_connection_device_type_set: Vec<&'static Device>,
}

impl Read for GetVpnConnectionDeviceTypes {
    const ACTION: Action = Action::ec2("GetVpnConnectionDeviceTypes");
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 200;
    type Output<'v> = GetVpnConnectionDeviceTypesResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetVpnConnectionDeviceTypesResult, ApiError> {
        let page = look.page.take(DEVICES, |device| device.id().to_owned())?;
        Ok(GetVpnConnectionDeviceTypesResult { vpn_connection_device_type_set: page })
    }
}
