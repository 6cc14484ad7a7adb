//! The network of a fake machine: which pieces are applied, and that each refers only to pieces that are there too.
//! Counts of references make a change cost what it touches.

use std::collections::BTreeMap;

use landfall_model::plan::{AttachmentTo, HostPlan, Piece, PieceKey, PortLocation, RouteTargetPlan};
use landfall_model::{InstanceId, InterfaceId, Mac};

/// The applied network.
#[derive(Default)]
pub(super) struct FakeWiring {
    applied: BTreeMap<PieceKey, Applied>,
    /// How many applied pieces refer to that one.
    references: BTreeMap<PieceKey, usize>,
}

struct Applied {
    refers_to: Vec<PieceKey>,
    port: Option<(Mac, PortLocation)>,
}

impl FakeWiring {
    /// The keys of pieces by which a plan may differ from what is applied.
    pub fn difference(&self, plan: &HostPlan) -> Vec<PieceKey> {
        let gone = self.applied.keys().filter(|key| !plan.pieces.contains_key(key));
        gone.chain(plan.pieces.keys()).copied().collect()
    }

    /// Applies those pieces of a plan, or none. The error says which piece refers to one that isn't there.
    pub fn apply(&mut self, keys: Vec<PieceKey>, plan: &HostPlan) -> Result<(), String> {
        let put = |key: &PieceKey| (*key, self.put(*key, plan.pieces.get(key).and_then(applied)));
        let before: Vec<_> = keys.iter().map(put).collect();
        let whole = self.check(&keys);
        if whole.is_err() {
            // A key may be there twice: what was there first goes back last.
            for (key, old) in before.into_iter().rev() {
                self.put(key, old);
            }
        }
        whole
    }

    /// Puts a piece, or nothing, in a piece's place, and returns what was there.
    fn put(&mut self, key: PieceKey, new: Option<Applied>) -> Option<Applied> {
        let old = self.applied.remove(&key);
        for target in old.iter().flat_map(|old| &old.refers_to) {
            if let Some(count) = self.references.get_mut(target) {
                *count -= 1;
                if *count == 0 {
                    self.references.remove(target);
                }
            }
        }
        if let Some(new) = new {
            for target in &new.refers_to {
                *self.references.entry(*target).or_default() += 1;
            }
            self.applied.insert(key, new);
        }
        old
    }

    /// Whether those pieces, and what refers to them, have all that they refer to.
    fn check(&self, keys: &[PieceKey]) -> Result<(), String> {
        for key in keys {
            if self.references.contains_key(key) && !self.applied.contains_key(key) {
                return Err(format!("the plan's network refers to {key:?}, which it doesn't have any more"));
            }
            for target in self.applied.get(key).into_iter().flat_map(|piece| &piece.refers_to) {
                if !self.applied.contains_key(target) {
                    return Err(format!("{key:?} of the plan's network refers to {target:?}, which it doesn't have"));
                }
            }
        }
        Ok(())
    }

    /// The hardware address of a port that is for a guest of this host.
    pub fn mac(&self, id: InterfaceId) -> Option<Mac> {
        match self.applied.get(&PieceKey::Port(id))?.port? {
            (mac, PortLocation::Here(_)) => Some(mac),
            _ => None,
        }
    }

    /// The hardware address of a port that is for that guest.
    pub fn mac_here(&self, id: InterfaceId, instance: InstanceId) -> Option<Mac> {
        match self.applied.get(&PieceKey::Port(id))?.port? {
            (mac, PortLocation::Here(owner)) if owner == instance => Some(mac),
            _ => None,
        }
    }

    /// Names of what is applied.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.applied.keys().filter_map(|key| match key {
            PieceKey::Vpc(id) => Some(format!("namespace {id}")),
            PieceKey::Port(id) => Some(format!("port {id}")),
            _ => None,
        })
    }
}

