//! The private addresses of interfaces: which are free, and how interfaces get and give them back.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_model::{
    Address, AllocationId, InstanceType, InterfaceId, Ipv4Cidr, Ipv6Cidr, NetworkInterface, Scoped, Subnet,
};

use crate::fault::{Fault, QuotaKind};
use crate::network::RESERVED;
use crate::tx::Tx;
use crate::value::{Addresses, Instances, Interfaces, Subnets};
use crate::view::View;

/// The addresses that an interface has at most where no instance's type says less: as many as the largest type's.
pub const MAX_ADDRESSES: u32 = 50;

/// Addresses that an interface is to get: those, and so many of the subnet's choosing.
#[derive(Clone, Copy, Debug)]
pub struct NewAddresses<'a, A> {
    /// Those that were named.
    pub named: &'a [A],
    /// How many more.
    pub count: u32,
}

/// The primary address of a new interface: the one that was asked for, or a free one.
pub fn primary(tx: &mut Tx<'_, '_>, subnet: &Subnet, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, Fault> {
    let Some(address) = wanted else { return free(tx, subnet, &[]) };
    check(subnet, address)?;
    if is_taken(tx, subnet, address) {
        return Err(Fault::AddressInUse(address));
    }
    Ok(address)
}

/// Further addresses of a new interface, besides those that it has.
pub fn further(
    tx: &mut Tx<'_, '_>,
    subnet: &Subnet,
    besides: &[Ipv4Addr],
    new: NewAddresses<'_, Ipv4Addr>,
) -> Result<Vec<Ipv4Addr>, Fault> {
    let mut all = besides.to_vec();
    for &address in new.named {
        check(subnet, address)?;
        if all.contains(&address) || is_taken(tx, subnet, address) {
            return Err(Fault::AddressInUse(address));
        }
        all.push(address);
    }
    for _ in 0..new.count {
        let address = free(tx, subnet, &all)?;
        all.push(address);
    }
    Ok(all.split_off(besides.len()))
}

/// IPv6 addresses for an interface.
pub fn ipv6(tx: &mut Tx<'_, '_>, subnet: &Subnet, new: NewAddresses<'_, Ipv6Addr>) -> Result<Vec<Ipv6Addr>, Fault> {
    let wanted = new.named.len() as u64 + u64::from(new.count);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    if wanted > u64::from(MAX_ADDRESSES) {
        return Err(Fault::Quota(QuotaKind::Ipv6AddressesPerInterface, u64::from(MAX_ADDRESSES)));
    }
    let Some((_, block)) = subnet.ipv6 else {
        return Err(Fault::Mismatch(format!("The subnet '{}' has no IPv6 CIDR block.", subnet.id)));
    };
    let mut addresses = Vec::new();
    for &address in new.named {
        let invalid = |why: &str| Fault::Invalid { name: "Ipv6Addresses", value: address.to_string(), why: why.into() };
        if !block.contains(address) {
            return Err(invalid("Address does not fall within the subnet's address range"));
        }
        if is_reserved_ipv6(block, address) {
            return Err(invalid("Address is in subnet's reserved address range"));
        }
        if addresses.contains(&address) || tx.interfaces.by_ipv6.count(&address) > 0 {
            return Err(Fault::Ipv6InUse(address));
        }
        addresses.push(address);
    }
    for _ in 0..new.count {
        addresses.push(free_ipv6(tx, block, &addresses));
    }
    Ok(addresses)
}

/// Gives an interface further addresses. Those that another one of the subnet has come from there where that is allowed,
/// with the elastic addresses that stand for them. Returns what was given.
pub fn assign(
    tx: &mut Tx<'_, '_>,
    id: InterfaceId,
    new: NewAddresses<'_, Ipv4Addr>,
    moves: bool,
) -> Result<Vec<Ipv4Addr>, Fault> {
    let (row, subnet) = of(tx, id)?;
    let wanted = row.addresses.len() as u64 + new.named.len() as u64 + u64::from(new.count);
    let limit = kind(&tx.view(), &row).map_or(MAX_ADDRESSES, |kind| kind.addresses_per_interface);
    if wanted > u64::from(limit) {
        return Err(Fault::Quota(QuotaKind::AddressesPerInterface, u64::from(limit)));
    }
    // An address that it has already is no error for those who take addresses over.
    let named: Vec<_> = new.named.iter().copied().filter(|own| !(moves && row.addresses.contains(own))).collect();
    if moves {
        for &address in &named {
            take_over(tx, &row, address)?;
        }
    }
    let given = further(tx, &subnet, &row.addresses, NewAddresses { named: &named, count: new.count })?;
    tx.update::<Interfaces, _>(&row.key(), |row| row.addresses.extend(&given));
    Ok(given)
}

/// Takes further addresses from an interface; elastic ones that stood for them stand for nothing.
pub fn unassign(tx: &mut Tx<'_, '_>, id: InterfaceId, addresses: &[Ipv4Addr]) -> Result<(), Fault> {
    let row = tx.view().tenants_interface(id)?.clone();
    for address in addresses {
        let invalid = |why: String| Fault::Invalid { name: "privateIpAddress", value: address.to_string(), why };
        if *address == row.primary() {
            return Err(invalid("It is the primary private IP address of the interface.".into()));
        }
        if !row.addresses.contains(address) {
            return Err(invalid(format!("Some of [{address}] are not assigned to interface {id}")));
        }
    }
    for key in elastic(tx, id, |private| addresses.contains(&private)) {
        tx.update::<Addresses, _>(&key, |row| row.association = None);
    }
    tx.update::<Interfaces, _>(&row.key(), |row| row.addresses.retain(|address| !addresses.contains(address)));
    Ok(())
}

/// Gives an interface IPv6 addresses. Returns them.
pub fn assign_ipv6(
    tx: &mut Tx<'_, '_>,
    id: InterfaceId,
    new: NewAddresses<'_, Ipv6Addr>,
) -> Result<Vec<Ipv6Addr>, Fault> {
    let (row, subnet) = of(tx, id)?;
    let wanted = row.ipv6.len() as u64 + new.named.len() as u64 + u64::from(new.count);
    let limit = kind(&tx.view(), &row).map_or(MAX_ADDRESSES, |kind| kind.ipv6_addresses_per_interface());
    if wanted > u64::from(limit) {
        return Err(Fault::Quota(QuotaKind::Ipv6AddressesPerInterface, u64::from(limit)));
    }
    let given = ipv6(tx, &subnet, new)?;
    tx.update::<Interfaces, _>(&row.key(), |row| row.ipv6.extend(&given));
    Ok(given)
}

/// Takes IPv6 addresses from an interface.
pub fn unassign_ipv6(tx: &mut Tx<'_, '_>, id: InterfaceId, addresses: &[Ipv6Addr]) -> Result<(), Fault> {
    let row = tx.view().tenants_interface(id)?;
    for address in addresses {
        let invalid = |why: String| Fault::Invalid { name: "Ipv6Addresses", value: address.to_string(), why };
        if !row.ipv6.contains(address) {
            return Err(invalid(format!("Some of [{address}] are not assigned to interface {id}")));
        }
        if row.primary_ipv6 && row.ipv6.first() == Some(address) {
            return Err(invalid("It is the primary IPv6 address of the interface.".into()));
        }
    }
    crate::interface::change(tx, id, |row| row.ipv6.retain(|address| !addresses.contains(address)))
}

/// The type of the instance that has an interface, which says how many addresses it may have.
fn kind(view: &View<'_>, row: &NetworkInterface) -> Option<InstanceType> {
    let instance = row.instance().and_then(|id| view.find::<Instances, _>(id));
    instance.and_then(|row| InstanceType::find(&row.spec.instance_type))
}

/// That an interface with so many addresses of each family fits an instance's type.
pub fn check_fits(kind: InstanceType, ipv4: u64, ipv6: u64) -> Result<(), Fault> {
    let limit = u64::from(kind.addresses_per_interface);
    if ipv4 > limit {
        return Err(Fault::Quota(QuotaKind::AddressesPerInterface, limit));
    }
    let limit = u64::from(kind.ipv6_addresses_per_interface());
    if ipv6 > limit {
        return Err(Fault::Quota(QuotaKind::Ipv6AddressesPerInterface, limit));
    }
    Ok(())
}

/// The tenant's interface and its subnet.
fn of(tx: &Tx<'_, '_>, id: InterfaceId) -> Result<(NetworkInterface, Subnet), Fault> {
    let view = tx.view();
    let row = view.tenants_interface(id)?.clone();
    let subnet = view.need::<Subnets, _>(row.subnet)?.clone();
    Ok((row, subnet))
}

/// Takes an address from whichever interface of the subnet has it, for another. The elastic address that stands for it
/// goes with it, as on EC2.
fn take_over(tx: &mut Tx<'_, '_>, to: &NetworkInterface, address: Ipv4Addr) -> Result<(), Fault> {
    let Some(from) = tx.interfaces.by_address(&(to.subnet, address)).next().cloned() else { return Ok(()) };
    if from.primary() == address || !from.purpose.is_tenants() {
        let why = format!("It is the primary private IP address of {}.", from.id);
        return Err(Fault::Invalid { name: "privateIpAddress", value: address.to_string(), why });
    }
    for key in elastic(tx, from.id, |private| private == address) {
        tx.update::<Addresses, _>(&key, |row| {
            if let Some(association) = &mut row.association {
                association.interface = to.id;
            }
        });
    }
    tx.update::<Interfaces, _>(&from.key(), |row| row.addresses.retain(|own| *own != address));
    Ok(())
}

/// The elastic addresses that stand for some of an interface's addresses.
fn elastic(tx: &Tx<'_, '_>, id: InterfaceId, of: impl Fn(Ipv4Addr) -> bool) -> Vec<Scoped<AllocationId>> {
    let rows = tx.addresses.by_interface(&id);
    rows.filter(|row| row.association.as_ref().is_some_and(|a| of(a.private))).map(Address::key).collect()
}

fn check(subnet: &Subnet, address: Ipv4Addr) -> Result<(), Fault> {
    let outside = |why: &str| Fault::Invalid { name: "address", value: address.to_string(), why: why.into() };
    if !subnet.cidr.contains(address) {
        return Err(outside("Address does not fall within the subnet's address range"));
    }
    if is_reserved(subnet.cidr, address) {
        return Err(outside("Address is in subnet's reserved address range"));
    }
    Ok(())
}

fn is_taken(tx: &Tx<'_, '_>, subnet: &Subnet, address: Ipv4Addr) -> bool {
    tx.interfaces.by_address.count(&(subnet.id, address)) > 0
}

fn is_reserved(block: Ipv4Cidr, address: Ipv4Addr) -> bool {
    let offset = u32::from(address) - u32::from(block.first());
    u64::from(offset) < RESERVED - 1 || address == block.last()
}

/// A free address: a few are tried at random, so that the choice doesn't grow with what is taken; then all in order.
fn free(tx: &mut Tx<'_, '_>, subnet: &Subnet, besides: &[Ipv4Addr]) -> Result<Ipv4Addr, Fault> {
    let usable = subnet.cidr.size().saturating_sub(RESERVED);
    let nth = |index: u64| subnet.cidr.nth((index + RESERVED - 1) as u32);
    let is_free = |tx: &Tx<'_, '_>, address: Ipv4Addr| !besides.contains(&address) && !is_taken(tx, subnet, address);
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
