//! VPCs and subnets: the default network that every account has in a region, and what a subnet's addresses are.

use std::net::Ipv4Addr;

use landfall_model::plan::AclRulePlan;
use landfall_model::{
    Cidr, DhcpOptions, InternetGateway, IpProtocol, Ipv4Cidr, NetworkAcl, NetworkAclId, PortRange, Region, Route,
    RouteTable, RouteTarget, Scope, SecurityGroup, Subnet, SubnetId, Vpc, VpcId, ZoneName,
};

use crate::fault::{ExistsKind, Fault, QuotaKind};
use crate::security_group;
use crate::tx::Tx;
use crate::value::{DhcpOptionsTable, InternetGateways, NetworkAcls, RouteTables, SecurityGroups, Subnets, Vpcs};
use crate::view::View;

/// The default VPC's block, as EC2's.
const DEFAULT_VPC: (Ipv4Addr, u8) = (Ipv4Addr::new(172, 31, 0, 0), 16);
/// The size of its subnets' blocks.
const DEFAULT_SUBNET_PREFIX: u8 = 20;
/// The largest number of a VPC: VXLAN's VNI has 24 bits.
const MAX_NUMBER: u64 = (1 << 24) - 1;

/// Makes the scope's default network if it never had one. An account that deleted its default VPC doesn't get it back
/// by itself; the mark is the set of DHCP options, which is made with the first.
pub fn ensure_default(tx: &mut Tx<'_, '_>) -> Result<(), Fault> {
    if tx.view().all::<DhcpOptionsTable, _>().next().is_some() {
        return Ok(());
    }
    let scope = tx.scope();
    let id = tx.new_id();
    let options = vec![
        ("domain-name".to_owned(), vec![scope.region.internal_domain()]),
        ("domain-name-servers".to_owned(), vec!["AmazonProvidedDNS".to_owned()]),
    ];
    tx.put::<DhcpOptionsTable>(DhcpOptions { scope, id, options });
    create_default_vpc(tx).map(|_| ())
}

/// Whether the scope still lacks its default network.
pub fn lacks_default(view: &View<'_>) -> bool {
    view.all::<DhcpOptionsTable, _>().next().is_none()
}

/// Makes the default VPC with a subnet in every zone, an internet gateway, and the way to it.
pub fn create_default_vpc(tx: &mut Tx<'_, '_>) -> Result<VpcId, Fault> {
    if tx.view().default_vpc().is_some() {
        return Err(Fault::Exists { kind: ExistsKind::DefaultVpc, what: "default VPC".into() });
    }
    let (address, prefix) = DEFAULT_VPC;
    let block = Ipv4Cidr::new(address, prefix).unwrap_or(Ipv4Cidr::ALL);
    let vpc = create_vpc(tx, block, true)?;
    let scope = tx.scope();
    let gateway = tx.new_id();
    tx.put::<InternetGateways>(InternetGateway { scope, id: gateway, vpc: Some(vpc) });
    let main = tx.view().main_route_table(vpc).map(RouteTable::key);
    if let Some(key) = main {
        tx.update::<RouteTables, _>(&key, |table| {
            table.routes.push(Route {
                destination: Cidr::V4(Ipv4Cidr::ALL),
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
    let cidr = (0..)
        .map_while(|index: u32| whole.nth(index.checked_mul(step)?))
        .filter_map(|first| Ipv4Cidr::new(first, DEFAULT_SUBNET_PREFIX))
        .find(|block| !taken.iter().any(|other| other.overlaps(*block)))
        .ok_or_else(|| Fault::NoAddress(vpc.id.to_string()))?;
    let (scope, vpc) = (tx.scope(), vpc.id);
    let id = tx.new_id();
    tx.put::<Subnets>(Subnet { scope, id, vpc, cidr, zone, default_for_az: true, map_public_ip: true });
    join_default_acl(tx, vpc, id);
    Ok(id)
}

/// Makes a VPC with what each has from the start: a main route table, a default network ACL and a default security group.
pub fn create_vpc(tx: &mut Tx<'_, '_>, block: Ipv4Cidr, is_default: bool) -> Result<VpcId, Fault> {
    let scope = tx.scope();
    let limit = tx.provider().quotas.vpcs;
    if tx.vpcs.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::Vpcs, u64::from(limit)));
    }
    let id: VpcId = tx.new_id();
    let number = free_number(tx);
    let dhcp_options = tx.view().all::<DhcpOptionsTable, _>().next().map(|row| row.id);
    let association = format!("vpc-cidr-assoc-{:017x}", tx.new_id::<landfall_model::VpcKind>().bits());
    tx.put::<Vpcs>(Vpc {
        scope,
        id,
        cidrs: vec![(association, block)],
        number,
        is_default,
        dhcp_options,
        dns_support: true,
        dns_hostnames: is_default,
        address_usage_metrics: false,
    });
    let (table, main) = (tx.new_id(), tx.new_id());
    tx.put::<RouteTables>(RouteTable {
        scope,
        id: table,
        vpc: id,
        routes: vec![],
        main: Some(main),
        associations: vec![],
    });
    let acl = tx.new_id();
    tx.put::<NetworkAcls>(open_acl(scope, acl, id));
    let group = tx.new_id();
    tx.put::<SecurityGroups>(SecurityGroup {
        scope,
        id: group,
        name: "default".into(),
        description: "default VPC security group".into(),
        vpc: id,
    });
    security_group::add_default_rules(tx, group);
    Ok(id)
}

fn free_number(tx: &mut Tx<'_, '_>) -> u32 {
    loop {
        let number = 1 + tx.entropy().below(MAX_NUMBER) as u32;
        if tx.vpcs.by_number.count(&number) == 0 {
            return number;
        }
    }
}

fn open_acl(scope: Scope, id: NetworkAclId, vpc: VpcId) -> NetworkAcl {
    let all = |number, allow| AclRulePlan {
        number,
        allow,
        protocol: IpProtocol::All,
        ports: PortRange::ANY,
        cidr: Cidr::V4(Ipv4Cidr::ALL),
    };
    let rules = vec![all(100, true), all(32767, false)];
    NetworkAcl { scope, id, vpc, is_default: true, ingress: rules.clone(), egress: rules, associations: vec![] }
}

fn join_default_acl(tx: &mut Tx<'_, '_>, vpc: VpcId, subnet: SubnetId) {
    let association = tx.new_id();
    let acl = tx.network_acls.by_vpc(&vpc).find(|acl| acl.is_default).map(NetworkAcl::key);
    if let Some(key) = acl {
        tx.update::<NetworkAcls, _>(&key, |acl| acl.associations.push((association, subnet)));
    }
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
