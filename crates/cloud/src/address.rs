//! Public addresses: elastic ones, which an account keeps, those that a start gives and a stop takes, and those at which
//! tunnels of VPNs end.
//!
//! All come from the provider's one pool, so that what is free is asked across accounts.

use std::net::Ipv4Addr;

use landfall_model::{
    Address, AddressAssociation, AddressAssociationId, AllocationId, InstanceState, InterfaceId, InterfacePurpose,
    Ipv4Cidr, NetworkInterface, ReleasedAddress,
};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{Addresses, Instances, Interfaces, ReleasedAddresses};
use crate::view::View;

/// Allocates an elastic address: any, or that one, if it is the account's last and nobody has had it since. Others can't be
/// chosen, or whoever gave one up would meet who waited for it.
pub fn allocate(tx: &mut Tx<'_, '_>, wanted: Option<Ipv4Addr>) -> Result<AllocationId, Fault> {
    let scope = tx.scope();
    let limit = tx.quotas().addresses;
    if tx.addresses.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::Addresses, u64::from(limit)));
    }
    let pool = tx.provider().public_pool;
    let public = match wanted {
        Some(address) if !is_usable(pool, address) => {
            return Err(no_such_address(address));
        }
        Some(address) if is_own(&tx.view(), address) => return Err(Fault::AddressInUse(address)),
        // Whether another has it or nobody does is none of the caller's business.
        Some(address) if !is_free(tx, address) || !was_own(&tx.view(), address) => {
            return Err(no_such_address(address));
        }
        Some(address) => address,
        None => free_public(tx, &[])?,
    };
    forget_release(tx, public);
    let id = tx.new_id();
    tx.put::<Addresses>(Address { scope, id, public, association: None });
    Ok(id)
}

/// Gives an elastic address back to the pool.
pub fn release(tx: &mut Tx<'_, '_>, id: AllocationId) -> Result<(), Fault> {
    let row = tx.view().need::<Addresses, _>(id)?.clone();
    if row.association.is_some() {
        return Err(Fault::AddressInUse(row.public));
    }
    tx.delete::<Addresses>(&row.key());
    tx.put::<ReleasedAddresses>(ReleasedAddress { scope: row.scope, public: row.public });
    crate::tag::forget(tx, &id.to_string());
    Ok(())
}

/// Makes an elastic address stand for a private address of an interface.
pub fn associate(
    tx: &mut Tx<'_, '_>,
    id: AllocationId,
    interface: InterfaceId,
    private: Option<Ipv4Addr>,
    reassociate: bool,
) -> Result<AddressAssociationId, Fault> {
    let mut row = tx.view().need::<Addresses, _>(id)?.clone();
    let target = tx.view().need::<Interfaces, _>(interface)?.clone();
    let private = match private {
        Some(address) if !target.addresses.contains(&address) => {
            let why = format!("The private address is not one of {interface}");
            return Err(Fault::Invalid { name: "PrivateIpAddress", value: address.to_string(), why });
        }
        Some(address) => address,
        None => target.primary(),
    };
    if tx.internet_gateways.by_vpc.count(&target.vpc) == 0 {
        return Err(Fault::NotAttached(format!("Network {} is not attached to any internet gateway", target.vpc)));
    }
    if let Some(old) = &row.association {
        if old.interface == interface && old.private == private {
            return Ok(old.id);
        }
        if !reassociate {
            return Err(Fault::AlreadyAssociated(format!(
                "resource {id} is already associated with associate-id {}",
                old.id
            )));
        }
        check_tenants(&tx.view(), old.interface)?;
    }
    let other = tx
        .addresses
        .by_interface(&interface)
        .find(|other| other.id != id && other.association.as_ref().is_some_and(|a| a.private == private))
        .map(Address::key);
    if let Some(key) = other {
        if !reassociate {
            return Err(Fault::AlreadyAssociated(format!("resource {interface} is already associated")));
        }
        tx.update::<Addresses, _>(&key, |row| row.association = None);
    }
    // The address that a start gave goes back to the pool, as EC2 does.
    if private == target.primary() && target.public_address.is_some() {
        tx.update::<Interfaces, _>(&target.key(), |row| row.public_address = None);
    }
    let association = AddressAssociation { id: tx.new_id(), interface, private };
    let result = association.id;
    let old = row.association.replace(association);
    tx.put::<Addresses>(row);
    if let Some(old) = old {
        give_again(tx, old.interface)?;
    }
    Ok(result)
}

