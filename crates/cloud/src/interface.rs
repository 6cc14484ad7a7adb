//! Network interfaces: their private addresses, their hardware address, their groups.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_model::{
    Attachment, AttachmentId, FlowLogResource, InterfaceId, InterfacePurpose, Ipv4Cidr, Ipv6Cidr, Mac,
    NetworkInterface, SecurityGroupId, Subnet, SubnetId, VpcId,
};

use crate::fault::{Fault, QuotaKind};
use crate::network::RESERVED;
use crate::tx::Tx;
use crate::value::{Interfaces, SecurityGroups, Subnets};
use crate::view::View;

/// What a new interface is to be.
#[derive(Clone, Debug, Default)]
pub struct NewInterface {
    /// Its primary address; any free one if none is asked for.
    pub address: Option<Ipv4Addr>,
    /// Further addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// How many further addresses of the subnet's choosing.
    pub secondary_count: u32,
    /// Its groups; the VPC's default one if none are named.
    pub groups: Vec<SecurityGroupId>,
    /// Its description.
    pub description: String,
    /// Whether a start gives it a public address.
    pub public_address: bool,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// How many further IPv6 addresses of the subnet's choosing.
    pub ipv6_count: u32,
    /// What it is for. A NAT gateway's may send and receive what isn't its own.
    pub purpose: InterfacePurpose,
}

/// Makes an interface in a subnet.
pub fn create(
    tx: &mut Tx<'_, '_>,
    subnet: SubnetId,
    new: NewInterface,
    attachment: Option<Attachment>,
) -> Result<InterfaceId, Fault> {
    let subnet = tx.view().need::<Subnets, _>(subnet)?.clone();
    let groups = check_groups(&tx.view(), subnet.vpc, &new.groups)?;
    let mut addresses = match new.address {
        Some(address) => vec![check_address(&tx.view(), &subnet, address)?],
        None => vec![free_address(tx, &subnet, &[])?],
    };
    addresses.extend(further(tx, &subnet, &addresses, &new.secondary, new.secondary_count)?);
    let ipv6 = ipv6_addresses(tx, &subnet, &[], &new.ipv6, new.ipv6_count)?;
    let (id, mac, scope, now) = (tx.new_id(), new_mac(tx), tx.scope(), tx.now());
    tx.put::<Interfaces>(NetworkInterface {
        scope,
        id,
        vpc: subnet.vpc,
        subnet: subnet.id,
        zone: subnet.zone,
        mac,
        addresses,
        ipv6,
        public_address: None,
        wants_public_address: new.public_address,
        groups,
        description: new.description,
        source_dest_check: !matches!(new.purpose, InterfacePurpose::NatGateway(_)),
        attachment,
        created_at: now,
        purpose: new.purpose,
    });
    Ok(id)
}

/// Further addresses for an interface besides those that it has: those that are named, and so many of the subnet's
/// choosing.
pub(crate) fn further(
    tx: &mut Tx<'_, '_>,
    subnet: &Subnet,
    besides: &[Ipv4Addr],
    named: &[Ipv4Addr],
    count: u32,
) -> Result<Vec<Ipv4Addr>, Fault> {
    let mut all = besides.to_vec();
    for address in named {
        let address = check_address(&tx.view(), subnet, *address)?;
        if all.contains(&address) {
            return Err(Fault::AddressInUse(address));
        }
        all.push(address);
    }
    for _ in 0..count {
        let address = free_address(tx, subnet, &all)?;
        all.push(address);
    }
    Ok(all.split_off(besides.len()))
}

/// Deletes an interface, if it is there, and gives back its addresses; an elastic one is only disassociated.
pub fn delete(tx: &mut Tx<'_, '_>, id: InterfaceId) {
    crate::address::disassociate_all(tx, id);
    let key = tx.scope().key(id);
    tx.delete::<Interfaces>(&key);
    crate::flow_log::forget(tx, FlowLogResource::Interface(id));
    crate::tag::forget(tx, &id.to_string());
}

/// Replaces the security groups of an interface.
pub fn set_groups(tx: &mut Tx<'_, '_>, id: InterfaceId, groups: &[SecurityGroupId]) -> Result<(), Fault> {
    let view = tx.view();
    let row = view.need::<Interfaces, _>(id)?;
    let (key, groups) = (row.key(), check_groups(&view, row.vpc, groups)?);
    tx.update::<Interfaces, _>(&key, |row| row.groups = groups);
    Ok(())
}

/// Says whether an interface goes with the instance that it is attached to.
pub fn set_delete_on_termination(
    tx: &mut Tx<'_, '_>,
    id: InterfaceId,
    attachment: AttachmentId,
    goes: bool,
) -> Result<(), Fault> {
    let row = tx.view().need::<Interfaces, _>(id)?;
    if row.attachment.as_ref().is_none_or(|row| row.id != attachment) {
        return Err(Fault::no_such(attachment));
    }
    let key = row.key();
    tx.update::<Interfaces, _>(&key, |row| {
        if let Some(attachment) = &mut row.attachment {
            attachment.delete_on_termination = goes;
        }
    });
    Ok(())
}

