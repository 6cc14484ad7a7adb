//! By which subnet a transit gateway hands packets over to a network: the one in their sender's zone, as far as the
//! attachment has one there, else its first. An attachment in appliance mode takes a flow in by one subnet in both
//! directions, chosen by the flow's hash.
//!
//! Marks don't leave a namespace. So a packet says its zone by the hardware address that it is handed over from, to the
//! gateway and from there on.

use landfall_model::ZoneName;
use landfall_model::plan::{AttachmentTo, SubnetPlan, TransitGatewayPlan};

use super::connection;
use super::ruleset::Rules;
use super::target::Mark;

/// What the marks of zones begin with.
const ZONES: Mark = 0x100;
/// Set besides where a packet's sender isn't known.
const UNKNOWN: Mark = super::judge::UNKNOWN_SENDER;

/// An attachment of a network.
pub struct Entry<'p> {
    /// Its link.
    pub link: String,
    /// The subnets that it has, each in a zone of its own; the first also takes what has no other.
    pub subnets: Vec<&'p SubnetPlan>,
    /// Whether senders' zones matter to any attachment of its gateway.
    pub is_zoned: bool,
}

impl<'p> Entry<'p> {
    /// The subnet that takes what has no zone of its own there.
    pub fn first(&self) -> Option<&'p SubnetPlan> {
        self.subnets.first().copied()
    }

    /// Whether it has subnets in several zones.
    pub fn is_spread(&self) -> bool {
        self.subnets.len() > 1
    }

    /// Its subnets by the hardware address that packets of their zones come from.
    pub fn by_address(&self) -> impl Iterator<Item = (String, &'p SubnetPlan)> {
        self.subnets.iter().filter_map(|subnet| Some((address(subnet.zone?), *subnet)))
    }
}

/// The mark of a zone's packets.
pub fn mark(zone: ZoneName) -> Mark {
    ZONES | (Mark::from(zone.index) + 1)
}

/// The hardware address that a zone's packets are handed over from.
pub fn address(zone: ZoneName) -> String {
    format!("02:00:00:00:01:{:02x}", zone.index + 1)
}

/// Whether zones matter to a gateway: an attachment has several subnets.
pub fn is_zoned(gateway: &TransitGatewayPlan) -> bool {
    let spread = |to: &AttachmentTo| matches!(to, AttachmentTo::Vpc { subnets, .. } if subnets.len() > 1);
    gateway.attachments.iter().any(|attachment| spread(&attachment.to))
}

/// The chain of a `netdev` table that makes packets say their zone as they leave by a link.
pub fn egress_chain(link: &str, zones: impl Iterator<Item = ZoneName>) -> String {
    let mut zones: Vec<_> = zones.collect();
    zones.sort_unstable();
    zones.dedup();
    let known = zones.into_iter().flat_map(|zone| [mark(zone), mark(zone) | UNKNOWN].map(|mark| (mark, address(zone))));
    let known: Vec<_> = known.map(|(mark, address)| format!("{mark:#x} : {address}")).collect();
    if known.is_empty() {
        return String::new();
    }
    format!(
        "\tchain out_{link} {{
\t\ttype filter hook egress device \"{link}\" priority 0; policy accept;
\t\tether saddr set meta mark map {{ {} }}
\t}}
",
        known.join(", ")
    )
}

impl<'a> Rules<'a> {
    /// The network's attachments.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        for gateway in self.plan.transit_gateways() {
            for attachment in &gateway.attachments {
                let AttachmentTo::Vpc { vpc, subnets, .. } = &attachment.to else { continue };
                if *vpc != self.vpc.id {
                    continue;
                }
                entries.push(Entry {
                    link: connection::transit_device(attachment.id),
                    subnets: subnets.iter().filter_map(|id| self.plan.subnet(*id)).collect(),
                    is_zoned: is_zoned(gateway),
                });
            }
        }
        entries
    }
}
