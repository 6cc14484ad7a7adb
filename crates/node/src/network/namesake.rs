//! Networks with the same addresses, of which a network is peered with several.
//!
//! AWS peers no two networks that have an address in common, but one network with two others that have: its route tables
//! say which of them is meant. Members of groups are known by their addresses, and there a rule that names a group of the
//! one would hold for whoever has the same address in the other. So where addresses don't tell whose they are, the link
//! of the peering does. What came in on another host has passed a link there and says nothing of it: such a rule doesn't
//! hold for it.

use std::iter;

use landfall_model::plan::{PeeringPlan, RouteTargetPlan, VpcPlan};
use landfall_model::{RuleDirection, SecurityGroupId, VpcId};

use super::connection::{self, PEERINGS};
use super::ruleset::Rules;
use super::target;

impl Rules<'_> {
    /// The condition that a packet comes from the network that has a group, or goes there (see [`super::group::Way`]).
    pub(super) fn way(&self, group: SecurityGroupId, direction: RuleDirection) -> Option<String> {
        let Some(home) = self.home(group).filter(|home| self.has_namesake(*home)) else { return Some(String::new()) };
        let peering = self.peered().find(|(_, other)| other.id == home).map(|(peering, _)| peering.id);
        match (peering, direction) {
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
