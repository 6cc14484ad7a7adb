//! ec2:ModifyVpcTenancy. Lets a VPC's instances share machines with others' from now on.

use landfall_cloud::value::Vpcs;
use landfall_cloud::{Tx, View};
use landfall_model::VpcId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpcTenancy {
    vpc_id: VpcId,
    instance_tenancy: String,
}

impl Write for ModifyVpcTenancy {
    const ACTION: Action = Action::ec2("ModifyVpcTenancy");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id)
            .with("ec2:Attribute", "InstanceTenancy")
            .with("ec2:Attribute/InstanceTenancy", &self.instance_tenancy);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let key = tx.view().need::<Vpcs, _>(self.vpc_id)?.key();
        if self.instance_tenancy != "default" {
            let why = "The tenancy of a VPC can be changed to 'default' only.";
            return Err(ApiError::invalid("instanceTenancy", self.instance_tenancy, why));
        }
        tx.update::<Vpcs, _>(&key, |row| row.dedicated = false);
        Ok(Done::OK)
    }
}
