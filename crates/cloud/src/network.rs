//! The default network that every account has in a region, gateways, which ways are open, and what a subnet's addresses
//! are.

use std::net::Ipv4Addr;

use landfall_model::id::{Id, Kind};
use landfall_model::{
    Cidr, Destination, DhcpOptions, InternetGateway, InternetGatewayId, Ipv4Cidr, NetworkInterface, Region, Route,
    RouteTable, RouteTarget, SecurityGroup, Subnet, SubnetId, VpcId, ZoneName,
};

use crate::fault::{ExistsKind, Fault};
use crate::subnet::{self, NewSubnet};
use crate::tx::Tx;
use crate::value::{
    DhcpOptionsTable, EgressOnlyGateways, Endpoints, Interfaces, InternetGateways, NatGateways, RouteTables, Usages,
    Vpcs, VpnGateways,
};
use crate::view::View;
use crate::vpc::{self, NewVpc};
use crate::{prefix_list, tag};

/// The default VPC's block, as EC2's.
const DEFAULT_VPC: (Ipv4Addr, u8) = (Ipv4Addr::new(172, 31, 0, 0), 16);
/// The size of its subnets' blocks.
const DEFAULT_SUBNET_PREFIX: u8 = 20;

/// Makes the scope's default network if it never had one. An account that deleted its default VPC doesn't get it back
/// by itself; the mark is a set of DHCP options, which is made with the first, or, where all of them were deleted, the row
/// of what the account has taken.
pub fn ensure_default(tx: &mut Tx<'_, '_>) -> Result<(), Fault> {
    let scope = tx.scope();
    prefix_list::ensure_region(tx, scope.region);
    if !lacks_network(&tx.view()) {
        return Ok(());
    }
    let id = tx.new_id();
    let options = vec![
        ("domain-name".to_owned(), vec![scope.region.internal_domain()]),
        ("domain-name-servers".to_owned(), vec!["AmazonProvidedDNS".to_owned()]),
    ];
    tx.put::<DhcpOptionsTable>(DhcpOptions { scope, id, options, is_default: true });
    create_default_vpc(tx).map(|_| ())
}

/// Whether the scope still lacks its default network, or its region the prefix lists of its own.
pub fn lacks_default(view: &View<'_>) -> bool {
    lacks_network(view) || prefix_list::lacks_region(view)
}

fn lacks_network(view: &View<'_>) -> bool {
    view.all::<DhcpOptionsTable, _>().next().is_none() && view.find::<Usages, _>(0).is_none()
}

/// Makes the default VPC with a subnet in every zone, an internet gateway, and the way to it.
pub fn create_default_vpc(tx: &mut Tx<'_, '_>) -> Result<VpcId, Fault> {
    if tx.view().default_vpc().is_some() {
        return Err(Fault::Exists { kind: ExistsKind::DefaultVpc, what: "default VPC".into() });
    }
    let (address, prefix) = DEFAULT_VPC;
    let block = Ipv4Cidr::new(address, prefix).unwrap_or(Ipv4Cidr::ALL);
    let vpc = vpc::create(tx, NewVpc { block, is_default: true, dedicated: false, ipv6: false })?;
    let scope = tx.scope();
    let gateway = tx.new_id();
    tx.put::<InternetGateways>(InternetGateway { scope, id: gateway, vpc: Some(vpc) });
    let main = tx.view().main_route_table(vpc).map(RouteTable::key);
    if let Some(key) = main {
        tx.update::<RouteTables, _>(&key, |table| {
            table.routes.push(Route {
                destination: Destination::Cidr(Cidr::V4(Ipv4Cidr::ALL)),
                target: RouteTarget::InternetGateway(gateway),
                origin: "CreateRoute".into(),
            });
        });
    }
    for zone in scope.region.zones() {
        create_default_subnet(tx, zone)?;
    }
    Ok(vpc)
}

/// Makes the default subnet of a zone, in the first free block of the default VPC.
pub fn create_default_subnet(tx: &mut Tx<'_, '_>, zone: ZoneName) -> Result<SubnetId, Fault> {
    let view = tx.view();
    let vpc = view.default_vpc().ok_or(Fault::NoDefaultVpc)?;
    let taken: Vec<_> = view.subnets_of(vpc.id).map(|subnet| subnet.cidr).collect();
    if view.subnets_of(vpc.id).any(|subnet| subnet.zone == zone && subnet.default_for_az) {
        return Err(Fault::Exists { kind: ExistsKind::DefaultSubnet, what: zone.to_string() });
    }
    let whole = vpc.cidrs.first().map_or(Ipv4Cidr::ALL, |(_, block)| *block);
    let step = 1_u32 << (32 - DEFAULT_SUBNET_PREFIX);
    let block = (0..)
        .map_while(|index: u32| whole.nth(index.checked_mul(step)?))
        .filter_map(|first| Ipv4Cidr::new(first, DEFAULT_SUBNET_PREFIX))
        .find(|block| !taken.iter().any(|other| other.overlaps(*block)))
        .ok_or_else(|| Fault::NoAddress(vpc.id.to_string()))?;
    let vpc = vpc.id;
    subnet::create(tx, NewSubnet { vpc, block, ipv6: None, zone: Some(zone), is_default: true })
}

