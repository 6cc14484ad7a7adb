//! ec2:ResetNetworkInterfaceAttribute. Lets an interface send and receive only as itself again: the one attribute that can
//! be reset.

use landfall_cloud::{Tx, View, interface};
use landfall_model::InterfaceId;
use serde::Deserialize;

use super::shape::{Done, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResetNetworkInterfaceAttribute {
    network_interface_id: InterfaceId,
    /// That it is here says what to reset; its text says nothing.
    source_dest_check: Option<String>,
}

impl Write for ResetNetworkInterfaceAttribute {
    const ACTION: Action = Action::ec2("ResetNetworkInterfaceAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        if self.source_dest_check.is_none() {
            return Err(ApiError::missing("sourceDestCheck"));
        }
        interface::change(tx, self.network_interface_id, |row| row.source_dest_check = true)?;
        Ok(Done::OK)
    }
}
