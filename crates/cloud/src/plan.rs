//! The host plan as a function of the value: piece by piece, from scratch, and what a change touches.
//!
//! [`piece`] is the only definition of what a piece says. [`keys`] lists the pieces that a host has, and [`affected`]
//! those that a change may touch; the plan kept from commit to commit is right exactly when `affected` names every piece
//! that changed, which a property test holds against [`from_scratch`].
//!
//! Looks across accounts: a host runs the machines of all.

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::plan::{
    DiskPlan, GroupPlan, GroupRulePlan, HostPlan, ImagePlan, InstancePlan, MetadataPlan, PeerPlan, Piece, PieceKey,
    PortLocation, PortPlan, PublicAddressPlan, RoutePlan, RouteTargetPlan, SubnetPlan, VolumePlan, VolumeSource,
    VpcPlan,
};
use landfall_model::{
    Cidr, Destination, Host, HostId, Image, ImageSource, Instance, InstanceType, NetworkInterface, Peer, PrefixListId,
    RouteTarget, RuleDirection, SecurityGroupId, Subnet, Volume, VolumeState, Vpc, VpcId,
};
use landfall_state::Change;

use crate::network::private_name;
use crate::value::{
    Addresses, Cloud, DhcpOptionsTable, Hosts, Images, Instances, Interfaces, InternetGateways, NetworkAcls,
    RouteTables, SecurityGroupRules, SecurityGroups, Subnets, Tags, Volumes, Vpcs,
};
use crate::view::View;

/// The whole plan of a host.
pub fn from_scratch(cloud: &Cloud, host: HostId, revision: u64) -> HostPlan {
    let pieces = keys(cloud, host).into_iter().filter_map(|key| piece(cloud, host, key).map(|piece| (key, piece)));
    HostPlan { incarnation: cloud.provider().incarnation, revision, pieces: pieces.collect() }
}

/// The keys of all pieces that a host has.
pub fn keys(cloud: &Cloud, host: HostId) -> BTreeSet<PieceKey> {
    let mut keys = BTreeSet::new();
    let mut vpcs = BTreeSet::new();
    for instance in cloud.instances.by_host(&host) {
        keys.insert(PieceKey::Instance(instance.id));
        vpcs.extend(cloud.interfaces.by_instance(&instance.id).map(|row| row.vpc));
    }
    keys.extend(cloud.volumes.by_host(&host).map(|row| PieceKey::Volume(row.id)));
    for vpc in vpcs {
        keys.extend(keys_of_vpc(cloud, vpc));
    }
    keys
}

fn keys_of_vpc(cloud: &Cloud, vpc: VpcId) -> impl Iterator<Item = PieceKey> {
    std::iter::once(PieceKey::Vpc(vpc))
        .chain(cloud.subnets.by_vpc(&vpc).map(|row| PieceKey::Subnet(row.id)))
        .chain(cloud.security_groups.by_vpc(&vpc).map(|row| PieceKey::Group(row.id)))
        .chain(cloud.interfaces.by_vpc(&vpc).map(|row| PieceKey::Port(row.id)))
}

/// What a change may touch, on every host: the pieces of those keys are to be made again.
#[derive(Debug, Default)]
pub struct Affected {
    /// Pieces that may differ.
    pub keys: BTreeSet<PieceKey>,
    /// VPCs that may have come to a host or left it, with the host: all their pieces are to be looked at there.
    pub presence: BTreeSet<(HostId, VpcId)>,
}

