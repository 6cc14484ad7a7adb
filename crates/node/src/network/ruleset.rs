//! The packet filter of a virtual network's namespace, as text for `nft -f -`: a pure function of the plan.
//!
//! The text replaces all that was there before in one transaction, so that there is no moment without rules and flows that
//! are translated stay so. Only the table `arp` is kept, because the set in it is a memory: which ports spoke.
//!
//! What a packet meets, in order: anti-spoofing at its port (`netdev`), translation of public addresses inwards, the route
//! table (a mark), network ACLs, connection tracking, the sender's groups, the receiver's groups, translation outwards. All
//! is dispatched by maps keyed by the link's name, so that no port costs another anything.
//!
//! Sets, maps and chains are named after what they are about, and written in an order that follows from those names alone:
//! one more port or rule changes few lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use landfall_model::Cidr;
use landfall_model::plan::{HostPlan, Place, PortLocation, PortPlan, SubnetPlan, VpcPlan};

use super::endpoint::{self, Face};
use super::overlay::DEVICE;
use super::target::Targets;
use super::{again, connection, entry, judge, spoof, translate};
use crate::metadata::names::port_device;

/// The table that each namespace has in the families `inet`, `netdev` and `arp`.
pub const TABLE: &str = "landfall";

/// The namespace's end of its link to the machine.
pub const UPLINK: &str = "up0";

/// Where instance metadata answers.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Where names are resolved in every network.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// Where the time is told.
pub const CLOCK: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);
/// Where instance metadata answers over IPv6.
pub const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Where names are resolved over IPv6.
pub const RESOLVER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253);
/// Where the time is told over IPv6.
pub const CLOCK_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123);
/// What every port's gateway is over IPv6.
pub const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The ports of a network that are on this host and whose subnet the plan has.
pub fn local_ports<'a>(plan: &'a HostPlan, vpc: &VpcPlan) -> Vec<(&'a PortPlan, &'a SubnetPlan)> {
    let here = plan.ports().filter(|port| port.vpc == vpc.id && matches!(port.location, PortLocation::Here(_)));
    here.filter_map(|port| Some((port, plan.subnet(port.subnet)?))).collect()
}

/// Public addresses of a network's ports on this host, with the private ones that they stand for. None without an
/// internet gateway.
pub fn public_addresses(plan: &HostPlan, vpc: &VpcPlan) -> BTreeMap<Ipv4Addr, Ipv4Addr> {
    if !vpc.internet_gateway {
        return BTreeMap::new();
    }
    let pairs = local_ports(plan, vpc)
        .into_iter()
        .flat_map(|(port, _)| port.public.iter().filter(|pair| port.addresses.contains(&pair.private)));
    pairs.map(|pair| (pair.public, pair.private)).collect()
}

/// What a network is known by outside of this host: the public addresses of its ports and NAT gateways here, and its IPv6
/// blocks where a gateway leads out.
pub fn outside_addresses(plan: &HostPlan, vpc: &VpcPlan) -> BTreeSet<Cidr> {
    let mut known: BTreeSet<Ipv4Addr> = public_addresses(plan, vpc).into_keys().collect();
    if vpc.internet_gateway {
        let gateways = plan.nat_gateways().filter(|gateway| gateway.vpc == vpc.id && gateway.place == Place::Here);
        known.extend(gateways.flat_map(|gateway| gateway.addresses.iter().filter_map(|(_, public)| *public)));
    }
    let blocks = vpc.ipv6.iter().filter(|_| vpc.internet_gateway || vpc.egress_only).map(|block| Cidr::V6(*block));
    known.into_iter().map(|address| Cidr::host(IpAddr::V4(address))).chain(blocks).collect()
}

/// The IPv6 blocks of networks that no gateway leads out of or into: nobody outside has them either.
pub fn shut_addresses(plan: &HostPlan) -> BTreeSet<Cidr> {
    let shut = plan.vpcs().filter(|vpc| !vpc.internet_gateway && !vpc.egress_only);
    shut.flat_map(|vpc| vpc.ipv6.iter().map(|block| Cidr::V6(*block))).collect()
}

/// Everything that the packet filter of a network's namespace is to have. `api` is where Landfall's own API answers
/// within the network.
pub fn ruleset(plan: &HostPlan, vpc: &VpcPlan, api: Option<SocketAddrV4>) -> String {
    with_targets(plan, vpc, api, Targets::of(plan, vpc))
}

