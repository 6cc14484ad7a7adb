//! `NetworkInterface.N` of a launch.

use std::net::Ipv4Addr;

use landfall_cloud::launch::InterfaceOrder;
use landfall_model::{InterfaceId, SecurityGroupId, SubnetId};
use serde::Deserialize;

use super::new_interface::{Ipv6AddressIn, PrivateAddressIn, ipv6, private};
use super::unsupported::{Unsupported, refuse_parameters};
use crate::ApiError;

/// An interface to make, or one that exists.
#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InterfaceIn {
    pub device_index: Option<u32>,
    pub network_interface_id: Option<InterfaceId>,
    pub subnet_id: Option<SubnetId>,
    #[serde(default)]
    pub security_group_id: Vec<SecurityGroupId>,
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default)]
    private_ip_addresses: Vec<PrivateAddressIn>,
    #[serde(default)]
    secondary_private_ip_address_count: u32,
    associate_public_ip_address: Option<bool>,
    delete_on_termination: Option<bool>,
    #[serde(default)]
    description: String,
    interface_type: Option<String>,
    #[serde(default)]
    network_card_index: u32,
    ipv6_address_count: Option<u32>,
    #[serde(default)]
    ipv6_addresses: Vec<Ipv6AddressIn>,
    #[serde(default)]
    primary_ipv6: bool,
    #[serde(default)]
    associate_carrier_ip_address: bool,
    ipv4_prefix: Option<Unsupported>,
    ipv4_prefix_count: Option<Unsupported>,
    ipv6_prefix: Option<Unsupported>,
    ipv6_prefix_count: Option<Unsupported>,
    ena_srd_specification: Option<Unsupported>,
    ena_queue_count: Option<Unsupported>,
    connection_tracking_specification: Option<Unsupported>,
}

impl InterfaceIn {
    /// Refuses what isn't acted on, by name.
    pub fn refuse(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; ipv4_prefix, ipv4_prefix_count, ipv6_prefix, ipv6_prefix_count,
            ena_srd_specification, ena_queue_count, connection_tracking_specification);
        let refuse = |wanted: bool, what: &str| if wanted { Err(ApiError::unsupported(what)) } else { Ok(()) };
        refuse(self.associate_carrier_ip_address, "the parameter NetworkInterface.AssociateCarrierIpAddress")?;
        refuse(self.network_card_index > 0, "NetworkInterface.NetworkCardIndex other than 0")?;
        let kind = self.interface_type.as_deref().unwrap_or("interface");
        refuse(kind != "interface", "NetworkInterface.InterfaceType other than 'interface'")?;
        let is_made = self.subnet_id.is_some()
            || !self.security_group_id.is_empty()
            || self.private_ip_address.is_some()
            || !self.private_ip_addresses.is_empty()
            || self.secondary_private_ip_address_count > 0
            || self.associate_public_ip_address.is_some()
            || !self.ipv6_addresses.is_empty()
            || self.ipv6_address_count.is_some()
            || self.primary_ipv6
            || !self.description.is_empty();
        if self.network_interface_id.is_some() && is_made {
            return Err(ApiError::combination(
                "A network interface may not specify both a network interface ID and what a new one is to be like",
            ));
        }
        Ok(())
    }

    /// What it comes to.
    pub fn order(&self) -> Result<InterfaceOrder, ApiError> {
        let count = self.secondary_private_ip_address_count;
        let (address, secondary) = private(self.private_ip_address, &self.private_ip_addresses, count)?;
        let ipv6 = ipv6(&self.ipv6_addresses, self.ipv6_address_count, self.primary_ipv6)?;
        Ok(InterfaceOrder {
            device_index: self.device_index.unwrap_or(0),
            subnet: self.subnet_id,
            groups: self.security_group_id.clone(),
            address,
            secondary,
            secondary_count: count,
            ipv6: ipv6.addresses,
            ipv6_count: ipv6.count,
            primary_ipv6: ipv6.primary,
            public_address: self.associate_public_ip_address,
            description: self.description.clone(),
            // An interface that was there before stays; one that is made here goes with the instance.
            delete_on_termination: self.delete_on_termination.unwrap_or(self.network_interface_id.is_none()),
            existing: self.network_interface_id,
        })
    }
}
