//! Interface endpoints: addresses of a network's own at which the API answers, on every host that has the network.
//!
//! To a guest an endpoint's address is an interface's, so what guards interfaces guards it: the sender's groups and its
//! subnet's network ACL, the ACL of the endpoint's subnet, the endpoint's groups. What calls from another network comes by
//! the link that connects the two, and the answer goes back by the routes of the endpoint's subnet: the way is chosen where
//! the call comes in, and the socket that takes it keeps the mark (`tcp_fwmark_accept`), as does the refusal where there is
//! none (`fwmark_reflect`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use landfall_model::plan::{HostPlan, PortLocation, PortPlan, SubnetPlan, VpcPlan};
use landfall_model::{EndpointId, RuleDirection, SecurityGroupId, SubnetId};

use super::connection::VPNS;
use super::family::Family;
use super::judge::UNKNOWN_SENDER;
use super::layout::ANSWER;
use super::ruleset::{Rules, write_elements};
use super::tables::Tables;
use super::{acl, connection, forward, group};

/// The port that the API is spoken on at an endpoint's address in plain.
pub const PORT: u16 = 80;
/// The port that it is spoken on over TLS.
pub const TLS_PORT: u16 = 443;

/// An interface of an endpoint.
pub struct Face<'p> {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The interface.
    pub port: &'p PortPlan,
    /// Its subnet.
    pub subnet: &'p SubnetPlan,
}

/// The interfaces of a network's endpoints.
pub fn faces<'p>(plan: &'p HostPlan, vpc: &VpcPlan) -> Vec<Face<'p>> {
    let endpoints = plan.endpoints().filter(|endpoint| endpoint.vpc == vpc.id);
    let faces = endpoints.flat_map(|endpoint| endpoint.interfaces.iter().map(|id| (endpoint.id, *id)));
    let faces = faces.filter_map(|(endpoint, id)| {
        let port = plan.port(id).filter(|port| port.vpc == vpc.id && port.location == PortLocation::Service)?;
        Some(Face { endpoint, port, subnet: plan.subnet(port.subnet)? })
    });
    faces.collect()
}

impl Face<'_> {
    /// Its elements in a map from addresses to verdicts.
    fn elements(&self, chain: &str) -> Vec<String> {
        self.port.addresses.iter().map(|address| format!("{address} : jump {chain}")).collect()
    }
}

/// What the chain `input` says before it looks at what is known of flows.
pub const INPUT_RULE: &str = "\t\tip daddr @endpoints goto endpoint\n";

/// All of a mark but that the sender isn't known, which groups have seen by then: what is left leads the answer back. From
/// then on the same bit says that it does.
const KNOWN: u32 = !UNKNOWN_SENDER;

const ADDRESS_TO_VERDICT: &str = "type ipv4_addr : verdict";

