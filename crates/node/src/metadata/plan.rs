//! What this process needs to know: the part of a host plan that guests may learn, arranged for answering.
//!
//! It is derived by a pure function, and a change between two of them is a value too, so that one more port costs one
//! small message. Readers are tolerant of unknown and missing fields, because the process that serves and the agent that
//! feeds it may be of neighbouring versions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_model::plan::{
    AttachmentTo, DhcpPlan, DiskPlan, HostPlan, InstancePlan, MetadataPlan, PortLocation, PortPlan, PublicAddressPlan,
    VpcPlan,
};
use landfall_model::{
    AccountId, InstanceId, InterfaceId, Ipv4Cidr, Ipv6Cidr, Mac, SecurityGroupId, SubnetId, VpcId, ZoneName,
};
use serde::{Deserialize, Serialize};

use super::names;

/// The version of the format that this binary writes.
pub const FORMAT: u32 = 1;

/// Everything that is served on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// The virtual networks, by their number.
    pub networks: BTreeMap<u32, NetworkService>,
    /// The instances that are on this host.
    pub instances: BTreeMap<InstanceId, InstanceService>,
}

/// What is served in one virtual network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkService {
    /// The namespace's name.
    pub namespace: String,
    /// Which network.
    pub vpc: VpcId,
    /// Its blocks, the primary one first.
    pub cidrs: Vec<Ipv4Cidr>,
    /// Its IPv6 blocks; where it has none, nothing is served over IPv6.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Cidr>,
    /// The domain that DHCP tells.
    pub domain_name: String,
    /// The resolvers that DHCP tells.
    #[serde(default)]
    pub domain_name_servers: Vec<Ipv4Addr>,
    /// The time servers that DHCP tells; empty means our own.
    #[serde(default)]
    pub ntp_servers: Vec<Ipv4Addr>,
    /// What else DHCP tells.
    #[serde(default)]
    pub dhcp: DhcpPlan,
    /// Whether our resolver answers.
    pub dns_support: bool,
    /// Whether what has a public address here has a public name too.
    #[serde(default)]
    pub dns_hostnames: bool,
    /// The domain of private names, such as `ec2.internal`.
    pub internal_domain: String,
    /// The domain of public names.
    #[serde(default)]
    pub public_domain: Option<String>,
    /// Public addresses that stand for private ones of this network, on whichever host.
    #[serde(default)]
    pub public: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// The names of instances by their ids, where they are asked for.
    #[serde(default)]
    pub resource_names: BTreeMap<InstanceId, ResourceName>,
    /// What is said of the networks whose names may be asked for from here over a peering.
    #[serde(default)]
    pub peered: Peered,
    /// Names of services that have an endpoint in this network, in lower case. `*.` stands for any one label.
    #[serde(default)]
    pub private_names: BTreeMap<String, Vec<Ipv4Addr>>,
}

/// What a network knows of the names of those that it is peered with, or attached to a transit gateway with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peered {
    /// Their blocks.
    pub cidrs: Vec<Ipv4Cidr>,
    /// Public addresses that stand for private ones of theirs.
    pub public: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// The names of their instances by their ids.
    pub resource_names: BTreeMap<InstanceId, ResourceName>,
}

/// What the name after an instance's id leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceName {
    /// The IPv4 address, if it leads there.
    #[serde(default)]
    pub a: Option<Ipv4Addr>,
    /// The IPv6 address, if it leads there.
    #[serde(default)]
    pub aaaa: Option<Ipv6Addr>,
}

impl NetworkService {
    /// The address of the network's own resolver: the primary block's base plus two.
    pub fn resolver(&self) -> Option<Ipv4Addr> {
        self.cidrs.first().and_then(|cidr| cidr.nth(2))
    }

    /// Whether DHCP tells of the network's own resolver.
    pub fn tells_resolver(&self) -> bool {
        let others = !self.domain_name_servers.is_empty() || !self.dhcp.domain_name_servers_ipv6.is_empty();
        self.dns_support && self.dhcp.resolver && !others
    }
}

/// What is served to one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceService {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub zone: ZoneName,
    /// Its disks, the root one first.
    pub disks: Vec<DiskPlan>,
    /// What the metadata service tells it.
    pub metadata: MetadataPlan,
    /// Its interfaces, by device index.
    pub ports: Vec<PortService>,
}

