//! Security groups and what else decides whether a packet is forwarded, and the connections that are remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use landfall_model::plan::VpcPlan;
use landfall_model::{RuleDirection, SecurityGroupId};

use super::connection::{self, PEERINGS, TRANSIT, VPNS};
use super::family::Family;
use super::group;
use super::overlay::DEVICE;
use super::ruleset::{Rules, UPLINK, has_overlay, write_elements};
use super::target::{self, EGRESS_ONLY};
use super::{again, judge, untracked};
use crate::metadata::names::port_device;

impl Rules<'_> {
    /// Security groups: one chain and direction for each combination of groups that a port has.
    pub(super) fn write_groups(&self, text: &mut String) -> fmt::Result {
        self.write_members(text)?;
        let has_routers = judge::has_routers(self.plan, self.vpc);
        if has_routers {
            self.write_routers(text)?;
        }
        untracked::write_chains(text, has_routers)?;
        let mut combinations: BTreeMap<BTreeSet<SecurityGroupId>, Vec<String>> = BTreeMap::new();
        for (port, _) in self.ports {
            let groups = port.groups.iter().copied().collect();
            combinations.entry(groups).or_default().push(port_device(port.id));
        }
        for (direction, prefix, map) in
            [(RuleDirection::Egress, "from", "groups_from"), (RuleDirection::Ingress, "to", "groups_to")]
        {
            let mut jumps = Vec::new();
            for (groups, ports) in &combinations {
                let name = format!("{prefix}_{}", group::name(groups));
                self.write_combination(text, &name, direction, groups)?;
                jumps.extend(ports.iter().map(|port| format!("\"{port}\" : jump {name}")));
            }
            write_elements(text, &format!("map {map}"), "type ifname : verdict", &jumps)?;
        }
        let mut rules = String::new();
        if self.vpc.egress_only {
            // Nobody is answered who wasn't asked, also where another gateway let the question in.
            writeln!(rules, "\t\tmeta mark {EGRESS_ONLY:#x} ct direction reply drop")?;
            // What went out by it is known again; where no other gateway is, nothing else comes in.
            writeln!(rules, "\t\tmeta mark {EGRESS_ONLY:#x} ct mark set {EGRESS_ONLY:#x}")?;
            if !self.vpc.internet_gateway {
                writeln!(rules, "\t\tiifname \"{UPLINK}\" meta nfproto ipv6 ct mark != {EGRESS_ONLY:#x} drop")?;
            }
        }
        if self.write_connections(text)? {
            rules.push_str("\t\tjump connected\n");
        }
        for (port, _) in self.ports.iter().filter(|(port, _)| !port.source_dest_check) {
            // What a router is sent back to itself it would send again, and again.
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
        rules.push_str(&again::rules(&again::addresses(self.plan, self.vpc)));
        self.write_unknown_sender(text)?;
        // Untracked is what is only spoken on a link, such as neighbour discovery, wherever it hides.
        rules.push_str("\t\tct state untracked drop\n");
        if has_routers {
            self.write_judges(text, &mut rules)?;
        } else {
            untracked::write_asking(text)?;
            write!(rules, "\t\tct state related accept\n\t\tct state established {} accept\n", untracked::tracked())?;
            self.write_passing(text, &mut rules)?;
            rules.push_str("\t\tct state invalid drop\n");
            self.write_uplink(&mut rules)?;
            rules.push_str("\t\tjump unknown_sender\n\t\tjump ask_sender\n\t\tjump ask_receiver\n");
        }
        rules.push_str("\t\toifname @ports accept\n");
        for (condition, way) in [
            ("iifname @ports", format!("oifname \"{UPLINK}\" meta nfproto ipv4 ip saddr @translated")),
            ("iifname @ports", format!("oifname \"{UPLINK}\" meta nfproto ipv6")),
            ("iifname @ports", "oifname @links".to_owned()),
        ] {
            writeln!(rules, "\t\t{condition} {way} accept")?;
        }
        self.write_across_hosts(&mut rules)?;
        if !self.targets.nat_gateways.is_empty() {
            writeln!(rules, "\t\tmeta nfproto ipv4 ct mark != 0 oifname {{ \"{UPLINK}\", \"{DEVICE}\" }} accept")?;
            writeln!(rules, "\t\tmeta nfproto ipv4 ct mark != 0 oifname @links accept")?;
        }
        writeln!(text, "\tchain forward {{\n\t\ttype filter hook forward priority filter; policy drop;\n{rules}\t}}")
    }

    /// What goes to and comes from the network's parts on other hosts.
    fn write_across_hosts(&self, rules: &mut String) -> fmt::Result {
        if !has_overlay(self.plan, self.vpc) {
            return Ok(());
        }
        // To another host's part of the network, and to routers there: the receiver's groups are asked there.
        writeln!(rules, "\t\tiifname @ports oifname \"{DEVICE}\" accept")?;
        writeln!(rules, "\t\tiifname @links oifname \"{DEVICE}\" accept")?;
        if judge::has_routers(self.plan, self.vpc) {
            // What a router on another host sent on, and what comes in by the gateway's own routes to such a one.
            writeln!(rules, "\t\tiifname \"{DEVICE}\" oifname \"{UPLINK}\" ip saddr @translated accept")?;
            writeln!(rules, "\t\tiifname \"{UPLINK}\" oifname \"{DEVICE}\" ct status dnat accept")?;
        }
        // An address of IPv6 is known outside by its network's block, so a packet to it may enter at any of the hosts.
        writeln!(rules, "\t\tiifname \"{UPLINK}\" oifname \"{DEVICE}\" meta nfproto ipv6 accept")?;
        if self.has_vpns() {
            writeln!(rules, "\t\tiifname \"{DEVICE}\" oifname \"{VPNS}*\" accept")?;
        }
        Ok(())
    }

    /// What another network sends to an interface on another host only passes by here, and what answers it goes another way:
    /// by the network of that interface, on its own host. Connection tracking sees half of such a flow and calls it invalid.
    /// The sender's groups were asked in its own network, the receiver's are where it is.
    fn write_passing(&self, text: &mut String, rules: &mut String) -> fmt::Result {
        if !has_overlay(self.plan, self.vpc) || self.links.is_empty() {
            return Ok(());
        }
        writeln!(text, "\tchain pass {{\n\t\tjump unknown_sender\n\t\taccept\n\t}}")?;
        writeln!(rules, "\t\tiifname @links oifname \"{DEVICE}\" goto pass")
    }

    /// What may come from the internet: what is for a public address, and answers. Answers come back by the gateway for
    /// outgoing IPv6 only to what went out by it.
    pub(super) fn write_uplink(&self, rules: &mut String) -> fmt::Result {
        writeln!(rules, "\t\tct state new iifname \"{UPLINK}\" meta nfproto ipv4 ct status & dnat == 0 drop")?;
        if !self.vpc.internet_gateway {
            writeln!(rules, "\t\tct state new iifname \"{UPLINK}\" drop")?;
        }
        Ok(())
    }

    /// Whether VPNs of the network end on this host.
    pub(super) fn has_vpns(&self) -> bool {
        self.links.keys().any(|link| link.starts_with(VPNS))
    }

    /// Writes the chain of what may come from other networks and go there, if there are any. A peering leads from one
    /// network's addresses to the other's, and no further. What a NAT gateway translates is from the gateway, whoever's it
    /// was: here it has the address that it had before, or has it again.
    fn write_connections(&self, text: &mut String) -> Result<bool, fmt::Error> {
        let (mut names, mut ways) = (String::new(), String::new());
        for peering in self.plan.peerings().filter(|peering| peering.vpcs.contains(&self.vpc.id)) {
            let other = peering.vpcs.iter().find(|id| **id != self.vpc.id).and_then(|id| self.plan.vpc(*id));
            let Some(other) = other else { continue };
            let link = connection::peering_device(peering.id);
            for family in Family::BOTH {
                let (theirs, own) = (blocks(other, family), blocks(self.vpc, family));
                let (tag, protocol) = (family.tag(), family.protocol());
                if theirs.is_empty() || own.is_empty() {
                    writeln!(names, "\t\tiifname \"{link}\" meta nfproto {protocol} drop")?;
                    continue;
                }
                writeln!(names, "\t\tiifname \"{link}\" {tag} saddr != {{ {theirs} }} drop")?;
                writeln!(ways, "\t\tiifname \"{link}\" {tag} daddr != {{ {own} }} drop")?;
                writeln!(ways, "\t\toifname \"{link}\" {tag} saddr != {{ {own} }} drop")?;
            }
        }
        // Whoever is behind a VPN isn't within the network, and reaches its interfaces alone; and nobody else's packets go
        // there.
        if self.has_vpns() {
            let own = blocks(self.vpc, Family::V4);
            writeln!(names, "\t\tiifname \"{VPNS}*\" ip saddr {{ {own} }} drop")?;
            writeln!(ways, "\t\tiifname \"{VPNS}*\" oifname != @ports oifname != \"{DEVICE}\" drop")?;
            writeln!(ways, "\t\toifname \"{VPNS}*\" ip saddr != {{ {own} }} drop")?;
        }
        // Not from a peering to the outside, to another peering or to a transit gateway, nor the other way.
        if self.links.keys().any(|link| link.starts_with(PEERINGS)) {
            for other in [UPLINK.to_owned(), format!("{PEERINGS}*"), format!("{TRANSIT}*"), format!("{VPNS}*")] {
                writeln!(ways, "\t\tiifname \"{PEERINGS}*\" oifname \"{other}\" drop")?;
                writeln!(ways, "\t\tiifname \"{other}\" oifname \"{PEERINGS}*\" drop")?;
            }
        }
        self.write_passing_on(&mut ways)?;
        if names.is_empty() && ways.is_empty() {
            return Ok(false);
        }
        let translated = match self.targets.nat_gateways.is_empty() {
            true => "",
            false => "\t\tmeta nfproto ipv4 ct mark != 0 return\n",
        };
        writeln!(text, "\tchain connected {{\n{names}{translated}{ways}\t}}")?;
        Ok(true)
    }

    /// What a transit gateway handed over leaves the network again only by who in it takes it: an interface that sends it
    /// on, or a NAT gateway. So it doesn't even where it has the name of one of the network's interfaces, or answers one.
    fn write_passing_on(&self, ways: &mut String) -> fmt::Result {
        if !self.links.keys().any(|link| link.starts_with(TRANSIT)) {
            return Ok(());
        }
        for other in [UPLINK.to_owned(), format!("{TRANSIT}*"), format!("{VPNS}*")] {
            writeln!(ways, "\t\tiifname \"{TRANSIT}*\" oifname \"{other}\" drop")?;
        }
        if has_overlay(self.plan, self.vpc) {
            let elsewhere = target::leaves_elsewhere();
            writeln!(ways, "\t\tiifname \"{TRANSIT}*\" oifname \"{DEVICE}\" {elsewhere} drop")?;
        }
        Ok(())
    }

    /// The members of all groups that are named by those of this host's interfaces.
    fn write_members(&self, text: &mut String) -> fmt::Result {
        let ports = self.ports.iter().map(|(port, _)| *port).chain(self.faces.iter().map(|face| face.port));
        let groups: BTreeSet<SecurityGroupId> = ports.flat_map(|port| port.groups.iter().copied()).collect();
        let groups = groups.iter().filter_map(|id| self.plan.group(*id)).filter(|group| group.vpc == self.vpc.id);
        let rules = groups.flat_map(|group| group.ingress.iter().chain(&group.egress));
        group::write_members(text, &rules.filter_map(group::named).collect(), &group::members(self.plan, self.vpc.id))
    }

    pub(super) fn write_combination(
        &self,
        text: &mut String,
        name: &str,
        direction: RuleDirection,
        groups: &BTreeSet<SecurityGroupId>,
    ) -> fmt::Result {
        let plans = || groups.iter().filter_map(|id| self.plan.group(*id)).filter(|group| group.vpc == self.vpc.id);
        let (ingress, egress) = (plans().flat_map(|group| &group.ingress), plans().flat_map(|group| &group.egress));
        let (ingress, egress): (Vec<_>, Vec<_>) = (ingress.collect(), egress.collect());
        let (rules, answers) = match direction {
            RuleDirection::Ingress => (ingress, egress),
            RuleDirection::Egress => (egress, ingress),
        };
        let ids: Vec<_> = groups.iter().map(ToString::to_string).collect();
        // The kernel takes comments of up to 128 bytes.
        let comment: String = ids.join(" ").chars().take(120).collect();
        group::write_chain(text, (name, &comment), direction, &rules, &answers, &|group, to| self.way(group, to))
    }
}

/// A network's blocks of a family, as elements of a set.
pub fn blocks(vpc: &VpcPlan, family: Family) -> String {
    let v4 = vpc.cidrs.iter().filter(|_| family == Family::V4).map(ToString::to_string);
    let v6 = vpc.ipv6.iter().filter(|_| family == Family::V6).map(ToString::to_string);
    v4.chain(v6).collect::<Vec<_>>().join(", ")
}
