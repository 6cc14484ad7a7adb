//! ec2:CreateDefaultSubnet. Makes a zone's default subnet again after it was deleted.

use landfall_cloud::value::Subnets;
use landfall_cloud::{Fault, Tx, View, network};
use serde::{Deserialize, Serialize};

use super::shape::vpc::{SubnetShape, subnet};
use super::shape::zone;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateDefaultSubnet {
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    #[serde(default)]
    ipv6_native: bool,
}

#[derive(Serialize)]
pub struct CreateDefaultSubnetResult<'t> {
    subnet: SubnetShape<'t>,
}

impl Write for CreateDefaultSubnet {
    const ACTION: Action = Action::ec2("CreateDefaultSubnet");
    type Output<'t> = CreateDefaultSubnetResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateDefaultSubnetResult<'t>, ApiError> {
        if self.ipv6_native {
            return Err(ApiError::unsupported("the value 'true' of the parameter Ipv6Native"));
        }
        let (name, id) = (self.availability_zone.as_deref(), self.availability_zone_id.as_deref());
        let zone = zone::find(tx.scope().region, name, id)?.ok_or_else(|| ApiError::missing("availabilityZone"))?;
        let id = network::create_default_subnet(tx, zone).map_err(|fault| match fault {
            Fault::NoDefaultVpc => ApiError::new(
                "DefaultVpcDoesNotExist",
                "There is no default VPC in this region. CreateDefaultVpc makes one.",
            ),
            fault => fault.into(),
        })?;
        let view = tx.view();
        Ok(CreateDefaultSubnetResult { subnet: subnet(&view, view.need::<Subnets, _>(id)?) })
    }
}
