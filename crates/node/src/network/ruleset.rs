//! The packet filter of a virtual network's namespace, as text for `nft -f -`: a pure function of the plan.
//!
//! The text replaces all that was there before in one transaction, so that there is no moment without rules and flows that
//! are translated stay so. Only the table `arp` is kept, because the set in it is a memory: which ports spoke.
//!
//! What a packet meets, in order: anti-spoofing at its port (`netdev`), translation of public addresses inwards, the route
//! table (a mark), network ACLs, connection tracking, the sender's groups, the receiver's groups, translation outwards. All
//! is dispatched by maps keyed by the link's name, so that no port costs another anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use landfall_model::plan::{AttachmentTo, HostPlan, Place, PortLocation, PortPlan, RoutePlan, SubnetPlan, VpcPlan};
use landfall_model::{Cidr, RuleDirection, SecurityGroupId, SubnetId};

use super::connection::{self, PEERINGS, TRANSIT};
use super::family::Family;
use super::group::{self, Members};
use super::overlay::DEVICE;
use super::route::{self, Compiled};
use super::target::{EGRESS_ONLY, Targets};
use super::{acl, spoof, translate};
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

/// Everything that the packet filter of a network's namespace is to have. `api` is where Landfall's own API answers
/// within the network.
pub fn ruleset(plan: &HostPlan, vpc: &VpcPlan, api: Option<SocketAddrV4>) -> String {
    let mut text = String::new();
    let ports = local_ports(plan, vpc);
    let targets = Targets::of(plan, vpc);
    // Writing to a string doesn't fail.
    let _ = write_heard(&mut text);
    let _ = spoof::write_table(&mut text, &ports, &targets.by_mac(plan), has_overlay(plan, vpc));
    let _ = Writer { plan, vpc, ports: &ports, api, targets, links: connection::of_vpc(plan, vpc) }.write(&mut text);
    text
}

/// Whether something of the network is on another host.
pub fn has_overlay(plan: &HostPlan, vpc: &VpcPlan) -> bool {
    !super::overlay::forwarding(plan, vpc).is_empty()
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

struct Writer<'a> {
    plan: &'a HostPlan,
    vpc: &'a VpcPlan,
    ports: &'a [(&'a PortPlan, &'a SubnetPlan)],
    api: Option<SocketAddrV4>,
    targets: Targets<'a>,
    /// The links to other networks.
    links: BTreeMap<String, bool>,
}

