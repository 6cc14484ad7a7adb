//! ec2:AssignPrivateIpAddresses. Gives an interface further addresses, also while its instance runs.

use std::net::Ipv4Addr;

use landfall_cloud::interface_address::{self, NewAddresses};
use landfall_cloud::{Tx, View};
use landfall_model::InterfaceId;
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssignPrivateIpAddresses {
    network_interface_id: InterfaceId,
    #[serde(default)]
    private_ip_address: Vec<Ipv4Addr>,
    secondary_private_ip_address_count: Option<u32>,
    #[serde(default)]
    allow_reassignment: bool,
    ipv4_prefix: Option<Unsupported>,
    ipv4_prefix_count: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignPrivateIpAddressesResult {
    network_interface_id: InterfaceId,
    assigned_private_ip_addresses_set: Vec<Assigned>,
    r#return: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Assigned {
    private_ip_address: Ipv4Addr,
}

impl Write for AssignPrivateIpAddresses {
    const ACTION: Action = Action::ec2("AssignPrivateIpAddresses");
    type Output<'t> = AssignPrivateIpAddressesResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AssignPrivateIpAddressesResult, ApiError> {
        refuse_parameters!(self; ipv4_prefix, ipv4_prefix_count);
        let (id, named) = (self.network_interface_id, &self.private_ip_address);
        let count = match self.secondary_private_ip_address_count {
            Some(_) if !named.is_empty() => {
                return Err(ApiError::combination(
                    "Only one of PrivateIpAddresses and SecondaryPrivateIpAddressCount may be specified",
                ));
            }
            None if named.is_empty() => {
                return Err(ApiError::missing("privateIpAddresses or secondaryPrivateIpAddressCount"));
            }
            Some(0) => {
                return Err(ApiError::invalid("secondaryPrivateIpAddressCount", 0, "It must be at least 1."));
            }
            count => count.unwrap_or(0),
        };
        let given = interface_address::assign(tx, id, NewAddresses { named, count }, self.allow_reassignment)?;
        let assigned = given.into_iter().map(|private_ip_address| Assigned { private_ip_address });
        Ok(AssignPrivateIpAddressesResult {
            network_interface_id: id,
            assigned_private_ip_addresses_set: assigned.collect(),
            r#return: true,
        })
    }
}