/// Adds what a change touches. `cloud` is the value after it.
pub fn affected(cloud: &Cloud, change: &Change, into: &mut Affected) {
    if let Some((before, after)) = change.of::<Instances>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Instance(row.id));
            into.keys.extend(cloud.interfaces.by_instance(&row.id).map(|row| PieceKey::Port(row.id)));
        }
        let host = |row: Option<&Instance>| row.and_then(|row| row.status.host);
        if host(before) != host(after) {
            for row in before.into_iter().chain(after) {
                if let Some(host) = row.status.host {
                    let vpcs = cloud.interfaces.by_instance(&row.id).map(|row| row.vpc);
                    into.presence.extend(vpcs.chain([row.spec.vpc]).map(|vpc| (host, vpc)));
                }
            }
        }
    } else if let Some((before, after)) = change.of::<Interfaces>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Port(row.id));
            if let Some(instance) = row.instance() {
                into.keys.insert(PieceKey::Instance(instance));
                let host = cloud.instances.by_id(&instance).next().and_then(|row| row.status.host);
                into.presence.extend(host.map(|host| (host, row.vpc)));
            }
        }
    } else if let Some((before, after)) = change.of::<Volumes>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Volume(row.id));
            into.keys.extend(row.attachment.as_ref().map(|attachment| PieceKey::Instance(attachment.instance)));
        }
    } else if let Some((before, after)) = change.of::<Hosts>() {
        let address = |row: Option<&Host>| row.map(|row| row.facts.address);
        // Room is taken and given back all the time; only the address is in plans, in those of other hosts.
        if address(before) != address(after)
            && let Some(row) = after.or(before)
        {
            let there = cloud.instances.by_host(&row.id);
            let ports = there.flat_map(|instance| cloud.interfaces.by_instance(&instance.id));
            into.keys.extend(ports.map(|row| PieceKey::Port(row.id)));
        }
    } else if let Some((before, after)) = change.of::<Tags>() {
        for row in before.into_iter().chain(after).filter(|row| row.kind == "instance") {
            into.keys.extend(row.resource.parse().ok().map(PieceKey::Instance));
        }
    } else {
        network_affected(cloud, change, into);
    }
}

fn network_affected(cloud: &Cloud, change: &Change, into: &mut Affected) {
    if let Some((before, after)) = change.of::<Vpcs>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Vpc(row.id)));
    } else if let Some((before, after)) = change.of::<Subnets>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Subnet(row.id)));
    } else if let Some((before, after)) = change.of::<SecurityGroups>() {
        for row in before.into_iter().chain(after) {
            into.keys.insert(PieceKey::Group(row.id));
        }
    } else if let Some((before, after)) = change.of::<SecurityGroupRules>() {
        into.keys.extend(before.into_iter().chain(after).map(|row| PieceKey::Group(row.group)));
    } else if let Some((before, after)) = change.of::<Addresses>() {
        let associations = before.into_iter().chain(after).filter_map(|row| row.association.as_ref());
        into.keys.extend(associations.map(|association| PieceKey::Port(association.interface)));
    } else if let Some((before, after)) = change.of::<InternetGateways>() {
        for vpc in before.into_iter().chain(after).filter_map(|row| row.vpc) {
            into.keys.insert(PieceKey::Vpc(vpc));
            into.keys.extend(cloud.subnets.by_vpc(&vpc).map(|row| PieceKey::Subnet(row.id)));
        }
    } else if let Some((before, after)) = change.of::<RouteTables>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(cloud.subnets.by_vpc(&row.vpc).map(|row| PieceKey::Subnet(row.id)));
        }
    } else if let Some((before, after)) = change.of::<NetworkAcls>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(row.associations.iter().map(|(_, subnet)| PieceKey::Subnet(*subnet)));
        }
    } else if let Some((before, after)) = change.of::<DhcpOptionsTable>() {
        for row in before.into_iter().chain(after) {
            into.keys.extend(cloud.vpcs.by_dhcp_options(&row.id).map(|row| PieceKey::Vpc(row.id)));
        }
    } else if let Some((_, after)) = change.of::<Images>() {
        // An image's bytes don't change; a new one is in no plan yet.
        debug_assert!(after.is_some(), "images that instances were launched from stay");
    }
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
    let mut keys = touched.keys;
    for (_, vpc) in touched.presence.iter().filter(|(h, _)| *h == host) {
        // Where a network's presence changed, all its pieces come or go; where it stays, only what was named above does.
        let was = plan.pieces.contains_key(&PieceKey::Vpc(*vpc));
        if was != is_present(cloud, host, *vpc) {
            keys.extend(keys_of_vpc(cloud, *vpc));
            keys.extend(plan.pieces.iter().filter(|(_, piece)| vpc_of(piece) == Some(*vpc)).map(|(key, _)| *key));
        }
    }
    let mut changed = BTreeMap::new();
    for key in keys {
        let new = piece(cloud, host, key);
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
        Piece::Peering(_) | Piece::TransitGateway(_) | Piece::Vpn(_) | Piece::FlowLog(_) => None,
        Piece::Volume(_) | Piece::Instance(_) => None,
    }
}

