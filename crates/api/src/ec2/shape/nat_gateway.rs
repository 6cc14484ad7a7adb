//! A NAT gateway as answers show it.

use std::net::Ipv4Addr;

use landfall_cloud::View;
use landfall_model::{
    AddressAssociationId, AllocationId, InterfaceId, LinkState, NatAddress, NatGateway, NatGatewayId, SubnetId, VpcId,
};
use landfall_wire::Time;
use serde::Serialize;

use super::{Tag, tag_set, time};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NatGatewayShape<'v> {
    create_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_message: Option<&'v str>,
    nat_gateway_address_set: Vec<NatAddressShape>,
    nat_gateway_id: NatGatewayId,
    state: &'static str,
    subnet_id: SubnetId,
    vpc_id: VpcId,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    connectivity_type: &'static str,
    availability_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NatAddressShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation_id: Option<AllocationId>,
    network_interface_id: InterfaceId,
    private_ip: Ipv4Addr,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_ip: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    association_id: Option<AddressAssociationId>,
    is_primary: bool,
    status: &'static str,
}

/// The answer of calls that change a gateway's addresses: those that they concern.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NatAddresses {
    nat_gateway_id: NatGatewayId,
    nat_gateway_address_set: Vec<NatAddressShape>,
}

/// The gateway. Its failure is told once it has failed.
pub fn nat_gateway<'v>(view: &View<'v>, row: &'v NatGateway) -> NatGatewayShape<'v> {
    let failure = row.failure.as_ref().filter(|_| row.state != LinkState::Pending);
    let status = match (row.state, row.public) {
        (LinkState::Pending, true) => "associating",
        (LinkState::Pending, false) => "assigning",
        (LinkState::Failed, _) => "failed",
        _ => "succeeded",
    };
    let addresses = row.addresses.iter().enumerate();
    NatGatewayShape {
        create_time: time(row.created_at),
        delete_time: row.deleted_at.map(time),
        failure_code: failure.map(|(code, _)| code.as_str()),
        failure_message: failure.map(|(_, message)| message.as_str()),
        nat_gateway_address_set: addresses
            .map(|(index, each)| address(row.interface, each, index == 0, status))
            .collect(),
        nat_gateway_id: row.id,
        state: row.state.name(),
        subnet_id: row.subnet,
        vpc_id: row.vpc,
        tag_set: tag_set(view, &row.id.to_string()),
        connectivity_type: if row.public { "public" } else { "private" },
        availability_mode: "zonal",
    }
}

/// Some of a gateway's addresses, none of them the primary one, on their way to it or from it.
pub fn nat_addresses(
    view: &View<'_>,
    id: NatGatewayId,
    addresses: &[NatAddress],
    status: &'static str,
) -> Result<NatAddresses, crate::ApiError> {
    let row = view.need::<landfall_cloud::value::NatGateways, _>(id)?;
    let shapes = addresses.iter().map(|each| address(row.interface, each, false, status));
    Ok(NatAddresses { nat_gateway_id: id, nat_gateway_address_set: shapes.collect() })
}

fn address(interface: InterfaceId, address: &NatAddress, is_primary: bool, status: &'static str) -> NatAddressShape {
    NatAddressShape {
        allocation_id: address.public.map(|(id, ..)| id),
        network_interface_id: interface,
        private_ip: address.private,
        public_ip: address.public.map(|(.., public)| public),
        association_id: address.public.map(|(_, id, _)| id),
        is_primary,
        status,
    }
}
