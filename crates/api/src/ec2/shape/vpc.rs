//! A VPC and a subnet as answers show them.

use landfall_cloud::{View, network};
use landfall_model::{AccountId, Arn, DhcpOptionsId, Ipv4Cidr, Subnet, SubnetId, Vpc, VpcCidrId, VpcId, ZoneName};
use serde::Serialize;

use super::{Tag, tag_set};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcShape<'v> {
    vpc_id: VpcId,
    owner_id: AccountId,
    state: &'static str,
    cidr_block: Ipv4Cidr,
    cidr_block_association_set: Vec<CidrAssociation>,
    dhcp_options_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    instance_tenancy: &'static str,
    is_default: bool,
    block_public_access_states: BlockPublicAccess,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CidrAssociation {
    association_id: VpcCidrId,
    cidr_block: Ipv4Cidr,
    cidr_block_state: CidrState,
}

#[derive(Serialize)]
struct CidrState {
    state: &'static str,
}

/// That nothing blocks the way to the internet but routes and rules.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockPublicAccess {
    internet_gateway_block_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetShape<'v> {
    subnet_id: SubnetId,
    subnet_arn: Arn,
    state: &'static str,
    owner_id: AccountId,
    vpc_id: VpcId,
    cidr_block: Ipv4Cidr,
    ipv6_cidr_block_association_set: [(); 0],
    available_ip_address_count: u64,
    availability_zone: ZoneName,
    availability_zone_id: String,
    default_for_az: bool,
    map_public_ip_on_launch: bool,
    map_customer_owned_ip_on_launch: bool,
    assign_ipv6_address_on_creation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    enable_dns64: bool,
    ipv6_native: bool,
    private_dns_name_options_on_launch: NameOptions,
    block_public_access_states: BlockPublicAccess,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NameOptions {
    hostname_type: &'static str,
    #[serde(rename = "enableResourceNameDnsARecord")]
    enable_a: bool,
    #[serde(rename = "enableResourceNameDnsAAAARecord")]
    enable_aaaa: bool,
}

/// The id of a VPC's DHCP options; `default` where it has none.
pub fn dhcp_options_id(id: Option<DhcpOptionsId>) -> String {
    id.map_or_else(|| "default".into(), |id| id.to_string())
}

/// A VPC's primary block.
pub fn primary_block(row: &Vpc) -> Ipv4Cidr {
    row.cidrs.first().map_or(Ipv4Cidr::ALL, |(_, block)| *block)
}

/// The VPC as its owner sees it.
pub fn vpc<'v>(view: &View<'v>, row: &'v Vpc) -> VpcShape<'v> {
    let blocks = row.cidrs.iter().map(|(id, block)| CidrAssociation {
        association_id: *id,
        cidr_block: *block,
        cidr_block_state: CidrState { state: "associated" },
    });
    VpcShape {
        vpc_id: row.id,
        owner_id: row.scope.account,
        state: "available",
        cidr_block: primary_block(row),
        cidr_block_association_set: blocks.collect(),
        dhcp_options_id: dhcp_options_id(row.dhcp_options),
        tag_set: tag_set(view, &row.id.to_string()),
        instance_tenancy: "default",
        is_default: row.is_default,
        block_public_access_states: BlockPublicAccess { internet_gateway_block_mode: "off" },
    }
}

/// The subnet as its owner sees it.
pub fn subnet<'v>(view: &View<'v>, row: &'v Subnet) -> SubnetShape<'v> {
    SubnetShape {
        subnet_id: row.id,
        subnet_arn: Arn::ec2(row.scope, row.id),
        state: "available",
        owner_id: row.scope.account,
        vpc_id: row.vpc,
        cidr_block: row.cidr,
        ipv6_cidr_block_association_set: [],
        available_ip_address_count: network::free_addresses(view, row),
        availability_zone: row.zone,
        availability_zone_id: row.zone.zone_id(),
        default_for_az: row.default_for_az,
        map_public_ip_on_launch: row.map_public_ip,
        map_customer_owned_ip_on_launch: false,
        assign_ipv6_address_on_creation: false,
        tag_set: tag_set(view, &row.id.to_string()),
        enable_dns64: false,
        ipv6_native: false,
        private_dns_name_options_on_launch: NameOptions {
            hostname_type: "ip-name",
            enable_a: false,
            enable_aaaa: false,
        },
        block_public_access_states: BlockPublicAccess { internet_gateway_block_mode: "off" },
    }
}
