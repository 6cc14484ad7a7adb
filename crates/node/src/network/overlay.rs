//! A network across hosts: one VXLAN device in its namespace, whose packets the machine carries.
//!
//! Nothing is flooded and nothing is learned: routes, neighbours and forwarding entries are written from the plan, so a
//! frame goes to the one host that has its receiver. An interface is known on the underlay by its own hardware address;
//! by it the receiving host also knows what is for an interface that routes, or for a NAT gateway, whatever its
//! destination says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;

use landfall_model::plan::{AttachmentTo, HostPlan, Place, PortLocation, VpcPlan, VpnPlan};
use landfall_model::{Cidr, Mac};
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkInfo, LinkMessage};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::{AddressFamily, route::RouteType};

use super::advance::compare;
use super::layout::{self, Hop, Layout, MAIN};
use super::netlink::Netlink;
use super::scope::connected;
use super::{judge, namespace, vpn};

/// The device in each network's namespace.
pub const DEVICE: &str = "vx0";
/// What an outer header and VXLAN's own take of each packet, over IPv4.
pub const OVERHEAD: u16 = 50;

/// How this host reaches others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Underlay {
    /// Its own address there.
    pub address: Ipv4Addr,
    /// The port that VXLAN is spoken on.
    pub port: u16,
}

/// What the other hosts have of a network: hardware addresses with the host's address on the underlay.
pub fn forwarding(plan: &HostPlan, vpc: &VpcPlan) -> BTreeMap<Mac, Ipv4Addr> {
    let ports = plan.ports().filter(|port| port.vpc == vpc.id);
    ports
        .filter_map(|port| match port.location {
            PortLocation::Remote { address, .. } => Some((port.mac, address)),
            PortLocation::Service => Some((port.mac, served_at(plan, port.id)?)),
            PortLocation::Here(_) => None,
        })
        .chain(vpn::away(plan, vpc).map(|(vpn, address)| (vpn::mac(vpn.id), address)))
        .collect()
}

/// Whether packets of a network come from other hosts or go there: some of it is elsewhere, or something of a network or a VPN
/// that it is connected with. What those send to it is routed where it is sent, and crosses the underlay in this network.
pub fn is_spread(plan: &HostPlan, vpc: &VpcPlan) -> bool {
    let mut networks = connected(plan, vpc.id);
    networks.insert(vpc.id);
    let is_away = |place: Place| matches!(place, Place::Remote { .. });
    let attached = |id| {
        let to_it = |to: &AttachmentTo| matches!(to, AttachmentTo::Vpc { vpc: attached, .. } if *attached == vpc.id);
        plan.transit_gateway(id).is_some_and(|gateway| gateway.attachments.iter().any(|it| to_it(&it.to)))
    };
    let leads_here = |vpn: &VpnPlan| match (vpn.gateway, vpn.transit) {
        (Some((_, id)), _) => networks.contains(&id),
        (None, Some((id, _))) => attached(id),
        (None, None) => false,
    };
    plan.ports().any(|port| matches!(port.location, PortLocation::Remote { .. }) && networks.contains(&port.vpc))
        || plan.nat_gateways().any(|gateway| is_away(gateway.place) && networks.contains(&gateway.vpc))
        || plan.vpns().any(|vpn| vpn.wanted && is_away(vpn.place) && leads_here(vpn))
}

/// The host that has the NAT gateway of an interface, if another has it.
fn served_at(plan: &HostPlan, interface: landfall_model::InterfaceId) -> Option<Ipv4Addr> {
    let gateway = plan.nat_gateways().find(|gateway| gateway.interface == interface)?;
    match gateway.place {
        Place::Remote { address, .. } => Some(address),
        Place::Here => None,
    }
}

/// Adds the ways to what other hosts have of a network.
pub fn lay(layout: &mut Layout, plan: &HostPlan, vpc: &VpcPlan, mtu: u16) {
    if !is_spread(plan, vpc) {
        return;
    }
    let away = forwarding(plan, vpc);
    layout.links.insert(DEVICE.into(), (None, Some(mtu)));
    for port in plan.ports().filter(|port| port.vpc == vpc.id && away.contains_key(&port.mac)) {
        let addresses = port.addresses.iter().map(|a| IpAddr::V4(*a)).chain(port.ipv6.iter().map(|a| IpAddr::V6(*a)));
        for address in addresses {
            let to = Hop::Link { link: DEVICE.into(), via: None, source: None };
            layout.routes.insert((MAIN, Cidr::host(address)), to);
            layout.neighbours.insert((DEVICE.into(), address), port.mac);
        }
        if let Some(address) = judge::ipv6_name(port, vpc) {
            layout.neighbours.insert((DEVICE.into(), IpAddr::V6(address)), port.mac);
        }
    }
    for (vpn, _) in vpn::away(plan, vpc) {
        layout.neighbours.insert((DEVICE.into(), IpAddr::V4(vpn::name_there(vpn))), vpn::mac(vpn.id));
    }
}