/// What is served to one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortService {
    /// Which.
    pub id: InterfaceId,
    /// The number of its network.
    pub network: u32,
    /// The name of its device in the network's namespace.
    pub device: String,
    /// Its place among the instance's interfaces.
    pub device_index: usize,
    /// The guest's hardware address.
    pub mac: Mac,
    /// Its private addresses, the primary one first.
    pub addresses: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    #[serde(default)]
    pub ipv6: Vec<Ipv6Addr>,
    /// Public addresses and the private ones that they stand for.
    pub public: Vec<PublicAddressPlan>,
    /// Its subnet.
    pub subnet: SubnetId,
    /// The subnet's block; the gateway is the first address after its own.
    pub subnet_cidr: Ipv4Cidr,
    /// The subnet's IPv6 block.
    #[serde(default)]
    pub subnet_ipv6: Option<Ipv6Cidr>,
    /// Its security groups.
    pub groups: Vec<SecurityGroupId>,
    /// The size of its largest packet, in bytes.
    pub mtu: u16,
}

impl PortService {
    /// All its addresses, of both families.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let ipv6 = self.ipv6.iter().map(|address| IpAddr::V6(*address));
        self.addresses.iter().map(|address| IpAddr::V4(*address)).chain(ipv6)
    }

    /// The subnet's gateway, which is also what DHCP calls itself.
    pub fn gateway(&self) -> Ipv4Addr {
        self.subnet_cidr.nth(1).unwrap_or(self.subnet_cidr.first())
    }
}

/// Takes from a host plan what is served. Instances that are to stop or go are served too: a guest that is shutting down
/// still asks (scripts that sign it off). An interface whose network or subnet the plan lacks is not served.
pub fn derive(plan: &HostPlan, namespace_prefix: &str, mtu: u16) -> ServicePlan {
    let mut served = ServicePlan::default();
    for vpc in plan.vpcs() {
        served.networks.insert(vpc.number, derive_network(vpc, namespace_prefix));
    }
    for port in plan.ports() {
        let Some(network) = plan.vpc(port.vpc).and_then(|vpc| served.networks.get_mut(&vpc.number)) else { continue };
        network.public.extend(port.public.iter().map(|pair| (pair.public, pair.private)));
        if let Some(name) = port.resource_name.filter(|_| port.device_index == 0) {
            let a = port.addresses.first().copied().filter(|_| name.a);
            let aaaa = port.ipv6.first().copied().filter(|_| name.aaaa);
            network.resource_names.insert(name.instance, ResourceName { a, aaaa });
        }
    }
    for peering in plan.peerings() {
        let [one, other] = peering.vpcs;
        for (from, to, open) in [(one, other, peering.dns[1]), (other, one, peering.dns[0])] {
            if open {
                derive_peered(plan, &mut served, from, to);
            }
        }
    }
    for gateway in plan.transit_gateways() {
        let attached = gateway.attachments.iter().filter_map(|attachment| match attachment.to {
            AttachmentTo::Vpc { vpc, dns: true, .. } => Some(vpc),
            _ => None,
        });
        let attached: Vec<VpcId> = attached.collect();
        for (from, to) in attached.iter().flat_map(|from| attached.iter().map(move |to| (*from, *to))) {
            if from != to {
                derive_peered(plan, &mut served, from, to);
            }
        }
    }
    derive_connected(plan, &mut served);
    for instance in plan.instances() {
        let ports = instance.interfaces.iter();
        let ports: Vec<_> = ports.filter_map(|id| derive_port(plan, instance, *id, mtu)).collect();
        for port in &ports {
            let Some(network) = served.networks.get_mut(&port.network) else { continue };
            network.internal_domain = instance.zone.region.internal_domain();
            network.public_domain = Some(instance.metadata.public_domain.clone());
        }
        served.instances.insert(
            instance.id,
            InstanceService {
                account: instance.account,
                zone: instance.zone,
                disks: instance.disks.clone(),
                metadata: instance.metadata.clone(),
                ports,
            },
        );
    }
    served
}

