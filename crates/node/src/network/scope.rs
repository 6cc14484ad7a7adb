//! What of a machine's networks a new plan is about: so that one more port costs a look at its own network, however many
//! others there are.
//!
//! A network's inside is made from its own pieces, and from ports and groups of those that it is connected with. Whatever
//! connects networks is about all of them. Naming too much costs time, naming too little leaves a network as it was until
//! everything is looked at again.

use std::collections::BTreeSet;
use std::time::Duration;

use landfall_model::VpcId;
use landfall_model::plan::{AttachmentTo, HostPlan, Piece, PieceKey};

use super::advance::compare;

/// How much of the machine is to be gone through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing: what changed is no network's.
    Nothing,
    /// These networks, as they were left: only what differs is done. Those that the plan lacks are to go. And the pieces
    /// that changed.
    Networks(BTreeSet<VpcId>, BTreeSet<PieceKey>),
    /// Everything, looking at all of it.
    Everything,
}

/// How long it lasts until a plan that changes nothing has all of the machine looked at, whatever its revision is: shorter
/// than the agent takes to apply one again to repair what others changed.
const LOOK_AFTER: Duration = Duration::from_secs(30);

/// How long changes alone are applied, if no such plan comes in between: a change is not to wait for a look at all the
/// others.
const LOOK_AT_LATEST: Duration = Duration::from_secs(600);

impl Scope {
    /// The scope so long after all of the machine was looked at.
    pub fn after(self, since_look: Duration) -> Self {
        let latest = match self {
            Self::Nothing => LOOK_AFTER,
            Self::Networks(..) => LOOK_AT_LATEST,
            Self::Everything => return self,
        };
        if since_look < latest { self } else { Self::Everything }
    }
}

/// What was applied last, as far as it is about networks.
#[derive(Debug, Default)]
pub struct Applied(HostPlan);

/// Whether a piece has no part in networks.
fn is_apart(key: &PieceKey) -> bool {
    matches!(key, PieceKey::Volume(_) | PieceKey::Instance(_))
}

impl Applied {
    /// What a plan is about that follows this one. The same plan once more is meant to repair what others changed.
    pub fn scope(&self, plan: &HostPlan) -> Scope {
        let (gone, come) = self.compare(plan);
        if gone.is_empty() && come.is_empty() {
            let again = (plan.incarnation, plan.revision) == (self.0.incarnation, self.0.revision);
            return if again { Scope::Everything } else { Scope::Nothing };
        }
        let before = gone.iter().chain(come.iter().map(|(key, _)| key)).filter_map(|key| self.0.pieces.get(key));
        let changed = gone.iter().chain(come.iter().map(|(key, _)| key)).map(|key| **key).collect();
        let mut touched = BTreeSet::new();
        for piece in before.chain(come.iter().map(|(_, piece)| *piece)) {
            match piece {
                Piece::Vpc(vpc) => _ = touched.insert(vpc.id),
                Piece::Subnet(subnet) => _ = touched.insert(subnet.vpc),
                Piece::Group(group) => _ = touched.insert(group.vpc),
                Piece::Port(port) => _ = touched.insert(port.vpc),
                Piece::NatGateway(gateway) => _ = touched.insert(gateway.vpc),
                Piece::Endpoint(endpoint) => _ = touched.insert(endpoint.vpc),
                Piece::Volume(_) | Piece::Instance(_) => {}
                _ => return Scope::Everything,
            }
        }
        let is_vpc = |key: &PieceKey| matches!(key, PieceKey::Vpc(id) if !connected(plan, *id).is_empty());
        let renumbered = |(key, piece): &(&PieceKey, &Piece)| match (self.0.pieces.get(key), piece) {
            (Some(Piece::Vpc(before)), Piece::Vpc(after)) => before.number != after.number,
            _ => false,
        };
        if gone.into_iter().any(is_vpc) || come.iter().any(|(key, _)| is_vpc(key)) || come.iter().any(renumbered) {
            return Scope::Everything;
        }
        let beyond: Vec<_> = touched.iter().flat_map(|id| connected(plan, *id)).collect();
        touched.extend(beyond);
        Scope::Networks(touched, changed)
    }

    /// It as a plan.
    pub fn plan(&self) -> &HostPlan {
        &self.0
    }

    /// Takes note that a plan was applied. `changed` has the pieces that it doesn't have alike, if that is known.
    pub fn take(&mut self, plan: &HostPlan, changed: Option<BTreeSet<PieceKey>>) {
        let changed = changed.unwrap_or_else(|| {
            let (gone, come) = self.compare(plan);
            gone.into_iter().chain(come.into_iter().map(|(key, _)| key)).copied().collect()
        });
        for key in changed {
            match plan.pieces.get(&key) {
                Some(piece) => _ = self.0.pieces.insert(key, piece.clone()),
                None => _ = self.0.pieces.remove(&key),
            }
        }
        (self.0.incarnation, self.0.revision) = (plan.incarnation, plan.revision);
    }

    /// The number of a network.
    pub fn number(&self, id: VpcId) -> Option<u32> {
        match self.0.pieces.get(&PieceKey::Vpc(id)) {
            Some(Piece::Vpc(vpc)) => Some(vpc.number),
            _ => None,
        }
    }

    fn compare<'p>(&'p self, plan: &'p HostPlan) -> (Vec<&'p PieceKey>, Vec<(&'p PieceKey, &'p Piece)>) {
        compare(&self.0.pieces, plan.pieces.iter().filter(|(key, _)| !is_apart(key)))
    }
}

/// The networks that one is connected with.
pub fn connected(plan: &HostPlan, id: VpcId) -> BTreeSet<VpcId> {
    let peered = plan.peerings().filter(|peering| peering.vpcs.contains(&id)).flat_map(|peering| peering.vpcs);
    let mut found: BTreeSet<VpcId> = peered.collect();
    for gateway in plan.transit_gateways() {
        let attached = gateway.attachments.iter().filter_map(|attachment| match attachment.to {
            AttachmentTo::Vpc { vpc, .. } => Some(vpc),
            AttachmentTo::Vpn(_) => None,
        });
        let attached: BTreeSet<VpcId> = attached.collect();
        if attached.contains(&id) {
            found.extend(attached);
        }
    }
    found.remove(&id);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_waits_for_no_look_at_all_the_others() {
        let change = || Scope::Networks(BTreeSet::new(), BTreeSet::new());
        let later = LOOK_AFTER + Duration::from_secs(1);
        assert_eq!(Scope::Nothing.after(Duration::ZERO), Scope::Nothing);
        assert_eq!(Scope::Nothing.after(later), Scope::Everything);
        assert_eq!(change().after(later), change());
        assert_eq!(change().after(LOOK_AT_LATEST), Scope::Everything, "if nobody else has it looked at");
        assert_eq!(change().after(Duration::MAX), Scope::Everything, "nothing was looked at yet");
    }
}
