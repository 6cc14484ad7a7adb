//! ec2:DeleteVpc. Deletes a VPC that has nothing left but what each has from the start.

use landfall_cloud::{Tx, View, vpc};
use landfall_model::VpcId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVpc {
    vpc_id: VpcId,
}

impl Write for DeleteVpc {
    const ACTION: Action = Action::ec2("DeleteVpc");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        vpc::delete(tx, self.vpc_id)?;
        Ok(Done::OK)
    }
}