impl Rules<'_> {
    /// Writes the routes back to what calls by a link. Returns the last rules of the chain `route`: what is for an endpoint
    /// goes nowhere else.
    pub(super) fn write_endpoint_routes(&self, text: &mut String, tables: &Tables) -> Result<&'static str, fmt::Error> {
        if self.faces.is_empty() {
            return Ok("");
        }
        let addresses = self.faces.iter().flat_map(|face| &face.port.addresses).map(ToString::to_string);
        write_elements(text, "set endpoints", "type ipv4_addr", &addresses.collect::<Vec<_>>())?;
        let subnets: BTreeSet<SubnetId> = self.faces.iter().map(|face| face.subnet.id).collect();
        let mut chains = BTreeMap::new();
        for id in subnets {
            let Some(map) = tables.ipv4_map(id) else { continue };
            let chain = format!("endpoint_back_{id}");
            writeln!(text, "\tchain {chain} {{\n\t\tmeta mark set ip saddr map @{map}\n\t}}")?;
            chains.insert(id, chain);
        }
        let ways = self.faces.iter().filter_map(|face| Some(face.elements(chains.get(&face.subnet.id)?)));
        write_elements(text, "map endpoint_routes", ADDRESS_TO_VERDICT, &ways.flatten().collect::<Vec<_>>())?;
        Ok("\t\tip daddr @endpoints meta mark set 0\n\t\tiifname @links ip daddr vmap @endpoint_routes\n")
    }

    /// Writes what decides on calls: the chain `endpoint`, to which the chain `input` goes, and the network ACLs of answers.
    /// Of protocols there are those that the API and its callers need; others may have a listener in the namespace that
    /// isn't meant. A flow counts as asked about only where a caller began it: what a router sends in an endpoint's name and
    /// an accomplice answers establishes nothing.
    pub(super) fn write_endpoints(&self, text: &mut String) -> fmt::Result {
        if self.faces.is_empty() {
            return Ok(());
        }
        self.write_endpoint_groups(text)?;
        self.write_endpoint_acls(text)?;
        let mut peers = String::new();
        for peering in self.plan.peerings().filter(|peering| peering.vpcs.contains(&self.vpc.id)) {
            let other = peering.vpcs.iter().find(|id| **id != self.vpc.id).and_then(|id| self.plan.vpc(*id));
            let Some(other) = other else { continue };
            let (link, theirs) = (connection::peering_device(peering.id), forward::blocks(other, Family::V4));
            writeln!(peers, "\t\tiifname \"{link}\" ip saddr != {{ {theirs} }} drop")?;
        }
        if self.has_vpns() {
            let own = forward::blocks(self.vpc, Family::V4);
            writeln!(peers, "\t\tiifname \"{VPNS}*\" ip saddr {{ {own} }} drop")?;
        }
        writeln!(
            text,
            "\tchain endpoint_called {{
\t\tmeta mark set meta mark and {KNOWN:#x}
\t\tmeta mark != 0 meta mark set meta mark or {ANSWER:#x}
\t\taccept
\t}}
\tchain endpoint {{
\t\tmeta l4proto != {{ tcp, icmp }} drop
\t\tct state related accept
\t\tct direction original ct state established goto endpoint_called
\t\tct state invalid drop
\t\tiifname != @ports iifname != @links drop
{peers}\t\tjump unknown_sender
\t\tiifname vmap @groups_from
\t\tip daddr vmap @endpoint_groups
\t\tgoto endpoint_called
\t}}"
        )
    }

    /// The groups of endpoints' interfaces: one chain for each combination.
    fn write_endpoint_groups(&self, text: &mut String) -> fmt::Result {
        let mut combinations: BTreeMap<BTreeSet<SecurityGroupId>, Vec<String>> = BTreeMap::new();
        for face in &self.faces {
            let groups: BTreeSet<_> = face.port.groups.iter().copied().collect();
            let elements = face.elements(&format!("endpoint_to_{}", group::name(&groups)));
            combinations.entry(groups).or_default().extend(elements);
        }
        for groups in combinations.keys() {
            let name = format!("endpoint_to_{}", group::name(groups));
            self.write_combination(text, &name, RuleDirection::Ingress, groups)?;
        }
        let elements: Vec<_> = combinations.into_values().flatten().collect();
        write_elements(text, "map endpoint_groups", ADDRESS_TO_VERDICT, &elements)
    }

    /// The network ACLs on the way to endpoints and back, as what is forwarded meets them: in hooks of their own before
    /// what is stateful. An answer to a transit gateway is asked about by the attachment's first subnet.
    fn write_endpoint_acls(&self, text: &mut String) -> fmt::Result {
        let is_asked = |direction| self.ports.iter().any(|(_, subnet)| acl::rules(subnet, direction).is_some());
        let mut calls = String::from("\t\tip daddr != @endpoints accept\n");
        // What an answer's way is has been decided, and to others the bit means what it means of all packets.
        let mut answers = format!("\t\tip saddr != @endpoints accept\n\t\tmeta mark set meta mark and {KNOWN:#x}\n");
        if self.write_face_acls(text, "endpoint_acl_from", RuleDirection::Egress)? {
            answers.push_str("\t\tip saddr vmap @endpoint_acl_from\n");
        }
        if is_asked(RuleDirection::Ingress) {
            answers.push_str("\t\toifname vmap @acl_to\n");
        }
        for entry in self.entries() {
            let (link, Some(first)) = (&entry.link, entry.first()) else { continue };
            let mut others = String::new();
            if entry.is_spread() {
                let known: Vec<_> = entry.by_address().collect();
                for (address, subnet) in &known {
                    writeln!(calls, "\t\tiifname \"{link}\" ether saddr {address} jump enter_{link}_{}", subnet.id)?;
                }
                let known: Vec<_> = known.into_iter().map(|(address, _)| address).collect();
                others = if known.is_empty() { others } else { format!("ether saddr != {{ {} }} ", known.join(", ")) };
            }
            writeln!(calls, "\t\tiifname \"{link}\" {others}jump enter_{link}_{}", first.id)?;
            if acl::rules(first, RuleDirection::Ingress).is_some() {
                writeln!(answers, "\t\toifname \"{link}\" jump acl_to_{link}_{}", first.id)?;
            }
        }
        // What comes from a gateway for its attachment's own subnet stays within that.
        if is_asked(RuleDirection::Egress) {
            calls.push_str("\t\tiifname vmap @acl_from\n");
        }
        if self.write_face_acls(text, "endpoint_acl_to", RuleDirection::Ingress)? {
            calls.push_str("\t\tip daddr vmap @endpoint_acl_to\n");
        }
        for (name, hook, rules) in [("endpoint_calls", "input", calls), ("endpoint_answers", "output", answers)] {
            let hook = format!("type filter hook {hook} priority filter - 10; policy accept;");
            writeln!(text, "\tchain {name} {{\n\t\t{hook}\n{rules}\t}}")?;
        }
        Ok(())
    }

    /// The network ACLs of endpoints' subnets in one direction, and a map of that name from addresses to them. Says whether
    /// there are any that don't let everything pass.
    fn write_face_acls(&self, text: &mut String, name: &str, direction: RuleDirection) -> Result<bool, fmt::Error> {
        let exempt = if self.entries().is_empty() { acl::Exempt::ByAddress } else { acl::Exempt::Within };
        let mut elements = Vec::new();
        let mut chains: BTreeMap<SubnetId, String> = BTreeMap::new();
        for face in &self.faces {
            let Some(rules) = acl::rules(face.subnet, direction) else { continue };
            let chain = format!("{name}_{}", face.subnet.id);
            elements.extend(face.elements(&chain));
            if chains.insert(face.subnet.id, chain.clone()).is_none() {
                acl::write_chain(text, &chain, face.subnet, exempt, direction, &rules)?;
            }
        }
        if elements.is_empty() {
            return Ok(false);
        }
        write_elements(text, &format!("map {name}"), ADDRESS_TO_VERDICT, &elements)?;
        Ok(true)
    }
}
