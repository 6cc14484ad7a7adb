//! ec2:UnassignIpv6Addresses. Takes IPv6 addresses from an interface.

use std::net::Ipv6Addr;

use landfall_cloud::{Tx, View, interface_address};
use landfall_model::InterfaceId;
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UnassignIpv6Addresses {
    network_interface_id: InterfaceId,
    #[serde(default)]
    ipv6_addresses: Vec<Ipv6Addr>,
    ipv6_prefix: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnassignIpv6AddressesResult {
    network_interface_id: InterfaceId,
    unassigned_ipv6_addresses: Vec<Ipv6Addr>,
}

impl Write for UnassignIpv6Addresses {
    const ACTION: Action = Action::ec2("UnassignIpv6Addresses");
    const FREES: bool = true;
    type Output<'t> = UnassignIpv6AddressesResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<UnassignIpv6AddressesResult, ApiError> {
        refuse_parameters!(self; ipv6_prefix);
        if self.ipv6_addresses.is_empty() {
            return Err(ApiError::missing("ipv6Addresses"));
        }
        interface_address::unassign_ipv6(tx, self.network_interface_id, &self.ipv6_addresses)?;
        Ok(UnassignIpv6AddressesResult {
            network_interface_id: self.network_interface_id,
            unassigned_ipv6_addresses: self.ipv6_addresses,
        })
    }
}
