//! ec2:AssociateSubnetCidrBlock. Gives a subnet an IPv6 block, one of its VPC's.

use landfall_cloud::{Tx, View, subnet};
use landfall_model::{Ipv6Cidr, SubnetId};
use serde::{Deserialize, Serialize};

use super::shape::cidr::{ASSOCIATING, SubnetIpv6Association};
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateSubnetCidrBlock {
    subnet_id: SubnetId,
    ipv6_cidr_block: Option<Ipv6Cidr>,
    ipv6_ipam_pool_id: Option<Unsupported>,
    ipv6_netmask_length: Option<Unsupported>,
}

/// The answer, also of the operation that takes the block again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetCidrResult {
    pub(super) subnet_id: SubnetId,
    pub(super) ipv6_cidr_block_association: SubnetIpv6Association,
}

impl Write for AssociateSubnetCidrBlock {
    const ACTION: Action = Action::ec2("AssociateSubnetCidrBlock");
    type Output<'t> = SubnetCidrResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::subnet(view, demands, Self::ACTION, self.subnet_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<SubnetCidrResult, ApiError> {
        refuse_parameters!(self; ipv6_ipam_pool_id, ipv6_netmask_length);
        let block = self.ipv6_cidr_block.ok_or_else(|| ApiError::missing("ipv6CidrBlock"))?;
        let id = subnet::associate_ipv6(tx, self.subnet_id, block)?;
        Ok(SubnetCidrResult {
            subnet_id: self.subnet_id,
            ipv6_cidr_block_association: SubnetIpv6Association::new(id, block, ASSOCIATING),
        })
    }
}
