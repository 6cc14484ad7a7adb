//! ec2:DisassociateSubnetCidrBlock. Takes its IPv6 block from a subnet in which no interface has an address of it.

use landfall_cloud::{Tx, View, subnet};
use landfall_model::{SubnetCidrId, SubnetKind};
use serde::Deserialize;

use super::associate_subnet_cidr_block::SubnetCidrResult;
use super::shape::cidr::{DISASSOCIATING, SubnetIpv6Association};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateSubnetCidrBlock {
    association_id: SubnetCidrId,
}

impl Write for DisassociateSubnetCidrBlock {
    const ACTION: Action = Action::ec2("DisassociateSubnetCidrBlock");
    const FREES: bool = true;
    type Output<'t> = SubnetCidrResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match view.subnet_of_block(self.association_id) {
            Some(row) => network_demand::subnet(view, demands, Self::ACTION, row.id),
            None => demands.new_ec2::<SubnetKind>(Self::ACTION),
        };
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<SubnetCidrResult, ApiError> {
        let (subnet_id, block) = subnet::disassociate_ipv6(tx, self.association_id)?;
        let association = SubnetIpv6Association::new(self.association_id, block, DISASSOCIATING);
        Ok(SubnetCidrResult { subnet_id, ipv6_cidr_block_association: association })
    }
}