impl Writer<'_> {
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

    /// Route tables: one map and chain for each distinct one, chosen by the link that a packet came by.
    fn write_routes(&self, text: &mut String) -> fmt::Result {
        let mut tables = Tables { vpc: self.vpc, targets: &self.targets, known: BTreeMap::new() };
        let mut of_link = Vec::new();
        for (port, subnet) in self.ports {
            if let Some(chain) = tables.chain(Some(subnet), &subnet.routes) {
                of_link.push(format!("\"{}\" : jump {chain}", port_device(port.id)));
            }
        }
        for (link, subnet) in self.attachments() {
            if let Some(chain) = tables.chain(Some(subnet), &subnet.routes) {
                of_link.push(format!("\"{link}\" : jump {chain}"));
            }
        }
        if let Some(chain) = tables.chain(None, &self.vpc.internet_routes) {
            of_link.push(format!("\"{UPLINK}\" : jump {chain}"));
        }
        // What other hosts or routes gave to a NAT gateway goes on by the routes of the gateway's own subnet.
        let (mut by_mark, mut back) = (Vec::new(), Vec::new());
        let mut chains = String::new();
        for (mark, gateway) in self.targets.nat_gateways.values() {
            let chain = self.plan.subnet(gateway.subnet).and_then(|subnet| tables.chain(Some(subnet), &subnet.routes));
            writeln!(
                chains,
                "\tchain through_{mark:x} {{\n\t\tmeta nfproto ipv6 drop\n\t\tct mark set {mark:#x}\n\t\tmeta mark set 0"
            )?;
            if let Some(chain) = chain {
                writeln!(chains, "\t\tjump {chain}")?;
                back.push(format!("{mark:#x} : goto {chain}"));
            }
            writeln!(chains, "\t}}")?;
            by_mark.push(format!("{mark:#x} : jump through_{mark:x}"));
        }
        tables.write(text)?;
        text.push_str(&chains);
        write_elements(text, "map routes_of", "type ifname : verdict", &of_link)?;
        let mut rules = String::new();
        if !by_mark.is_empty() {
            write_elements(text, "map nat_gateways", "type mark : verdict", &by_mark)?;
            write_elements(text, "map nat_back", "type mark : verdict", &back)?;
            rules.push_str("\t\tct direction reply ct mark vmap @nat_back\n");
        }
        rules.push_str("\t\tiifname vmap @routes_of\n");
        if !by_mark.is_empty() {
            rules.push_str("\t\tct direction original meta mark vmap @nat_gateways\n");
        }
        // A mark that came in by the overlay is what the sending host decided.
        writeln!(
            text,
            "\tchain route {{
\t\ttype filter hook prerouting priority dstnat + 10; policy accept;
\t\tiifname != \"{DEVICE}\" meta mark set 0
{rules}\t}}"
        )
    }

    /// The links of transit gateways, with the subnet by whose routes what comes in goes on.
    fn attachments(&self) -> impl Iterator<Item = (String, &SubnetPlan)> {
        let attachments = self.plan.transit_gateways().flat_map(|gateway| &gateway.attachments);
        attachments.filter_map(|attachment| match &attachment.to {
            AttachmentTo::Vpc { vpc, subnets } if *vpc == self.vpc.id => {
                let subnet = subnets.iter().find_map(|id| self.plan.subnet(*id))?;
                Some((connection::transit_device(attachment.id), subnet))
            }
            _ => None,
        })
    }

    fn write_translation(&self, text: &mut String) -> fmt::Result {
        translate::write(text, &public_addresses(self.plan, self.vpc), &self.targets, self.vpc.internet_gateway)
    }

    /// Network ACLs, in a hook of their own before the stateful one.
    fn write_acls(&self, text: &mut String) -> fmt::Result {
        let gateways = self.targets.nat_gateways.values();
        let gateways: Vec<_> =
            gateways.filter_map(|(mark, gateway)| Some((*mark, self.plan.subnet(gateway.subnet)?))).collect();
        let mut subnets: BTreeMap<SubnetId, &SubnetPlan> = gateways.iter().map(|(_, s)| (s.id, *s)).collect();
        subnets.extend(self.ports.iter().map(|(_, subnet)| (subnet.id, *subnet)));
        // What goes to a transit gateway enters the subnet of its attachment, and what comes from it leaves that.
        let links: Vec<(String, &SubnetPlan)> = self.attachments().collect();
        let mut dispatch = String::new();
        for (link, subnet) in &links {
            writeln!(dispatch, "\t\tiifname \"{link}\" ip daddr {} accept", subnet.cidr)?;
            if let Some(block) = subnet.ipv6 {
                writeln!(dispatch, "\t\tiifname \"{link}\" ip6 daddr {block} accept")?;
            }
        }
        let mut of_gateway: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (direction, prefix, field) in
            [(RuleDirection::Egress, "acl_from", "iifname"), (RuleDirection::Ingress, "acl_to", "oifname")]
        {
            let mut chains = BTreeMap::new();
            for (index, (id, subnet)) in subnets.iter().enumerate() {
                if let Some(rules) = acl::rules(subnet, direction) {
                    let name = format!("{prefix}_{index}");
                    acl::write_chain(text, &name, subnet, true, direction, &rules)?;
                    chains.insert(*id, name);
                }
            }
            let jump = |(port, subnet): &(&PortPlan, &SubnetPlan)| {
                Some(format!("\"{}\" : jump {}", port_device(port.id), chains.get(&subnet.id)?))
            };
            let mut jumps: Vec<_> = self.ports.iter().filter_map(jump).collect();
            for (link, subnet) in &links {
                if let Some(rules) = acl::rules(subnet, direction) {
                    let name = format!("{prefix}_{link}");
                    // What comes from the gateway is within the attachment's subnet, if it is for that.
                    let exempt = direction == RuleDirection::Egress;
                    acl::write_chain(text, &name, subnet, exempt, direction, &rules)?;
                    jumps.push(format!("\"{link}\" : jump {name}"));
                }
            }
            if !jumps.is_empty() {
                write_elements(text, &format!("map {prefix}"), "type ifname : verdict", &jumps)?;
                writeln!(dispatch, "\t\t{field} vmap @{prefix}")?;
            }
            for (mark, subnet) in &gateways {
                of_gateway.entry(*mark).or_default().extend(chains.get(&subnet.id).cloned());
            }
        }
        // What a NAT gateway translates enters its subnet and leaves it, on the way out and on the way back.
        let mut through = Vec::new();
        for (mark, chains) in of_gateway.into_iter().filter(|(_, chains)| !chains.is_empty()) {
            let jumps: String = chains.iter().map(|chain| format!("\t\tjump {chain}\n")).collect();
            writeln!(text, "\tchain acl_through_{mark:x} {{\n{jumps}\t}}")?;
            through.push(format!("{mark:#x} : jump acl_through_{mark:x}"));
        }
        if !through.is_empty() {
            write_elements(text, "map acl_through", "type mark : verdict", &through)?;
            writeln!(dispatch, "\t\tct mark vmap @acl_through")?;
        }
        if dispatch.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "\tchain acl {{\n\t\ttype filter hook forward priority filter - 10; policy accept;\n{dispatch}\t}}"
        )
    }

    /// Security groups: one chain and direction for each combination of groups that a port has.
    fn write_groups(&self, text: &mut String) -> fmt::Result {
        let members = group::members(self.plan, self.vpc.id);
        let mut combinations: BTreeMap<BTreeSet<SecurityGroupId>, Vec<String>> = BTreeMap::new();
        for (port, _) in self.ports {
            let groups = port.groups.iter().copied().collect();
            combinations.entry(groups).or_default().push(port_device(port.id));
        }
        for (direction, prefix, map) in
            [(RuleDirection::Egress, "from", "groups_from"), (RuleDirection::Ingress, "to", "groups_to")]
        {
            let mut jumps = Vec::new();
            for (index, (groups, ports)) in combinations.iter().enumerate() {
                let name = format!("{prefix}_{index}");
                self.write_combination(text, &name, direction, groups, &members)?;
                jumps.extend(ports.iter().map(|port| format!("\"{port}\" : jump {name}")));
            }
            write_elements(text, &format!("map {map}"), "type ifname : verdict", &jumps)?;
        }
        let mut rules = String::new();
        if self.vpc.egress_only {
            // Nobody is answered who wasn't asked, also where another gateway let the question in.
            writeln!(rules, "\t\tmeta mark {EGRESS_ONLY:#x} ct direction reply drop")?;
        }
        self.write_connections(&mut rules)?;
        for (port, _) in self.ports.iter().filter(|(port, _)| !port.source_dest_check) {
            // A router that answers itself in another's name would open that other's groups to itself.
            let name = port_device(port.id);
            writeln!(rules, "\t\tiifname \"{name}\" oifname \"{name}\" drop")?;
        }
        for port in self.targets.checked(self.plan) {
            let name = port_device(port.id);
            for family in Family::BOTH {
                let (tag, protocol) = (family.tag(), family.protocol());
                let own: Vec<_> = match family {
                    Family::V4 => port.addresses.iter().map(ToString::to_string).collect(),
                    Family::V6 => port.ipv6.iter().map(ToString::to_string).collect(),
                };
                match own.join(", ") {
                    own if own.is_empty() => writeln!(rules, "\t\toifname \"{name}\" meta nfproto {protocol} drop")?,
                    own => writeln!(rules, "\t\toifname \"{name}\" {tag} daddr != {{ {own} }} drop")?,
                }
            }
        }
        rules.push_str("\t\tct state established,related accept\n\t\tct state invalid drop\n");
        writeln!(rules, "\t\tiifname \"{UPLINK}\" meta nfproto ipv4 ct status & dnat == 0 drop")?;
        if !self.vpc.internet_gateway {
            writeln!(rules, "\t\tiifname \"{UPLINK}\" drop")?;
        }
        rules.push_str("\t\tiifname vmap @groups_from\n\t\toifname vmap @groups_to\n");
        for (condition, way) in [
            ("iifname @ports", format!("oifname \"{UPLINK}\" meta nfproto ipv4 ip saddr @translated")),
            ("iifname @ports", format!("oifname \"{UPLINK}\" meta nfproto ipv6")),
            ("iifname @ports", "oifname @links".to_owned()),
        ] {
            writeln!(rules, "\t\t{condition} {way} accept")?;
        }
        if has_overlay(self.plan, self.vpc) {
            // To another host's part of the network, and to routers there: the receiver's groups are asked there.
            writeln!(rules, "\t\tiifname @ports oifname \"{DEVICE}\" accept")?;
            writeln!(rules, "\t\tiifname @links oifname \"{DEVICE}\" accept")?;
        }
        if !self.targets.nat_gateways.is_empty() {
            writeln!(rules, "\t\tmeta nfproto ipv4 ct mark != 0 oifname {{ \"{UPLINK}\", \"{DEVICE}\" }} accept")?;
            writeln!(rules, "\t\tmeta nfproto ipv4 ct mark != 0 oifname @links accept")?;
        }
        writeln!(text, "\tchain forward {{\n\t\ttype filter hook forward priority filter; policy drop;\n{rules}\t}}")
    }

    /// A peering leads from one network's addresses to the other's, and no further.
    fn write_connections(&self, rules: &mut String) -> fmt::Result {
        for peering in self.plan.peerings().filter(|peering| peering.vpcs.contains(&self.vpc.id)) {
            let other = peering.vpcs.iter().find(|id| **id != self.vpc.id).and_then(|id| self.plan.vpc(*id));
            let Some(other) = other else { continue };
            let link = connection::peering_device(peering.id);
            for family in Family::BOTH {
                let (theirs, own) = (blocks(other, family), blocks(self.vpc, family));
                let (tag, protocol) = (family.tag(), family.protocol());
                if theirs.is_empty() || own.is_empty() {
                    writeln!(rules, "\t\tiifname \"{link}\" meta nfproto {protocol} drop")?;
                    continue;
                }
                writeln!(rules, "\t\tiifname \"{link}\" {tag} saddr != {{ {theirs} }} drop")?;
                writeln!(rules, "\t\tiifname \"{link}\" {tag} daddr != {{ {own} }} drop")?;
                writeln!(rules, "\t\toifname \"{link}\" {tag} saddr != {{ {own} }} drop")?;
            }
        }
        // Not from a peering to the outside, to another peering or to a transit gateway, nor the other way.
        if self.links.keys().any(|link| link.starts_with(PEERINGS)) {
            for other in [UPLINK.to_owned(), format!("{PEERINGS}*"), format!("{TRANSIT}*")] {
                writeln!(rules, "\t\tiifname \"{PEERINGS}*\" oifname \"{other}\" drop")?;
                writeln!(rules, "\t\tiifname \"{other}\" oifname \"{PEERINGS}*\" drop")?;
            }
        }
        Ok(())
    }

    fn write_combination(
        &self,
        text: &mut String,
        name: &str,
        direction: RuleDirection,
        groups: &BTreeSet<SecurityGroupId>,
        members: &Members,
    ) -> fmt::Result {
        let plans = groups.iter().filter_map(|id| self.plan.group(*id)).filter(|group| group.vpc == self.vpc.id);
        let rules = plans.flat_map(|group| match direction {
            RuleDirection::Ingress => &group.ingress,
            RuleDirection::Egress => &group.egress,
        });
        let ids: Vec<_> = groups.iter().map(ToString::to_string).collect();
        // The kernel takes comments of up to 128 bytes.
        let comment: String = ids.join(" ").chars().take(120).collect();
        group::write_chain(text, name, &comment, direction, &rules.collect::<Vec<_>>(), members)
    }

    /// What the namespace itself answers: DHCP, names, metadata, time and the API, to its own ports only.
    fn write_input(&self, text: &mut String) -> fmt::Result {
        let mut lines = String::new();
        if self.vpc.dns_support {
            let base = self.vpc.cidrs.first().and_then(|cidr| cidr.nth(2));
            let resolvers: Vec<_> = [Some(RESOLVER), base].into_iter().flatten().map(|a| a.to_string()).collect();
            let resolvers = resolvers.join(", ");
            writeln!(lines, "\t\tip daddr {{ {resolvers} }} meta l4proto {{ tcp, udp }} th dport 53 accept")?;
            if !self.vpc.ipv6.is_empty() {
                writeln!(lines, "\t\tip6 daddr {RESOLVER_V6} meta l4proto {{ tcp, udp }} th dport 53 accept")?;
            }
        }
        if let Some(api) = self.api {
            writeln!(lines, "\t\tip daddr {} tcp dport {} accept", api.ip(), api.port())?;
        }
        if !self.vpc.ipv6.is_empty() {
            writeln!(
                lines,
                "\t\tip6 daddr {METADATA_V6} tcp dport 80 accept
\t\tip6 daddr {CLOCK_V6} udp dport 123 accept
\t\tudp sport 546 udp dport 547 accept
\t\ticmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept"
            )?;
        }
        writeln!(
            text,
            "\tchain serve {{
\t\tudp sport 68 udp dport 67 accept
\t\tip daddr {METADATA} tcp dport 80 accept
\t\tip daddr {CLOCK} udp dport 123 accept
{lines}\t}}
\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname \"lo\" accept
\t\tiifname \"{UPLINK}\" drop
\t\tct state established,related accept
\t\tiifname @ports jump serve
\t}}
\tchain output {{
\t\ttype filter hook output priority filter; policy accept;
\t\toifname \"{UPLINK}\" drop
\t}}"
        )
    }
}

