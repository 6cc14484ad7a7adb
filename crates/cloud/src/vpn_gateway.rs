//! The two ends of site-to-site VPNs: customer gateways, which stand for the other side's devices, and VPN gateways, which
//! are attached to a VPC, at most one a VPC.

use std::net::Ipv4Addr;

use landfall_model::{
    CustomerGateway, CustomerGatewayId, LinkState, RouteTable, VpcId, VpnConnection, VpnGateway, VpnGatewayId, ZoneName,
};

use crate::fault::Fault;
use crate::transit_gateway::{check_asn, check_count};
use crate::tx::Tx;
use crate::value::{CustomerGateways, RouteTables, Vpcs, VpnGateways};
use crate::view::View;

/// The longest name of a device. Source: the EC2 API Reference on CreateCustomerGateway.
const DEVICE_NAME_CHARS: usize = 255;

/// Makes a customer gateway. One with the same address and number is the same one, as AWS has it; the answer says
/// whether it is new.
pub fn create_customer(
    tx: &mut Tx<'_, '_>,
    address: Ipv4Addr,
    asn: u64,
    device_name: Option<String>,
) -> Result<(CustomerGatewayId, bool), Fault> {
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_broadcast() {
        let why = "It must be the address of the device's outside interface.".into();
        return Err(Fault::Invalid { name: "IpAddress", value: address.to_string(), why });
    }
    if let Some(name) = device_name.as_ref().filter(|name| name.chars().count() > DEVICE_NAME_CHARS) {
        let why = format!("It has at most {DEVICE_NAME_CHARS} characters.");
        return Err(Fault::Invalid { name: "DeviceName", value: name.clone(), why });
    }
    let view = tx.view();
    let live: Vec<_> = view.all::<CustomerGateways, _>().filter(|row| row.state.is_live()).collect();
    if let Some(same) = live.iter().find(|row| row.address == address && row.asn == asn) {
        return Ok((same.id, false));
    }
    let limit = view.quotas().customer_gateways;
    check_count(live.len(), limit, "CustomerGatewayLimitExceeded", "customer gateways")?;
    let (scope, id, state) = (tx.scope(), tx.new_id(), LinkState::Available);
    tx.put::<CustomerGateways>(CustomerGateway { scope, id, address, asn, device_name, state, expires_at: None });
    Ok((id, true))
}

/// Deletes a customer gateway that no VPN leads to.
pub fn delete_customer(tx: &mut Tx<'_, '_>, id: CustomerGatewayId) -> Result<(), Fault> {
    let key = need_customer(&tx.view(), id)?.key();
    if tx.vpn_connections.by_customer_gateway(&id).any(is_left) {
        return Err(Fault::WrongState("The customer gateway is in use.".into()));
    }
    tx.update::<CustomerGateways, _>(&key, |row| row.state = LinkState::Deleting);
    Ok(())
}

/// Makes a VPN gateway that is attached to nothing.
pub fn create(tx: &mut Tx<'_, '_>, asn: u64, zone: Option<ZoneName>) -> Result<VpnGatewayId, Fault> {
    check_asn(asn)?;
    if let Some(other) = zone.filter(|zone| !tx.scope().region.zones().any(|each| each == *zone)) {
        let why = "It is not a zone of this region.".into();
        return Err(Fault::Invalid { name: "AvailabilityZone", value: other.to_string(), why });
    }
    let live = tx.view().all::<VpnGateways, _>().filter(|row| row.state.is_live()).count();
    check_count(live, tx.quotas().vpn_gateways, "VpnGatewayLimitExceeded", "virtual private gateways")?;
    let (scope, id, state) = (tx.scope(), tx.new_id(), LinkState::Available);
    tx.put::<VpnGateways>(VpnGateway { scope, id, asn, zone, vpc: None, detached: None, state, expires_at: None });
    Ok(id)
}

/// Deletes a VPN gateway that is attached to nothing and that no VPN ends at.
pub fn delete(tx: &mut Tx<'_, '_>, id: VpnGatewayId) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?;
    let key = row.key();
    if row.vpc.is_some() || tx.vpn_connections.by_gateway(&id).any(is_left) {
        return Err(Fault::WrongState(format!("The vpnGateway ID '{id}' is in use.")));
    }
    forget_propagation(tx, id);
    tx.update::<VpnGateways, _>(&key, |row| row.state = LinkState::Deleting);
    Ok(())
}

/// Attaches a VPN gateway to a VPC that has none.
pub fn attach(tx: &mut Tx<'_, '_>, id: VpnGatewayId, vpc: VpcId) -> Result<(), Fault> {
    let view = tx.view();
    let row = need(&view, id)?;
    let key = row.key();
    view.need::<Vpcs, _>(vpc)?;
    let taken = |message: String| Fault::Taken { code: "VpnGatewayAttachmentLimitExceeded", message };
    match row.vpc {
        Some(here) if here == vpc => return Ok(()),
        Some(other) => return Err(taken(format!("The virtual private gateway '{id}' is attached to {other}."))),
        None => {}
    }
    if let Some(other) = tx.vpn_gateways.by_vpc(&vpc).next() {
        return Err(taken(format!("The VPC '{vpc}' has the virtual private gateway {} attached.", other.id)));
    }
    tx.update::<VpnGateways, _>(&key, |row| {
        row.vpc = Some(vpc);
        row.detached = None;
    });
    Ok(())
}

/// Detaches a VPN gateway. The VPC's route tables learn nothing from it any more.
pub fn detach(tx: &mut Tx<'_, '_>, id: VpnGatewayId, vpc: VpcId) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?;
    if row.vpc != Some(vpc) {
        return Err(Fault::NoSuch {
            code: "InvalidVpnGatewayAttachment.NotFound",
            noun: "attachment",
            id: format!("{id}, {vpc}"),
        });
    }
    let key = row.key();
    forget_propagation(tx, id);
    tx.update::<VpnGateways, _>(&key, |row| {
        row.vpc = None;
        row.detached = Some(vpc);
    });
    Ok(())
}

fn forget_propagation(tx: &mut Tx<'_, '_>, id: VpnGatewayId) {
    let tables: Vec<_> = tx.route_tables.by_propagation(&id).map(RouteTable::key).collect();
    for table in tables {
        tx.update::<RouteTables, _>(&table, |row| row.propagating.retain(|gateway| *gateway != id));
    }
}

/// A customer gateway that is there to be used.
pub fn need_customer<'v>(view: &View<'v>, id: CustomerGatewayId) -> Result<&'v CustomerGateway, Fault> {
    let row = view.need::<CustomerGateways, _>(id)?;
    if row.state.is_live() { Ok(row) } else { Err(Fault::no_such(id)) }
}

/// A VPN gateway that is there to be used.
pub fn need<'v>(view: &View<'v>, id: VpnGatewayId) -> Result<&'v VpnGateway, Fault> {
    let row = view.need::<VpnGateways, _>(id)?;
    if row.state.is_live() { Ok(row) } else { Err(Fault::no_such(id)) }
}

/// Whether a VPN still stands in the way of deleting its ends.
fn is_left(row: &VpnConnection) -> bool {
    row.state.is_live()
}