/// Ends the association of an elastic address, if it has one.
pub fn disassociate(tx: &mut Tx<'_, '_>, id: AllocationId) -> Result<(), Fault> {
    let row = tx.view().need::<Addresses, _>(id)?;
    if let Some(association) = &row.association {
        check_tenants(&tx.view(), association.interface)?;
    }
    let key = row.key();
    match tx.update::<Addresses, _>(&key, |row| row.association.take()).flatten() {
        Some(old) => give_again(tx, old.interface),
        None => Ok(()),
    }
}

/// That what an elastic address stands for is the tenant's own interface: a NAT gateway keeps its addresses until it goes.
fn check_tenants(view: &View<'_>, interface: InterfaceId) -> Result<(), Fault> {
    let is_own = |row: &NetworkInterface| row.purpose == InterfacePurpose::Instance;
    if view.find::<Interfaces, _>(interface).is_none_or(is_own) {
        return Ok(());
    }
    let message = "You do not have permission to access the specified resource.".into();
    Err(Fault::Taken { code: "AuthFailure", message })
}

/// Gives an interface that an elastic address has left a public address again, as EC2 does: where its instance is on and
/// has no other interface. A pool without a free address is no reason to keep the elastic one.
fn give_again(tx: &mut Tx<'_, '_>, interface: InterfaceId) -> Result<(), Fault> {
    let view = tx.view();
    let Some(row) = view.find::<Interfaces, _>(interface).cloned() else { return Ok(()) };
    let is_on = row.instance().is_some_and(|id| {
        let state = view.find::<Instances, _>(id).map(|instance| instance.status.state);
        matches!(state, Some(InstanceState::Pending | InstanceState::Running)) && view.interfaces_of(id).count() == 1
    });
    match if is_on { give(tx, &row) } else { Ok(()) } {
        Err(Fault::NoAddress(_)) => Ok(()),
        other => other,
    }
}

/// Says whether an interface wants a public address from its instance's starts, and gives or takes one where it is on.
pub fn set_wanted(tx: &mut Tx<'_, '_>, interface: InterfaceId, wanted: bool) -> Result<(), Fault> {
    let key = tx.view().tenants_interface(interface)?.key();
    tx.update::<Interfaces, _>(&key, |row| {
        row.wants_public_address = wanted;
        if !wanted {
            row.public_address = None;
        }
    });
    if wanted { give_again(tx, interface) } else { Ok(()) }
}

/// Ends the associations of an interface that goes.
pub fn disassociate_all(tx: &mut Tx<'_, '_>, interface: InterfaceId) {
    let keys: Vec<_> = tx.addresses.by_interface(&interface).map(Address::key).collect();
    for key in keys {
        tx.update::<Addresses, _>(&key, |row| row.association = None);
    }
}

/// Gives an interface that wants one a public address, unless it has one or an elastic one stands for it.
pub fn give(tx: &mut Tx<'_, '_>, interface: &NetworkInterface) -> Result<(), Fault> {
    let has = interface.public_address.is_some() || tx.view().public_of(interface, interface.primary()).is_some();
    if has || !interface.wants_public_address {
        return Ok(());
    }
    let public = free_public(tx, &[])?;
    forget_release(tx, public);
    tx.update::<Interfaces, _>(&interface.key(), |row| row.public_address = Some(public));
    Ok(())
}

/// Takes back the public address that a start gave.
pub fn take_back(tx: &mut Tx<'_, '_>, interface: &NetworkInterface) {
    if interface.public_address.is_some() {
        tx.update::<Interfaces, _>(&interface.key(), |row| row.public_address = None);
    }
}

/// That the account has no such address.
pub fn no_such_address(address: Ipv4Addr) -> Fault {
    Fault::NoSuch { code: "InvalidAddress.NotFound", noun: "address", id: address.to_string() }
}