/// The same, for one who knows where the network's routes lead.
pub(super) fn with_targets(plan: &HostPlan, vpc: &VpcPlan, api: Option<SocketAddrV4>, targets: Targets<'_>) -> String {
    let mut text = String::new();
    let ports = local_ports(plan, vpc);
    // Writing to a string doesn't fail.
    let _ = write_heard(&mut text);
    let links = connection::of_vpc(plan, vpc);
    let handed_on = handed_on(plan, vpc);
    let faces = endpoint::faces(plan, vpc);
    let rules = Rules { plan, vpc, ports: &ports, api, targets, links, faces };
    let zones: BTreeSet<_> = plan.subnets().filter(|s| s.vpc == vpc.id).filter_map(|s| s.zone).collect();
    let zoned = rules.entries().into_iter().filter(|entry| entry.is_zoned);
    let said: String = zoned.map(|entry| entry::egress_chain(&entry.link, zones.iter().copied())).collect();
    let overlay = has_overlay(plan, vpc);
    let _ = spoof::write_table(&mut text, &rules, overlay, &handed_on, &said);
    let _ = rules.write(&mut text);
    text
}

/// The links by which packets are handed on whose sender groups may not know: to other hosts, and over peerings where the
/// network has routers.
pub fn handed_on(plan: &HostPlan, vpc: &VpcPlan) -> Vec<String> {
    let links = connection::of_vpc(plan, vpc).into_keys();
    let routers = judge::has_routers(plan, vpc);
    let peerings = links.filter(|link| routers && link.starts_with(connection::PEERINGS));
    peerings.chain(has_overlay(plan, vpc).then(|| DEVICE.to_owned())).collect()
}

/// Whether the network is spread over hosts.
pub fn has_overlay(plan: &HostPlan, vpc: &VpcPlan) -> bool {
    super::overlay::is_spread(plan, vpc)
}

/// Remembers the ports that sent ARP past the anti-spoofing rules: their guests' own systems are up. Made so that it can
/// be said again without forgetting.
fn write_heard(text: &mut String) -> fmt::Result {
    writeln!(
        text,
        "table arp {TABLE} {{
\tset heard {{
\t\ttype ifname
\t\tsize 65535
\t\tflags dynamic
\t}}
\tchain input {{
\t\ttype filter hook input priority filter; policy accept;
\t}}
}}
flush chain arp {TABLE} input
add rule arp {TABLE} input iifname != @heard add @heard {{ iifname }}"
    )
}

/// What the rules of a network's namespace are made from. Each hook is written in a file of its own.
pub(super) struct Rules<'a> {
    pub(super) plan: &'a HostPlan,
    pub(super) vpc: &'a VpcPlan,
    pub(super) ports: &'a [(&'a PortPlan, &'a SubnetPlan)],
    pub(super) api: Option<SocketAddrV4>,
    pub(super) targets: Targets<'a>,
    /// The links to other networks.
    pub(super) links: BTreeMap<String, bool>,
    /// The interfaces of its endpoints.
    pub(super) faces: Vec<Face<'a>>,
}

impl Rules<'_> {
    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{")?;
        let names: Vec<String> = self.ports.iter().map(|(port, _)| format!("\"{}\"", port_device(port.id))).collect();
        write_elements(text, "set ports", "type ifname", &names)?;
        let links: Vec<String> = self.links.keys().map(|link| format!("\"{link}\"")).collect();
        write_elements(text, "set links", "type ifname", &links)?;
        self.write_routes(text)?;
        self.write_translation(text)?;
        self.write_acls(text)?;
        self.write_groups(text)?;
        self.write_input(text)?;
        writeln!(text, "}}")
    }

    fn write_translation(&self, text: &mut String) -> fmt::Result {
        let again = again::addresses(self.plan, self.vpc);
        let public = public_addresses(self.plan, self.vpc);
        translate::write(text, &public, &again, &self.targets, self.vpc.internet_gateway)
    }
}

/// Writes a set or a map with its elements, which may be none.
pub fn write_elements(text: &mut String, name: &str, kind: &str, elements: &[String]) -> fmt::Result {
    writeln!(text, "\t{name} {{\n\t\t{kind}")?;
    if !elements.is_empty() {
        writeln!(text, "\t\telements = {{")?;
        for element in elements {
            writeln!(text, "\t\t\t{element},")?;
        }
        writeln!(text, "\t\t}}")?;
    }
    writeln!(text, "\t}}")
}
