//! ec2:AssociateVpcCidrBlock. Gives a VPC one more block: an IPv4 one of the caller's choosing or an IPv6 one of the provider's.

use landfall_cloud::value::Vpcs;
use landfall_cloud::{Tx, View, vpc};
use landfall_model::{Ipv4Cidr, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::cidr::{ASSOCIATING, Ipv4Association, VpcIpv6Association};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{border_group, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateVpcCidrBlock {
    vpc_id: VpcId,
    cidr_block: Option<Ipv4Cidr>,
    #[serde(default)]
    amazon_provided_ipv6_cidr_block: bool,
    ipv6_cidr_block_network_border_group: Option<String>,
    ipv6_pool: Option<Unsupported>,
    ipv6_cidr_block: Option<Unsupported>,
    ipv4_ipam_pool_id: Option<Unsupported>,
    ipv4_netmask_length: Option<Unsupported>,
    ipv6_ipam_pool_id: Option<Unsupported>,
    ipv6_netmask_length: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociateVpcCidrBlockResult {
    vpc_id: VpcId,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_block_association: Option<Ipv4Association>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_cidr_block_association: Option<VpcIpv6Association>,
}

impl Write for AssociateVpcCidrBlock {
    const ACTION: Action = Action::ec2("AssociateVpcCidrBlock");
    type Output<'t> = AssociateVpcCidrBlockResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AssociateVpcCidrBlockResult, ApiError> {
        refuse_parameters!(self; ipv6_pool, ipv6_cidr_block, ipv4_ipam_pool_id, ipv4_netmask_length,
            ipv6_ipam_pool_id, ipv6_netmask_length);
        let (id, region, ipv6) = (self.vpc_id, tx.scope().region, self.amazon_provided_ipv6_cidr_block);
        tx.view().need::<Vpcs, _>(id)?;
        border_group::check(region, self.ipv6_cidr_block_network_border_group.as_deref(), ipv6)?;
        let mut result =
            AssociateVpcCidrBlockResult { vpc_id: id, cidr_block_association: None, ipv6_cidr_block_association: None };
        match (self.cidr_block, ipv6) {
            (Some(block), false) => {
                let association = vpc::associate_ipv4(tx, id, block)?;
                result.cidr_block_association = Some(Ipv4Association::new(association, block, ASSOCIATING));
            }
            (None, true) => {
                let association = vpc::associate_ipv6(tx, id)?;
                let row = tx.view().need::<Vpcs, _>(id)?;
                let made = row.ipv6.iter().find(|(each, _)| *each == association);
                result.ipv6_cidr_block_association =
                    made.map(|(id, block)| VpcIpv6Association::new(region, *id, *block, ASSOCIATING));
            }
            (None, false) => return Err(ApiError::missing("CidrBlock or AmazonProvidedIpv6CidrBlock")),
            (Some(_), true) => {
                return Err(ApiError::combination("CidrBlock and AmazonProvidedIpv6CidrBlock can't both be given."));
            }
        }
        Ok(result)
    }
}
