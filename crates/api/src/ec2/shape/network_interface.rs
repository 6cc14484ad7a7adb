//! A network interface as DescribeNetworkInterfaces shows it: more than the part of it that stands in an instance.

use std::net::Ipv4Addr;

use landfall_cloud::plan::public_name;
use landfall_cloud::{View, network};
use landfall_model::{
    AccountId, AddressAssociationId, AllocationId, Attachment, AttachmentId, InstanceId, InterfaceId, Mac,
    NetworkInterface, SubnetId, VpcId, ZoneName,
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
    requester_id: AccountId,
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
    ipv6_addresses_set: [(); 0],
    interface_type: &'static str,
    operator: Operator,
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

/// An attachment to an instance.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentShape {
    attachment_id: AttachmentId,
    instance_id: InstanceId,
    instance_owner_id: AccountId,
    device_index: u32,
    network_card_index: u32,
    status: &'static str,
    attach_time: Time,
    delete_on_termination: bool,
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
    if row.attachment.is_some() { "in-use" } else { "available" }
}

/// The name of one of its private addresses.
pub fn private_name(row: &NetworkInterface, address: Ipv4Addr) -> String {
    network::private_name(row.scope.region, address)
}

/// The attachment as its owner sees it.
pub fn attachment(row: &NetworkInterface, attachment: &Attachment) -> AttachmentShape {
    AttachmentShape {
        attachment_id: attachment.id,
        instance_id: attachment.instance,
        instance_owner_id: row.scope.account,
        device_index: attachment.device_index,
        network_card_index: 0,
        status: "attached",
        attach_time: time(attachment.attached_at),
        delete_on_termination: attachment.delete_on_termination,
    }
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
        requester_id: row.scope.account,
        requester_managed: false,
        status: status(row),
        mac_address: row.mac,
        private_ip_address: row.primary(),
        private_dns_name: private_name(row, row.primary()),
        source_dest_check: row.source_dest_check,
        group_set: group_set(view, row),
        attachment: row.attachment.as_ref().map(|each| attachment(row, each)),
        association: association(view, row, row.primary()),
        tag_set: tag_set(view, &row.id.to_string()),
        private_ip_addresses_set: addresses.collect(),
        ipv6_addresses_set: [],
        interface_type: "interface",
        operator: Operator::NONE,
    }
}
