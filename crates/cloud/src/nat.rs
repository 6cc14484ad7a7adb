//! NAT gateways: one interface in a subnet, whose addresses many share.
//!
//! The interface is the region's: the tenant sees it and can't change it. Elastic addresses stand for its private ones
//! as they do for those of any interface, so that nobody else can have or release them meanwhile.

use std::net::Ipv4Addr;

use landfall_model::agent::NatGatewaySeen;
use landfall_model::{
    Address, AddressAssociation, AddressAssociationId, AllocationId, HostId, InterfaceId, InterfacePurpose,
    LackedPorts, LinkState, NatAddress, NatGateway, NatGatewayId, Subnet, SubnetId,
};

use crate::expiry::SHOWN;
use crate::fault::{Fault, QuotaKind};
use crate::interface::NewInterface;
use crate::interface_address::NewAddresses;
use crate::tx::Tx;
use crate::value::{Addresses, Interfaces, NatGateways, Subnets};
use crate::view::View;
use crate::{interface, interface_address, placement, tag};

/// What a new NAT gateway is to be.
#[derive(Clone, Debug)]
pub struct NewNatGateway {
    /// The subnet.
    pub subnet: SubnetId,
    /// Whether it speaks as elastic addresses.
    pub public: bool,
    /// Its elastic addresses, the primary one first: one or more if it is public, else none.
    pub allocations: Vec<AllocationId>,
    /// Its primary private address; any free one if none is asked for.
    pub private: Option<Ipv4Addr>,
    /// Its further private addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// How many further addresses of the subnet's choosing.
    pub secondary_count: u32,
}

/// Makes a NAT gateway. What AWS finds out only while it makes one (an elastic address that something else has, no way to
/// the internet) lets it fail later rather than the call.
pub fn create(tx: &mut Tx<'_, '_>, mut new: NewNatGateway) -> Result<NatGatewayId, Fault> {
    let subnet = tx.view().need::<Subnets, _>(new.subnet)?.clone();
    check_new(&tx.view(), &subnet, &new)?;
    let failure = failure(&tx.view(), &subnet, &new)?;
    if new.secondary.is_empty() && new.allocations.len() > 1 {
        new.secondary_count = new.allocations.len() as u32 - 1;
    }
    let (id, scope, now): (NatGatewayId, _, _) = (tx.new_id(), tx.scope(), tx.now());
    let order = NewInterface {
        address: new.private,
        secondary: new.secondary,
        secondary_count: new.secondary_count,
        description: format!("Interface for NAT Gateway {id}"),
        purpose: InterfacePurpose::NatGateway(id),
        ..NewInterface::default()
    };
    let interface = interface::create(tx, subnet.id, order, None)?;
    let key = scope.key(interface);
    // No group stands before it: what it lets through is what it translates.
    let private = tx.update::<Interfaces, _>(&key, |row| {
        row.groups.clear();
        row.addresses.clone()
    });
    let mut addresses = Vec::new();
    for (index, private) in private.unwrap_or_default().into_iter().enumerate() {
        let allocation = new.allocations.get(index).copied().filter(|_| failure.is_none());
        addresses.push(NatAddress { private, public: allocation.map(|id| stand_for(tx, id, interface, private)) });
    }
    let host = placement::first_host(tx, subnet.zone);
    tx.put::<NatGateways>(NatGateway {
        scope,
        id,
        vpc: subnet.vpc,
        subnet: subnet.id,
        public: new.public,
        addresses,
        interface,
        state: LinkState::Pending,
        failure,
        created_at: now,
        deleted_at: None,
        expires_at: None,
        host,
        lacked: LackedPorts::default(),
    });
    Ok(id)
}

/// Takes what the host that translates for one says of its ports.
pub fn seen(tx: &mut Tx<'_, '_>, host: HostId, mut row: NatGateway, seen: NatGatewaySeen) {
    let before = row.lacked;
    row.lacked.take(host, seen.lacked, tx.now());
    if row.lacked != before {
        tx.put::<NatGateways>(row);
    }
}

fn check_new(view: &View<'_>, subnet: &Subnet, new: &NewNatGateway) -> Result<(), Fault> {
    let quotas = &view.quotas();
    let in_zone = |row: &&NatGateway| {
        row.state.is_live() && view.find::<Subnets, _>(row.subnet).is_some_and(|other| other.zone == subnet.zone)
    };
    if view.all::<NatGateways, _>().filter(in_zone).count() >= quotas.nat_gateways_per_zone as usize {
        return Err(Fault::Quota(QuotaKind::NatGateways, u64::from(quotas.nat_gateways_per_zone)));
    }
    let private = 1 + new.secondary.len() as u64 + u64::from(new.secondary_count);
    check_count(view, private.max(new.allocations.len() as u64), new.allocations.len())?;
    if new.public && !new.secondary.is_empty() && new.secondary.len() + 1 != new.allocations.len() {
        return Err(Fault::Combination(
            "The number of secondary private addresses and of secondary allocations must be the same.".into(),
        ));
    }
    Ok(())
}