/// Makes the device in a namespace unless it is there. Called in the machine's
/// namespace, where the packets that it carries travel.
pub fn ensure_device(name: &str, number: u32, underlay: Underlay) -> io::Result<()> {
    if namespace::within(name, || Ok(layout::links(&mut Netlink::open()?)?.contains_key(DEVICE)))? {
        return Ok(());
    }
    let inside = File::open(namespace::path(name))?;
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(DEVICE.into()),
        LinkAttribute::NetNsFd(inside.as_raw_fd()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Vxlan),
            LinkInfo::Data(InfoData::Vxlan(vec![
                InfoVxlan::Id(number),
                InfoVxlan::Local(underlay.address),
                InfoVxlan::Port(underlay.port),
                InfoVxlan::Learning(false),
            ])),
        ]),
    ];
    Netlink::open()?.create(Message::NewLink(message))
}

/// Makes the forwarding entries of the calling thread's namespace so.
pub fn ensure_forwarding(netlink: &mut Netlink, wanted: &BTreeMap<Mac, Ipv4Addr>) -> io::Result<()> {
    let Some(device) = layout::links(netlink)?.remove(DEVICE) else { return Ok(()) };
    let mut stale = entries(netlink, device.index)?;
    for (mac, host) in wanted {
        if stale.remove(mac) != Some(*host) {
            netlink.put(Message::NewNeighbour(entry(device.index, *mac, Some(*host))))?;
        }
    }
    for (mac, host) in stale {
        netlink.change(Message::DelNeighbour(entry(device.index, mac, Some(host))))?;
    }
    Ok(())
}

/// Leads the forwarding entries of a device from what they were to what they are to be.
pub fn change_forwarding(
    netlink: &mut Netlink,
    device: u32,
    before: &BTreeMap<Mac, Ipv4Addr>,
    after: &BTreeMap<Mac, Ipv4Addr>,
) -> io::Result<()> {
    let (gone, come) = compare(before, after);
    for mac in gone {
        netlink.change(Message::DelNeighbour(entry(device, *mac, before.get(mac).copied())))?;
    }
    for (mac, host) in come {
        netlink.put(Message::NewNeighbour(entry(device, *mac, Some(*host))))?;
    }
    Ok(())
}

fn entry(link: u32, mac: Mac, host: Option<Ipv4Addr>) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = link;
    message.header.state = NeighbourState::Permanent;
    message.header.flags = NeighbourFlags::Own;
    message.header.kind = RouteType::Unspec;
    message.attributes = vec![NeighbourAttribute::LinkLayerAddress(mac.0.to_vec())];
    let host = host.map(NeighbourAddress::Inet);
    message.attributes.extend(host.map(NeighbourAttribute::Destination));
    message
}

fn entries(netlink: &mut Netlink, link: u32) -> io::Result<BTreeMap<Mac, Ipv4Addr>> {
    let mut request = NeighbourMessage::default();
    request.header.family = AddressFamily::Bridge;
    request.header.ifindex = link;
    let mut found = BTreeMap::new();
    for message in netlink.dump(Message::GetNeighbour(request))? {
        let Message::NewNeighbour(message) = message else { continue };
        if message.header.ifindex != link {
            continue;
        }
        let (mut mac, mut host) = (None, None);
        for attribute in message.attributes {
            match attribute {
                NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.try_into().ok().map(Mac),
                NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => host = Some(address),
                // In the family of bridges the address isn't told apart by its kind.
                NeighbourAttribute::Destination(NeighbourAddress::Other(bytes)) => {
                    host = <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from);
                }
                _ => {}
            }
        }
        if let (Some(mac), Some(host)) = (mac, host) {
            found.insert(mac, host);
        }
    }
    Ok(found)
}
