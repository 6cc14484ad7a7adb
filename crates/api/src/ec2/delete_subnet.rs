//! ec2:DeleteSubnet. Deletes a subnet that nothing is in.

use landfall_cloud::{Tx, View, subnet};
use landfall_model::SubnetId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteSubnet {
    subnet_id: SubnetId,
}

impl Write for DeleteSubnet {
    const ACTION: Action = Action::ec2("DeleteSubnet");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::subnet(view, demands, Self::ACTION, self.subnet_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        subnet::delete(tx, self.subnet_id)?;
        Ok(Done::OK)
    }
}