/// Detaches an internet gateway from a VPC in which no interface has a public address.
pub fn detach_gateway(tx: &mut Tx<'_, '_>, id: InternetGatewayId, vpc: VpcId) -> Result<(), Fault> {
    let gateway = tx.view().need::<InternetGateways, _>(id)?;
    let key = gateway.key();
    tx.view().need::<Vpcs, _>(vpc)?;
    if gateway.vpc != Some(vpc) {
        return Err(Fault::NotAttached(format!("resource {id} is not attached to network {vpc}")));
    }
    let is_public =
        |row: &NetworkInterface| row.public_address.is_some() || tx.addresses.by_interface.count(&row.id) > 0;
    if tx.interfaces.by_vpc(&vpc).any(is_public) {
        return Err(Fault::InUse {
            what: format!(
                "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
            ),
        });
    }
    tx.update::<InternetGateways, _>(&key, |row| row.vpc = None);
    Ok(())
}

/// Deletes an internet gateway that is attached to nothing. Routes that lead to it lead nowhere from then on.
pub fn delete_gateway(tx: &mut Tx<'_, '_>, id: InternetGatewayId) -> Result<(), Fault> {
    let gateway = tx.view().need::<InternetGateways, _>(id)?;
    let key = gateway.key();
    if gateway.vpc.is_some() {
        return Err(has_dependencies("internetGateway", id));
    }
    tx.delete::<InternetGateways>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// That something can't go while others need it, in a whole sentence.
pub(crate) fn has_dependencies<K: Kind>(noun: &str, id: Id<K>) -> Fault {
    Fault::InUse { what: format!("The {noun} '{id}' has dependencies and cannot be deleted.") }
}

/// How many addresses of a subnet are free: all but the five that are reserved and those of interfaces.
pub fn free_addresses(view: &View<'_>, subnet: &Subnet) -> u64 {
    let taken: usize = view.tables().interfaces.by_subnet(&subnet.id).map(|interface| interface.addresses.len()).sum();
    (subnet.cidr.size() - RESERVED).saturating_sub(taken as u64)
}

/// Addresses of a subnet that nobody gets: its own, gateway, DNS, one for later, broadcast.
pub const RESERVED: u64 = 5;

impl<'a> View<'a> {
    /// The main route table of a VPC.
    pub fn main_route_table(&self, vpc: VpcId) -> Option<&'a RouteTable> {
        let mut tables = self.tables().route_tables.by_vpc(&vpc);
        tables.find(|table| table.main.is_some())
    }

    /// The route table that a subnet uses: its own choice, or its VPC's main one.
    pub fn route_table_of(&self, subnet: &Subnet) -> Option<&'a RouteTable> {
        let chosen = self.tables().route_tables.by_subnet(&subnet.id).next();
        chosen.or_else(|| self.main_route_table(subnet.vpc))
    }

    /// Whether a route's target is there to take packets.
    pub fn is_active(&self, vpc: VpcId, target: RouteTarget) -> bool {
        match target {
            RouteTarget::InternetGateway(id) => {
                self.find::<InternetGateways, _>(id).is_some_and(|gateway| gateway.vpc == Some(vpc))
            }
            RouteTarget::Interface(id) => self.find::<Interfaces, _>(id).is_some_and(|row| row.attachment.is_some()),
            RouteTarget::NatGateway(id) => {
                self.find::<NatGateways, _>(id).is_some_and(|row| row.vpc == vpc && row.state.is_live())
            }
            RouteTarget::EgressOnly(id) => self.find::<EgressOnlyGateways, _>(id).is_some_and(|row| row.vpc == vpc),
            RouteTarget::Peering(id) => {
                let row = self.tables().peerings.by_id(&id).next();
                row.is_some_and(|row| row.across(vpc).is_some())
            }
            RouteTarget::TransitGateway(id) => {
                let mut attachments = self.tables().transit_attachments.by_vpc(&vpc);
                attachments.any(|row| row.gateway == id && row.state.is_live())
            }
            RouteTarget::VpnGateway(id) => self.find::<VpnGateways, _>(id).is_some_and(|row| row.vpc == Some(vpc)),
            RouteTarget::Endpoint(id) => {
                self.find::<Endpoints, _>(id).is_some_and(|row| row.vpc == vpc && row.state.is_live())
            }
            RouteTarget::Local => true,
        }
    }

    /// The subnets of a VPC.
    pub fn subnets_of(&self, vpc: VpcId) -> impl Iterator<Item = &'a Subnet> {
        self.tables().subnets.by_vpc(&vpc)
    }

    /// The default security group of a VPC.
    pub fn default_group(&self, vpc: VpcId) -> Option<&'a SecurityGroup> {
        let mut groups = self.tables().security_groups.by_vpc(&vpc);
        groups.find(|group| group.name == "default")
    }

    /// The default subnet of a zone, or of the first zone that has one.
    pub fn default_subnet(&self, zone: Option<ZoneName>) -> Result<&'a Subnet, Fault> {
        let vpc = self.default_vpc().ok_or(Fault::NoDefaultVpc)?;
        let region: Region = self.scope().region;
        region
            .zones()
            .filter(|each| zone.is_none_or(|zone| zone == *each))
            .find_map(|each| self.subnets_of(vpc.id).find(|subnet| subnet.zone == each && subnet.default_for_az))
            .ok_or_else(|| zone.map_or(Fault::NoDefaultVpc, |zone| Fault::NoDefaultSubnet(zone.to_string())))
    }
}

/// The name of a private address in a region, such as `ip-10-0-0-4.ec2.internal`.
pub fn private_name(region: Region, address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("ip-{a}-{b}-{c}-{d}.{}", region.internal_domain())
}
