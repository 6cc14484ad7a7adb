//! What connects networks on one host: pairs of links between two namespaces, for peerings, for the attachments of
//! transit gateways and for VPNs.
//!
//! Both ends have the same name, made from the id of what they are for; each end has the other's hardware address and a
//! link-local address that stands for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use landfall_model::plan::{AttachmentTo, HostPlan, VpcPlan};
use landfall_model::{Mac, PeeringId, TransitGatewayAttachmentId, VpnConnectionId};
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};

use super::layout::{self, Hop, Layout};
use super::netlink::Netlink;
use super::{namespace, vpn};

/// What each end calls the other.
const OTHER: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 5);
/// The same in IPv6.
const OTHER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 5);
/// The hardware addresses of the two ends.
const MACS: [Mac; 2] = [Mac([0x02, 0, 0, 0, 0, 4]), Mac([0x02, 0, 0, 0, 0, 5])];

/// What names of peerings' links begin with.
pub const PEERINGS: &str = "px";
/// What names of transit gateways' links begin with.
pub const TRANSIT: &str = "tg";
/// What names of VPNs' links begin with.
pub const VPNS: &str = "vg";

/// The name of a peering's link: as long as a port's.
pub fn peering_device(id: PeeringId) -> String {
    format!("{PEERINGS}{:012x}", id.bits() & 0xffff_ffff_ffff)
}

/// The name of an attachment's link.
pub fn transit_device(id: TransitGatewayAttachmentId) -> String {
    format!("{TRANSIT}{:012x}", id.bits() & 0xffff_ffff_ffff)
}

/// The name of a VPN's link to the network that it is for.
pub fn vpn_device(id: VpnConnectionId) -> String {
    format!("{VPNS}{:012x}", id.bits() & 0xffff_ffff_ffff)
}

/// Whether a link in a network's namespace connects it with another, by its name.
pub fn is_connection(name: &str) -> bool {
    let digits = [PEERINGS, TRANSIT, VPNS].iter().find_map(|kind| name.strip_prefix(kind));
    digits.is_some_and(|digits| digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The ways to the other end, of each family.
pub fn hops(link: &str) -> Vec<Hop> {
    let hop = |via: IpAddr| Hop::Link { link: link.to_owned(), via: Some(via), source: None };
    vec![hop(IpAddr::V4(OTHER)), hop(IpAddr::V6(OTHER_V6))]
}

/// Adds an end to a namespace's layout. `first` tells which of the two it is.
pub fn lay(layout: &mut Layout, link: &str, first: bool, mtu: u16) {
    let [own, other] = if first { MACS } else { [MACS[1], MACS[0]] };
    layout.links.insert(link.to_owned(), (Some(own), Some(mtu)));
    for address in [IpAddr::V4(OTHER), IpAddr::V6(OTHER_V6)] {
        layout.neighbours.insert((link.to_owned(), address), other);
    }
}

/// The links of a network: their names, with whether its end is the first.
pub fn of_vpc(plan: &HostPlan, vpc: &VpcPlan) -> BTreeMap<String, bool> {
    let there = |id| plan.vpc(id).is_some();
    let peerings = plan.peerings().filter(|peering| peering.vpcs.into_iter().all(there));
    let peerings = peerings.filter_map(|peering| {
        let side = peering.vpcs.iter().position(|id| *id == vpc.id)?;
        Some((peering_device(peering.id), side == 0))
    });
    let attachments = plan.transit_gateways().flat_map(|gateway| &gateway.attachments);
    let attachments = attachments.filter(|attachment| match &attachment.to {
        AttachmentTo::Vpc { vpc: attached, .. } => *attached == vpc.id,
        AttachmentTo::Vpn(_) => false,
    });
    let vpns = vpn::here(plan).filter(|vpn| vpn.gateway.is_some_and(|(_, id)| id == vpc.id));
    let attachments = attachments.map(|attachment| (transit_device(attachment.id), true));
    peerings.chain(attachments).chain(vpns.map(|vpn| (vpn_device(vpn.id), true))).collect()
}

/// All pairs of a plan by name, with the numbers of the two namespaces that each connects.
pub fn pairs(plan: &HostPlan) -> BTreeMap<String, [u32; 2]> {
    let mut pairs = BTreeMap::new();
    for peering in plan.peerings() {
        if let [Some(a), Some(b)] = peering.vpcs.map(|id| plan.vpc(id)) {
            pairs.insert(peering_device(peering.id), [a.number, b.number]);
        }
    }
    for gateway in plan.transit_gateways() {
        for attachment in &gateway.attachments {
            if let AttachmentTo::Vpc { vpc, .. } = &attachment.to
                && let Some(vpc) = plan.vpc(*vpc)
            {
                pairs.insert(transit_device(attachment.id), [vpc.number, gateway.number]);
            }
        }
    }
    pairs.extend(vpn::here(plan).filter_map(|vpn| Some((vpn::link(plan, vpn)?, vpn::pair(plan, vpn)?))));
    pairs
}

/// Makes a pair between two namespaces unless it is there. An end without its other end is made anew.
pub fn ensure_pair(link: &str, namespaces: [&str; 2]) -> io::Result<()> {
    let mut found = 0;
    for namespace in namespaces {
        found += usize::from(namespace::within(namespace, || Ok(links()?.contains(link)))?);
    }
    match found {
        2 => return Ok(()),
        1 => namespaces.iter().try_for_each(|namespace| remove(namespace, link))?,
        _ => {}
    }
    let [first, second] = [File::open(namespace::path(namespaces[0]))?, File::open(namespace::path(namespaces[1]))?];
    let mut peer = LinkMessage::default();
    peer.attributes = vec![
        LinkAttribute::IfName(link.into()),
        LinkAttribute::Address(MACS[1].0.to_vec()),
        LinkAttribute::NetNsFd(second.as_raw_fd()),
    ];
    let mut pair = LinkMessage::default();
    pair.attributes = vec![
        LinkAttribute::IfName(link.into()),
        LinkAttribute::Address(MACS[0].0.to_vec()),
        LinkAttribute::NetNsFd(first.as_raw_fd()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]),
    ];
    Netlink::open()?.create(Message::NewLink(pair))
}

fn links() -> io::Result<BTreeSet<String>> {
    Ok(layout::links(&mut Netlink::open()?)?.into_keys().collect())
}

fn remove(namespace: &str, link: &str) -> io::Result<()> {
    namespace::within(namespace, || {
        let netlink = &mut Netlink::open()?;
        match layout::links(netlink)?.get(link) {
            Some(link) => layout::remove_link(netlink, link.index),
            None => Ok(()),
        }
    })
}