/// Whether a host has an instance with an interface in a VPC. Walks the smaller of the two sides that it could.
fn is_present(cloud: &Cloud, host: HostId, vpc: VpcId) -> bool {
    let here = |row: &NetworkInterface| {
        let instance = row.instance().and_then(|id| cloud.instances.by_id(&id).next());
        instance.is_some_and(|row| row.status.host == Some(host))
    };
    if cloud.interfaces.by_vpc.count(&vpc) <= cloud.instances.by_host.count(&host) {
        return cloud.interfaces.by_vpc(&vpc).any(here);
    }
    cloud.instances.by_host(&host).any(|row| cloud.interfaces.by_instance(&row.id).any(|row| row.vpc == vpc))
}

/// What a host's plan says under a key; `None` where it has no such piece.
pub fn piece(cloud: &Cloud, host: HostId, key: PieceKey) -> Option<Piece> {
    match key {
        PieceKey::Instance(id) => {
            let row = cloud.instances.by_id(&id).next().filter(|row| row.status.host == Some(host))?;
            Some(Piece::Instance(Box::new(instance(cloud, row)?)))
        }
        PieceKey::Volume(id) => {
            let row = cloud.volumes.by_id(&id).next().filter(|row| row.host == Some(host))?;
            Some(Piece::Volume(volume(cloud, row)?))
        }
        PieceKey::Port(id) => {
            let row = cloud.interfaces.by_id(&id).next().filter(|row| is_present(cloud, host, row.vpc))?;
            port(cloud, host, row).map(Piece::Port)
        }
        PieceKey::Group(id) => {
            let row = cloud.security_groups.by_id(&id).next().filter(|row| is_present(cloud, host, row.vpc))?;
            Some(Piece::Group(group(cloud, row.id, row.vpc)))
        }
        PieceKey::Subnet(id) => {
            let row = cloud.subnets.by_id(&id).next().filter(|row| is_present(cloud, host, row.vpc))?;
            Some(Piece::Subnet(subnet(cloud, row)))
        }
        PieceKey::NatGateway(_)
        | PieceKey::Peering(_)
        | PieceKey::TransitGateway(_)
        | PieceKey::Vpn(_)
        | PieceKey::FlowLog(_) => None,
        PieceKey::Vpc(id) => {
            let row = cloud.vpcs.by_id(&id).next().filter(|row| is_present(cloud, host, row.id))?;
            Some(Piece::Vpc(vpc(cloud, row)))
        }
    }
}

fn vpc(cloud: &Cloud, row: &Vpc) -> VpcPlan {
    let options = row.dhcp_options.and_then(|id| cloud.dhcp_options.get(&row.scope.key(id)));
    let values = |name: &str| {
        let found = options.and_then(|row| row.options.iter().find(|(key, _)| key == name));
        found.map_or(&[][..], |(_, values)| values.as_slice())
    };
    let addresses = |name: &str| values(name).iter().filter_map(|text| text.parse().ok()).collect();
    VpcPlan {
        id: row.id,
        cidrs: row.cidrs.iter().map(|(_, block)| *block).collect(),
        number: row.number,
        dns_support: row.dns_support,
        dns_hostnames: row.dns_hostnames,
        internet_gateway: cloud.internet_gateways.by_vpc.count(&row.id) > 0,
        domain_name: values("domain-name").first().cloned().unwrap_or_else(|| row.scope.region.internal_domain()),
        domain_name_servers: addresses("domain-name-servers"),
        ntp_servers: addresses("ntp-servers"),
        ipv6: row.ipv6.iter().map(|(_, block)| *block).collect(),
        egress_only: cloud.egress_only_gateways.by_vpc.count(&row.id) > 0,
        internet_routes: vec![],
        vpn_routes: vec![],
        private_names: BTreeMap::new(),
    }
}

