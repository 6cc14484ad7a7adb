//! ec2:UnassignPrivateNatGatewayAddress. Takes addresses, but not the primary one, from a private NAT gateway.

use std::net::Ipv4Addr;

use landfall_cloud::{Tx, View, nat};
use landfall_model::NatGatewayId;
use serde::Deserialize;

use super::shape::nat_gateway::{NatAddresses, nat_addresses};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UnassignPrivateNatGatewayAddress {
    nat_gateway_id: NatGatewayId,
    private_ip_address: Vec<Ipv4Addr>,
    /// Connections are not drained: the address is free at once.
    max_drain_duration_seconds: Option<Unsupported>,
}

impl Write for UnassignPrivateNatGatewayAddress {
    const ACTION: Action = Action::ec2("UnassignPrivateNatGatewayAddress");
    type Output<'t> = NatAddresses;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.nat_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NatAddresses, ApiError> {
        refuse_parameters!(self; max_drain_duration_seconds);
        if self.private_ip_address.is_empty() {
            return Err(ApiError::missing("PrivateIpAddresses"));
        }
        let taken = nat::unassign(tx, self.nat_gateway_id, &self.private_ip_address)?;
        nat_addresses(&tx.view(), self.nat_gateway_id, &taken, "unassigning")
    }
}
