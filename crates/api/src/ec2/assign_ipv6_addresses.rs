//! ec2:AssignIpv6Addresses. Gives an interface IPv6 addresses, also while its instance runs.

use std::net::Ipv6Addr;

use landfall_cloud::interface_address::{self, NewAddresses};
use landfall_cloud::{Tx, View};
use landfall_model::InterfaceId;
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssignIpv6Addresses {
    network_interface_id: InterfaceId,
    #[serde(default)]
    ipv6_addresses: Vec<Ipv6Addr>,
    ipv6_address_count: Option<u32>,
    ipv6_prefix: Option<Unsupported>,
    ipv6_prefix_count: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignIpv6AddressesResult {
    network_interface_id: InterfaceId,
    assigned_ipv6_addresses: Vec<Ipv6Addr>,
}

impl Write for AssignIpv6Addresses {
    const ACTION: Action = Action::ec2("AssignIpv6Addresses");
    type Output<'t> = AssignIpv6AddressesResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AssignIpv6AddressesResult, ApiError> {
        refuse_parameters!(self; ipv6_prefix, ipv6_prefix_count);
        let (id, named) = (self.network_interface_id, &self.ipv6_addresses);
        let count = match self.ipv6_address_count {
            Some(_) if !named.is_empty() => {
                return Err(ApiError::combination("Only one of Ipv6Addresses and Ipv6AddressCount may be specified"));
            }
            None if named.is_empty() => return Err(ApiError::missing("ipv6Addresses or ipv6AddressCount")),
            Some(0) => return Err(ApiError::invalid("ipv6AddressCount", 0, "It must be at least 1.")),
            count => count.unwrap_or(0),
        };
        let assigned_ipv6_addresses = interface_address::assign_ipv6(tx, id, NewAddresses { named, count })?;
        Ok(AssignIpv6AddressesResult { network_interface_id: id, assigned_ipv6_addresses })
    }
}