fn subnet(cloud: &Cloud, row: &Subnet) -> SubnetPlan {
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let mut routes: Vec<_> = view
        .route_table_of(row)
        .map_or(&[][..], |table| &table.routes)
        .iter()
        .flat_map(|route| {
            let is_active = view.is_active(row.vpc, route.target);
            let target = if is_active { target(route.target) } else { RouteTargetPlan::Blackhole };
            blocks(cloud, route.destination).into_iter().map(move |destination| RoutePlan { destination, target })
        })
        .collect();
    routes.sort_by_key(|route| route.destination);
    let acl = cloud.network_acls.by_subnet(&row.id).next();
    let rules = |egress: bool| {
        let rules = acl.map_or(&[][..], |acl| if egress { &acl.egress } else { &acl.ingress });
        let mut rules = rules.to_vec();
        rules.sort_by_key(|rule| rule.number);
        rules
    };
    SubnetPlan {
        id: row.id,
        vpc: row.vpc,
        cidr: row.cidr,
        routes,
        acl_ingress: rules(false),
        acl_egress: rules(true),
        ipv6: row.ipv6.map(|(_, block)| block),
    }
}

/// Where a route leads that is active.
fn target(target: RouteTarget) -> RouteTargetPlan {
    match target {
        RouteTarget::InternetGateway(_) => RouteTargetPlan::InternetGateway,
        RouteTarget::Interface(id) => RouteTargetPlan::Interface(id),
        RouteTarget::NatGateway(id) => RouteTargetPlan::NatGateway(id),
        RouteTarget::EgressOnly(_) => RouteTargetPlan::EgressOnly,
        RouteTarget::Peering(id) => RouteTargetPlan::Peering(id),
        RouteTarget::TransitGateway(id) => RouteTargetPlan::TransitGateway(id),
        RouteTarget::VpnGateway(id) => RouteTargetPlan::VpnGateway(id),
        // What answers at a service's addresses is outside, until the service is one of the region's own.
        RouteTarget::Endpoint(_) => RouteTargetPlan::Blackhole,
        RouteTarget::Local => RouteTargetPlan::Local,
    }
}

/// The blocks that a destination stands for.
fn blocks(cloud: &Cloud, destination: Destination) -> Vec<Cidr> {
    match destination {
        Destination::Cidr(cidr) => vec![cidr],
        Destination::PrefixList(id) => prefixes(cloud, id),
    }
}

/// The blocks of a prefix list, whoever owns it.
fn prefixes(cloud: &Cloud, id: PrefixListId) -> Vec<Cidr> {
    let row = cloud.prefix_lists.by_id(&id).next();
    row.map_or(&[][..], |row| row.entries()).iter().map(|entry| entry.cidr).collect()
}

fn group(cloud: &Cloud, id: SecurityGroupId, vpc: VpcId) -> GroupPlan {
    let rules = |direction: RuleDirection| {
        let rows = cloud.security_group_rules.by_group(&id).filter(|row| row.direction == direction);
        let mut rules: Vec<_> = rows
            .flat_map(|row| {
                let peers = match row.peer {
                    Peer::Cidr(cidr) => vec![PeerPlan::Cidr(cidr)],
                    Peer::Group(group) => vec![PeerPlan::Group(group)],
                    Peer::PrefixList(list) => prefixes(cloud, list).into_iter().map(PeerPlan::Cidr).collect(),
                };
                peers.into_iter().map(|peer| GroupRulePlan { protocol: row.protocol, ports: row.ports, peer })
            })
            .collect();
        rules.sort();
        rules.dedup();
        rules
    };
    GroupPlan { id, vpc, ingress: rules(RuleDirection::Ingress), egress: rules(RuleDirection::Egress) }
}

fn port(cloud: &Cloud, host: HostId, row: &NetworkInterface) -> Option<PortPlan> {
    let instance = cloud.instances.by_id(&row.instance()?).next()?;
    let at = instance.status.host?;
    let location = if at == host {
        PortLocation::Here(instance.id)
    } else {
        PortLocation::Remote { host: at, address: cloud.hosts.get(&at)?.facts.address }
    };
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let public = row.addresses.iter().filter_map(|private| {
        view.public_of(row, *private).map(|public| PublicAddressPlan { private: *private, public })
    });
    Some(PortPlan {
        id: row.id,
        vpc: row.vpc,
        subnet: row.subnet,
        mac: row.mac,
        addresses: row.addresses.clone(),
        ipv6: row.ipv6.clone(),
        groups: row.groups.clone(),
        source_dest_check: row.source_dest_check,
        public: public.collect(),
        location,
        device_index: row.attachment.as_ref().map_or(0, |attachment| attachment.device_index),
        resource_name: None,
    })
}

