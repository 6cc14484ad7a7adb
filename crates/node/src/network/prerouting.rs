//! The route tables of a network: what a packet meets before it is routed.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use landfall_model::SubnetId;
use landfall_model::plan::{AttachmentTo, RoutePlan, SubnetPlan};

use super::family::Family;
use super::overlay::DEVICE;
use super::ruleset::{Rules, UPLINK, write_elements};
use super::tables::Tables;
use super::{connection, route};
use crate::metadata::names::port_device;

impl Rules<'_> {
    /// Route tables: one map and chain for each subnet, chosen by the link that a packet came by.
    pub(super) fn write_routes(&self, text: &mut String) -> fmt::Result {
        let mut tables = Tables::default();
        let compile = |subnet, routes: &[RoutePlan]| {
            Family::BOTH.map(|family| route::compile(self.vpc, subnet, routes, &self.targets, family))
        };
        let gateways = self.targets.nat_gateways.values().filter_map(|(_, gateway)| self.plan.subnet(gateway.subnet));
        let subnets = self.ports.iter().map(|(_, subnet)| *subnet).chain(gateways);
        let subnets = subnets.chain(self.attachments().map(|(_, subnet)| subnet));
        let subnets: BTreeMap<SubnetId, &SubnetPlan> = subnets.map(|subnet| (subnet.id, subnet)).collect();
        let chains: BTreeMap<SubnetId, String> = subnets
            .into_iter()
            .filter_map(|(id, subnet)| Some((id, tables.add(id, compile(Some(subnet), &subnet.routes))?)))
            .collect();
        let mut of_link = Vec::new();
        let links = self.ports.iter().map(|(port, subnet)| (port_device(port.id), *subnet)).chain(self.attachments());
        for (link, subnet) in links {
            if let Some(chain) = chains.get(&subnet.id) {
                of_link.push(format!("\"{link}\" : jump {chain}"));
            }
        }
        if let Some(chain) = tables.add("internet", compile(None, &self.vpc.internet_routes)) {
            of_link.push(format!("\"{UPLINK}\" : jump {chain}"));
        }
        // What other hosts or routes gave to a NAT gateway goes on by the routes of the gateway's own subnet.
        let (mut by_mark, mut back) = (Vec::new(), Vec::new());
        let mut through = String::new();
        for (mark, gateway) in self.targets.nat_gateways.values() {
            writeln!(
                through,
                "\tchain through_{mark:x} {{\n\t\tmeta nfproto ipv6 drop\n\t\tct mark set {mark:#x}\n\t\tmeta mark set 0"
            )?;
            if let Some(chain) = chains.get(&gateway.subnet) {
                writeln!(through, "\t\tjump {chain}")?;
                back.push(format!("{mark:#x} : goto {chain}"));
            }
            writeln!(through, "\t}}")?;
            by_mark.push(format!("{mark:#x} : jump through_{mark:x}"));
        }
        tables.write(text)?;
        text.push_str(&through);
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
    pub(super) fn attachments(&self) -> impl Iterator<Item = (String, &SubnetPlan)> {
        let attachments = self.plan.transit_gateways().flat_map(|gateway| &gateway.attachments);
        attachments.filter_map(|attachment| match &attachment.to {
            AttachmentTo::Vpc { vpc, subnets } if *vpc == self.vpc.id => {
                let subnet = subnets.iter().find_map(|id| self.plan.subnet(*id))?;
                Some((connection::transit_device(attachment.id), subnet))
            }
            _ => None,
        })
    }
}
