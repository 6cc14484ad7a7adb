//! The route tables of a network: what a packet meets before it is routed.
//!
//! They are asked before a packet's connection is looked up, because where it goes decides in which table of connections
//! that is. Only what was translated on its way in is asked about afterwards.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use landfall_model::SubnetId;
use landfall_model::plan::{RoutePlan, SubnetPlan};

use super::connection::VPNS;
use super::entry::Entry;
use super::family::Family;
use super::overlay::DEVICE;
use super::route;
use super::ruleset::{Rules, UPLINK, write_elements};
use super::tables::Tables;
use super::target::INTERNET;
use crate::metadata::names::port_device;

/// The zone of connection tracking of what is translated: all else is in the zone 0.
pub const TRANSLATED: u16 = 1;

impl Rules<'_> {
    /// Route tables: one map and chain for each subnet, chosen by the link that a packet came by.
    pub(super) fn write_routes(&self, text: &mut String) -> fmt::Result {
        let mut tables = Tables::default();
        let compile = |subnet, routes: &[RoutePlan]| {
            Family::BOTH.map(|family| route::compile(self.vpc, subnet, routes, &self.targets, family))
        };
        let gateways = self.targets.nat_gateways.values().filter_map(|(_, gateway)| self.plan.subnet(gateway.subnet));
        let subnets = self.ports.iter().map(|(_, subnet)| *subnet).chain(gateways);
        let entries = self.entries();
        let subnets = subnets.chain(entries.iter().flat_map(|entry| entry.subnets.iter().copied()));
        let subnets = subnets.chain(self.faces.iter().map(|face| face.subnet));
        let subnets: BTreeMap<SubnetId, &SubnetPlan> = subnets.map(|subnet| (subnet.id, subnet)).collect();
        let chains: BTreeMap<SubnetId, String> = subnets
            .into_iter()
            .filter_map(|(id, subnet)| Some((id, tables.add(id, compile(Some(subnet), &subnet.routes))?)))
            .collect();
        let mut of_link = Vec::new();
        let links = self.ports.iter().map(|(port, subnet)| (port_device(port.id), *subnet));
        let firsts = entries.iter().filter_map(|entry| Some((entry.link.clone(), entry.first()?)));
        for (link, subnet) in links.chain(firsts) {
            if let Some(chain) = chains.get(&subnet.id) {
                of_link.push(format!("\"{link}\" : jump {chain}"));
            }
        }
        if let Some(chain) = tables.add("vpn", compile(None, &self.vpc.vpn_routes)) {
            let links = self.links.keys().filter(|link| link.starts_with(VPNS));
            of_link.extend(links.map(|link| format!("\"{link}\" : jump {chain}")));
        }
        let internet = tables.add("internet", compile(None, &self.vpc.internet_routes));
        tables.write(text)?;
        write_elements(text, "map routes_of", "type ifname : verdict", &of_link)?;
        // A mark that came in by the overlay is what the sending host decided.
        let mut rules = format!("\t\tiifname != \"{DEVICE}\" meta mark set 0\n");
        rules.push_str(if write_by_zone(text, &entries, &chains)? {
            "\t\tjump look_up\n"
        } else {
            "\t\tiifname vmap @routes_of\n"
        });
        rules.push_str(self.write_endpoint_routes(text, &tables)?);
        if !self.targets.homes.is_empty() {
            let homes: Vec<_> = self.targets.homes.iter().map(|(own, mark)| format!("{own} : {mark:#x}")).collect();
            write_elements(text, "map homes", "type ipv4_addr : mark", &homes)?;
            writeln!(rules, "\t\tmeta mark {INTERNET:#x} meta mark set ip saddr map @homes")?;
        }
        self.write_zones(&mut rules)?;
        // A mark that came in by the overlay is what the sending host decided.
        writeln!(text, "\tchain route {{\n\t\ttype filter hook prerouting priority raw; policy accept;\n{rules}\t}}")?;
        self.write_translated(text, &chains, internet)
    }

    /// What is translated has a table of connections of its own, chosen before a packet's connection is looked up. So a
    /// router in between may pass on what it got, and that is translated though it wasn't on its way to the router.
    fn write_zones(&self, rules: &mut String) -> fmt::Result {
        let gateways = &self.targets.nat_gateways;
        let marks = gateways.values().map(|(mark, _)| format!("{mark:#x}"));
        let marks: Vec<_> = [format!("{INTERNET:#x}")].into_iter().chain(marks).collect();
        writeln!(rules, "\t\tmeta nfproto ipv4 iifname \"{UPLINK}\" ct zone set {TRANSLATED}")?;
        writeln!(rules, "\t\tmeta nfproto ipv4 meta mark {{ {} }} ct zone set {TRANSLATED}", marks.join(", "))?;
        let own = gateways.values().flat_map(|(_, gateway)| gateway.addresses.iter().map(|(own, _)| own.to_string()));
        let own: Vec<_> = own.collect();
        if !own.is_empty() {
            let own = own.join(", ");
            writeln!(rules, "\t\tmeta mark 0 ip daddr {{ {own} }} ct zone set {TRANSLATED}")?;
        }
        Ok(())
    }

    /// Where packets go whose destination was translated: what comes from the internet by the internet gateway's own
    /// table, what answers through a NAT gateway by the table of that one's subnet, as does what is sent through it.
    fn write_translated(
        &self,
        text: &mut String,
        chains: &BTreeMap<SubnetId, String>,
        internet: Option<String>,
    ) -> fmt::Result {
        let mut rules = String::new();
        let (mut by_mark, mut back) = (Vec::new(), Vec::new());
        for (mark, gateway) in self.targets.nat_gateways.values() {
            writeln!(
                text,
                "\tchain through_{mark:x} {{\n\t\tmeta nfproto ipv6 drop\n\t\tct mark set {mark:#x}\n\t\tmeta mark set 0"
            )?;
            if let Some(chain) = chains.get(&gateway.subnet) {
                writeln!(text, "\t\tjump {chain}")?;
                back.push(format!("{mark:#x} : goto {chain}"));
            }
            writeln!(text, "\t}}")?;
            by_mark.push(format!("{mark:#x} : jump through_{mark:x}"));
        }
        if !by_mark.is_empty() {
            write_elements(text, "map nat_gateways", "type mark : verdict", &by_mark)?;
            write_elements(text, "map nat_back", "type mark : verdict", &back)?;
            rules.push_str("\t\tct direction reply ct mark vmap @nat_back\n");
        }
        if let Some(chain) = internet {
            writeln!(rules, "\t\tiifname \"{UPLINK}\" jump {chain}")?;
        }
        if !by_mark.is_empty() {
            rules.push_str("\t\tct direction original meta mark vmap @nat_gateways\n");
        }
        if rules.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "\tchain route_translated {{\n\t\ttype filter hook prerouting priority dstnat + 10; policy accept;\n{rules}\t}}"
        )
    }
}

/// Where attachments have several subnets, what they hand over goes by the table of the one in its sender's zone. Says
/// whether there is such a one.
fn write_by_zone(
    text: &mut String,
    entries: &[Entry<'_>],
    chains: &BTreeMap<SubnetId, String>,
) -> Result<bool, fmt::Error> {
    let mut by_zone = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_spread()) {
        for (address, subnet) in entry.by_address() {
            let verdict = chains.get(&subnet.id).map_or("return".to_owned(), |chain| format!("goto {chain}"));
            by_zone.push(format!("\"{}\" . {address} : {verdict}", entry.link));
        }
    }
    if by_zone.is_empty() {
        return Ok(false);
    }
    write_elements(text, "map routes_by_zone", "type ifname . ether_addr : verdict", &by_zone)?;
    writeln!(
        text,
        "\tchain look_up {{\n\t\tiifname . ether saddr vmap @routes_by_zone\n\t\tiifname vmap @routes_of\n\t}}"
    )?;
    Ok(true)
}
