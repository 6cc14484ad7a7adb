//! ec2:DisassociateVpcCidrBlock. Takes a block from a VPC in which no subnet uses it.

use landfall_cloud::{Tx, View, vpc};
use landfall_model::{Cidr, VpcCidrId, VpcId, VpcKind};
use serde::{Deserialize, Serialize};

use super::shape::cidr::{DISASSOCIATING, Ipv4Association, VpcIpv6Association};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateVpcCidrBlock {
    association_id: VpcCidrId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DisassociateVpcCidrBlockResult {
    vpc_id: VpcId,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_block_association: Option<Ipv4Association>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_cidr_block_association: Option<VpcIpv6Association>,
}

impl Write for DisassociateVpcCidrBlock {
    const ACTION: Action = Action::ec2("DisassociateVpcCidrBlock");
    const FREES: bool = true;
    type Output<'t> = DisassociateVpcCidrBlockResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match view.vpc_of_block(self.association_id) {
            Some(row) => network_demand::vpc(view, demands, Self::ACTION, row.id),
            None => demands.new_ec2::<VpcKind>(Self::ACTION),
        };
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DisassociateVpcCidrBlockResult, ApiError> {
        let (id, region) = (self.association_id, tx.scope().region);
        let (vpc_id, block) = vpc::disassociate(tx, id)?;
        let (v4, v6) = match block {
            Cidr::V4(block) => (Some(Ipv4Association::new(id, block, DISASSOCIATING)), None),
            Cidr::V6(block) => (None, Some(VpcIpv6Association::new(region, id, block, DISASSOCIATING))),
        };
        Ok(DisassociateVpcCidrBlockResult { vpc_id, cidr_block_association: v4, ipv6_cidr_block_association: v6 })
    }
}
