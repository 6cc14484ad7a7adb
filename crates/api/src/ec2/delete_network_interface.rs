//! ec2:DeleteNetworkInterface. Deletes an interface that nothing has.

use landfall_cloud::{Tx, View, interface};
use landfall_model::InterfaceId;
use serde::Deserialize;

use super::shape::{Done, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteNetworkInterface {
    network_interface_id: InterfaceId,
}

impl Write for DeleteNetworkInterface {
    const ACTION: Action = Action::ec2("DeleteNetworkInterface");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        interface::delete_unused(tx, self.network_interface_id)?;
        Ok(Done::OK)
    }
}
