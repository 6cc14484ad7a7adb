//! ec2:CreateSubnet. Carves a subnet out of a VPC's blocks, in one zone.

use landfall_cloud::subnet::{self, NewSubnet};
use landfall_cloud::value::Subnets;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{Ipv4Cidr, Ipv6Cidr, SubnetKind, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::vpc::{SubnetShape, subnet as shape};
use super::shape::{TagSpecifications, network_demand, zone};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "subnet";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateSubnet {
    vpc_id: VpcId,
    cidr_block: Option<Ipv4Cidr>,
    ipv6_cidr_block: Option<Ipv6Cidr>,
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    #[serde(default)]
    ipv6_native: bool,
    #[serde(default)]
    tag_specification: TagSpecifications,
    outpost_arn: Option<Unsupported>,
    ipv4_ipam_pool_id: Option<Unsupported>,
    ipv4_netmask_length: Option<Unsupported>,
    ipv6_ipam_pool_id: Option<Unsupported>,
    ipv6_netmask_length: Option<Unsupported>,
}

#[derive(Serialize)]
pub struct CreateSubnetResult<'t> {
    subnet: SubnetShape<'t>,
}

impl Write for CreateSubnet {
    const ACTION: Action = Action::ec2("CreateSubnet");
    type Output<'t> = CreateSubnetResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<SubnetKind>(Self::ACTION).request_tags(&tags);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateSubnetResult<'t>, ApiError> {
        refuse_parameters!(self; outpost_arn, ipv4_ipam_pool_id, ipv4_netmask_length, ipv6_ipam_pool_id,
            ipv6_netmask_length);
        if self.ipv6_native {
            return Err(ApiError::unsupported("the value 'true' of the parameter Ipv6Native"));
        }
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let (name, zone_id) = (self.availability_zone.as_deref(), self.availability_zone_id.as_deref());
        let zone = zone::find(tx.scope().region, name, zone_id)?;
        let block = self.cidr_block.ok_or_else(|| ApiError::missing("cidrBlock"))?;
        let new = NewSubnet { vpc: self.vpc_id, block, ipv6: self.ipv6_cidr_block, zone, is_default: false };
        let id = subnet::create(tx, new)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(CreateSubnetResult { subnet: shape(&view, view.need::<Subnets, _>(id)?).just_made() })
    }
}
