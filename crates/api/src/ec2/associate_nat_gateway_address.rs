//! ec2:AssociateNatGatewayAddress. Gives a public NAT gateway more elastic addresses.

use std::net::Ipv4Addr;

use landfall_cloud::{Tx, View, nat};
use landfall_model::{AllocationId, NatGatewayId};
use serde::Deserialize;

use super::shape::nat_gateway::{NatAddresses, nat_addresses};
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateNatGatewayAddress {
    nat_gateway_id: NatGatewayId,
    allocation_id: Vec<AllocationId>,
    #[serde(default)]
    private_ip_address: Vec<Ipv4Addr>,
    /// This and the next are for gateways of a whole region.
    availability_zone: Option<Unsupported>,
    availability_zone_id: Option<Unsupported>,
}

impl Write for AssociateNatGatewayAddress {
    const ACTION: Action = Action::ec2("AssociateNatGatewayAddress");
    type Output<'t> = NatAddresses;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.nat_gateway_id);
        for id in &self.allocation_id {
            network_demand::address(view, demands, Self::ACTION, *id);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NatAddresses, ApiError> {
        refuse_parameters!(self; availability_zone, availability_zone_id);
        if self.allocation_id.is_empty() {
            return Err(ApiError::missing("AllocationIds"));
        }
        let given = nat::associate(tx, self.nat_gateway_id, &self.allocation_id, &self.private_ip_address)?;
        nat_addresses(&tx.view(), self.nat_gateway_id, &given, "associating")
    }
}
