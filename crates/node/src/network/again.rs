//! The way of answers to a NAT gateway whose subnet leads on to a router: through the network's own namespace once more.
//!
//! What such a gateway has translated comes back from the router as a packet of the gateway's private address, and the
//! internet gateway translates it once more, to the elastic one. Connection tracking looks at a packet once in a namespace,
//! so of the two translations an answer would lose only the outer. Where the internet gateway's routes don't lead it to the
//! router, which sends it in again, it goes over a pair of links from the namespace to itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use landfall_model::plan::{HostPlan, Place, VpcPlan};
use landfall_model::{Cidr, Mac};
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage};

use super::layout::{self, Hop, Layout, MAIN};
use super::netlink::Netlink;
use super::ruleset::UPLINK;
use super::{judge, namespace};

/// The ends of the pair: out of one, in by the other.
pub const OUT: &str = "nl0";
/// The other end.
pub const IN: &str = "nl1";
/// What the way out is called.
const NEXT: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 6);
/// The hardware address of the end that packets come in by.
const IN_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 9]);

/// The private addresses of the NAT gateways here that speak as elastic ones, with those, where the network has routers that
/// may send on what the gateways translated.
pub fn addresses(plan: &HostPlan, vpc: &VpcPlan) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    if !vpc.internet_gateway || !judge::has_routers(plan, vpc) {
        return Vec::new();
    }
    let here = plan.nat_gateways().filter(|gateway| gateway.vpc == vpc.id && gateway.place == Place::Here);
    here.flat_map(|gateway| gateway.addresses.iter().filter_map(|(own, public)| Some((*own, (*public)?)))).collect()
}

/// Whether a link is an end of the pair.
pub fn is_end(name: &str) -> bool {
    name == OUT || name == IN
}

/// Adds the pair, and the ways to those addresses over it: on a link of the namespace itself they would be its own, and
/// not be routed.
pub fn lay(layout: &mut Layout, plan: &HostPlan, vpc: &VpcPlan, mtu: u16) {
    let addresses = addresses(plan, vpc);
    if addresses.is_empty() {
        return;
    }
    layout.links.insert(OUT.into(), (None, Some(mtu)));
    layout.links.insert(IN.into(), (Some(IN_MAC), Some(mtu)));
    layout.neighbours.insert((OUT.into(), IpAddr::V4(NEXT)), IN_MAC);
    for (own, _) in addresses {
        layout.addresses.remove(&("lo".to_owned(), IpAddr::V4(own)));
        let hop = Hop::Link { link: OUT.into(), via: Some(IpAddr::V4(NEXT)), source: None };
        layout.routes.insert((MAIN, Cidr::host(IpAddr::V4(own))), hop);
    }
}

/// Makes the pair in a namespace unless it is there.
pub fn ensure(name: &str) -> io::Result<()> {
    namespace::within(name, || {
        let netlink = &mut Netlink::open()?;
        if layout::links(netlink)?.contains_key(OUT) {
            return Ok(());
        }
        let mut peer = LinkMessage::default();
        peer.attributes = vec![LinkAttribute::IfName(IN.into()), LinkAttribute::Address(IN_MAC.0.to_vec())];
        let mut pair = LinkMessage::default();
        pair.attributes = vec![
            LinkAttribute::IfName(OUT.into()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        netlink.create(Message::NewLink(pair))
    })
}

/// What may go over the pair: answers from outside, and nothing a second time.
pub fn rules(addresses: &[(Ipv4Addr, Ipv4Addr)]) -> String {
    if addresses.is_empty() {
        return String::new();
    }
    format!("\t\tiifname \"{UPLINK}\" oifname \"{OUT}\" ct direction reply accept\n\t\toifname \"{OUT}\" drop\n")
}
