//! VPCs: which blocks they may have, what each has from the start, and what keeps one from going.
//!
//! Sources: the Amazon VPC User Guide, "VPC CIDR blocks" and "Default network ACL"; RFC 1918, RFC 6598.

use std::net::Ipv4Addr;

use landfall_model::{
    Cidr, Destination, FlowLogResource, Ipv4Cidr, Ipv6Cidr, NetworkAcl, RouteTable, SecurityGroup, SecurityGroupRule,
    Vpc, VpcCidrId, VpcId,
};

use crate::fault::{BlockKind, Fault, QuotaKind};
use crate::network::has_dependencies;
use crate::tx::Tx;
use crate::value::{DhcpOptionsTable, NetworkAcls, RouteTables, SecurityGroupRules, SecurityGroups, Vpcs};
use crate::view::View;
use crate::{flow_log, network_acl, security_group, tag};

/// The largest number of a VPC: VXLAN's VNI has 24 bits.
const MAX_NUMBER: u64 = (1 << 24) - 1;
/// The sizes of IPv4 blocks.
const SIZES: std::ops::RangeInclusive<u8> = 16..=28;
/// The size of the IPv6 blocks that the provider gives.
const IPV6_PREFIX: u8 = 56;

/// What a new VPC is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewVpc {
    /// Its primary block.
    pub block: Ipv4Cidr,
    /// Whether it is the scope's default.
    pub is_default: bool,
    /// Whether its instances are to be of dedicated tenancy.
    pub dedicated: bool,
    /// Whether it gets an IPv6 block of the provider's pool.
    pub ipv6: bool,
}

/// Makes a VPC with what each has from the start: a main route table, a default network ACL and a default security group.
pub fn create(tx: &mut Tx<'_, '_>, new: NewVpc) -> Result<VpcId, Fault> {
    let scope = tx.scope();
    check_block(new.block)?;
    let limit = tx.quotas().vpcs;
    if tx.vpcs.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::Vpcs, u64::from(limit)));
    }
    let id: VpcId = tx.new_id();
    let number = free_number(tx);
    // The set that came with the scope's default network, which is `default` where it was deleted.
    let dhcp_options = tx.view().all::<DhcpOptionsTable, _>().find(|row| row.is_default).map(|row| row.id);
    let association = tx.new_id();
    tx.put::<Vpcs>(Vpc {
        scope,
        id,
        cidrs: vec![(association, new.block)],
        number,
        is_default: new.is_default,
        dhcp_options,
        dns_support: true,
        dns_hostnames: new.is_default,
        address_usage_metrics: false,
        ipv6: vec![],
        dedicated: new.dedicated,
    });
    let (table, main) = (tx.new_id(), tx.new_id());
    tx.put::<RouteTables>(RouteTable {
        scope,
        id: table,
        vpc: id,
        routes: vec![],
        main: Some(main),
        associations: vec![],
        gateways: vec![],
        propagating: vec![],
    });
    let acl = tx.new_id();
    tx.put::<NetworkAcls>(network_acl::open(scope, acl, id));
    let group = tx.new_id();
    tx.put::<SecurityGroups>(SecurityGroup {
        scope,
        id: group,
        name: "default".into(),
        description: "default VPC security group".into(),
        vpc: id,
    });
    security_group::add_default_rules(tx, group);
    if new.ipv6 {
        associate_ipv6(tx, id)?;
    }
    Ok(id)
}

/// Gives a VPC one more IPv4 block.
pub fn associate_ipv4(tx: &mut Tx<'_, '_>, vpc: VpcId, block: Ipv4Cidr) -> Result<VpcCidrId, Fault> {
    let row = tx.view().need::<Vpcs, _>(vpc)?;
    let key = row.key();
    check_block(block)?;
    let limit = tx.quotas().blocks_per_vpc;
    if row.cidrs.len() >= limit as usize {
        return Err(Fault::Quota(QuotaKind::BlocksPerVpc(vpc), u64::from(limit)));
    }
    let blocks: Vec<_> = row.cidrs.iter().map(|(_, block)| *block).collect();
    if blocks.iter().any(|other| other.overlaps(block)) {
        return Err(conflict(block, "conflicts with a block of the VPC"));
    }
    if is_restricted(&blocks, block) {
        return Err(Fault::Block {
            block: Cidr::V4(block),
            why: "is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use a publicly-routable CIDR",
            kind: BlockKind::VpcRange,
        });
    }
    check_ways(&tx.view(), vpc, block)?;
    let id = tx.new_id();
    tx.update::<Vpcs, _>(&key, |row| row.cidrs.push((id, block)));
    Ok(id)
}

