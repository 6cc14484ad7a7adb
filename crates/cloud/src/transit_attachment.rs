//! Attachments of transit gateways. A VPC is attached by one subnet in each zone in which it is to be reached; there the
//! attachment has an interface, which takes an address of the subnet's and is the region's to change.
//!
//! Attachments of the gateway's own account are accepted by themselves, as AWS does; those of another's wait for its word
//! unless the gateway accepts all.

use landfall_model::{
    AttachedResource, InterfaceId, InterfacePurpose, LinkState, SubnetId, TransitGatewayAttachment,
    TransitGatewayAttachmentId, TransitGatewayId, VpcId, VpnConnectionId,
};

use crate::fault::Fault;
use crate::interface::{self, NewInterface};
use crate::transit_gateway::{self, check_count, invalid_state};
use crate::tx::Tx;
use crate::value::{Interfaces, Subnets, TransitAttachments, TransitGateways, Vpcs};
use crate::view::View;

/// Gateways of a VPC. Source: the guide on transit gateways, "Quotas".
const GATEWAYS_PER_VPC: u32 = 5;
const OVER_LIMIT: &str = "TransitGatewayAttachmentLimitExceeded";

/// What may be asked of a VPC's attachment; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `DnsSupport`.
    pub dns: Option<bool>,
    /// `Ipv6Support`.
    pub ipv6: Option<bool>,
    /// `ApplianceModeSupport`.
    pub appliance_mode: Option<bool>,
    /// `SecurityGroupReferencingSupport`.
    pub group_references: Option<bool>,
}

/// Attaches a VPC.
pub fn create(
    tx: &mut Tx<'_, '_>,
    gateway: TransitGatewayId,
    vpc: VpcId,
    subnets: &[SubnetId],
    options: Options,
) -> Result<TransitGatewayAttachmentId, Fault> {
    let view = tx.view();
    transit_gateway::need_available(&view, gateway)?;
    view.need::<Vpcs, _>(vpc)?;
    if subnets.is_empty() {
        return Err(Fault::Missing("SubnetIds"));
    }
    let live = tx.transit_attachments.by_vpc(&vpc).filter(|row| row.state.is_live());
    let gateways: Vec<_> = live.map(|row| row.gateway).collect();
    if gateways.contains(&gateway) {
        return Err(Fault::Taken {
            code: "DuplicateTransitGatewayAttachment",
            message: format!("{gateway} has non-deleted Transit Gateway Attachments with same VPC ID."),
        });
    }
    check_count(gateways.len(), GATEWAYS_PER_VPC, OVER_LIMIT, "transit gateways of a VPC")?;
    let resource = AttachedResource::Vpc {
        vpc,
        subnets: vec![],
        dns: options.dns.unwrap_or(true),
        ipv6: options.ipv6.unwrap_or(false),
        appliance_mode: options.appliance_mode.unwrap_or(false),
        group_references: options.group_references.unwrap_or(true),
    };
    let mut row = new_row(tx, gateway, resource)?;
    let id = row.id;
    join(tx, &mut row, subnets)?;
    tx.put::<TransitAttachments>(row);
    Ok(id)
}

/// Attaches a VPN, which comes and goes with its attachment.
pub(crate) fn put_vpn(
    tx: &mut Tx<'_, '_>,
    gateway: TransitGatewayId,
    vpn: VpnConnectionId,
) -> Result<TransitGatewayAttachmentId, Fault> {
    let row = new_row(tx, gateway, AttachedResource::Vpn(vpn))?;
    let id = row.id;
    tx.put::<TransitAttachments>(row);
    Ok(id)
}

/// A new attachment, associated with its gateway's default tables.
fn new_row(
    tx: &mut Tx<'_, '_>,
    gateway: TransitGatewayId,
    resource: AttachedResource,
) -> Result<TransitGatewayAttachment, Fault> {
    let view = tx.view();
    let gateway_scope = transit_gateway::need_available(&view, gateway)?.scope;
    let (live, limit) = (view.live_attachments(gateway).count(), view.quotas().transit_gateway_attachments);
    check_count(live, limit, OVER_LIMIT, "attachments of a transit gateway")?;
    let mut row = TransitGatewayAttachment {
        scope: tx.scope(),
        id: tx.new_id(),
        gateway,
        gateway_scope,
        resource,
        association: None,
        propagations: vec![],
        state: LinkState::Pending,
        awaits_acceptance: false,
        created_at: tx.now(),
        expires_at: None,
    };
    take_defaults(&tx.view(), &mut row);
    Ok(row)
}

/// Associates an attachment with its gateway's default tables.
fn take_defaults(view: &View<'_>, row: &mut TransitGatewayAttachment) {
    if let Some(gateway) = view.find::<TransitGateways, _>(row.gateway) {
        row.association = gateway.association_table;
        row.propagations = gateway.propagation_table.into_iter().collect();
    }
}

