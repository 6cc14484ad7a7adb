//! A network interface as DescribeNetworkInterfaces shows it: more than the part of it that stands in an instance.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_cloud::plan::public_name;
use landfall_cloud::{View, network};
use landfall_model::{
    AccountId, AddressAssociationId, AllocationId, InstanceId, InterfaceId, InterfacePurpose, Mac, NetworkInterface,
    SubnetId, VpcId, ZoneName,
};
use landfall_wire::Time;
use serde::Serialize;

use super::instance::{GroupIdentifier, group_set, has_public_names};
use super::{Tag, tag_set, time};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterfaceShape<'v> {
    network_interface_id: InterfaceId,
    subnet_id: SubnetId,
    vpc_id: VpcId,
    availability_zone: ZoneName,
    availability_zone_id: String,
    description: &'v str,
    owner_id: AccountId,
    requester_id: String,
    requester_managed: bool,
    status: &'static str,
    mac_address: Mac,
    private_ip_address: Ipv4Addr,
    private_dns_name: String,
    source_dest_check: bool,
    group_set: Vec<GroupIdentifier<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<AttachmentShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<AssociationShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    private_ip_addresses_set: Vec<PrivateAddress>,
    ipv6_addresses_set: Vec<Ipv6Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address: Option<Ipv6Addr>,
    interface_type: &'static str,
    operator: Operator,
}

impl NetworkInterfaceShape<'_> {
    /// The interface as the answer to its creation shows it.
    #[must_use]
    pub fn pending(mut self) -> Self {
        self.status = "pending";
        self
    }
}

/// One of an interface's IPv6 addresses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ipv6Address {
    ipv6_address: Ipv6Addr,
    is_primary_ipv6: bool,
}

/// An interface's IPv6 addresses.
pub fn ipv6_addresses(row: &NetworkInterface) -> Vec<Ipv6Address> {
    let all = row.ipv6.iter().enumerate();
    all.map(|(index, address)| Ipv6Address { ipv6_address: *address, is_primary_ipv6: index == 0 && row.primary_ipv6 })
        .collect()
}

/// That no other service manages a resource.
#[derive(Serialize)]
pub struct Operator {
    managed: bool,
}

impl Operator {
    /// That.
    pub const NONE: Operator = Operator { managed: false };
}

/// What ids of attachments to something other than an instance begin with.
pub const SERVICE_ATTACHMENT: &str = "ela-attach";
/// Whose what has the region's own interfaces is.
const SERVICE: &str = "amazon-aws";

/// An attachment to an instance, or to a part of the network.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentShape {
    pub attachment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<InstanceId>,
    pub instance_owner_id: String,
    pub device_index: u32,
    network_card_index: u32,
    pub status: &'static str,
    attach_time: Time,
    pub delete_on_termination: bool,
}

/// A public address that stands for a private one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationShape {
    pub public_ip: Ipv4Addr,
    pub public_dns_name: String,
    pub ip_owner_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<AllocationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_id: Option<AddressAssociationId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateAddress {
    private_ip_address: Ipv4Addr,
    private_dns_name: String,
    primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<AssociationShape>,
}

/// Whether it is attached, in AWS's words.
pub fn status(row: &NetworkInterface) -> &'static str {
    if row.attachment.is_some() || !row.purpose.is_tenants() { "in-use" } else { "available" }
}

/// What kind of interface it is, in AWS's words.
pub fn interface_type(row: &NetworkInterface) -> &'static str {
    match row.purpose {
        InterfacePurpose::Instance => "interface",
        InterfacePurpose::NatGateway(_) => "nat_gateway",
        InterfacePurpose::Endpoint(_) => "vpc_endpoint",
        InterfacePurpose::TransitGateway(_) => "transit_gateway",
        InterfacePurpose::MountTarget(_) => "efs",
    }
}

/// Who made it.
pub fn requester(row: &NetworkInterface) -> String {
    if row.purpose.is_tenants() { row.scope.account.to_string() } else { SERVICE.into() }
}

/// The name of one of its private addresses.
pub fn private_name(row: &NetworkInterface, address: Ipv4Addr) -> String {
    network::private_name(row.scope.region, address)
}

/// The attachment as its owner sees it. What the region itself has is attached by an id of another kind.
pub fn attachment(row: &NetworkInterface) -> Option<AttachmentShape> {
    if !row.purpose.is_tenants() {
        let id = row.id.to_string();
        return Some(AttachmentShape {
            attachment_id: id.replacen("eni", SERVICE_ATTACHMENT, 1),
            instance_id: None,
            instance_owner_id: SERVICE.into(),
            device_index: 1,
            network_card_index: 0,
            status: "attached",
            attach_time: time(row.created_at),
            delete_on_termination: false,
        });
    }
    row.attachment.as_ref().map(|attachment| AttachmentShape {
        attachment_id: attachment.id.to_string(),
        instance_id: Some(attachment.instance),
        instance_owner_id: row.scope.account.to_string(),
        device_index: attachment.device_index,
        network_card_index: 0,
        status: attachment.state.name(),
        attach_time: time(attachment.attached_at),
        delete_on_termination: attachment.delete_on_termination,
    })
}

/// The public address that stands for a private one, if one does.
pub fn association(view: &View<'_>, row: &NetworkInterface, private: Ipv4Addr) -> Option<AssociationShape> {
    let public = view.public_of(row, private)?;
    let elastic = view.elastic_of(row.id, private);
    let is_named = has_public_names(view, row.vpc);
    Some(AssociationShape {
        public_ip: public,
        public_dns_name: if is_named { public_name(view, public) } else { String::new() },
        // An address that a start gave belongs to the provider, as EC2 says it.
        ip_owner_id: elastic.map_or_else(|| "amazon".into(), |row| row.scope.account.to_string()),
        allocation_id: elastic.map(|row| row.id),
        association_id: elastic.and_then(|row| row.association.as_ref()).map(|association| association.id),
    })
}

/// The interface as its owner sees it.
pub fn network_interface<'v>(view: &View<'v>, row: &'v NetworkInterface) -> NetworkInterfaceShape<'v> {
    let addresses = row.addresses.iter().enumerate().map(|(index, address)| PrivateAddress {
        private_ip_address: *address,
        private_dns_name: private_name(row, *address),
        primary: index == 0,
        association: association(view, row, *address),
    });
    NetworkInterfaceShape {
        network_interface_id: row.id,
        subnet_id: row.subnet,
        vpc_id: row.vpc,
        availability_zone: row.zone,
        availability_zone_id: row.zone.zone_id(),
        description: &row.description,
        owner_id: row.scope.account,
        requester_id: requester(row),
        requester_managed: !row.purpose.is_tenants(),
        status: status(row),
        mac_address: row.mac,
        private_ip_address: row.primary(),
        private_dns_name: private_name(row, row.primary()),
        source_dest_check: row.source_dest_check,
        group_set: group_set(view, row),
        attachment: attachment(row),
        association: association(view, row, row.primary()),
        tag_set: tag_set(view, &row.id.to_string()),
        private_ip_addresses_set: addresses.collect(),
        ipv6_addresses_set: ipv6_addresses(row),
        ipv6_address: row.ipv6.first().copied(),
        interface_type: interface_type(row),
        operator: Operator::NONE,
    }
}