fn derive_network(vpc: &VpcPlan, namespace_prefix: &str) -> NetworkService {
    NetworkService {
        namespace: names::namespace(namespace_prefix, vpc.number),
        vpc: vpc.id,
        cidrs: vpc.cidrs.clone(),
        ipv6: vpc.ipv6.clone(),
        domain_name: vpc.domain_name.clone(),
        domain_name_servers: vpc.domain_name_servers.clone(),
        ntp_servers: vpc.ntp_servers.clone(),
        dhcp: vpc.dhcp.clone(),
        dns_support: vpc.dns_support,
        dns_hostnames: vpc.dns_hostnames,
        internal_domain: vpc.domain_name.clone(),
        public_domain: None,
        public: BTreeMap::new(),
        resource_names: BTreeMap::new(),
        peered: Peered::default(),
        private_names: vpc.private_names.iter().map(|(name, at)| (name.to_ascii_lowercase(), at.clone())).collect(),
    }
}

/// Lets one network ask for the names of another. A network without public names has none to tell.
fn derive_peered(plan: &HostPlan, served: &mut ServicePlan, from: VpcId, to: VpcId) {
    let (Some(from), Some(to)) = (plan.vpc(from), plan.vpc(to)) else { return };
    let Some(to) = served.networks.get(&to.number) else { return };
    let (cidrs, names) = (to.cidrs.clone(), to.resource_names.clone());
    let public = if to.dns_hostnames { to.public.clone() } else { BTreeMap::new() };
    let Some(from) = served.networks.get_mut(&from.number) else { return };
    from.peered.cidrs.extend(cidrs);
    from.peered.public.extend(public);
    from.peered.resource_names.extend(names);
}

/// What names of endpoints of their own end in, whatever the service and the region.
const ENDPOINT_DOMAIN: &str = ".vpce.amazonaws.com";

/// Lets networks that are connected ask for the names that endpoints have of their own, as AWS lets everybody. What is
/// sent there is still the routes' and the groups' to let through.
fn derive_connected(plan: &HostPlan, served: &mut ServicePlan) {
    let peered = plan.peerings().map(|peering| peering.vpcs.to_vec());
    let attached = plan.transit_gateways().map(|gateway| {
        let vpcs = gateway.attachments.iter().filter_map(|attachment| match &attachment.to {
            AttachmentTo::Vpc { vpc, .. } => Some(*vpc),
            AttachmentTo::Vpn(_) => None,
        });
        vpcs.collect()
    });
    let own = |vpc: &VpcPlan| {
        let names = vpc.private_names.iter().map(|(name, at)| (name.to_ascii_lowercase(), at));
        names.filter(|(name, _)| name.ends_with(ENDPOINT_DOMAIN)).map(|(name, at)| (name, at.clone())).collect()
    };
    for connected in peered.chain(attached) {
        let connected: Vec<_> = connected.iter().filter_map(|id| plan.vpc(*id)).collect();
        let names: Vec<Vec<(String, Vec<Ipv4Addr>)>> = connected.iter().map(|vpc| own(vpc)).collect();
        for vpc in connected {
            let Some(network) = served.networks.get_mut(&vpc.number) else { continue };
            network.private_names.extend(names.iter().flatten().cloned());
        }
    }
}

fn derive_port(plan: &HostPlan, instance: &InstancePlan, id: InterfaceId, mtu: u16) -> Option<PortService> {
    let port: &PortPlan = plan.port(id).filter(|port| port.location == PortLocation::Here(instance.id))?;
    let subnet = plan.subnet(port.subnet)?;
    Some(PortService {
        id,
        network: plan.vpc(port.vpc)?.number,
        device: names::port_device(id),
        device_index: usize::try_from(port.device_index).ok()?,
        mac: port.mac,
        addresses: port.addresses.clone(),
        ipv6: port.ipv6.clone(),
        public: port.public.clone(),
        subnet: port.subnet,
        subnet_cidr: subnet.cidr,
        subnet_ipv6: subnet.ipv6,
        groups: port.groups.clone(),
        mtu,
    })
}

/// What changes between two plans. What is `None` goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceChange {
    /// Networks that are new, different or gone.
    pub networks: BTreeMap<u32, Option<NetworkService>>,
    /// Instances that are new, different or gone.
    pub instances: BTreeMap<InstanceId, Option<InstanceService>>,
}

