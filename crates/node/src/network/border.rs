//! The network ACLs of a network: what a packet meets where it leaves a subnet or enters one.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use landfall_model::plan::{PortPlan, SubnetPlan};
use landfall_model::{RuleDirection, SubnetId};

use super::acl;
use super::ruleset::{Rules, write_elements};
use crate::metadata::names::port_device;

impl Rules<'_> {
    /// Network ACLs, in a hook of their own before the stateful one.
    pub(super) fn write_acls(&self, text: &mut String) -> fmt::Result {
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
            for (id, subnet) in &subnets {
                if let Some(rules) = acl::rules(subnet, direction) {
                    let name = format!("{prefix}_{id}");
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
}