/// The groups that an interface in that VPC is to have: those named, or the default one.
pub fn check_groups(view: &View<'_>, vpc: VpcId, groups: &[SecurityGroupId]) -> Result<Vec<SecurityGroupId>, Fault> {
    if groups.is_empty() {
        return Ok(view.default_group(vpc).map(|group| group.id).into_iter().collect());
    }
    let mut result = Vec::with_capacity(groups.len());
    for &id in groups {
        let group = view.need::<SecurityGroups, _>(id)?;
        if group.vpc != vpc {
            return Err(Fault::Mismatch(format!("Security group {id} and the subnet belong to different networks.")));
        }
        if !result.contains(&id) {
            result.push(id);
        }
    }
    let limit = view.provider().quotas.groups_per_interface;
    if result.len() > limit as usize {
        return Err(Fault::Quota(QuotaKind::GroupsPerInterface, u64::from(limit)));
    }
    Ok(result)
}

fn check_address(view: &View<'_>, subnet: &Subnet, address: Ipv4Addr) -> Result<Ipv4Addr, Fault> {
    let outside = |why: &str| Fault::Invalid { name: "address", value: address.to_string(), why: why.into() };
    if !subnet.cidr.contains(address) {
        return Err(outside("Address does not fall within the subnet's address range"));
    }
    if is_reserved(subnet.cidr, address) {
        return Err(outside("Address is in subnet's reserved address range"));
    }
    if view.tables().interfaces.by_address.count(&(subnet.id, address)) > 0 {
        return Err(Fault::AddressInUse(address));
    }
    Ok(address)
}

fn is_reserved(block: Ipv4Cidr, address: Ipv4Addr) -> bool {
    let offset = u32::from(address) - u32::from(block.first());
    u64::from(offset) < RESERVED - 1 || address == block.last()
}

/// A free address: a few are tried at random, so that the choice doesn't grow with what is taken; then all in order.
fn free_address(tx: &mut Tx<'_, '_>, subnet: &Subnet, besides: &[Ipv4Addr]) -> Result<Ipv4Addr, Fault> {
    let usable = subnet.cidr.size().saturating_sub(RESERVED);
    let nth = |index: u64| subnet.cidr.nth((index + RESERVED - 1) as u32);
    let is_free = |tx: &Tx<'_, '_>, address: Ipv4Addr| {
        !besides.contains(&address) && tx.interfaces.by_address.count(&(subnet.id, address)) == 0
    };
    const TRIES: usize = 16;
    if usable > 0 {
        for _ in 0..TRIES {
            let index = tx.entropy().below(usable);
            if let Some(address) = nth(index).filter(|address| is_free(tx, *address)) {
                return Ok(address);
            }
        }
    }
    (0..usable)
        .filter_map(nth)
        .find(|address| is_free(tx, *address))
        .ok_or_else(|| Fault::NoAddress(subnet.id.to_string()))
}

/// IPv6 addresses of a subnet: those, and as many more. `besides` are the interface's own already.
fn ipv6_addresses(
    tx: &mut Tx<'_, '_>,
    subnet: &Subnet,
    besides: &[Ipv6Addr],
    wanted: &[Ipv6Addr],
    count: u32,
) -> Result<Vec<Ipv6Addr>, Fault> {
    if wanted.is_empty() && count == 0 {
        return Ok(Vec::new());
    }
    let Some((_, block)) = subnet.ipv6 else {
        return Err(Fault::Mismatch(format!("The subnet {} has no IPv6 CIDR block.", subnet.id)));
    };
    let mut addresses = Vec::with_capacity(wanted.len() + count as usize);
    for &address in wanted {
        let invalid = |why: &str| Fault::Invalid { name: "Ipv6Addresses", value: address.to_string(), why: why.into() };
        if !block.contains(address) {
            return Err(invalid("Address does not fall within the subnet's address range"));
        }
        if is_reserved_ipv6(block, address) {
            return Err(invalid("Address is in subnet's reserved address range"));
        }
        if besides.contains(&address) || addresses.contains(&address) || tx.interfaces.by_ipv6.count(&address) > 0 {
            return Err(Fault::Ipv6InUse(address));
        }
        addresses.push(address);
    }
    for _ in 0..count {
        addresses.push(free_ipv6(tx, block, &addresses));
    }
    Ok(addresses)
}

/// As of IPv4, the first four addresses and the last one are nobody's.
fn is_reserved_ipv6(block: Ipv6Cidr, address: Ipv6Addr) -> bool {
    u128::from(address) - u128::from(block.first()) < u128::from(RESERVED) - 1 || address == block.last()
}

/// A free address, at random: of 2^64 none but those that were given out are taken, so that one try nearly always does.
fn free_ipv6(tx: &mut Tx<'_, '_>, block: Ipv6Cidr, besides: &[Ipv6Addr]) -> Ipv6Addr {
    loop {
        let index = u128::from(tx.entropy().next_u64());
        let free = |address: &Ipv6Addr| {
            !is_reserved_ipv6(block, *address)
                && !besides.contains(address)
                && tx.interfaces.by_ipv6.count(address) == 0
        };
        if let Some(address) = block.nth(index).filter(free) {
            return address;
        }
    }
}

/// A hardware address of the locally administered, unicast kind that EC2's look like.
fn new_mac(tx: &mut Tx<'_, '_>) -> Mac {
    let bytes = tx.entropy().next_u64().to_le_bytes();
    Mac([0x02, bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]])
}