/// An address that somebody has again is nobody's to recover.
pub(crate) fn forget_release(tx: &mut Tx<'_, '_>, public: Ipv4Addr) {
    let keys: Vec<_> = tx.released_addresses.by_public(&public).map(|row| row.scope.key(row.public)).collect();
    keys.iter().for_each(|key| _ = tx.delete::<ReleasedAddresses>(key));
}

fn is_free(tx: &Tx<'_, '_>, address: Ipv4Addr) -> bool {
    tx.addresses.by_public.count(&address) == 0
        && tx.interfaces.by_public.count(&address) == 0
        && tx.vpn_connections.by_outside.count(&address) == 0
        && tx.vpn_remains.by_outside.count(&address) == 0
}

/// Whether an address is the account's: elastic, given by a start, or of a tunnel.
fn is_own(view: &View<'_>, address: Ipv4Addr) -> bool {
    let (cloud, scope) = (view.tables(), view.scope());
    cloud.addresses.by_public(&address).any(|row| row.scope == scope)
        || cloud.interfaces.by_public(&address).any(|row| row.scope == scope)
        || cloud.vpn_connections.by_outside(&address).any(|row| row.scope == scope)
}

/// Whether the account was the last to have an address as an elastic one.
fn was_own(view: &View<'_>, address: Ipv4Addr) -> bool {
    view.find::<ReleasedAddresses, _>(address).is_some()
}

/// Addresses at the pool's start that nobody gets: its own, and the machine's towards its guests.
const RESERVED: u32 = 2;

fn is_usable(pool: Ipv4Cidr, address: Ipv4Addr) -> bool {
    pool.contains(address) && address != pool.last() && u32::from(address) - u32::from(pool.first()) >= RESERVED
}

/// An address of the pool that nobody has, and that isn't one of those.
pub(crate) fn free_public(tx: &mut Tx<'_, '_>, besides: &[Ipv4Addr]) -> Result<Ipv4Addr, Fault> {
    let is_free = |tx: &Tx<'_, '_>, address: Ipv4Addr| !besides.contains(&address) && is_free(tx, address);
    let pool = tx.provider().public_pool;
    let usable = pool.size().saturating_sub(u64::from(RESERVED) + 1);
    let nth = |index: u64| pool.nth(RESERVED + index as u32);
    const TRIES: usize = 16;
    if usable > 0 {
        for _ in 0..TRIES {
            let index = tx.entropy().below(usable);
            if let Some(address) = nth(index).filter(|address| is_free(tx, *address)) {
                return Ok(address);
            }
        }
    }
    (0..usable).filter_map(nth).find(|address| is_free(tx, *address)).ok_or_else(|| Fault::NoAddress(pool.to_string()))
}

impl<'a> View<'a> {
    /// The public address that stands for a private one of an interface, elastic or given.
    pub fn public_of(&self, interface: &NetworkInterface, private: Ipv4Addr) -> Option<Ipv4Addr> {
        let elastic = self.elastic_of(interface.id, private).map(|row| row.public);
        elastic.or(if private == interface.primary() { interface.public_address } else { None })
    }

    /// The account's elastic address of that number.
    pub fn elastic_by_address(&self, public: Ipv4Addr) -> Result<&'a Address, Fault> {
        let found = self.own(self.tables().addresses.by_public(&public), |row| row.scope).next();
        found.ok_or_else(|| no_such_address(public))
    }

    /// The account's elastic address that has that association. Looks at all of them, which a quota keeps few.
    pub fn elastic_by_association(&self, id: AddressAssociationId) -> Result<&'a Address, Fault> {
        let mut rows = self.all::<Addresses, AllocationId>();
        rows.find(|row| row.association.as_ref().is_some_and(|a| a.id == id)).ok_or_else(|| Fault::no_such(id))
    }

    /// The elastic address that stands for a private one of an interface.
    pub fn elastic_of(&self, interface: InterfaceId, private: Ipv4Addr) -> Option<&'a Address> {
        let mut rows = self.tables().addresses.by_interface(&interface);
        rows.find(|row| row.association.as_ref().is_some_and(|a| a.private == private))
    }
}