fn check_count(view: &View<'_>, private: u64, elastic: usize) -> Result<(), Fault> {
    let quotas = &view.quotas();
    if elastic > quotas.nat_elastic_addresses as usize {
        let kind = QuotaKind::Of("AddressLimitExceeded", "elastic addresses of a NAT gateway");
        return Err(Fault::Quota(kind, u64::from(quotas.nat_elastic_addresses)));
    }
    if private > u64::from(quotas.nat_private_addresses) {
        let kind = QuotaKind::Of("PrivateIpAddressLimitExceeded", "private addresses of a NAT gateway");
        return Err(Fault::Quota(kind, u64::from(quotas.nat_private_addresses)));
    }
    Ok(())
}

/// Why the gateway is going to fail, if it is: a code and a sentence.
fn failure(view: &View<'_>, subnet: &Subnet, new: &NewNatGateway) -> Result<Option<(String, String)>, Fault> {
    if !new.public {
        return Ok(None);
    }
    if let Some(id) = check_allocations(view, &new.allocations)? {
        let why = format!("Elastic IP address [{id}] is already associated");
        return Ok(Some(("Resource.AlreadyAssociated".into(), why)));
    }
    let is_attached = view.tables().internet_gateways.by_vpc.count(&subnet.vpc) > 0;
    let why = || format!("Network {} has no Internet gateway attached", subnet.vpc);
    Ok((!is_attached).then(|| ("Gateway.NotAttached".to_owned(), why())))
}

/// That each is an elastic address of the account, and named once. Returns the first that stands for something already.
fn check_allocations(view: &View<'_>, ids: &[AllocationId]) -> Result<Option<AllocationId>, Fault> {
    let mut taken = None;
    for (index, &id) in ids.iter().enumerate() {
        let row = view.need::<Addresses, _>(id)?;
        if ids[..index].contains(&id) {
            return Err(Fault::Refused(format!("The allocation ID {id} is named twice.")));
        }
        if row.association.is_some() {
            taken = taken.or(Some(id));
        }
    }
    Ok(taken)
}

/// Makes an elastic address stand for a private one of the gateway's interface.
fn stand_for(
    tx: &mut Tx<'_, '_>,
    id: AllocationId,
    interface: InterfaceId,
    private: Ipv4Addr,
) -> (AllocationId, AddressAssociationId, Ipv4Addr) {
    let association = AddressAssociation { id: tx.new_id(), interface, private };
    let (key, association_id) = (tx.scope().key(id), association.id);
    let public = tx.update::<Addresses, _>(&key, |row| {
        row.association = Some(association);
        row.public
    });
    (id, association_id, public.unwrap_or(Ipv4Addr::UNSPECIFIED))
}

/// Begins to delete a gateway, a failed one too; its addresses are free once it is deleted.
pub fn delete(tx: &mut Tx<'_, '_>, id: NatGatewayId) -> Result<(), Fault> {
    let row = tx.view().need::<NatGateways, _>(id)?;
    let key = row.key();
    if !matches!(row.state, LinkState::Deleting | LinkState::Deleted) {
        let now = tx.now();
        tx.update::<NatGateways, _>(&key, |row| {
            row.state = LinkState::Deleting;
            row.deleted_at = Some(now);
            row.expires_at = None;
        });
    }
    Ok(())
}

/// Gives a public gateway more elastic addresses, each with a private one: those that are named, or any.
pub fn associate(
    tx: &mut Tx<'_, '_>,
    id: NatGatewayId,
    allocations: &[AllocationId],
    private: &[Ipv4Addr],
) -> Result<Vec<NatAddress>, Fault> {
    let (row, subnet) = available(&tx.view(), id, true)?;
    if !private.is_empty() && private.len() != allocations.len() {
        return Err(Fault::Combination("The number of private addresses and of allocations must be the same.".into()));
    }
    let total = row.addresses.len() + allocations.len();
    check_count(&tx.view(), total as u64, total)?;
    if let Some(id) = check_allocations(&tx.view(), allocations)? {
        return Err(Fault::AlreadyAssociated(format!("Elastic IP address [{id}] is already associated")));
    }
    let count = if private.is_empty() { allocations.len() as u32 } else { 0 };
    let given = add(tx, &row, &subnet, private, count)?;
    let pairs = allocations.iter().zip(given);
    let new: Vec<_> = pairs
        .map(|(id, private)| NatAddress { private, public: Some(stand_for(tx, *id, row.interface, private)) })
        .collect();
    tx.update::<NatGateways, _>(&row.key(), |row| row.addresses.extend(new.iter().cloned()));
    Ok(new)
}

/// Takes elastic addresses from a public gateway, with the private ones that they stood for.
pub fn disassociate(
    tx: &mut Tx<'_, '_>,
    id: NatGatewayId,
    associations: &[AddressAssociationId],
) -> Result<Vec<NatAddress>, Fault> {
    let (row, _) = available(&tx.view(), id, true)?;
    let has = |address: &NatAddress, id| address.public.is_some_and(|(_, association, _)| association == id);
    for &id in associations {
        match row.addresses.iter().position(|address| has(address, id)) {
            None => return Err(Fault::no_such(id)),
            Some(0) => return Err(Fault::Refused(format!("The association {id} is of the primary address."))),
            Some(_) => {}
        }
    }
    let goes = |address: &NatAddress| associations.iter().any(|id| has(address, *id));
    Ok(remove(tx, &row, goes))
}

