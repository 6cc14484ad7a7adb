//! ec2:CreateDefaultVpc. Makes the default network again after it was deleted.

use landfall_cloud::value::Vpcs;
use landfall_cloud::{Tx, View, network};
use serde::{Deserialize, Serialize};

use super::shape::vpc::{VpcShape, vpc};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateDefaultVpc {}

#[derive(Serialize)]
pub struct CreateDefaultVpcResult<'t> {
    vpc: VpcShape<'t>,
}

impl Write for CreateDefaultVpc {
    const ACTION: Action = Action::ec2("CreateDefaultVpc");
    type Output<'t> = CreateDefaultVpcResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateDefaultVpcResult<'t>, ApiError> {
        let id = network::create_default_vpc(tx)?;
        let view = tx.view();
        Ok(CreateDefaultVpcResult { vpc: vpc(&view, view.need::<Vpcs, _>(id)?) })
    }
}