impl ServicePlan {
    /// What has to change for this plan to become that one.
    pub fn change_to(&self, to: &ServicePlan) -> ServiceChange {
        ServiceChange {
            networks: difference(&self.networks, &to.networks),
            instances: difference(&self.instances, &to.instances),
        }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: ServiceChange) {
        merge(&mut self.networks, change.networks);
        merge(&mut self.instances, change.instances);
    }

    /// The networks whose sockets a change of this plan may touch.
    pub fn networks_of(&self, change: &ServiceChange) -> BTreeSet<u32> {
        let of_ports = |instance: &InstanceService| instance.ports.iter().map(|port| port.network).collect::<Vec<_>>();
        let before = change.instances.keys().filter_map(|id| self.instances.get(id)).flat_map(of_ports);
        let after = change.instances.values().flatten().flat_map(of_ports);
        change.networks.keys().copied().chain(before).chain(after).collect()
    }

    /// Lets a name lead to that address in every network.
    pub fn name_everywhere(&mut self, name: &str, address: Ipv4Addr) {
        for network in self.networks.values_mut() {
            network.private_names.insert(name.to_owned(), vec![address]);
        }
    }

    /// Every port that is served.
    pub fn ports(&self) -> impl Iterator<Item = (InstanceId, &PortService)> {
        self.instances.iter().flat_map(|(id, instance)| instance.ports.iter().map(|port| (*id, port)))
    }
}

impl ServiceChange {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.instances.is_empty()
    }
}

/// What has to change for one map to become another; what is `None` goes.
pub(super) fn difference<K: Ord + Copy, V: PartialEq + Clone>(
    from: &BTreeMap<K, V>,
    to: &BTreeMap<K, V>,
) -> BTreeMap<K, Option<V>> {
    let gone = from.keys().filter(|key| !to.contains_key(key)).map(|key| (*key, None));
    let come = to.iter().filter(|(key, value)| from.get(key) != Some(value));
    gone.chain(come.map(|(key, value)| (*key, Some(value.clone())))).collect()
}

