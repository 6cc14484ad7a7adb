//! ec2:UnassignPrivateIpAddresses. Takes addresses other than the primary one from an interface.

use std::net::Ipv4Addr;

use landfall_cloud::{Tx, View, interface_address};
use landfall_model::InterfaceId;
use serde::Deserialize;

use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{Done, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UnassignPrivateIpAddresses {
    network_interface_id: InterfaceId,
    #[serde(default)]
    private_ip_address: Vec<Ipv4Addr>,
    ipv4_prefix: Option<Unsupported>,
}

impl Write for UnassignPrivateIpAddresses {
    const ACTION: Action = Action::ec2("UnassignPrivateIpAddresses");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        refuse_parameters!(self; ipv4_prefix);
        if self.private_ip_address.is_empty() {
            return Err(ApiError::missing("privateIpAddresses"));
        }
        interface_address::unassign(tx, self.network_interface_id, &self.private_ip_address)?;
        Ok(Done::OK)
    }
}