/// A network's blocks of a family, as elements of a set.
fn blocks(vpc: &VpcPlan, family: Family) -> String {
    let v4 = vpc.cidrs.iter().filter(|_| family == Family::V4).map(ToString::to_string);
    let v6 = vpc.ipv6.iter().filter(|_| family == Family::V6).map(ToString::to_string);
    v4.chain(v6).collect::<Vec<_>>().join(", ")
}

/// The distinct route tables of a network, compiled.
struct Tables<'a> {
    vpc: &'a VpcPlan,
    targets: &'a Targets<'a>,
    known: BTreeMap<[Compiled; 2], usize>,
}

impl Tables<'_> {
    /// The chain that marks packets by these routes; `None` where all of them stay in the network.
    fn chain(&mut self, subnet: Option<&SubnetPlan>, routes: &[RoutePlan]) -> Option<String> {
        let compiled = Family::BOTH.map(|family| route::compile(self.vpc, subnet, routes, self.targets, family));
        if compiled.iter().all(Vec::is_empty) {
            return None;
        }
        let next = self.known.len();
        let index = *self.known.entry(compiled).or_insert(next);
        Some(format!("routes_{index}"))
    }

    fn write(self, text: &mut String) -> fmt::Result {
        let mut ordered: Vec<_> = self.known.into_iter().collect();
        ordered.sort_by_key(|(_, index)| *index);
        for (compiled, index) in ordered {
            let mut rules = String::new();
            for (family, table) in Family::BOTH.into_iter().zip(&compiled).filter(|(_, table)| !table.is_empty()) {
                let show =
                    |(span, mark): &(super::span::Span<u128>, u32)| format!("{} : {mark:#x}", family.show(*span));
                let elements: Vec<_> = table.iter().map(show).collect();
                let (tag, protocol) = (family.tag(), family.protocol());
                let name = format!("target_{index}_{tag}");
                let kind = format!("type {protocol}_addr : mark\n\t\tflags interval");
                write_elements(text, &format!("map {name}"), &kind, &elements)?;
                writeln!(rules, "\t\tmeta mark set {tag} daddr map @{name}")?;
            }
            writeln!(text, "\tchain routes_{index} {{\n{rules}\t}}")?;
        }
        Ok(())
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
