//! Blocks of VPCs and subnets as answers show them: each with the id of its association and its state.
//!
//! Only the answer that makes an association shows it on the way, and only the one that ends it shows its end: in between
//! it is whole, since a block is given and taken in one transaction.

use landfall_model::{Ipv4Cidr, Ipv6Cidr, Region, SubnetCidrId, VpcCidrId};
use serde::Serialize;

/// A block that is there.
pub const ASSOCIATED: &str = "associated";
/// A block that was just given.
pub const ASSOCIATING: &str = "associating";
/// A block that was just taken.
pub const DISASSOCIATING: &str = "disassociating";

/// The state of a block.
#[derive(Serialize)]
pub struct BlockState {
    pub state: &'static str,
}

/// An IPv4 block of a VPC.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ipv4Association {
    association_id: VpcCidrId,
    cidr_block: Ipv4Cidr,
    cidr_block_state: BlockState,
}

/// An IPv6 block of a VPC, out of the provider's pool.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcIpv6Association {
    association_id: VpcCidrId,
    ipv6_cidr_block: Ipv6Cidr,
    pub(super) ipv6_cidr_block_state: BlockState,
    network_border_group: Region,
    ipv6_pool: &'static str,
    ipv6_address_attribute: &'static str,
    ip_source: &'static str,
}

/// An IPv6 block of a subnet.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetIpv6Association {
    association_id: SubnetCidrId,
    ipv6_cidr_block: Ipv6Cidr,
    pub(super) ipv6_cidr_block_state: BlockState,
    ipv6_address_attribute: &'static str,
    ip_source: &'static str,
}

impl Ipv4Association {
    /// That block in that state.
    pub fn new(association_id: VpcCidrId, cidr_block: Ipv4Cidr, state: &'static str) -> Self {
        Self { association_id, cidr_block, cidr_block_state: BlockState { state } }
    }
}

/// The pool that the provider's IPv6 blocks come from.
pub const POOL: &str = "Amazon";

impl VpcIpv6Association {
    /// That block in that state.
    pub fn new(region: Region, association_id: VpcCidrId, ipv6_cidr_block: Ipv6Cidr, state: &'static str) -> Self {
        Self {
            association_id,
            ipv6_cidr_block,
            ipv6_cidr_block_state: BlockState { state },
            network_border_group: region,
            ipv6_pool: POOL,
            ipv6_address_attribute: "public",
            ip_source: "amazon",
        }
    }
}

impl SubnetIpv6Association {
    /// That block in that state.
    pub fn new(association_id: SubnetCidrId, ipv6_cidr_block: Ipv6Cidr, state: &'static str) -> Self {
        Self {
            association_id,
            ipv6_cidr_block,
            ipv6_cidr_block_state: BlockState { state },
            ipv6_address_attribute: "public",
            ip_source: "amazon",
        }
    }
}