fn merge<K: Ord, V>(into: &mut BTreeMap<K, V>, change: BTreeMap<K, Option<V>>) {
    for (key, value) in change {
        match value {
            Some(value) => into.insert(key, value),
            None => into.remove(&key),
        };
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::plan::{PeeringPlan, Piece, PieceKey};

    use super::super::sample;
    use super::*;

    #[test]
    fn a_host_plan_becomes_what_is_served() {
        let served = derive(&sample::host_plan(), "lf", 1450);
        assert_eq!(served.networks.keys().copied().collect::<Vec<_>>(), [7]);
        let network = &served.networks[&7];
        assert_eq!(network.namespace, "lf-7");
        assert_eq!(network.resolver(), Some(Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(network.internal_domain, "ec2.internal");
        assert_eq!(network.public_domain.as_deref(), Some("compute.landfall.test"));
        assert_eq!(network.public, BTreeMap::from([(sample::PUBLIC, sample::ADDRESS)]));
        let (id, port) = served.ports().next().unwrap();
        assert_eq!(id, sample::instance_id());
        assert_eq!(port.gateway(), Ipv4Addr::new(10, 0, 1, 1));
        assert_eq!(port.mtu, 1450);
        assert_eq!(port.ipv6[0], sample::IPV6);
        assert_eq!(port.subnet_ipv6, sample::SUBNET_IPV6.parse().ok());
        assert_eq!(network.resource_names.len(), 2, "an instance on another host has a name too");
    }

    #[test]
    fn a_peering_shows_one_network_to_the_other_as_far_as_it_says() {
        let mut plan = sample::host_plan();
        let near = plan.vpcs().next().unwrap().id;
        let mut far = plan.vpc(near).unwrap().clone();
        far.id = VpcId::from_random(50);
        far.number = 8;
        far.cidrs = vec!["10.9.0.0/16".parse().unwrap()];
        let port = plan.ports().find(|port| !port.public.is_empty()).unwrap();
        let mut other = port.clone();
        other.id = InterfaceId::from_random(60);
        other.vpc = far.id;
        let (private, public) = (Ipv4Addr::new(10, 9, 0, 4), Ipv4Addr::new(198, 18, 0, 44));
        other.public = vec![PublicAddressPlan { private, public }];
        let id = landfall_model::PeeringId::from_random(1);
        let peering = |dns| Piece::Peering(PeeringPlan { id, vpcs: [near, far.id], dns });
        plan.pieces.insert(PieceKey::Vpc(far.id), Piece::Vpc(far.clone()));
        plan.pieces.insert(PieceKey::Port(other.id), Piece::Port(other));
        for (dns, from_near, from_far) in
            [([false, false], 0, 0), ([true, false], 0, 1), ([false, true], 1, 0), ([true, true], 1, 1)]
        {
            plan.pieces.insert(PieceKey::Peering(id), peering(dns));
            let served = derive(&plan, "lf", 1500);
            let seen = |number: u32| served.networks[&number].peered.public.len();
            assert_eq!((seen(7), seen(8)), (from_near, from_far), "{dns:?}");
        }
        let served = derive(&plan, "lf", 1500);
        assert_eq!(served.networks[&7].peered.public, BTreeMap::from([(public, private)]));
        assert_eq!(served.networks[&7].peered.cidrs, far.cidrs);
        far.dns_hostnames = false;
        plan.pieces.insert(PieceKey::Vpc(far.id), Piece::Vpc(far));
        let served = derive(&plan, "lf", 1500);
        assert!(served.networks[&7].peered.public.is_empty(), "what has no public name isn't told");
    }

    #[test]
    fn what_is_attached_to_one_gateway_knows_the_names_of_what_tells_them() {
        use landfall_model::TransitGatewayAttachmentId as Id;
        use landfall_model::plan::{AttachmentPlan, TransitGatewayPlan};

        let mut plan = sample::host_plan();
        let near = plan.vpcs().next().unwrap().clone();
        let port = plan.ports().find(|port| !port.public.is_empty()).unwrap().clone();
        let public = |number: u8| Ipv4Addr::new(198, 18, 0, number);
        for number in [8, 9] {
            let id = VpcId::from_random(u128::from(number));
            let far = VpcPlan { id, number: number.into(), ..near.clone() };
            plan.pieces.insert(PieceKey::Vpc(far.id), Piece::Vpc(far));
            let pair = PublicAddressPlan { private: Ipv4Addr::new(10, number, 0, 4), public: public(number) };
            let other = InterfaceId::from_random(u128::from(number));
            let port = PortPlan { id: other, vpc: id, public: vec![pair], ..port.clone() };
            plan.pieces.insert(PieceKey::Port(other), Piece::Port(port));
        }
        let attachment = |number: u128, vpc, dns| AttachmentPlan {
            id: Id::from_random(number),
            to: AttachmentTo::Vpc { vpc, subnets: vec![], appliance: false, dns },
            routes: vec![],
        };
        let id = landfall_model::TransitGatewayId::from_random(1);
        let attachments = vec![
            attachment(7, near.id, true),
            attachment(8, VpcId::from_random(8), true),
            attachment(9, VpcId::from_random(9), false),
        ];
        let gateway = TransitGatewayPlan { id, number: 20, attachments };
        plan.pieces.insert(PieceKey::TransitGateway(id), Piece::TransitGateway(gateway));
        let served = derive(&plan, "lf", 1500);
        let known = |number: u32| served.networks[&number].peered.public.keys().copied().collect::<Vec<_>>();
        assert_eq!((known(7), known(8), known(9)), (vec![public(8)], vec![sample::PUBLIC], vec![]));
    }

    #[test]
    fn a_change_leads_from_one_plan_to_the_other_and_survives_json() {
        let whole = derive(&sample::host_plan(), "lf", 1500);
        let mut other = whole.clone();
        other.instances.values_mut().for_each(|instance| instance.metadata.tags.clear());
        for (from, to) in
            [(&ServicePlan::default(), &whole), (&whole, &other), (&other, &whole), (&whole, &ServicePlan::default())]
        {
            let change = from.change_to(to);
            assert!(!change.is_empty());
            let change = serde_json::from_str(&serde_json::to_string(&change).unwrap()).unwrap();
            let mut made = from.clone();
            made.apply(change);
            assert_eq!(&made, to);
            assert!(made.change_to(to).is_empty());
            assert_eq!(from.networks_of(&from.change_to(to)), BTreeSet::from([7]));
        }
        assert!(whole.change_to(&other).networks.is_empty());
    }
}
