//! Networks with the same addresses, of which a network is peered with several.
//!
//! AWS peers no two networks that have an address in common, but one network with two others that have: its route tables
//! say which of them is meant. Members of groups are known by their addresses, and there a rule that names a group of the
//! one would hold for whoever has the same address in the other. So where addresses don't tell whose they are, the link
//! of the peering does. What came in on another host has passed a link there, and says which it was by the hardware address
//! that it is handed on from. Hosts hand on so whatever came over a peering: one that has only the other side of it doesn't
//! know with whom else the network is peered.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use landfall_model::plan::{HostPlan, PeeringPlan, RouteTargetPlan, VpcPlan};
use landfall_model::{Mac, PeeringId, RuleDirection, SecurityGroupId, VpcId};

use super::connection::{self, PEERINGS};
use super::overlay::DEVICE;
use super::ruleset::{Rules, has_overlay};
use super::target::{self, Mark};

/// The lowest number that the hardware addresses begin with by which peerings are told: local ones, which neither an
/// interface nor a VPN has.
const MAC_START: u8 = 0x0e;

/// The hardware address that other hosts are handed on from what came over a peering.
fn mac(id: PeeringId) -> Mac {
    let [.., a, b, c, d, e] = id.bits().to_be_bytes();
    Mac([MAC_START, a, b, c, d, e])
}

/// The marks of what came over each of a network's peerings, which its forward hook sets.
fn marks(plan: &HostPlan, vpc: &VpcPlan) -> BTreeMap<PeeringId, Mark> {
    let mut taken = BTreeSet::new();
    let of_network = plan.peerings().filter(|peering| peering.vpcs.contains(&vpc.id));
    of_network.map(|peering| (peering.id, target::mark(target::CAME_BY, peering.id.bits(), &mut taken))).collect()
}

/// The rule of a `netdev` chain that makes packets say over which peering they came, as they leave for another host.
pub fn said(plan: &HostPlan, vpc: &VpcPlan) -> String {
    let known: Vec<_> = marks(plan, vpc).into_iter().map(|(id, mark)| format!("{mark:#x} : {}", mac(id))).collect();
    if known.is_empty() {
        return String::new();
    }
    format!("\t\tether saddr set meta mark and {:#x} map {{ {} }}\n", target::KNOWN, known.join(", "))
}

impl Rules<'_> {
    /// The rules that mark what came over a peering, here or on another host; none where there is no other.
    pub(super) fn mark_peerings(&self) -> String {
        let marks = marks(self.plan, self.vpc);
        if marks.is_empty() || !has_overlay(self.plan, self.vpc) {
            return String::new();
        }
        let by = |name: &dyn Fn(PeeringId) -> String| {
            marks.iter().map(|(id, mark)| format!("{} : {mark:#x}", name(*id))).collect::<Vec<_>>().join(", ")
        };
        let here = by(&|id| format!("\"{}\"", connection::peering_device(id)));
        let elsewhere = by(&|id| mac(id).to_string());
        format!(
            "\t\tmeta mark set iifname map {{ {here} }}\n\
             \t\tiifname \"{DEVICE}\" meta mark set ether saddr map {{ {elsewhere} }}\n"
        )
    }

    /// The condition that a packet comes from the network that has a group, or goes there (see [`super::group::Way`]).
    pub(super) fn way(&self, group: SecurityGroupId, direction: RuleDirection) -> Option<String> {
        let Some(home) = self.home(group).filter(|home| self.has_namesake(*home)) else { return Some(String::new()) };
        let peering = self.peered().find(|(_, other)| other.id == home).map(|(peering, _)| peering.id);
        match (peering, direction) {
            (Some(id), RuleDirection::Ingress) if has_overlay(self.plan, self.vpc) => {
                let mark = *marks(self.plan, self.vpc).get(&id)?;
                Some(format!("meta mark and {:#x} == {mark:#x} ", target::KNOWN))
            }
            (Some(id), RuleDirection::Ingress) => Some(format!("iifname \"{}\" ", connection::peering_device(id))),
            (Some(id), RuleDirection::Egress) => {
                let mark = self.targets.mark(RouteTargetPlan::Peering(id))?;
                Some(format!("meta mark and {:#x} == {mark:#x} ", target::KNOWN))
            }
            (None, RuleDirection::Ingress) => Some(format!("iifname != \"{PEERINGS}*\" ")),
            (None, RuleDirection::Egress) => Some(format!("{} ", target::is_no_peering())),
        }
    }

    /// The network that a group is of.
    fn home(&self, group: SecurityGroupId) -> Option<VpcId> {
        let of_member = || self.plan.ports().find(|port| port.groups.contains(&group)).map(|port| port.vpc);
        self.plan.group(group).map(|group| group.vpc).or_else(of_member)
    }

    /// The networks that this one is peered with.
    fn peered(&self) -> impl Iterator<Item = (&PeeringPlan, &VpcPlan)> {
        let of_network = self.plan.peerings().filter(move |peering| peering.vpcs.contains(&self.vpc.id));
        of_network.filter_map(move |peering| {
            let other = peering.vpcs.iter().find(|id| **id != self.vpc.id)?;
            Some((peering, self.plan.vpc(*other)?))
        })
    }

    /// Whether another network whose members are known here has an address of that one's.
    fn has_namesake(&self, id: VpcId) -> bool {
        let Some(vpc) = self.plan.vpc(id) else { return false };
        let shares = |other: &VpcPlan| vpc.cidrs.iter().any(|own| other.cidrs.iter().any(|block| own.overlaps(*block)));
        let mut all = iter::once(self.vpc).chain(self.peered().map(|(_, other)| other));
        all.any(|other| other.id != id && shares(other))
    }
}
