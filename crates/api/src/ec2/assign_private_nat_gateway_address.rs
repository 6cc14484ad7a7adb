//! ec2:AssignPrivateNatGatewayAddress. Gives a private NAT gateway more addresses.

use std::net::Ipv4Addr;

use landfall_cloud::{Tx, View, nat};
use landfall_model::NatGatewayId;
use serde::Deserialize;

use super::shape::nat_gateway::{NatAddresses, nat_addresses};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssignPrivateNatGatewayAddress {
    nat_gateway_id: NatGatewayId,
    #[serde(default)]
    private_ip_address: Vec<Ipv4Addr>,
    private_ip_address_count: Option<u32>,
}

impl Write for AssignPrivateNatGatewayAddress {
    const ACTION: Action = Action::ec2("AssignPrivateNatGatewayAddress");
    type Output<'t> = NatAddresses;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.nat_gateway_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NatAddresses, ApiError> {
        let count = match (self.private_ip_address_count, self.private_ip_address.is_empty()) {
            (None, false) => 0,
            (Some(count), true) if count > 0 => count,
            (Some(count), true) => return Err(ApiError::invalid("PrivateIpAddressCount", count, "It is at least 1.")),
            (None, true) => return Err(ApiError::missing("PrivateIpAddresses or PrivateIpAddressCount")),
            (Some(_), false) => {
                return Err(ApiError::combination(
                    "PrivateIpAddresses and PrivateIpAddressCount cannot be used together",
                ));
            }
        };
        let given = nat::assign(tx, self.nat_gateway_id, &self.private_ip_address, count)?;
        nat_addresses(&tx.view(), self.nat_gateway_id, &given, "assigning")
    }
}
