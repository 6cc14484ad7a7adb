//! Which VPCs a host has.
//!
//! A VPC is at home on a host that runs something in it. A host also has the VPCs that are connected with those, so that
//! what leaves one for another is routed and filtered where it is sent; what goes on from there crosses the underlay in
//! the network that it is meant for. One step is enough: a peering leads no further, and what a transit gateway hands to
//! a VPC is in that VPC.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use landfall_model::{HostId, NatGateway, NetworkInterface, VpcId};

use super::vpn;
use crate::value::Cloud;

/// The VPCs of one host, found out one by one and remembered.
pub(super) struct Presence<'c> {
    cloud: &'c Cloud,
    host: HostId,
    known: RefCell<BTreeMap<VpcId, bool>>,
}

impl<'c> Presence<'c> {
    /// What is known at the start: nothing.
    pub fn new(cloud: &'c Cloud, host: HostId) -> Self {
        Self { cloud, host, known: RefCell::default() }
    }

    /// Whether the host has that VPC.
    pub fn is_present(&self, vpc: VpcId) -> bool {
        if let Some(known) = self.known.borrow().get(&vpc) {
            return *known;
        }
        let cloud = self.cloud;
        let found = is_home(cloud, self.host, vpc)
            || neighbours(cloud, vpc).into_iter().any(|other| is_home(cloud, self.host, other));
        self.known.borrow_mut().insert(vpc, found);
        found
    }
}

/// The VPCs that a host has.
pub(super) fn present(cloud: &Cloud, host: HostId) -> BTreeSet<VpcId> {
    let instances = cloud.instances.by_host(&host);
    let mut vpcs: BTreeSet<VpcId> =
        instances.flat_map(|row| cloud.interfaces.by_instance(&row.id)).map(|row| row.vpc).collect();
    vpcs.extend(cloud.nat_gateways.by_host(&host).filter(|row| is_working(cloud, row)).map(|row| row.vpc));
    let vpns = cloud.vpn_connections.by_host(&host).filter(|row| vpn::is_working(cloud, row));
    vpcs.extend(vpns.flat_map(|row| vpn::networks(cloud, row)));
    let connected: Vec<_> = vpcs.iter().flat_map(|vpc| neighbours(cloud, *vpc)).collect();
    vpcs.extend(connected);
    vpcs
}

/// The VPCs that are connected with one: by a peering in use, or over a transit gateway.
pub(super) fn neighbours(cloud: &Cloud, vpc: VpcId) -> BTreeSet<VpcId> {
    let peered = cloud.peerings.by_vpc(&vpc).filter_map(|row| row.across(vpc)).map(|side| side.vpc);
    let gateways = cloud.transit_attachments.by_vpc(&vpc).filter(|row| row.state.is_live()).map(|row| row.gateway);
    let attached = gateways
        .flat_map(|gateway| cloud.transit_attachments.by_gateway(&gateway))
        .filter(|row| row.state.is_live())
        .filter_map(|row| row.resource.vpc());
    peered.chain(attached).filter(|other| *other != vpc && cloud.vpcs.by_id.count(other) > 0).collect()
}

/// Whether a NAT gateway translates, or is about to: not for an account that was stopped.
pub(super) fn is_working(cloud: &Cloud, row: &NatGateway) -> bool {
    row.state.is_live() && vpn::is_served(cloud, row.scope.account)
}

/// Whether a host runs something in a VPC. Walks the smaller of the two sides that it could.
fn is_home(cloud: &Cloud, host: HostId, vpc: VpcId) -> bool {
    if cloud.nat_gateways.by_vpc(&vpc).any(|row| row.host == Some(host) && is_working(cloud, row)) {
        return true;
    }
    if vpn::of_network(cloud, vpc).any(|row| row.host == Some(host) && vpn::is_working(cloud, row)) {
        return true;
    }
    let here = |row: &NetworkInterface| {
        let instance = row.instance().and_then(|id| cloud.instances.by_id(&id).next());
        instance.is_some_and(|row| row.status.host == Some(host))
    };
    if cloud.interfaces.by_vpc.count(&vpc) <= cloud.instances.by_host.count(&host) {
        return cloud.interfaces.by_vpc(&vpc).any(here);
    }
    cloud.instances.by_host(&host).any(|row| cloud.interfaces.by_instance(&row.id).any(|row| row.vpc == vpc))
}
