//! ec2:CreateNetworkInterface. Makes an interface in a subnet, for an instance to be attached to.

use std::net::Ipv4Addr;

use landfall_cloud::interface::{self, NewInterface};
use landfall_cloud::value::Interfaces;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{InterfaceKind, InterfacePurpose, SecurityGroupId, SubnetId};
use serde::{Deserialize, Serialize};

use super::shape::network_interface::{NetworkInterfaceShape, network_interface};
use super::shape::new_interface::{Ipv6AddressIn, PrivateAddressIn, ipv6, private};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{TagSpecifications, network_demand};
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "network-interface";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateNetworkInterface {
    subnet_id: SubnetId,
    #[serde(default)]
    description: String,
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default)]
    private_ip_addresses: Vec<PrivateAddressIn>,
    #[serde(default)]
    secondary_private_ip_address_count: u32,
    #[serde(default)]
    ipv6_addresses: Vec<Ipv6AddressIn>,
    ipv6_address_count: Option<u32>,
    #[serde(default)]
    enable_primary_ipv6: bool,
    #[serde(default)]
    security_group_id: Vec<SecurityGroupId>,
    interface_type: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(skip)]
    client_token: Option<String>,
    ipv4_prefix: Option<Unsupported>,
    ipv4_prefix_count: Option<Unsupported>,
    ipv6_prefix: Option<Unsupported>,
    ipv6_prefix_count: Option<Unsupported>,
    connection_tracking_specification: Option<Unsupported>,
    operator: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateNetworkInterfaceResult<'t> {
    network_interface: NetworkInterfaceShape<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
}

impl Write for CreateNetworkInterface {
    const ACTION: Action = Action::ec2("CreateNetworkInterface");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateNetworkInterfaceResult<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<InterfaceKind>(Self::ACTION).request_tags(&tags);
        network_demand::subnet(view, demands, Self::ACTION, self.subnet_id);
        for &group in &self.security_group_id {
            network_demand::group(view, demands, Self::ACTION, group);
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateNetworkInterfaceResult<'t>, ApiError> {
        refuse_parameters!(self; ipv4_prefix, ipv4_prefix_count, ipv6_prefix, ipv6_prefix_count,
            connection_tracking_specification, operator);
        if let Some(other) = self.interface_type.as_deref().filter(|kind| *kind != "interface") {
            return Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter InterfaceType")));
        }
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let count = self.secondary_private_ip_address_count;
        let (address, secondary) = private(self.private_ip_address, &self.private_ip_addresses, count)?;
        let ipv6 = ipv6(&self.ipv6_addresses, self.ipv6_address_count, self.enable_primary_ipv6)?;
        let new = NewInterface {
            address,
            secondary,
            secondary_count: count,
            ipv6: ipv6.addresses,
            ipv6_count: ipv6.count,
            primary_ipv6: ipv6.primary,
            groups: self.security_group_id,
            description: self.description,
            public_address: false,
            purpose: InterfacePurpose::Instance,
        };
        let id = interface::create(tx, self.subnet_id, new, None)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let shape = network_interface(&view, view.need::<Interfaces, _>(id)?);
        Ok(CreateNetworkInterfaceResult { network_interface: shape.pending(), client_token: self.client_token })
    }
}