/// Gives a VPC an IPv6 block that no other VPC in the cloud has. Where its network ACLs and security groups are as they
/// came, they let IPv6 through as they do IPv4.
pub fn associate_ipv6(tx: &mut Tx<'_, '_>, vpc: VpcId) -> Result<VpcCidrId, Fault> {
    let row = tx.view().need::<Vpcs, _>(vpc)?;
    let key = row.key();
    let limit = tx.quotas().ipv6_blocks_per_vpc;
    if row.ipv6.len() >= limit as usize {
        return Err(Fault::Quota(QuotaKind::BlocksPerVpc(vpc), u64::from(limit)));
    }
    let block = free_ipv6(tx)?;
    let id = tx.new_id();
    tx.update::<Vpcs, _>(&key, |row| row.ipv6.push((id, block)));
    let acls: Vec<_> = tx.network_acls.by_vpc(&vpc).map(NetworkAcl::key).collect();
    for acl in acls {
        tx.update::<NetworkAcls, _>(&acl, network_acl::add_ipv6);
    }
    let groups: Vec<_> = tx.security_groups.by_vpc(&vpc).map(|group| group.id).collect();
    for group in groups {
        security_group::add_ipv6_egress(tx, group);
    }
    Ok(id)
}

/// Takes a block from a VPC in which no subnet uses it. The primary one stays.
pub fn disassociate(tx: &mut Tx<'_, '_>, id: VpcCidrId) -> Result<(VpcId, Cidr), Fault> {
    let row = tx.view().vpc_of_block(id).ok_or_else(|| Fault::no_such(id))?;
    let (key, vpc) = (row.key(), row.id);
    if let Some(index) = row.cidrs.iter().position(|(each, _)| *each == id) {
        let block = row.cidrs[index].1;
        if index == 0 {
            return Err(Fault::NotPermitted(format!(
                "The vpc CIDR block with association ID {id} may not be disassociated. It is the primary IPv4 CIDR block of the VPC"
            )));
        }
        if tx.view().subnets_of(vpc).any(|subnet| block.covers(subnet.cidr)) {
            return Err(Fault::BlockInUse(Cidr::V4(block)));
        }
        tx.update::<Vpcs, _>(&key, |row| row.cidrs.retain(|(each, _)| *each != id));
        forget_local(tx, vpc, Cidr::V4(block));
        return Ok((vpc, Cidr::V4(block)));
    }
    let block = row.ipv6.iter().find(|(each, _)| *each == id).map(|(_, block)| *block);
    let block = block.ok_or_else(|| Fault::no_such(id))?;
    if tx.view().subnets_of(vpc).filter_map(|subnet| subnet.ipv6).any(|(_, used)| block.covers(used)) {
        return Err(Fault::BlockInUse(Cidr::V6(block)));
    }
    tx.update::<Vpcs, _>(&key, |row| row.ipv6.retain(|(each, _)| *each != id));
    forget_local(tx, vpc, Cidr::V6(block));
    Ok((vpc, Cidr::V6(block)))
}

/// Removes what stood in the place of a block's local route, which goes with the block.
fn forget_local(tx: &mut Tx<'_, '_>, vpc: VpcId, block: Cidr) {
    let local = Destination::Cidr(block);
    let stands = |table: &&RouteTable| table.routes.iter().any(|route| route.destination == local);
    let tables: Vec<_> = tx.route_tables.by_vpc(&vpc).filter(stands).map(RouteTable::key).collect();
    for table in tables {
        tx.update::<RouteTables, _>(&table, |row| row.routes.retain(|route| route.destination != local));
    }
}

