//! ec2:CreateDefaultSubnet. Makes a zone's default subnet again after it was deleted.

use landfall_cloud::value::Subnets;
use landfall_cloud::{Fault, Tx, View, network};
use landfall_model::{Region, ZoneName};
use serde::{Deserialize, Serialize};

use super::shape::vpc::{SubnetShape, subnet};
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
        let zone = self.zone(tx.scope().region)?;
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

impl CreateDefaultSubnet {
    /// The zone that is asked for, by name or by id.
    fn zone(&self, region: Region) -> Result<ZoneName, ApiError> {
        let (parameter, text, found) = match (&self.availability_zone, &self.availability_zone_id) {
            (Some(name), None) => ("availabilityZone", name, region.zones().find(|zone| zone.to_string() == *name)),
            (None, Some(id)) => ("availabilityZoneId", id, region.zones().find(|zone| zone.zone_id() == *id)),
            (None, None) => return Err(ApiError::missing("availabilityZone")),
            (Some(_), Some(_)) => {
                return Err(ApiError::combination("AvailabilityZone and AvailabilityZoneId can't both be given."));
            }
        };
        found.ok_or_else(|| {
            let zones: Vec<_> = region.zones().map(|zone| zone.to_string()).collect();
            let why = format!(
                "Subnets can currently only be created in the following availability zones: {}.",
                zones.join(", ")
            );
            ApiError::invalid(parameter, text, why)
        })
    }
}
