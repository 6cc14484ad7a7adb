//! ec2:CreateVpc. Makes a virtual network, with a main route table, a default network ACL and a default security group.

use landfall_cloud::value::Vpcs;
use landfall_cloud::vpc::{self, NewVpc};
use landfall_cloud::{Tx, View, tag};
use landfall_model::{Ipv4Cidr, VpcKind};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::border_group;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::vpc::{VpcShape, vpc as shape};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "vpc";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVpc {
    cidr_block: Option<Ipv4Cidr>,
    #[serde(default)]
    amazon_provided_ipv6_cidr_block: bool,
    ipv6_cidr_block_network_border_group: Option<String>,
    instance_tenancy: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    ipv6_pool: Option<Unsupported>,
    ipv6_cidr_block: Option<Unsupported>,
    ipv4_ipam_pool_id: Option<Unsupported>,
    ipv4_netmask_length: Option<Unsupported>,
    ipv6_ipam_pool_id: Option<Unsupported>,
    ipv6_netmask_length: Option<Unsupported>,
    vpc_encryption_control: Option<Unsupported>,
}

#[derive(Serialize)]
pub struct CreateVpcResult<'t> {
    vpc: VpcShape<'t>,
}

impl Write for CreateVpc {
    const ACTION: Action = Action::ec2("CreateVpc");
    type Output<'t> = CreateVpcResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<VpcKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateVpcResult<'t>, ApiError> {
        refuse_parameters!(self; ipv6_pool, ipv6_cidr_block, ipv4_ipam_pool_id, ipv4_netmask_length,
            ipv6_ipam_pool_id, ipv6_netmask_length, vpc_encryption_control);
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let ipv6 = self.amazon_provided_ipv6_cidr_block;
        border_group::check(tx.scope().region, self.ipv6_cidr_block_network_border_group.as_deref(), ipv6)?;
        let dedicated = match self.instance_tenancy.as_deref() {
            None | Some("default") => false,
            Some("dedicated") => true,
            Some(other) => return Err(ApiError::invalid("instanceTenancy", other, "It is 'default' or 'dedicated'.")),
        };
        let block = self.cidr_block.ok_or_else(|| ApiError::missing("cidrBlock"))?;
        let id = vpc::create(tx, NewVpc { block, is_default: false, dedicated, ipv6 })?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(CreateVpcResult { vpc: shape(&view, view.need::<Vpcs, _>(id)?).just_made() })
    }
}