/// Deletes a VPC that has nothing left but what each has from the start, and that with it.
pub fn delete(tx: &mut Tx<'_, '_>, id: VpcId) -> Result<(), Fault> {
    let key = tx.view().need::<Vpcs, _>(id)?.key();
    if is_used(tx, id) {
        return Err(has_dependencies("vpc", id));
    }
    let tables: Vec<_> = tx.route_tables.by_vpc(&id).map(RouteTable::key).collect();
    for table in tables {
        tx.delete::<RouteTables>(&table);
        tag::forget(tx, &table.id.to_string());
    }
    let acls: Vec<_> = tx.network_acls.by_vpc(&id).map(NetworkAcl::key).collect();
    for acl in acls {
        tx.delete::<NetworkAcls>(&acl);
        tag::forget(tx, &acl.id.to_string());
    }
    let groups: Vec<_> = tx.security_groups.by_vpc(&id).map(SecurityGroup::key).collect();
    for group in groups {
        let rules: Vec<_> = tx.view().rules_of(group.id).map(SecurityGroupRule::key).collect();
        for rule in rules {
            tx.delete::<SecurityGroupRules>(&rule);
            tag::forget(tx, &rule.id.to_string());
        }
        tx.delete::<SecurityGroups>(&group);
        tag::forget(tx, &group.id.to_string());
    }
    tx.delete::<Vpcs>(&key);
    flow_log::forget(tx, FlowLogResource::Vpc(id));
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// Whether a VPC has something that it didn't have from the start.
fn is_used(tx: &Tx<'_, '_>, id: VpcId) -> bool {
    tx.subnets.by_vpc.count(&id) > 0
        || tx.internet_gateways.by_vpc.count(&id) > 0
        || tx.egress_only_gateways.by_vpc.count(&id) > 0
        || tx.vpn_gateways.by_vpc.count(&id) > 0
        || tx.interfaces.by_vpc.count(&id) > 0
        || tx.nat_gateways.by_vpc(&id).any(|row| row.state.is_live())
        || tx.endpoints.by_vpc(&id).any(|row| row.state.is_live())
        || tx.transit_attachments.by_vpc(&id).any(|row| row.state.is_live())
        || tx.peerings.by_vpc(&id).any(|row| row.binds(id))
        || tx.route_tables.by_vpc(&id).any(|row| row.main.is_none())
        || tx.network_acls.by_vpc(&id).any(|row| !row.is_default)
        || tx.security_groups.by_vpc(&id).any(|row| row.name != "default")
}

const fn range(a: u8, b: u8, prefix: u8) -> (Ipv4Addr, u8) {
    (Ipv4Addr::new(a, b, 0, 0), prefix)
}

/// Addresses that no VPC may have: this network, loopback, link-local, multicast and reserved ones.
const FORBIDDEN: [(Ipv4Addr, u8); 5] =
    [range(0, 0, 8), range(127, 0, 8), range(169, 254, 16), range(224, 0, 4), range(240, 0, 4)];
/// The private ranges, and the one that the provider keeps.
const TEN: (Ipv4Addr, u8) = range(10, 0, 8);
const ONE_SEVENTY_TWO: (Ipv4Addr, u8) = range(172, 16, 12);
const ONE_NINETY_TWO: (Ipv4Addr, u8) = range(192, 168, 16);
const KEPT: (Ipv4Addr, u8) = range(198, 19, 16);

fn is_in(block: Ipv4Cidr, (first, prefix): (Ipv4Addr, u8)) -> bool {
    Ipv4Cidr::new(first, prefix).is_some_and(|range| range.overlaps(block))
}

/// Whether any VPC may have that block.
fn check_block(block: Ipv4Cidr) -> Result<(), Fault> {
    if SIZES.contains(&block.prefix()) && !FORBIDDEN.iter().any(|range| is_in(block, *range)) {
        return Ok(());
    }
    Err(Fault::Block { block: Cidr::V4(block), why: "is invalid", kind: BlockKind::VpcRange })
}

/// Whether AWS keeps a VPC with these blocks, the primary one first, from getting that one. Source: the Amazon VPC User
/// Guide, "IPv4 CIDR block association restrictions".
fn is_restricted(blocks: &[Ipv4Cidr], block: Ipv4Cidr) -> bool {
    let Some(primary) = blocks.first() else { return false };
    let private = [TEN, ONE_SEVENTY_TWO, ONE_NINETY_TWO];
    let other_private = private.iter().any(|range| is_in(block, *range) && !is_in(*primary, *range));
    let in_use_by_default = is_in(*primary, ONE_SEVENTY_TWO) && is_in(block, range(172, 31, 16));
    let low_ten = is_in(block, range(10, 0, 16)) && blocks.iter().any(|each| is_in(*each, range(10, 0, 15)));
    is_in(block, KEPT) || other_private || in_use_by_default || low_ten
}

/// That a block is no larger than where a route of the VPC leads to, and is nobody's whom the VPC is peered with.
fn check_ways(view: &View<'_>, vpc: VpcId, block: Ipv4Cidr) -> Result<(), Fault> {
    for route in view.tables().route_tables.by_vpc(&vpc).flat_map(|table| &table.routes) {
        if let Destination::Cidr(Cidr::V4(to)) = route.destination
            && block.covers(to)
        {
            return Err(conflict(block, "conflicts with a route of the VPC"));
        }
    }
    // Also one that is being made: nothing looks at its blocks again once it is accepted.
    let live = view.tables().peerings.by_vpc(&vpc).filter(|row| row.binds(vpc));
    for peer in live.flat_map(|row| row.sides()).filter(|side| side.vpc != vpc) {
        let mut theirs = view.tables().vpcs.by_id(&peer.vpc).flat_map(|row| &row.cidrs);
        if theirs.any(|(_, other)| other.overlaps(block)) {
            return Err(conflict(block, "conflicts with a block of a VPC that this one is peered with"));
        }
    }
    Ok(())
}

fn conflict(block: Ipv4Cidr, why: &'static str) -> Fault {
    Fault::Block { block: Cidr::V4(block), why, kind: BlockKind::VpcConflict }
}

/// A number that no VPC, no transit gateway and no VPN has.
pub(crate) fn free_number(tx: &mut Tx<'_, '_>) -> u32 {
    loop {
        let number = 1 + tx.entropy().below(MAX_NUMBER) as u32;
        let vpcs = tx.vpcs.by_number.count(&number);
        let vpns = tx.vpn_connections.by_number.count(&number) + tx.vpn_remains.by_number.count(&number);
        if vpcs + vpns + tx.transit_gateways.by_number.count(&number) == 0 {
            return number;
        }
    }
}

/// A block of the provider's pool that is free: one at random, or the next free one after it.
fn free_ipv6(tx: &mut Tx<'_, '_>) -> Result<Ipv6Cidr, Fault> {
    /// Blocks that are looked at, so that a pool that is all but full costs a bounded time.
    const TRIES: u64 = 1 << 16;
    let pool = tx.provider().ipv6_pool;
    let bits = u32::from(IPV6_PREFIX).checked_sub(u32::from(pool.prefix()));
    let count = bits.and_then(|bits| 1_u64.checked_shl(bits)).unwrap_or(0);
    if count == 0 {
        return Err(Fault::NoAddress(pool.to_string()));
    }
    let start = tx.entropy().below(count);
    let nth = |index: u64| {
        let first = pool.nth(u128::from(index) << (128 - u32::from(IPV6_PREFIX)))?;
        Ipv6Cidr::new(first, IPV6_PREFIX)
    };
    let indexes = (0..count.min(TRIES)).map(|step| (start + step) % count);
    indexes
        .filter_map(nth)
        .find(|block| tx.vpcs.by_ipv6.count(block) == 0)
        .ok_or_else(|| Fault::NoAddress(pool.to_string()))
}

impl<'a> View<'a> {
    /// The VPC that has a block by that association.
    pub fn vpc_of_block(&self, id: VpcCidrId) -> Option<&'a Vpc> {
        self.own(self.tables().vpcs.by_association(&id), |row| row.scope).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(texts: &[&str]) -> Vec<Ipv4Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn blocks_are_those_of_aws() {
        for (block, fits) in [
            ("10.0.0.0/16", true),
            ("10.0.0.0/28", true),
            ("100.64.0.0/16", true),
            ("8.8.0.0/20", true),
            ("10.0.0.0/15", false),
            ("10.0.0.0/29", false),
            ("127.0.0.0/16", false),
            ("169.254.0.0/20", false),
            ("0.1.0.0/16", false),
            ("224.1.0.0/16", false),
            ("250.1.0.0/16", false),
        ] {
            assert_eq!(check_block(block.parse().unwrap()).is_ok(), fits, "{block}");
        }
    }

    #[test]
    fn further_blocks_are_those_of_awss_table() {
        for (have, block, restricted) in [
            (&["10.2.0.0/16"][..], "10.3.0.0/16", false),
            (&["10.2.0.0/16"], "10.0.0.0/16", false),
            (&["10.1.0.0/16"], "10.0.0.0/16", true),
            (&["10.2.0.0/16", "10.1.0.0/20"], "10.0.0.0/24", true),
            (&["10.2.0.0/16"], "172.16.0.0/16", true),
            (&["10.2.0.0/16"], "192.168.1.0/24", true),
            (&["10.2.0.0/16"], "198.19.0.0/20", true),
            (&["10.2.0.0/16"], "100.64.0.0/16", false),
            (&["10.2.0.0/16"], "8.8.0.0/16", false),
            (&["172.20.0.0/16"], "172.31.0.0/20", true),
            (&["172.20.0.0/16"], "172.21.0.0/20", false),
            (&["172.20.0.0/16"], "10.3.0.0/16", true),
            (&["192.168.0.0/24"], "192.168.9.0/24", false),
            (&["192.168.0.0/24"], "10.3.0.0/16", true),
            (&["100.64.0.0/16"], "10.3.0.0/16", true),
            (&["100.64.0.0/16"], "100.65.0.0/16", false),
        ] {
            assert_eq!(is_restricted(&blocks(have), block.parse().unwrap()), restricted, "{have:?} {block}");
        }
    }
}
