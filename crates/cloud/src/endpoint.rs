//! Endpoints: how a VPC reaches the region's services without a way to the internet.
//!
//! A gateway endpoint is a route to its service's prefix list in the route tables that are named. An interface endpoint
//! has an interface in each of its subnets, one a zone, which answers in the service's stead; with private DNS the
//! service's ordinary name means these interfaces within the VPC.

use std::net::Ipv4Addr;

use landfall_model::{
    Destination, Endpoint, EndpointId, EndpointKind, InterfaceId, InterfacePurpose, LinkState, PrefixListId, Region,
    Route, RouteTable, RouteTableId, RouteTarget, SecurityGroupId, SubnetId, Vpc, VpcId,
};

use crate::fault::Fault;
use crate::interface::{self, NewInterface};
use crate::transit_gateway::{check_count, invalid_state};
use crate::tx::Tx;
use crate::value::{Cloud, Endpoints, Interfaces, RouteTables, Subnets, Vpcs};
use crate::view::View;

/// A service of every region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its short name.
    pub name: &'static str,
    /// Whether it is reached by routes; otherwise by interfaces.
    pub by_gateway: bool,
}

/// The services that endpoints lead to, by name, which is the one that calls are signed for too: all of a region's that the
/// API serves (IAM's is everywhere's), and those that are reached by routes.
pub static SERVICES: &[Service] = &[
    Service { name: "cloudtrail", by_gateway: false },
    Service { name: "dlm", by_gateway: false },
    Service { name: "dynamodb", by_gateway: true },
    Service { name: "ebs", by_gateway: false },
    Service { name: "ec2", by_gateway: false },
    Service { name: "elasticfilesystem", by_gateway: false },
    Service { name: "kms", by_gateway: false },
    Service { name: "s3", by_gateway: true },
    Service { name: "secretsmanager", by_gateway: false },
    Service { name: "ssm", by_gateway: false },
    Service { name: "sts", by_gateway: false },
];

impl Service {
    /// The service of that name in a region, such as `com.amazonaws.us-east-1.s3`.
    pub fn find(region: Region, full_name: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|service| service.full_name(region) == full_name)
    }

    /// Its name in a region.
    pub fn full_name(&self, region: Region) -> String {
        format!("com.amazonaws.{region}.{}", self.name)
    }

    /// The ordinary name of the machine that answers in a region.
    pub fn host_name(&self, region: Region) -> String {
        format!("{}.{region}.amazonaws.com", self.name)
    }

    /// What the names of its interface endpoints in a region end in.
    pub fn endpoint_domain(&self, region: Region) -> String {
        format!("{}.{region}.vpce.amazonaws.com", self.name)
    }

    /// The type of its endpoints.
    pub fn kind(&self) -> &'static str {
        if self.by_gateway { "Gateway" } else { "Interface" }
    }
}

/// A subnet of an interface endpoint, with the address that its interface is to have there, if one is asked for.
pub type Place = (SubnetId, Option<Ipv4Addr>);

/// What a new interface endpoint is to be.
#[derive(Clone, Debug, Default)]
pub struct NewInterfaces {
    /// Its subnets.
    pub places: Vec<Place>,
    /// Its interfaces' groups; the VPC's default one if none are named.
    pub groups: Vec<SecurityGroupId>,
    /// Whether the service's ordinary name is to mean it within the VPC.
    pub private_dns: bool,
}

/// Makes a gateway endpoint.
pub fn create_gateway(
    tx: &mut Tx<'_, '_>,
    vpc: VpcId,
    service: &Service,
    tables: &[RouteTableId],
    policy: Option<String>,
) -> Result<EndpointId, Fault> {
    tx.view().need::<Vpcs, _>(vpc)?;
    let is_gateway = |row: &&Endpoint| matches!(row.kind, EndpointKind::Gateway { .. }) && row.state.is_live();
    let live = tx.view().all::<Endpoints, _>().filter(is_gateway).count();
    check_count(live, tx.quotas().gateway_endpoints, LIMIT, "gateway VPC endpoints")?;
    let id = tx.new_id();
    let list = service_list(&tx.view(), service)?;
    let route_tables = add_routes(tx, id, vpc, list, tables)?;
    put(tx, id, vpc, service, EndpointKind::Gateway { route_tables }, policy);
    Ok(id)
}

const LIMIT: &str = "VpcEndpointLimitExceeded";

