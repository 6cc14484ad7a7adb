//! The host plan as a function of the value: piece by piece, from scratch, and what a change touches.
//!
//! [`Planner::piece`] is the only definition of what a piece says. [`keys`] lists the pieces that a host has, and
//! [`affected`] those that a change may touch; the plan kept from commit to commit is right exactly when `affected` names
//! every piece that changed, which a property test holds against [`from_scratch`].
//!
//! Looks across accounts: a host runs the machines of all.

mod affected;
mod instance;
mod network;
mod presence;
mod transit;
mod vpn;

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::plan::{HostPlan, Piece, PieceKey};
use landfall_model::{HostId, Origin, VpcId, VpnSide};
use landfall_state::Change;

use crate::flow_log;
use crate::value::Cloud;
pub use affected::{Affected, affected};
pub use instance::{public_domain, public_name};
use presence::Presence;

/// The whole plan of a host.
pub fn from_scratch(cloud: &Cloud, host: HostId, revision: u64) -> HostPlan {
    let planner = Planner::new(cloud, host);
    let pieces = keys(cloud, host).into_iter().filter_map(|key| planner.piece(key).map(|piece| (key, piece)));
    HostPlan { incarnation: cloud.provider().incarnation, revision, pieces: pieces.collect() }
}

/// Whether calls of the API may come in on a host by that place: its plan has the network, and the endpoint is there.
pub fn has_origin(cloud: &Cloud, host: HostId, origin: Origin) -> bool {
    let endpoint = origin.endpoint.map(|id| cloud.endpoints.by_id(&id).any(|row| row.vpc == origin.vpc));
    endpoint.unwrap_or(true) && Presence::new(cloud, host).is_present(origin.vpc)
}

/// The keys of all pieces that a host has.
pub fn keys(cloud: &Cloud, host: HostId) -> BTreeSet<PieceKey> {
    let mut keys = BTreeSet::new();
    keys.extend(cloud.instances.by_host(&host).map(|row| PieceKey::Instance(row.id)));
    keys.extend(cloud.volumes.by_host(&host).map(|row| PieceKey::Volume(row.id)));
    for row in cloud.vpn_connections.by_host(&host) {
        keys.insert(PieceKey::Vpn(row.id));
        if let VpnSide::Transit(gateway, _) = row.gateway {
            keys.insert(PieceKey::TransitGateway(gateway));
            keys.extend(cloud.vpn_connections.by_transit(&gateway).map(|row| PieceKey::Vpn(row.id)));
        }
    }
    keys.extend(cloud.vpn_remains.by_host(&host).map(|row| PieceKey::Vpn(row.id)));
    for vpc in presence::present(cloud, host) {
        keys.extend(keys_of_vpc(cloud, vpc));
    }
    keys
}

/// The keys of all pieces that a host has for the sake of a VPC.
fn keys_of_vpc(cloud: &Cloud, vpc: VpcId) -> impl Iterator<Item = PieceKey> {
    std::iter::once(PieceKey::Vpc(vpc))
        .chain(cloud.subnets.by_vpc(&vpc).map(|row| PieceKey::Subnet(row.id)))
        .chain(cloud.security_groups.by_vpc(&vpc).map(|row| PieceKey::Group(row.id)))
        .chain(cloud.interfaces.by_vpc(&vpc).map(|row| PieceKey::Port(row.id)))
        .chain(cloud.nat_gateways.by_vpc(&vpc).map(|row| PieceKey::NatGateway(row.id)))
        .chain(cloud.peerings.by_vpc(&vpc).map(|row| PieceKey::Peering(row.id)))
        .chain(cloud.transit_attachments.by_vpc(&vpc).map(|row| PieceKey::TransitGateway(row.gateway)))
        .chain(cloud.endpoints.by_vpc(&vpc).map(|row| PieceKey::Endpoint(row.id)))
        .chain(flow_log::of_vpc(cloud, vpc).map(|row| PieceKey::FlowLog(row.id)))
        .chain(vpn::of_network(cloud, vpc).map(|row| PieceKey::Vpn(row.id)))
}

/// Brings a plan up to the value after the commits with those changes. Returns the pieces that differ.
pub fn advance<'c>(
    plan: &mut HostPlan,
    cloud: &Cloud,
    host: HostId,
    revision: u64,
    changes: impl Iterator<Item = &'c Change>,
) -> BTreeMap<PieceKey, Option<Piece>> {
    let mut touched = Affected::default();
    for change in changes {
        affected(cloud, change, &mut touched);
    }
    let planner = Planner::new(cloud, host);
    let moved = touched.moved(cloud, host);
    let mut keys = touched.keys;
    for vpc in moved {
        // Where a network's presence changed, all its pieces come or go; where it stays, only what was named above does.
        let was = plan.pieces.contains_key(&PieceKey::Vpc(vpc));
        if was != planner.presence.is_present(vpc) {
            keys.extend(keys_of_vpc(cloud, vpc));
            keys.extend(plan.pieces.iter().filter(|(_, piece)| vpc_of(piece) == Some(vpc)).map(|(key, _)| *key));
        }
    }
    let mut changed = BTreeMap::new();
    for key in keys {
        let new = planner.piece(key);
        if plan.pieces.get(&key) != new.as_ref() {
            match &new {
                Some(piece) => plan.pieces.insert(key, piece.clone()),
                None => plan.pieces.remove(&key),
            };
            changed.insert(key, new);
        }
    }
    plan.revision = revision;
    changed
}