fn volume(cloud: &Cloud, row: &Volume) -> Option<VolumePlan> {
    const GIB: u64 = 1 << 30;
    let source = match row.image.and_then(|id| cloud.images.by_id(&id).next()) {
        Some(image) => VolumeSource::Image(image_plan(image)),
        None => VolumeSource::Blank,
    };
    let wanted = row.state != VolumeState::Deleting;
    Some(VolumePlan { id: row.id, size_bytes: u64::from(row.size_gib) * GIB, source, wanted })
}

fn image_plan(image: &Image) -> ImagePlan {
    match &image.source {
        ImageSource::File { file, size_bytes, direct_boot } => {
            ImagePlan { id: image.id, file: file.clone(), size_bytes: *size_bytes, direct_boot: direct_boot.clone() }
        }
        ImageSource::Simulated => ImagePlan { id: image.id, file: String::new(), size_bytes: 0, direct_boot: None },
    }
}

fn instance(cloud: &Cloud, row: &Instance) -> Option<InstancePlan> {
    let kind = InstanceType::find(&row.spec.instance_type)?;
    let view = View::new(cloud, row.scope, landfall_model::Timestamp(0));
    let image = cloud.images.by_id(&row.spec.image).next();
    let disks = view.volumes_of(row).into_iter().filter_map(|volume| {
        let attachment = volume.attachment.as_ref()?;
        let root = attachment.device == row.spec.root_device;
        Some(DiskPlan { volume: volume.id, device: attachment.device.clone(), root })
    });
    let mut interfaces: Vec<_> = view.interfaces_of(row.id).collect();
    interfaces.sort_by_key(|row| row.attachment.as_ref().map(|attachment| attachment.device_index));
    Some(InstancePlan {
        id: row.id,
        account: row.scope.account,
        zone: row.spec.zone,
        power: row.spec.power,
        boot: row.spec.boot,
        reboots: row.spec.reboots,
        forced: row.spec.forced,
        vcpus: kind.vcpus,
        memory_mib: kind.memory_mib,
        machine: row.status.machine.clone(),
        disks: disks.collect(),
        interfaces: interfaces.iter().map(|row| row.id).collect(),
        direct_boot: image.and_then(|image| image_plan(image).direct_boot),
        metadata: metadata(&view, row, &interfaces),
    })
}

fn metadata(view: &View<'_>, row: &Instance, interfaces: &[&NetworkInterface]) -> MetadataPlan {
    let primary = interfaces.first().map(|row| row.primary());
    let groups = interfaces.iter().flat_map(|row| row.groups.iter().copied());
    let group_names = groups.filter_map(|id| {
        let row = view.find::<SecurityGroups, _>(id)?;
        Some((id, row.name.clone()))
    });
    // Tags show only where the owner asked for it, so that a change of them touches no plan otherwise.
    let tags = view.tags(&row.id.to_string()).filter(|_| row.spec.metadata.tags);
    MetadataPlan {
        options: row.spec.metadata.clone(),
        image: row.spec.image,
        instance_type: row.spec.instance_type.clone(),
        reservation: row.spec.reservation,
        launch_index: row.spec.launch_index,
        launched_at: row.spec.launched_at,
        hostname: primary.map_or_else(String::new, |address| private_name(row.scope.region, address)),
        public_domain: public_domain(view),
        key: row.spec.key.clone(),
        user_data: view.user_data(row).map(str::to_owned),
        tags: tags.cloned().unwrap_or_default(),
        group_names: group_names.collect(),
    }
}

/// What public names end in: `compute-1.amazonaws.com` in us-east-1 where the suffix is AWS's, `<region>.<suffix>`
/// elsewhere.
pub fn public_domain(view: &View<'_>) -> String {
    let (suffix, region) = (view.provider().public_domain.as_str(), view.scope().region);
    match suffix.strip_prefix("compute.") {
        Some(rest) if region.name() == "us-east-1" => format!("compute-1.{rest}"),
        _ => format!("{region}.{suffix}"),
    }
}

/// The name of a public address, such as `ec2-198-18-0-1.compute-1.amazonaws.com`.
pub fn public_name(view: &View<'_>, address: std::net::Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("ec2-{a}-{b}-{c}-{d}.{}", public_domain(view))
}
