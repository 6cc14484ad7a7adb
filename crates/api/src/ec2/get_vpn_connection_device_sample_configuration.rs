//! ec2:GetVpnConnectionDeviceSampleConfiguration. Writes a configuration of the other side's device, for people to adapt.

use landfall_cloud::{View, vpn};
use landfall_model::{Arn, VpnConnectionId};
use serde::{Deserialize, Serialize};

use super::shape::vpn::{ends, keys};
use super::shape::vpn_sample::{DEVICES, Sample};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetVpnConnectionDeviceSampleConfiguration {
    vpn_connection_id: VpnConnectionId,
    vpn_connection_device_type_id: String,
    internet_key_exchange_version: Option<String>,
    sample_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetVpnConnectionDeviceSampleConfigurationResult {
    vpn_connection_device_sample_configuration: String,
}

impl Read for GetVpnConnectionDeviceSampleConfiguration {
    const ACTION: Action = Action::ec2("GetVpnConnectionDeviceSampleConfiguration");
    type Output<'v> = GetVpnConnectionDeviceSampleConfigurationResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.vpn_connection_id);
        let device = format_args!("vpn-connection-device-type/{}", self.vpn_connection_device_type_id).to_string();
        demands.resource(Self::ACTION, Arn::new("ec2", view.scope(), device));
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetVpnConnectionDeviceSampleConfigurationResult, ApiError> {
        let id = self.vpn_connection_device_type_id.as_str();
        let device = DEVICES.iter().find(|device| device.id() == id).ok_or_else(|| {
            let message = format!("The VPN connection device type '{id}' does not exist");
            ApiError::not_found("InvalidVpnConnectionDeviceTypeID.NotFound", message)
        })?;
        let recommended = match self.sample_type.as_deref() {
            None | Some("compatibility") => false,
            Some("recommended") => true,
            Some(other) => {
                return Err(ApiError::invalid("SampleType", other, "Valid values: compatibility | recommended."));
            }
        };
        let ike_version = match (self.internet_key_exchange_version.as_deref(), recommended) {
            (None, false) => 1,
            (None, true) | (Some("ikev2"), _) => 2,
            (Some("ikev1"), false) => 1,
            (Some("ikev1"), true) => {
                return Err(ApiError::new("UnsupportedOperation", "The recommended sample type uses ikev2 only."));
            }
            (Some(other), _) => {
                return Err(ApiError::invalid("InternetKeyExchangeVersion", other, "Valid values: ikev1 | ikev2."));
            }
        };
        let view = look.view;
        let row = vpn::need(&view, self.vpn_connection_id)?;
        let keys = keys(&look.outside.vault, row)?;
        let ends = ends(&view, row).ok_or_else(ApiError::internal)?;
        let sample = Sample { row, ends, keys: &keys, ike_version, recommended };
        Ok(GetVpnConnectionDeviceSampleConfigurationResult {
            vpn_connection_device_sample_configuration: device.write(&sample),
        })
    }
}
