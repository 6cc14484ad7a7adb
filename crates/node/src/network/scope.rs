//! What of a machine's networks a new plan is about: so that one more port costs a look at its own network, however many
//! others there are.
//!
//! A network's inside is made from its own pieces, and from ports and groups of those that it is connected with. Whatever
//! connects networks is about all of them. Naming too much costs time, naming too little leaves a network as it was until
//! everything is looked at again.

use std::collections::BTreeSet;
use std::time::Duration;

use landfall_model::VpcId;
use landfall_model::plan::{AttachmentTo, HostPlan, Piece, PieceKey, VpnPlan};

use super::advance::{Compared, compare};

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

/// Whether a piece has no part in networks: what flow logs ask for is counted beside them.
fn is_apart(key: &PieceKey) -> bool {
    matches!(key, PieceKey::Volume(_) | PieceKey::Instance(_) | PieceKey::FlowLog(_))
}

/// The network that a VPN is for, if what differs is no more than what lies behind it and whether it is up: then its own
/// namespace is as it was.
fn rerouted(before: Option<&Piece>, after: Option<&Piece>) -> Option<VpcId> {
    let (Some(Piece::Vpn(before)), Some(Piece::Vpn(after))) = (before, after) else { return None };
    let like = VpnPlan { routes: after.routes.clone(), up: after.up, ..before.clone() };
    after.gateway.map(|(_, vpc)| vpc).filter(|_| like == *after)
}

impl Applied {
    /// What a plan is about that follows this one, and differs from it by no other pieces than those, if they are known. The
    /// same plan once more is meant to repair what others changed.
    pub fn scope(&self, plan: &HostPlan, changed: Option<&BTreeSet<PieceKey>>) -> Scope {
        let (gone, come) = match changed {
            Some(changed) => self.compare_pieces(plan, changed),
            None => self.compare(plan),
        };
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
                Piece::Vpn(vpn) => {
                    let key = PieceKey::Vpn(vpn.id);
                    match rerouted(self.0.pieces.get(&key), plan.pieces.get(&key)) {
                        Some(vpc) => _ = touched.insert(vpc),
                        None => return Scope::Everything,
                    }
                }
                Piece::Volume(_) | Piece::Instance(_) | Piece::FlowLog(_) => {}
                Piece::Peering(_) | Piece::TransitGateway(_) => return Scope::Everything,
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

    fn compare<'p>(&'p self, plan: &'p HostPlan) -> Compared<'p, PieceKey, Piece> {
        compare(&self.0.pieces, plan.pieces.iter().filter(|(key, _)| !is_apart(key)))
    }

    fn compare_pieces<'p>(&'p self, plan: &'p HostPlan, keys: &'p BTreeSet<PieceKey>) -> Compared<'p, PieceKey, Piece> {
        let keys = || keys.iter().filter(|key| !is_apart(key));
        compare(
            keys().filter_map(|key| Some((key, self.0.pieces.get(key)?))),
            keys().filter_map(|key| Some((key, plan.pieces.get(key)?))),
        )
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
    use landfall_model::plan::FlowLogPlan;
    use landfall_model::{
        AccountId, FlowLogId, FlowLogResource, FlowLogTraffic, Ipv4Cidr, Region, VpnConnectionId, VpnGatewayId,
    };

    use super::*;

    #[test]
    fn what_touches_no_other_network_has_no_other_looked_at() {
        let (vpc, id) = (VpcId::from_random(1), VpnConnectionId::from_random(1));
        let plan = |routes: &[&str], peer: [u8; 4], logs: u128| {
            let vpn = VpnPlan {
                id,
                number: 9,
                wanted: true,
                gateway: Some((VpnGatewayId::from_random(1), vpc)),
                transit: None,
                peer: peer.into(),
                local: Ipv4Cidr::ALL,
                remote: Ipv4Cidr::ALL,
                routes: routes.iter().map(|block| block.parse().unwrap()).collect(),
                tunnels: vec![],
                place: landfall_model::plan::Place::Here,
                up: !routes.is_empty(),
            };
            let mut plan = HostPlan { incarnation: 1, revision: 1, ..HostPlan::default() };
            plan.pieces.insert(PieceKey::Vpn(id), Piece::Vpn(vpn));
            for number in 0..logs {
                let log = FlowLogId::from_random(number);
                plan.pieces.insert(PieceKey::FlowLog(log), Piece::FlowLog(flow_log(log, vpc)));
            }
            plan
        };
        let mut applied = Applied::default();
        let first = plan(&[], [192, 0, 2, 1], 0);
        assert_eq!(applied.scope(&first, None), Scope::Everything, "a VPN that is new");
        applied.take(&first, None);
        let logged = HostPlan { revision: 2, ..plan(&[], [192, 0, 2, 1], 2) };
        assert_eq!(applied.scope(&logged, None), Scope::Nothing, "flow logs");
        applied.take(&logged, None);
        let routed = HostPlan { revision: 3, ..plan(&["10.9.0.0/16"], [192, 0, 2, 1], 1) };
        let changed = BTreeSet::from([PieceKey::Vpn(id)]);
        let expected = Scope::Networks([vpc].into(), changed.clone());
        assert_eq!(applied.scope(&routed, None), expected, "another route, and it is up");
        assert_eq!(applied.scope(&routed, Some(&changed)), expected, "where it is known what changed");
        applied.take(&routed, None);
        assert_eq!(applied.scope(&plan(&["10.9.0.0/16"], [192, 0, 2, 7], 1), None), Scope::Everything, "another peer");
    }

    fn flow_log(id: FlowLogId, vpc: VpcId) -> FlowLogPlan {
        FlowLogPlan {
            id,
            account: AccountId::PROVIDER,
            region: Region::DEFAULT,
            vpc,
            resource: FlowLogResource::Vpc(vpc),
            traffic: FlowLogTraffic::All,
            destination: String::new(),
            fields: vec![],
            interval_s: 60,
            hive_partitions: false,
            hourly_partitions: false,
            permission: landfall_model::plan::BucketPermission::Granted,
        }
    }

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