/// A piece as far as the network has it; nothing for volumes and instances.
fn applied(piece: &Piece) -> Option<Applied> {
    let wired = |refers_to| Some(Applied { refers_to, port: None });
    match piece {
        Piece::Vpc(_) => wired(Vec::new()),
        Piece::Subnet(subnet) => {
            let ways = subnet.routes.iter().filter_map(|route| match route.target {
                RouteTargetPlan::Interface(id) => Some(PieceKey::Port(id)),
                RouteTargetPlan::NatGateway(id) => Some(PieceKey::NatGateway(id)),
                RouteTargetPlan::Peering(id) => Some(PieceKey::Peering(id)),
                RouteTargetPlan::TransitGateway(id) => Some(PieceKey::TransitGateway(id)),
                _ => None,
            });
            wired(std::iter::once(PieceKey::Vpc(subnet.vpc)).chain(ways).collect())
        }
        Piece::Group(group) => wired(vec![PieceKey::Vpc(group.vpc)]),
        Piece::Port(port) => {
            let mut refers_to = Vec::with_capacity(port.groups.len() + 2);
            refers_to.push(PieceKey::Vpc(port.vpc));
            // The subnet and the groups of a port elsewhere are only names by which its addresses are found.
            if matches!(port.location, PortLocation::Here(_)) {
                refers_to.push(PieceKey::Subnet(port.subnet));
                refers_to.extend(port.groups.iter().map(|group| PieceKey::Group(*group)));
            }
            Some(Applied { refers_to, port: Some((port.mac, port.location)) })
        }
        Piece::NatGateway(plan) => {
            wired(vec![PieceKey::Vpc(plan.vpc), PieceKey::Subnet(plan.subnet), PieceKey::Port(plan.interface)])
        }
        Piece::Peering(plan) => wired(plan.vpcs.iter().map(|id| PieceKey::Vpc(*id)).collect()),
        Piece::TransitGateway(plan) => {
            let vpcs = plan.attachments.iter().filter_map(|attachment| match &attachment.to {
                AttachmentTo::Vpc { vpc, .. } => Some(PieceKey::Vpc(*vpc)),
                AttachmentTo::Vpn(_) => None,
            });
            wired(vpcs.collect())
        }
        Piece::Endpoint(plan) => {
            let ports = plan.interfaces.iter().map(|id| PieceKey::Port(*id));
            wired([PieceKey::Vpc(plan.vpc)].into_iter().chain(ports).collect())
        }
        Piece::Vpn(plan) => wired(plan.gateway.iter().map(|(_, vpc)| PieceKey::Vpc(*vpc)).collect()),
        Piece::FlowLog(plan) => wired(vec![PieceKey::Vpc(plan.vpc)]),
        Piece::Volume(_) | Piece::Instance(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::VpcId;

    use super::*;
    use crate::fake::fixture::Author;

    #[test]
    fn a_plan_that_is_refused_leaves_everything_as_it_was() {
        let mut author = Author::new();
        author.launch(1);
        let good = author.plan.clone();
        let mut wiring = FakeWiring::default();
        wiring.apply(wiring.difference(&good), &good).unwrap();
        let names = |wiring: &FakeWiring| wiring.names().collect::<Vec<_>>();
        let before = names(&wiring);
        author.lose_network();
        author.launch(2);
        let bad = &author.plan;
        // Whether all of it is looked at or what changed, once or twice.
        let vpc = PieceKey::Vpc(VpcId::from_random(1));
        for keys in [wiring.difference(bad), vec![vpc], vec![vpc, vpc]] {
            wiring.apply(keys, bad).unwrap_err();
            assert_eq!(names(&wiring), before);
        }
        wiring.apply(wiring.difference(&good), &good).unwrap();
        wiring.apply(vec![vpc], &good).unwrap();
        assert_eq!(names(&wiring), before);
        wiring.apply(wiring.difference(&HostPlan::default()), &HostPlan::default()).unwrap();
        assert!(wiring.applied.is_empty() && wiring.references.is_empty());
    }
}
