//! ec2:DeleteDhcpOptions. Deletes a set of DHCP options that no VPC has.

use landfall_cloud::{Tx, View, dhcp_options};
use landfall_model::DhcpOptionsId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteDhcpOptions {
    dhcp_options_id: DhcpOptionsId,
}

impl Write for DeleteDhcpOptions {
    const ACTION: Action = Action::ec2("DeleteDhcpOptions");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::dhcp(view, demands, Self::ACTION, self.dhcp_options_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        dhcp_options::delete(tx, self.dhcp_options_id)?;
        Ok(Done::OK)
    }
}