/// Makes an interface endpoint.
pub fn create_interface(
    tx: &mut Tx<'_, '_>,
    vpc: VpcId,
    service: &Service,
    new: NewInterfaces,
    policy: Option<String>,
) -> Result<EndpointId, Fault> {
    let view = tx.view();
    let row = view.need::<Vpcs, _>(vpc)?;
    if new.private_dns {
        check_private_dns(&view, row, service, None)?;
    }
    let is_interface = |row: &&Endpoint| matches!(row.kind, EndpointKind::Interface { .. }) && row.state.is_live();
    let live = tx.endpoints.by_vpc(&vpc).filter(is_interface).count();
    check_count(live, tx.quotas().interface_endpoints_per_vpc, LIMIT, "interface VPC endpoints of a VPC")?;
    let groups = interface::check_groups(&tx.view(), vpc, &new.groups)?;
    let (mut subnets, mut interfaces) = (Vec::new(), Vec::new());
    let id = tx.new_id();
    for place in new.places {
        interfaces.push(join(tx, id, vpc, &subnets, &groups, place)?);
        subnets.push(place.0);
    }
    let private_dns = new.private_dns;
    put(tx, id, vpc, service, EndpointKind::Interface { subnets, interfaces, groups, private_dns }, policy);
    Ok(id)
}

fn put(tx: &mut Tx<'_, '_>, id: EndpointId, vpc: VpcId, service: &Service, kind: EndpointKind, policy: Option<String>) {
    let (scope, created_at) = (tx.scope(), tx.now());
    // A route is there at once; interfaces take AWS a while.
    let state = if service.by_gateway { LinkState::Available } else { LinkState::Pending };
    let service = service.full_name(scope.region);
    tx.put::<Endpoints>(Endpoint { scope, id, vpc, service, kind, policy, state, created_at, expires_at: None });
}

/// That the service's ordinary name can mean an endpoint within a VPC: the VPC has names at all, and no other endpoint
/// has this one.
fn check_private_dns(view: &View<'_>, vpc: &Vpc, service: &Service, but: Option<EndpointId>) -> Result<(), Fault> {
    if !vpc.dns_support || !vpc.dns_hostnames {
        return Err(Fault::Mismatch(format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {}",
            vpc.id
        )));
    }
    let name = service.full_name(vpc.scope.region);
    let conflicts = |row: &&Endpoint| {
        let has_name = matches!(row.kind, EndpointKind::Interface { private_dns: true, .. });
        row.state.is_live() && has_name && row.service == name && Some(row.id) != but
    };
    if view.endpoints_of(vpc.id).any(|row| conflicts(&row)) {
        return Err(Fault::Mismatch(format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {} in the VPC {}",
            service.host_name(vpc.scope.region),
            vpc.id
        )));
    }
    Ok(())
}

/// The region's prefix list of a service.
fn service_list(view: &View<'_>, service: &Service) -> Result<PrefixListId, Fault> {
    let name = service.full_name(view.scope().region);
    let found = view.region_prefix_lists().find(|list| list.name == name);
    let missing = || Fault::NoSuch { code: "InvalidServiceName", noun: "Vpc Endpoint Service", id: name.clone() };
    found.map(|list| list.id).ok_or_else(missing)
}

/// Puts the route to a service into tables of the VPC, and returns the tables.
fn add_routes(
    tx: &mut Tx<'_, '_>,
    id: EndpointId,
    vpc: VpcId,
    list: PrefixListId,
    tables: &[RouteTableId],
) -> Result<Vec<RouteTableId>, Fault> {
    let destination = Destination::PrefixList(list);
    let mut added = Vec::with_capacity(tables.len());
    for &table in tables {
        let view = tx.view();
        let row = view.need::<RouteTables, _>(table)?;
        if row.vpc != vpc {
            let why = format!("Route table {table} and VPC endpoint belong to different networks.");
            return Err(Fault::Invalid { name: "RouteTableId", value: table.to_string(), why });
        }
        if row.routes.iter().any(|route| route.destination == destination) {
            let message = format!("route table {table} already has a route with destination-prefix-list-id {list}");
            return Err(Fault::Taken { code: "RouteAlreadyExists", message });
        }
        let key = row.key();
        let route = Route { destination, target: RouteTarget::Endpoint(id), origin: "CreateRoute".into() };
        tx.update::<RouteTables, _>(&key, |row| row.routes.push(route));
        added.push(table);
    }
    Ok(added)
}

/// Takes an endpoint's routes out of tables.
fn remove_routes(tx: &mut Tx<'_, '_>, id: EndpointId, tables: &[RouteTableId]) {
    for &table in tables {
        let key = tx.scope().key(table);
        tx.update::<RouteTables, _>(&key, |row| row.routes.retain(|route| route.target != RouteTarget::Endpoint(id)));
    }
}

