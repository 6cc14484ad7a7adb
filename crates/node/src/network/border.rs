//! The network ACLs of a network: what a packet meets where it leaves a subnet or enters one.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use landfall_model::plan::{PortPlan, SubnetPlan};
use landfall_model::{RuleDirection, SubnetId};

use super::acl::{self, Exempt};
use super::entry::{self, Entry};
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
        let entries = self.entries();
        let exempt = if entries.is_empty() { Exempt::ByAddress } else { Exempt::Within };
        let (mut dispatch, mut onward) = (String::new(), String::new());
        self.write_zones_of_senders(text, &entries, &mut dispatch)?;
        for entry in &entries {
            self.write_entry(text, entry, &mut dispatch, &mut onward)?;
        }
        let mut of_gateway: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (direction, prefix, field) in
            [(RuleDirection::Egress, "acl_from", "iifname"), (RuleDirection::Ingress, "acl_to", "oifname")]
        {
            let mut chains = BTreeMap::new();
            for (id, subnet) in &subnets {
                if let Some(rules) = acl::rules(subnet, direction) {
                    let name = format!("{prefix}_{id}");
                    acl::write_chain(text, &name, subnet, exempt, direction, &rules)?;
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
            for (mark, subnet) in &gateways {
                of_gateway.entry(*mark).or_default().extend(chains.get(&subnet.id).cloned());
            }
        }
        dispatch.push_str(&onward);
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

    /// Gives what goes to a transit gateway the mark of its zone: that of the subnet that it comes from, or of the NAT
    /// gateway that it came through.
    fn write_zones_of_senders(&self, text: &mut String, entries: &[Entry<'_>], dispatch: &mut String) -> fmt::Result {
        let zoned: Vec<_> = entries.iter().filter(|entry| entry.is_zoned).collect();
        if zoned.is_empty() {
            return Ok(());
        }
        let of_ports = self.ports.iter().filter_map(|(port, subnet)| {
            Some(format!("\"{}\" : {:#x}", port_device(port.id), entry::mark(subnet.zone?)))
        });
        write_elements(text, "map zone_of", "type ifname : mark", &of_ports.collect::<Vec<_>>())?;
        let of_gateways = self.targets.nat_gateways.values().filter_map(|(mark, gateway)| {
            Some(format!("{mark:#x} : {:#x}", entry::mark(self.plan.subnet(gateway.subnet)?.zone?)))
        });
        let of_gateways: Vec<_> = of_gateways.collect();
        for Entry { link, .. } in zoned {
            writeln!(dispatch, "\t\toifname \"{link}\" meta mark set iifname map @zone_of")?;
            if !of_gateways.is_empty() {
                let known = of_gateways.join(", ");
                writeln!(dispatch, "\t\toifname \"{link}\" meta mark set ct mark map {{ {known} }}")?;
            }
        }
        Ok(())
    }

    /// The ACLs of an attachment's subnets, each asked about what goes to the gateway from its zone, and about what comes
    /// from the gateway from there. What comes from it is within the attachment's subnet, if it is for that.
    fn write_entry(
        &self,
        text: &mut String,
        entry: &Entry<'_>,
        dispatch: &mut String,
        onward: &mut String,
    ) -> fmt::Result {
        let link = &entry.link;
        let mut known = Vec::new();
        for subnet in &entry.subnets {
            let name = format!("{link}_{}", subnet.id);
            let mut lines = format!("\t\tip daddr {} accept\n", subnet.cidr);
            if let Some(block) = subnet.ipv6 {
                writeln!(lines, "\t\tip6 daddr {block} accept")?;
            }
            if let Some(rules) = acl::rules(subnet, RuleDirection::Egress) {
                acl::write_chain(
                    text,
                    &format!("acl_from_{name}"),
                    subnet,
                    Exempt::ByAddress,
                    RuleDirection::Egress,
                    &rules,
                )?;
                writeln!(lines, "\t\tjump acl_from_{name}")?;
            }
            writeln!(text, "\tchain enter_{name} {{\n{lines}\t}}")?;
            let address = subnet.zone.filter(|_| entry.is_spread()).map(entry::address);
            if let Some(address) = &address {
                writeln!(dispatch, "\t\tiifname \"{link}\" ether saddr {address} jump enter_{name}")?;
                known.push(address.clone());
            }
            if let Some(rules) = acl::rules(subnet, RuleDirection::Ingress) {
                acl::write_chain(
                    text,
                    &format!("acl_to_{name}"),
                    subnet,
                    Exempt::Nothing,
                    RuleDirection::Ingress,
                    &rules,
                )?;
                let zone = subnet
                    .zone
                    .filter(|_| entry.is_spread())
                    .map(|zone| format!("meta mark {:#x} ", entry::mark(zone)));
                writeln!(onward, "\t\toifname \"{link}\" {}jump acl_to_{name}", zone.unwrap_or_default())?;
            }
        }
        if let Some(first) = entry.first() {
            let others =
                if known.is_empty() { String::new() } else { format!("ether saddr != {{ {} }} ", known.join(", ")) };
            writeln!(dispatch, "\t\tiifname \"{link}\" {others}jump enter_{link}_{}", first.id)?;
        }
        Ok(())
    }
}