/// Gives a private gateway more addresses: those that are named, and so many of the subnet's choosing.
pub fn assign(tx: &mut Tx<'_, '_>, id: NatGatewayId, named: &[Ipv4Addr], count: u32) -> Result<Vec<NatAddress>, Fault> {
    let (row, subnet) = available(&tx.view(), id, false)?;
    check_count(&tx.view(), row.addresses.len() as u64 + named.len() as u64 + u64::from(count), 0)?;
    let given = add(tx, &row, &subnet, named, count)?;
    let new: Vec<_> = given.into_iter().map(|private| NatAddress { private, public: None }).collect();
    tx.update::<NatGateways, _>(&row.key(), |row| row.addresses.extend(new.iter().cloned()));
    Ok(new)
}

/// Takes addresses from a private gateway.
pub fn unassign(tx: &mut Tx<'_, '_>, id: NatGatewayId, private: &[Ipv4Addr]) -> Result<Vec<NatAddress>, Fault> {
    let (row, _) = available(&tx.view(), id, false)?;
    for address in private {
        match row.addresses.iter().position(|own| own.private == *address) {
            None => return Err(Fault::Refused(format!("The address {address} is not one of {id}."))),
            Some(0) => return Err(Fault::Refused(format!("The address {address} is the primary one of {id}."))),
            Some(_) => {}
        }
    }
    Ok(remove(tx, &row, |address| private.contains(&address.private)))
}

/// A gateway whose addresses can be changed, of the kind that the call is for, with its subnet.
fn available(view: &View<'_>, id: NatGatewayId, public: bool) -> Result<(NatGateway, Subnet), Fault> {
    let row = view.need::<NatGateways, _>(id)?;
    if row.state != LinkState::Available {
        return Err(Fault::WrongState(format!("The NAT gateway {id} is {} and not available.", row.state.name())));
    }
    if row.public != public {
        let kind = if public { "public" } else { "private" };
        return Err(Fault::Refused(format!("The NAT gateway {id} is not a {kind} one.")));
    }
    Ok((row.clone(), view.need::<Subnets, _>(row.subnet)?.clone()))
}

fn add(
    tx: &mut Tx<'_, '_>,
    row: &NatGateway,
    subnet: &Subnet,
    named: &[Ipv4Addr],
    count: u32,
) -> Result<Vec<Ipv4Addr>, Fault> {
    let key = tx.view().need::<Interfaces, _>(row.interface)?.key();
    let own: Vec<_> = row.addresses.iter().map(|address| address.private).collect();
    let given = interface_address::further(tx, subnet, &own, NewAddresses { named, count })?;
    tx.update::<Interfaces, _>(&key, |row| row.addresses.extend(&given));
    Ok(given)
}

fn remove(tx: &mut Tx<'_, '_>, row: &NatGateway, goes: impl Fn(&NatAddress) -> bool) -> Vec<NatAddress> {
    let (gone, kept): (Vec<_>, Vec<_>) = row.addresses.iter().cloned().partition(goes);
    for (allocation, ..) in gone.iter().filter_map(|address| address.public) {
        let key = tx.scope().key(allocation);
        tx.update::<Addresses, _>(&key, |row: &mut Address| row.association = None);
    }
    let private: Vec<_> = kept.iter().map(|address| address.private).collect();
    let key = tx.scope().key(row.interface);
    tx.update::<Interfaces, _>(&key, |row| row.addresses = private);
    tx.update::<NatGateways, _>(&row.key(), |row| row.addresses = kept);
    gone
}

/// Takes the gateways that are due, at most so many: one that is being made is there, or failed; one that is being deleted
/// gives its addresses back; one that was shown long enough goes. Returns whether there may be more.
pub fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<NatGateway> = tx.nat_gateways.due_until(until).take(most).cloned().collect();
    for row in &due {
        let mut tx = tx.scoped(row.scope);
        match row.state.next() {
            Some(LinkState::Available) if row.failure.is_some() => end(&mut tx, row, LinkState::Failed),
            Some(LinkState::Deleted) => end(&mut tx, row, LinkState::Deleted),
            Some(state) => {
                tx.update::<NatGateways, _>(&row.key(), |row| row.state = state);
            }
            None => {
                tx.delete::<NatGateways>(&row.key());
                tag::forget(&mut tx, &row.id.to_string());
            }
        }
    }
    due.len() == most
}

/// Ends a gateway: its interface goes, and its elastic addresses are free again.
fn end(tx: &mut Tx<'_, '_>, row: &NatGateway, state: LinkState) {
    interface::delete(tx, row.interface);
    let now = tx.now();
    tx.update::<NatGateways, _>(&row.key(), |row| {
        row.state = state;
        row.expires_at = Some(now + SHOWN);
        row.host = None;
    });
}
