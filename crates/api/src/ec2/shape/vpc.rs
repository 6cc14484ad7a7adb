//! A VPC and a subnet as answers show them.

use landfall_cloud::{View, network};
use landfall_model::{
    AccountId, Arn, DhcpOptionsId, Ipv4Cidr, NameOptions, Region, Subnet, SubnetId, Vpc, VpcId, ZoneName,
};
use serde::Serialize;

use super::cidr::{ASSOCIATED, ASSOCIATING, Ipv4Association, SubnetIpv6Association, VpcIpv6Association};
use super::{Tag, tag_set};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcShape<'v> {
    vpc_id: VpcId,
    owner_id: AccountId,
    state: &'static str,
    cidr_block: Ipv4Cidr,
    cidr_block_association_set: Vec<Ipv4Association>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ipv6_cidr_block_association_set: Vec<VpcIpv6Association>,
    dhcp_options_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    instance_tenancy: &'static str,
    is_default: bool,
    block_public_access_states: BlockPublicAccess,
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
    ipv6_cidr_block_association_set: Vec<SubnetIpv6Association>,
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
    private_dns_name_options_on_launch: NameOptionsShape,
    block_public_access_states: BlockPublicAccess,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NameOptionsShape {
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

/// What tenancy a VPC's instances get.
pub fn tenancy(row: &Vpc) -> &'static str {
    if row.dedicated { "dedicated" } else { "default" }
}

/// What private names of a subnet's instances are made of.
pub fn hostname_type(names: NameOptions) -> &'static str {
    if names.by_resource { "resource-name" } else { "ip-name" }
}

impl VpcShape<'_> {
    /// As the answer that makes it shows it: clients wait for what follows.
    #[must_use]
    pub fn just_made(mut self) -> Self {
        self.state = "pending";
        for block in &mut self.ipv6_cidr_block_association_set {
            block.ipv6_cidr_block_state.state = ASSOCIATING;
        }
        self
    }
}

impl SubnetShape<'_> {
    /// As the answer that makes it shows it: its IPv6 block is still on the way.
    #[must_use]
    pub fn just_made(mut self) -> Self {
        for block in &mut self.ipv6_cidr_block_association_set {
            block.ipv6_cidr_block_state.state = ASSOCIATING;
        }
        self
    }
}

/// The VPC as its owner sees it.
pub fn vpc<'v>(view: &View<'v>, row: &'v Vpc) -> VpcShape<'v> {
    let blocks = row.cidrs.iter().map(|(id, block)| Ipv4Association::new(*id, *block, ASSOCIATED));
    let region: Region = row.scope.region;
    let ipv6 = row.ipv6.iter().map(|(id, block)| VpcIpv6Association::new(region, *id, *block, ASSOCIATED));
    VpcShape {
        vpc_id: row.id,
        owner_id: row.scope.account,
        state: "available",
        cidr_block: primary_block(row),
        cidr_block_association_set: blocks.collect(),
        ipv6_cidr_block_association_set: ipv6.collect(),
        dhcp_options_id: dhcp_options_id(row.dhcp_options),
        tag_set: tag_set(view, &row.id.to_string()),
        instance_tenancy: tenancy(row),
        is_default: row.is_default,
        block_public_access_states: BlockPublicAccess { internet_gateway_block_mode: "off" },
    }
}

/// The subnet as its owner sees it.
pub fn subnet<'v>(view: &View<'v>, row: &'v Subnet) -> SubnetShape<'v> {
    let ipv6 = row.ipv6.iter().map(|(id, block)| SubnetIpv6Association::new(*id, *block, ASSOCIATED));
    SubnetShape {
        subnet_id: row.id,
        subnet_arn: Arn::ec2(row.scope, row.id),
        state: "available",
        owner_id: row.scope.account,
        vpc_id: row.vpc,
        cidr_block: row.cidr,
        ipv6_cidr_block_association_set: ipv6.collect(),
        available_ip_address_count: network::free_addresses(view, row),
        availability_zone: row.zone,
        availability_zone_id: row.zone.zone_id(),
        default_for_az: row.default_for_az,
        map_public_ip_on_launch: row.map_public_ip,
        map_customer_owned_ip_on_launch: false,
        assign_ipv6_address_on_creation: row.assign_ipv6,
        tag_set: tag_set(view, &row.id.to_string()),
        enable_dns64: row.dns64,
        ipv6_native: false,
        private_dns_name_options_on_launch: NameOptionsShape {
            hostname_type: hostname_type(row.names),
            enable_a: row.names.resource_a,
            enable_aaaa: row.names.resource_aaaa,
        },
        block_public_access_states: BlockPublicAccess { internet_gateway_block_mode: "off" },
    }
}
