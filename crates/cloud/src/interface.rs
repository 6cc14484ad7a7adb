//! Network interfaces: made, changed, deleted. Their addresses are in [`crate::interface_address`], what has them in
//! [`crate::interface_attachment`].

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_model::{
    Attachment, AttachmentId, FlowLogResource, InterfaceId, InterfacePurpose, Mac, NetworkInterface, SecurityGroupId,
    SubnetId, VpcId,
};

use crate::fault::{Fault, QuotaKind};
use crate::interface_address::{self, MAX_ADDRESSES, NewAddresses};
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
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// How many further IPv6 addresses of the subnet's choosing. A tenant's interface for which nothing is said has one
    /// where the subnet says so.
    pub ipv6_count: Option<u32>,
    /// Whether its first IPv6 address is its primary one.
    pub primary_ipv6: bool,
    /// Its groups; the VPC's default one if none are named.
    pub groups: Vec<SecurityGroupId>,
    /// Its description.
    pub description: String,
    /// Whether a start gives it a public address.
    pub public_address: bool,
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
    let (scope, limit) = (tx.scope(), tx.quotas().interfaces);
    if tx.interfaces.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::Interfaces, u64::from(limit)));
    }
    let subnet = tx.view().need::<Subnets, _>(subnet)?.clone();
    let groups = check_groups(&tx.view(), subnet.vpc, &new.groups)?;
    if new.secondary.len() as u64 + u64::from(new.secondary_count) >= u64::from(MAX_ADDRESSES) {
        return Err(Fault::Quota(QuotaKind::AddressesPerInterface, u64::from(MAX_ADDRESSES)));
    }
    let primary = interface_address::primary(tx, &subnet, new.address)?;
    let mut addresses = vec![primary];
    let further = NewAddresses { named: &new.secondary, count: new.secondary_count };
    addresses.extend(interface_address::further(tx, &subnet, &addresses, further)?);
    // A NAT gateway or an endpoint speaks IPv6 only where it was asked to.
    let by_default = new.purpose.is_tenants() && subnet.assign_ipv6 && new.ipv6.is_empty();
    let count = new.ipv6_count.unwrap_or(u32::from(by_default));
    let ipv6 = interface_address::ipv6(tx, &subnet, NewAddresses { named: &new.ipv6, count })?;
    if new.primary_ipv6 && ipv6.is_empty() {
        return Err(Fault::Combination("A primary IPv6 address needs an interface with an IPv6 address.".into()));
    }
    let (id, mac, now) = (tx.new_id(), new_mac(tx), tx.now());
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
        primary_ipv6: new.primary_ipv6,
    });
    Ok(id)
}

/// Deletes an interface, whatever it is for, and gives back its addresses; an elastic one is only disassociated.
pub fn delete(tx: &mut Tx<'_, '_>, id: InterfaceId) {
    crate::address::disassociate_all(tx, id);
    let key = tx.scope().key(id);
    tx.delete::<Interfaces>(&key);
    crate::flow_log::forget(tx, FlowLogResource::Interface(id));
    crate::tag::forget(tx, &id.to_string());
}

/// Deletes an interface of the tenant's that nothing has.
pub fn delete_unused(tx: &mut Tx<'_, '_>, id: InterfaceId) -> Result<(), Fault> {
    let row = tx.view().tenants_interface(id)?;
    if row.attachment.is_some() {
        return Err(Fault::InterfaceUsed(id));
    }
    delete(tx, id);
    Ok(())
}

/// Changes an interface of the tenant's.
pub fn change(tx: &mut Tx<'_, '_>, id: InterfaceId, run: impl FnOnce(&mut NetworkInterface)) -> Result<(), Fault> {
    let key = tx.view().tenants_interface(id)?.key();
    tx.update::<Interfaces, _>(&key, run);
    Ok(())
}

/// Replaces the security groups of an interface.
pub fn set_groups(tx: &mut Tx<'_, '_>, id: InterfaceId, groups: &[SecurityGroupId]) -> Result<(), Fault> {
    let view = tx.view();
    let groups = check_groups(&view, view.tenants_interface(id)?.vpc, groups)?;
    change(tx, id, |row| row.groups = groups)
}

/// Says whether an interface goes with the instance that it is attached to.
pub fn set_delete_on_termination(
    tx: &mut Tx<'_, '_>,
    id: InterfaceId,
    attachment: AttachmentId,
    goes: bool,
) -> Result<(), Fault> {
    if tx.view().tenants_interface(id)?.attachment.as_ref().is_none_or(|row| row.id != attachment) {
        return Err(Fault::no_such(attachment));
    }
    change(tx, id, |row| {
        if let Some(attachment) = &mut row.attachment {
            attachment.delete_on_termination = goes;
        }
    })
}

/// Makes an interface's first IPv6 address its primary one, for good.
pub fn set_primary_ipv6(tx: &mut Tx<'_, '_>, id: InterfaceId, on: bool) -> Result<(), Fault> {
    let row = tx.view().tenants_interface(id)?;
    let invalid = |why: &str| Fault::Invalid { name: "EnablePrimaryIpv6", value: on.to_string(), why: why.into() };
    match on {
        false if row.primary_ipv6 => Err(invalid("A primary IPv6 address can't be taken back.")),
        false => Ok(()),
        true if row.ipv6.is_empty() => Err(invalid("The network interface has no IPv6 address.")),
        true => change(tx, id, |row| row.primary_ipv6 = true),
    }
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
    let limit = view.quotas().groups_per_interface;
    if result.len() > limit as usize {
        return Err(Fault::Quota(QuotaKind::GroupsPerInterface, u64::from(limit)));
    }
    Ok(result)
}

/// A hardware address of the locally administered, unicast kind that EC2's look like.
fn new_mac(tx: &mut Tx<'_, '_>) -> Mac {
    let bytes = tx.entropy().next_u64().to_le_bytes();
    Mac([0x02, bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]])
}

impl<'a> View<'a> {
    /// The interface of that id, which must be the tenant's own to change: not a NAT gateway's, say.
    pub fn tenants_interface(&self, id: InterfaceId) -> Result<&'a NetworkInterface, Fault> {
        let row = self.need::<Interfaces, _>(id)?;
        if row.purpose.is_tenants() {
            return Ok(row);
        }
        Err(Fault::NotPermitted("You do not have permission to access the specified resource.".into()))
    }
}