/// Changes a VPC's attachment.
pub fn modify(
    tx: &mut Tx<'_, '_>,
    id: TransitGatewayAttachmentId,
    add: &[SubnetId],
    remove: &[SubnetId],
    options: Options,
) -> Result<(), Fault> {
    let before = need_available(&tx.view(), id)?.clone();
    let mut row = before.clone();
    let AttachedResource::Vpc { subnets, dns, ipv6, appliance_mode, group_references, .. } = &mut row.resource else {
        return Err(Fault::no_such(id));
    };
    *dns = options.dns.unwrap_or(*dns);
    *ipv6 = options.ipv6.unwrap_or(*ipv6);
    *appliance_mode = options.appliance_mode.unwrap_or(*appliance_mode);
    *group_references = options.group_references.unwrap_or(*group_references);
    if let Some(other) = remove.iter().find(|subnet| !subnets.contains(subnet)) {
        let why = format!("It is not a subnet of {id}.");
        return Err(Fault::Invalid { name: "RemoveSubnetIds", value: other.to_string(), why });
    }
    subnets.retain(|subnet| !remove.contains(subnet));
    leave(tx, id, remove);
    join(tx, &mut row, add)?;
    if matches!(&row.resource, AttachedResource::Vpc { subnets, .. } if subnets.is_empty()) {
        return Err(Fault::Combination(format!("{id} must keep at least one subnet.")));
    }
    if row == before {
        return Ok(());
    }
    row.state = LinkState::Modifying;
    tx.put::<TransitAttachments>(row);
    Ok(())
}

/// Detaches a VPC. Routes that led to it lead nowhere from then on.
pub fn delete(tx: &mut Tx<'_, '_>, id: TransitGatewayAttachmentId) -> Result<(), Fault> {
    let row = need_vpc(&tx.view(), id)?;
    if !row.state.is_live() {
        return Err(invalid_state(id));
    }
    end(tx, id);
    Ok(())
}

/// Takes an attachment out of use. Its interfaces go when it is gone.
pub(crate) fn end(tx: &mut Tx<'_, '_>, id: TransitGatewayAttachmentId) {
    let key = tx.scope().key(id);
    tx.update::<TransitAttachments, _>(&key, |row| {
        row.state = LinkState::Deleting;
        row.association = None;
        row.propagations.clear();
    });
}

/// Accepts an attachment that waits for it, or refuses it.
pub fn decide(tx: &mut Tx<'_, '_>, id: TransitGatewayAttachmentId, accept: bool) -> Result<(), Fault> {
    let row = need_vpc(&tx.view(), id)?;
    if !row.awaits_acceptance || row.state != LinkState::Pending {
        return Err(invalid_state(id));
    }
    if accept {
        let mut row = row.clone();
        row.awaits_acceptance = false;
        take_defaults(&tx.view(), &mut row);
        tx.put::<TransitAttachments>(row);
    } else {
        end(tx, id);
    }
    Ok(())
}

/// An attachment of a VPC, in whatever state.
pub fn need_vpc<'v>(view: &View<'v>, id: TransitGatewayAttachmentId) -> Result<&'v TransitGatewayAttachment, Fault> {
    let row = view.need::<TransitAttachments, _>(id)?;
    row.resource.vpc().map(|_| row).ok_or_else(|| Fault::no_such(id))
}

/// An attachment that can be used and changed.
pub fn need_available<'v>(
    view: &View<'v>,
    id: TransitGatewayAttachmentId,
) -> Result<&'v TransitGatewayAttachment, Fault> {
    let row = view.need::<TransitAttachments, _>(id)?;
    match row.state {
        LinkState::Available | LinkState::Modifying => Ok(row),
        _ => Err(invalid_state(id)),
    }
}

/// Puts an interface of the attachment into each of those subnets: of its VPC, and none in a zone that has one.
fn join(tx: &mut Tx<'_, '_>, row: &mut TransitGatewayAttachment, more: &[SubnetId]) -> Result<(), Fault> {
    let id = row.id;
    let AttachedResource::Vpc { vpc, subnets, ipv6, .. } = &mut row.resource else { return Ok(()) };
    for &subnet in more {
        let view = tx.view();
        let new = view.need::<Subnets, _>(subnet)?;
        if new.vpc != *vpc {
            let why = format!("It is not a subnet of {vpc}.");
            return Err(Fault::Invalid { name: "SubnetIds", value: subnet.to_string(), why });
        }
        let zone = new.zone;
        if subnets.iter().filter_map(|other| view.find::<Subnets, _>(*other)).any(|other| other.zone == zone) {
            let message = format!("Duplicate Subnets for same AZ: {zone}");
            return Err(Fault::Taken { code: "DuplicateSubnetsInSameZone", message });
        }
        subnets.push(subnet);
        let description = format!("Network Interface for Transit Gateway Attachment {id}");
        let purpose = InterfacePurpose::TransitGateway(id);
        let new = NewInterface { description, purpose, ..NewInterface::default() };
        let interface = interface::create(tx, subnet, new, None)?;
        let key = tx.scope().key(interface);
        tx.update::<Interfaces, _>(&key, |row| {
            row.source_dest_check = false;
            row.groups.clear();
        });
    }
    let view = tx.view();
    let lacks = |id: &&SubnetId| view.find::<Subnets, _>(**id).is_some_and(|subnet| subnet.ipv6.is_none());
    if let Some(subnet) = subnets.iter().find(lacks).filter(|_| *ipv6) {
        let why = "Ipv6Support needs a subnet with an IPv6 CIDR block.".into();
        return Err(Fault::Invalid { name: "SubnetIds", value: subnet.to_string(), why });
    }
    Ok(())
}

/// Deletes an attachment's interfaces in those subnets.
fn leave(tx: &mut Tx<'_, '_>, id: TransitGatewayAttachmentId, subnets: &[SubnetId]) {
    let purpose = InterfacePurpose::TransitGateway(id);
    let of_subnets = subnets.iter().flat_map(|subnet| tx.interfaces.by_subnet(subnet));
    let gone: Vec<InterfaceId> = of_subnets.filter(|row| row.purpose == purpose).map(|row| row.id).collect();
    for interface in gone {
        interface::delete(tx, interface);
    }
}
