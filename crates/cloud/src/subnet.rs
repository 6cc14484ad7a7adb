//! Subnets: where in their VPC they fit, their IPv6 blocks, and what keeps one from going.

use landfall_model::{
    Cidr, FlowLogResource, Ipv4Cidr, Ipv6Cidr, NameOptions, NetworkAcl, RouteTable, Subnet, SubnetCidrId, SubnetId,
    VpcId, ZoneName,
};

use crate::fault::{BlockKind, Fault, QuotaKind};
use crate::network::has_dependencies;
use crate::tx::Tx;
use crate::value::{NetworkAcls, RouteTables, Subnets, Vpcs};
use crate::view::View;
use crate::{flow_log, network_acl, tag};

/// The sizes of IPv4 blocks. Source: the Amazon VPC User Guide, "Subnet CIDR blocks".
const SIZES: std::ops::RangeInclusive<u8> = 16..=28;
/// The size of an IPv6 block: guests make their addresses of the other half.
const IPV6_PREFIX: u8 = 64;

/// What a new subnet is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewSubnet {
    /// The network.
    pub vpc: VpcId,
    /// Its block.
    pub block: Ipv4Cidr,
    /// Its IPv6 block.
    pub ipv6: Option<Ipv6Cidr>,
    /// Its zone; one that has few of the VPC's subnets where none is asked for.
    pub zone: Option<ZoneName>,
    /// Whether it is its zone's default, in which instances get public addresses.
    pub is_default: bool,
}

/// Makes a subnet, filtered by its VPC's default network ACL.
pub fn create(tx: &mut Tx<'_, '_>, new: NewSubnet) -> Result<SubnetId, Fault> {
    let view = tx.view();
    let vpc = view.need::<Vpcs, _>(new.vpc)?;
    let limit = view.quotas().subnets_per_vpc;
    if tx.subnets.by_vpc.count(&new.vpc) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::SubnetsPerVpc, u64::from(limit)));
    }
    let fits = SIZES.contains(&new.block.prefix()) && vpc.cidrs.iter().any(|(_, whole)| whole.covers(new.block));
    if !fits {
        return Err(range(Cidr::V4(new.block)));
    }
    if view.subnets_of(new.vpc).any(|other| other.cidr.overlaps(new.block)) {
        return Err(conflict(Cidr::V4(new.block)));
    }
    if let Some(block) = new.ipv6 {
        check_ipv6(&view, new.vpc, block)?;
    }
    let zone = new.zone.or_else(|| roomy_zone(&view, new.vpc)).ok_or(Fault::Missing("AvailabilityZone"))?;
    let scope = tx.scope();
    let id = tx.new_id();
    let ipv6 = new.ipv6.map(|block| (tx.new_id(), block));
    tx.put::<Subnets>(Subnet {
        scope,
        id,
        vpc: new.vpc,
        cidr: new.block,
        zone,
        default_for_az: new.is_default,
        map_public_ip: new.is_default,
        ipv6,
        assign_ipv6: false,
        dns64: false,
        names: NameOptions::default(),
    });
    network_acl::join_default(tx, new.vpc, id);
    Ok(id)
}

/// Gives a subnet the IPv6 block that it may have, one of its VPC's.
pub fn associate_ipv6(tx: &mut Tx<'_, '_>, id: SubnetId, block: Ipv6Cidr) -> Result<SubnetCidrId, Fault> {
    let row = tx.view().need::<Subnets, _>(id)?;
    let key = row.key();
    if row.ipv6.is_some() {
        return Err(Fault::Quota(QuotaKind::BlocksPerSubnet(id), 1));
    }
    check_ipv6(&tx.view(), row.vpc, block)?;
    let association = tx.new_id();
    tx.update::<Subnets, _>(&key, |row| row.ipv6 = Some((association, block)));
    Ok(association)
}

/// Takes its IPv6 block from a subnet in which no interface has an address of it.
pub fn disassociate_ipv6(tx: &mut Tx<'_, '_>, id: SubnetCidrId) -> Result<(SubnetId, Ipv6Cidr), Fault> {
    let row = tx.view().subnet_of_block(id).ok_or_else(|| Fault::no_such(id))?;
    let (key, subnet) = (row.key(), row.id);
    let (_, block) = row.ipv6.ok_or_else(|| Fault::no_such(id))?;
    if tx.interfaces.by_subnet(&subnet).any(|interface| !interface.ipv6.is_empty()) {
        return Err(Fault::BlockInUse(Cidr::V6(block)));
    }
    tx.update::<Subnets, _>(&key, |row| {
        row.ipv6 = None;
        row.assign_ipv6 = false;
    });
    Ok((subnet, block))
}

/// Deletes a subnet that nothing is in, and its place in route tables and network ACLs.
pub fn delete(tx: &mut Tx<'_, '_>, id: SubnetId) -> Result<(), Fault> {
    let key = tx.view().need::<Subnets, _>(id)?.key();
    let is_used = tx.interfaces.by_subnet.count(&id) > 0
        || tx.nat_gateways.by_subnet(&id).any(|row| row.state.is_live())
        || tx.transit_attachments.by_subnet(&id).any(|row| row.state.is_live());
    if is_used {
        return Err(has_dependencies("subnet", id));
    }
    let tables: Vec<_> = tx.route_tables.by_subnet(&id).map(RouteTable::key).collect();
    for table in tables {
        tx.update::<RouteTables, _>(&table, |row| row.associations.retain(|(_, subnet)| *subnet != id));
    }
    let acls: Vec<_> = tx.network_acls.by_subnet(&id).map(NetworkAcl::key).collect();
    for acl in acls {
        tx.update::<NetworkAcls, _>(&acl, |row| row.associations.retain(|(_, subnet)| *subnet != id));
    }
    tx.delete::<Subnets>(&key);
    flow_log::forget(tx, FlowLogResource::Subnet(id));
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// That an IPv6 block is a free part of its VPC's.
fn check_ipv6(view: &View<'_>, vpc: VpcId, block: Ipv6Cidr) -> Result<(), Fault> {
    let row = view.need::<Vpcs, _>(vpc)?;
    if block.prefix() != IPV6_PREFIX || !row.ipv6.iter().any(|(_, whole)| whole.covers(block)) {
        return Err(range(Cidr::V6(block)));
    }
    if view.subnets_of(vpc).filter_map(|other| other.ipv6).any(|(_, other)| other.overlaps(block)) {
        return Err(conflict(Cidr::V6(block)));
    }
    Ok(())
}

/// The first of the zones that have the fewest of a VPC's subnets.
fn roomy_zone(view: &View<'_>, vpc: VpcId) -> Option<ZoneName> {
    view.scope().region.zones().min_by_key(|zone| view.subnets_of(vpc).filter(|subnet| subnet.zone == *zone).count())
}

fn range(block: Cidr) -> Fault {
    Fault::Block { block, why: "is invalid", kind: BlockKind::Range }
}

fn conflict(block: Cidr) -> Fault {
    Fault::Block { block, why: "conflicts with another subnet", kind: BlockKind::Conflict }
}

impl<'a> View<'a> {
    /// The subnet that has its IPv6 block by that association.
    pub fn subnet_of_block(&self, id: SubnetCidrId) -> Option<&'a Subnet> {
        self.own(self.tables().subnets.by_association(&id), |row| row.scope).next()
    }
}