fn vpc_of(piece: &Piece) -> Option<VpcId> {
    match piece {
        Piece::Vpc(plan) => Some(plan.id),
        Piece::Subnet(plan) => Some(plan.vpc),
        Piece::Group(plan) => Some(plan.vpc),
        Piece::Port(plan) => Some(plan.vpc),
        Piece::NatGateway(plan) => Some(plan.vpc),
        Piece::Endpoint(plan) => Some(plan.vpc),
        Piece::Vpn(plan) => plan.gateway.map(|(_, vpc)| vpc),
        // These have several, and are told by what connects them.
        Piece::Peering(_) | Piece::TransitGateway(_) => None,
        Piece::FlowLog(plan) => Some(plan.vpc),
        Piece::Volume(_) | Piece::Instance(_) => None,
    }
}

/// Makes pieces of one host's plan from one value.
struct Planner<'c> {
    cloud: &'c Cloud,
    host: HostId,
    presence: Presence<'c>,
}

impl<'c> Planner<'c> {
    fn new(cloud: &'c Cloud, host: HostId) -> Self {
        Self { cloud, host, presence: Presence::new(cloud, host) }
    }

    /// What the host's plan says under a key; `None` where it has no such piece.
    fn piece(&self, key: PieceKey) -> Option<Piece> {
        let Self { cloud, host, presence } = self;
        match key {
            PieceKey::Instance(id) => {
                let row = cloud.instances.by_id(&id).next().filter(|row| row.status.host == Some(*host))?;
                Some(Piece::Instance(Box::new(instance::instance(cloud, row)?)))
            }
            PieceKey::Volume(id) => {
                let row = cloud.volumes.by_id(&id).next().filter(|row| row.host == Some(*host))?;
                Some(Piece::Volume(instance::volume(cloud, row)?))
            }
            PieceKey::Port(id) => {
                let row = cloud.interfaces.by_id(&id).next().filter(|row| presence.is_present(row.vpc))?;
                network::port(cloud, *host, row).map(Piece::Port)
            }
            PieceKey::Group(id) => {
                let row = cloud.security_groups.by_id(&id).next().filter(|row| presence.is_present(row.vpc))?;
                Some(Piece::Group(network::group(cloud, row.id, row.vpc)))
            }
            PieceKey::Subnet(id) => {
                let row = cloud.subnets.by_id(&id).next().filter(|row| presence.is_present(row.vpc))?;
                Some(Piece::Subnet(network::subnet(cloud, row)))
            }
            PieceKey::Vpc(id) => {
                let row = cloud.vpcs.by_id(&id).next().filter(|row| presence.is_present(row.id))?;
                Some(Piece::Vpc(network::vpc(cloud, row)))
            }
            PieceKey::NatGateway(id) => {
                let row = cloud.nat_gateways.by_id(&id).next().filter(|row| presence.is_present(row.vpc))?;
                network::nat_gateway(cloud, *host, row).map(Piece::NatGateway)
            }
            PieceKey::Peering(id) => {
                let row = cloud.peerings.by_id(&id).next()?;
                let here = row.sides().iter().all(|side| presence.is_present(side.vpc));
                if here { network::peering(cloud, row).map(Piece::Peering) } else { None }
            }
            PieceKey::TransitGateway(id) => {
                let mut attached = cloud.transit_attachments.by_gateway(&id).filter_map(|row| row.resource.vpc());
                let here = attached.any(|vpc| presence.is_present(vpc)) || vpn::ends_one_of(cloud, *host, id);
                if here { transit::transit_gateway(cloud, presence, id).map(Piece::TransitGateway) } else { None }
            }
            PieceKey::Endpoint(id) => {
                let row = cloud.endpoints.by_id(&id).next().filter(|row| presence.is_present(row.vpc))?;
                network::endpoint(row).map(Piece::Endpoint)
            }
            PieceKey::FlowLog(id) => {
                let row = cloud.flow_logs.by_id(&id).next()?;
                let vpc = flow_log::vpc_of(cloud, row.resource).filter(|vpc| presence.is_present(*vpc))?;
                Some(Piece::FlowLog(network::flow_log(cloud.provider(), row, vpc)))
            }
            PieceKey::Vpn(id) => {
                let row = cloud.vpn_connections.by_id(&id).next();
                let plan = row.and_then(|row| vpn::vpn(cloud, presence, *host, row));
                plan.or_else(|| vpn::remains(cloud, *host, id)).map(Piece::Vpn)
            }
        }
    }
}