/// Puts an interface into a subnet of the VPC in whose zone the endpoint has none.
fn join(
    tx: &mut Tx<'_, '_>,
    id: EndpointId,
    vpc: VpcId,
    others: &[SubnetId],
    groups: &[SecurityGroupId],
    (subnet, address): Place,
) -> Result<InterfaceId, Fault> {
    let view = tx.view();
    let new = view.need::<Subnets, _>(subnet)?;
    if new.vpc != vpc {
        let why = format!("It is not a subnet of {vpc}.");
        return Err(Fault::Invalid { name: "SubnetId", value: subnet.to_string(), why });
    }
    let zone = new.zone;
    if others.iter().filter_map(|other| view.find::<Subnets, _>(*other)).any(|other| other.zone == zone) {
        let message = format!("Found another VPC endpoint subnet in the availability zone of {subnet}: {zone}");
        return Err(Fault::Taken { code: "DuplicateSubnetsInSameZone", message });
    }
    let description = format!("VPC Endpoint Interface {id}");
    let purpose = InterfacePurpose::Endpoint(id);
    let new = NewInterface { address, groups: groups.to_vec(), description, purpose, ..NewInterface::default() };
    interface::create(tx, subnet, new, None)
}

/// What is to change of an endpoint. What belongs to the other kind must be empty.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Another policy; `Some(None)` for the default one.
    pub policy: Option<Option<String>>,
    /// Route tables to add and to remove.
    pub route_tables: [Vec<RouteTableId>; 2],
    /// Subnets to add, and those to give another address in.
    pub places: Vec<Place>,
    /// Subnets to leave.
    pub leave: Vec<SubnetId>,
    /// Groups to add and to remove.
    pub groups: [Vec<SecurityGroupId>; 2],
    /// Whether the service's ordinary name is to mean it.
    pub private_dns: Option<bool>,
}

/// Changes an endpoint.
pub fn modify(tx: &mut Tx<'_, '_>, id: EndpointId, change: Change) -> Result<(), Fault> {
    let mut row = need(&tx.view(), id)?.clone();
    if row.state != LinkState::Available {
        return Err(invalid_state(id));
    }
    let [add, remove] = &change.route_tables;
    let touches_interfaces = !change.places.is_empty()
        || !change.leave.is_empty()
        || change.groups.iter().any(|list| !list.is_empty())
        || change.private_dns.is_some();
    match &mut row.kind {
        EndpointKind::Gateway { .. } if touches_interfaces => {
            return Err(Fault::Mismatch(format!(
                "{id} is a gateway endpoint: it has no subnets, groups or private DNS."
            )));
        }
        EndpointKind::Interface { .. } if !add.is_empty() || !remove.is_empty() => {
            return Err(Fault::Mismatch(format!("{id} is an interface endpoint: it has no route tables.")));
        }
        EndpointKind::Gateway { route_tables } => {
            if let Some(other) = remove.iter().find(|table| !route_tables.contains(table)) {
                let why = format!("It is not a route table of {id}.");
                return Err(Fault::Invalid { name: "RemoveRouteTableId", value: other.to_string(), why });
            }
            route_tables.retain(|table| !remove.contains(table));
            remove_routes(tx, id, remove);
            let service = Service::find(row.scope.region, &row.service).ok_or_else(|| Fault::no_such(id))?;
            let list = service_list(&tx.view(), service)?;
            route_tables.extend(add_routes(tx, id, row.vpc, list, add)?);
        }
        EndpointKind::Interface { .. } if touches_interfaces => modify_interfaces(tx, &mut row, &change)?,
        EndpointKind::Interface { .. } => {}
    }
    row.policy = change.policy.unwrap_or(row.policy);
    tx.put::<Endpoints>(row);
    Ok(())
}

