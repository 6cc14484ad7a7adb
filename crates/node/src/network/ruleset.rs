//! The packet filter of a virtual network's namespace, as text for `nft -f -`: a pure function of the plan.
//!
//! The text replaces all that was there before in one transaction, so that there is no moment without rules and flows that
//! are translated stay so. Only the table `arp` is kept, because the set in it is a memory: which ports spoke.
//!
//! What a packet meets, in order: anti-spoofing at its port (`netdev`), the route table (a mark), translation of public
//! addresses inwards, network ACLs, connection tracking, the sender's groups, the receiver's groups, translation outwards.
//! All is dispatched by maps keyed by the port's name, so that no port costs another anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

use landfall_model::plan::{HostPlan, PortLocation, PortPlan, SubnetPlan, VpcPlan};
use landfall_model::{RuleDirection, SecurityGroupId, SubnetId};

use super::group::{self, Members, Show};
use super::span::Span;
use super::{acl, route, spoof};
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

/// Everything that the packet filter of a network's namespace is to have. `api` is where Landfall's own API answers
/// within the network.
pub fn ruleset(plan: &HostPlan, vpc: &VpcPlan, api: Option<SocketAddrV4>) -> String {
    let mut text = String::new();
    let ports = local_ports(plan, vpc);
    // Writing to a string doesn't fail.
    let _ = write_heard(&mut text);
    let _ = spoof::write_table(&mut text, &ports);
    let _ = Writer { plan, vpc, ports: &ports, api }.write(&mut text);
    text
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
}

impl Writer<'_> {
    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{")?;
        let names: Vec<String> = self.ports.iter().map(|(port, _)| format!("\"{}\"", port_device(port.id))).collect();
        write_elements(text, "set ports", "type ifname", &names)?;
        self.write_routes(text)?;
        self.write_translation(text)?;
        self.write_acls(text)?;
        self.write_groups(text)?;
        self.write_input(text)?;
        writeln!(text, "}}")
    }

    /// Route tables: one map for each distinct one, chosen by port.
    fn write_routes(&self, text: &mut String) -> fmt::Result {
        let targets = route::targets(self.plan, self.vpc);
        let mut tables: BTreeMap<Vec<(Span<u32>, route::Mark)>, usize> = BTreeMap::new();
        let mut of_port = Vec::new();
        for (port, subnet) in self.ports {
            let compiled = route::compile(self.vpc, subnet, &targets);
            if compiled.is_empty() {
                continue;
            }
            let next = tables.len();
            let index = *tables.entry(compiled).or_insert(next);
            of_port.push(format!("\"{}\" : jump routes_{index}", port_device(port.id)));
        }
        let mut ordered: Vec<_> = tables.into_iter().collect();
        ordered.sort_by_key(|(_, index)| *index);
        for (table, index) in ordered {
            let show = |(span, mark): &(Span<u32>, route::Mark)| {
                let addresses = Span::new(Ipv4Addr::from(span.first), Ipv4Addr::from(span.last));
                format!("{} : {mark:#x}", Show(addresses))
            };
            let elements: Vec<_> = table.iter().map(show).collect();
            write_elements(
                text,
                &format!("map target_{index}"),
                "type ipv4_addr : mark\n\t\tflags interval",
                &elements,
            )?;
            writeln!(text, "\tchain routes_{index} {{\n\t\tmeta mark set ip daddr map @target_{index}\n\t}}")?;
        }
        write_elements(text, "map routes_of", "type ifname : verdict", &of_port)?;
        writeln!(
            text,
            "\tchain route {{
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\tmeta mark set 0
\t\tiifname vmap @routes_of
\t}}"
        )
    }

    /// Public addresses, one to one.
    fn write_translation(&self, text: &mut String) -> fmt::Result {
        let public = public_addresses(self.plan, self.vpc);
        let inwards: Vec<_> = public.iter().map(|(public, private)| format!("{public} : {private}")).collect();
        // A private address with several public ones speaks as the first.
        let mut outwards = BTreeMap::new();
        for (public, private) in &public {
            outwards.entry(*private).or_insert(*public);
        }
        let senders: Vec<_> = outwards.keys().map(Ipv4Addr::to_string).collect();
        let outwards: Vec<_> = outwards.iter().map(|(private, public)| format!("{private} : {public}")).collect();
        write_elements(text, "map public_in", "type ipv4_addr : ipv4_addr", &inwards)?;
        write_elements(text, "map public_out", "type ipv4_addr : ipv4_addr", &outwards)?;
        write_elements(text, "set translated", "type ipv4_addr", &senders)?;
        writeln!(
            text,
            "\tchain translate_in {{
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tiifname \"{UPLINK}\" dnat ip to ip daddr map @public_in
\t}}
\tchain translate_out {{
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\toifname \"{UPLINK}\" snat ip to ip saddr map @public_out
\t}}"
        )
    }

    /// Network ACLs, in a hook of their own before the stateful one.
    fn write_acls(&self, text: &mut String) -> fmt::Result {
        let subnets: BTreeMap<SubnetId, &SubnetPlan> =
            self.ports.iter().map(|(_, subnet)| (subnet.id, *subnet)).collect();
        let mut dispatch = String::new();
        for (direction, prefix, field) in
            [(RuleDirection::Egress, "acl_from", "iifname"), (RuleDirection::Ingress, "acl_to", "oifname")]
        {
            let mut chains = BTreeMap::new();
            for (index, (id, subnet)) in subnets.iter().enumerate() {
                if let Some(rules) = acl::rules(subnet, direction) {
                    let name = format!("{prefix}_{index}");
                    acl::write_chain(text, &name, subnet, direction, &rules)?;
                    chains.insert(*id, name);
                }
            }
            let jump = |(port, subnet): &(&PortPlan, &SubnetPlan)| {
                Some(format!("\"{}\" : jump {}", port_device(port.id), chains.get(&subnet.id)?))
            };
            let jumps: Vec<_> = self.ports.iter().filter_map(jump).collect();
            if !jumps.is_empty() {
                write_elements(text, &format!("map {prefix}"), "type ifname : verdict", &jumps)?;
                writeln!(dispatch, "\t\t{field} vmap @{prefix}")?;
            }
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
        writeln!(
            text,
            "\tchain forward {{
\t\ttype filter hook forward priority filter; policy drop;
\t\tct state established,related accept
\t\tct state invalid drop
\t\tiifname \"{UPLINK}\" ct status & dnat == 0 drop
\t\tiifname vmap @groups_from
\t\toifname vmap @groups_to
\t\tiifname @ports oifname \"{UPLINK}\" ip saddr @translated accept
\t}}"
        )
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
        }
        if let Some(api) = self.api {
            writeln!(lines, "\t\tip daddr {} tcp dport {} accept", api.ip(), api.port())?;
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