fn modify_interfaces(tx: &mut Tx<'_, '_>, row: &mut Endpoint, change: &Change) -> Result<(), Fault> {
    let (id, vpc) = (row.id, row.vpc);
    let service = Service::find(row.scope.region, &row.service).ok_or_else(|| Fault::no_such(id))?;
    let EndpointKind::Interface { subnets, interfaces, groups, private_dns } = &mut row.kind else { return Ok(()) };
    if let Some(is_on) = change.private_dns {
        let view = tx.view();
        if is_on {
            check_private_dns(&view, view.need::<Vpcs, _>(vpc)?, service, Some(id))?;
        }
        *private_dns = is_on;
    }
    let [add, remove] = &change.groups;
    if !add.is_empty() || !remove.is_empty() {
        groups.retain(|group| !remove.contains(group));
        groups.extend(add);
        if groups.is_empty() {
            return Err(Fault::Combination(format!("{id} must keep at least one security group.")));
        }
        *groups = interface::check_groups(&tx.view(), vpc, groups)?;
        for interface in interfaces.iter() {
            // The region's own, which a tenant's rules would refuse to change.
            let key = tx.scope().key(*interface);
            tx.update::<Interfaces, _>(&key, |row| row.groups.clone_from(groups));
        }
    }
    if let Some(other) = change.leave.iter().find(|subnet| !subnets.contains(subnet)) {
        let why = format!("It is not a subnet of {id}.");
        return Err(Fault::Invalid { name: "RemoveSubnetId", value: other.to_string(), why });
    }
    // An interface whose address is to change is replaced, as AWS does.
    let moved = change.places.iter().filter(|(_, address)| address.is_some()).map(|(subnet, _)| *subnet);
    let left: Vec<_> = change.leave.iter().copied().chain(moved).collect();
    let view = tx.view();
    let is_left = |interface: &InterfaceId| {
        view.find::<Interfaces, _>(*interface).is_some_and(|interface| left.contains(&interface.subnet))
    };
    let gone: Vec<_> = interfaces.iter().copied().filter(is_left).collect();
    interfaces.retain(|interface| !gone.contains(interface));
    subnets.retain(|subnet| !left.contains(subnet));
    gone.into_iter().for_each(|interface| interface::delete(tx, interface));
    for place in change.places.iter().filter(|(subnet, _)| !change.leave.contains(subnet)) {
        interfaces.push(join(tx, id, vpc, subnets, groups, *place)?);
        subnets.push(place.0);
    }
    row.state = LinkState::Pending;
    Ok(())
}

/// Deletes an endpoint. Its routes go at once, its interfaces when it is gone.
pub fn delete(tx: &mut Tx<'_, '_>, id: EndpointId) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?.clone();
    if let EndpointKind::Gateway { route_tables } = &row.kind {
        remove_routes(tx, id, route_tables);
    }
    tx.update::<Endpoints, _>(&row.key(), |row| row.state = LinkState::Deleting);
    Ok(())
}

/// An endpoint that was called, whoever has it: a guest may call with another account's key than its network's owner.
pub fn called(cloud: &Cloud, id: EndpointId) -> Option<&Endpoint> {
    cloud.endpoints.by_id(&id).next().filter(|row| row.state.is_live())
}

/// The service that an endpoint leads to.
pub fn service_of(row: &Endpoint) -> Option<&'static Service> {
    Service::find(row.scope.region, &row.service)
}

/// An endpoint that is there.
pub fn need<'v>(view: &View<'v>, id: EndpointId) -> Result<&'v Endpoint, Fault> {
    let row = view.need::<Endpoints, _>(id)?;
    if row.state.is_live() { Ok(row) } else { Err(Fault::no_such(id)) }
}

/// The names that an interface endpoint answers for within its VPC, each with its addresses: its own name, its own name in
/// each zone, and with private DNS the service's ordinary one. None once it is being deleted.
pub fn names(view: &View<'_>, row: &Endpoint) -> Vec<(String, Vec<Ipv4Addr>)> {
    let EndpointKind::Interface { interfaces, private_dns, .. } = &row.kind else { return Vec::new() };
    let Some(service) = service_of(row).filter(|_| row.state.is_live()) else { return Vec::new() };
    let rows: Vec<_> = interfaces.iter().filter_map(|id| view.find::<Interfaces, _>(*id)).collect();
    let all: Vec<_> = rows.iter().map(|row| row.primary()).collect();
    let label = format!("{}-{}", row.id, suffix(row.id));
    let domain = service.endpoint_domain(row.scope.region);
    let mut names = vec![(format!("{label}.{domain}"), all.clone())];
    names.extend(rows.iter().map(|row| (format!("{label}-{}.{domain}", row.zone), vec![row.primary()])));
    if *private_dns {
        names.push((service.host_name(row.scope.region), all));
    }
    names
}

/// Eight letters and digits that follow from an id, as the names of AWS's endpoints have them.
fn suffix(id: EndpointId) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    const LETTERS: u32 = 8;
    // A multiplication mixes the digits, so that the suffix doesn't merely repeat some of them.
    let bits = (id.bits() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..LETTERS).map(|n| char::from(ALPHABET[(bits >> (5 * n + 20)) as usize % ALPHABET.len()])).collect()
}

impl<'a> View<'a> {
    /// The endpoints of a VPC that the view gave.
    pub fn endpoints_of(&self, vpc: VpcId) -> impl Iterator<Item = &'a Endpoint> {
        self.tables().endpoints.by_vpc(&vpc)
    }

    /// Those of a gateway endpoint's route tables that are still there.
    pub fn tables_of(&self, row: &Endpoint) -> Vec<RouteTableId> {
        let EndpointKind::Gateway { route_tables } = &row.kind else { return Vec::new() };
        let there = route_tables.iter().filter_map(|id| self.find::<RouteTables, _>(*id));
        there.map(|table: &RouteTable| table.id).collect()
    }
}
