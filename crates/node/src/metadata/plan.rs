//! What this process needs to know: the part of a host plan that guests may learn, arranged for answering.
//!
//! It is derived by a pure function, and a change between two of them is a value too, so that one more port costs one
//! small message. Readers are tolerant of unknown and missing fields, because the process that serves and the agent that
//! feeds it may be of neighbouring versions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use landfall_model::plan::{DiskPlan, HostPlan, InstancePlan, MetadataPlan, PortLocation, PortPlan, PublicAddressPlan};
use landfall_model::{AccountId, InstanceId, InterfaceId, Ipv4Cidr, Mac, SecurityGroupId, SubnetId, VpcId, ZoneName};
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
    /// The domain that DHCP tells.
    pub domain_name: String,
    /// The resolvers that DHCP tells; empty means our own.
    #[serde(default)]
    pub domain_name_servers: Vec<Ipv4Addr>,
    /// The time servers that DHCP tells; empty means our own.
    #[serde(default)]
    pub ntp_servers: Vec<Ipv4Addr>,
    /// Whether our resolver answers.
    pub dns_support: bool,
    /// The domain of private names, such as `ec2.internal`.
    pub internal_domain: String,
    /// The domain of public names, where the network gives them.
    #[serde(default)]
    pub public_domain: Option<String>,
    /// Every address in it that this host knows of, also on other hosts, and the public one that stands for it.
    pub hosts: BTreeMap<Ipv4Addr, Option<Ipv4Addr>>,
}

impl NetworkService {
    /// The address of the network's own resolver: the primary block's base plus two.
    pub fn resolver(&self) -> Option<Ipv4Addr> {
        self.cidrs.first().and_then(|cidr| cidr.nth(2))
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
    /// Public addresses and the private ones that they stand for.
    pub public: Vec<PublicAddressPlan>,
    /// Its subnet.
    pub subnet: SubnetId,
    /// The subnet's block; the gateway is the first address after its own.
    pub subnet_cidr: Ipv4Cidr,
    /// Its security groups.
    pub groups: Vec<SecurityGroupId>,
    /// The size of its largest packet, in bytes.
    pub mtu: u16,
}

impl PortService {
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
        served.networks.insert(
            vpc.number,
            NetworkService {
                namespace: names::namespace(namespace_prefix, vpc.number),
                vpc: vpc.id,
                cidrs: vpc.cidrs.clone(),
                domain_name: vpc.domain_name.clone(),
                domain_name_servers: vpc.domain_name_servers.clone(),
                ntp_servers: vpc.ntp_servers.clone(),
                dns_support: vpc.dns_support,
                internal_domain: vpc.domain_name.clone(),
                public_domain: None,
                hosts: BTreeMap::new(),
            },
        );
    }
    for port in plan.ports() {
        let Some(number) = plan.vpc(port.vpc).map(|vpc| vpc.number) else { continue };
        let Some(network) = served.networks.get_mut(&number) else { continue };
        for address in &port.addresses {
            let public = port.public.iter().find(|pair| pair.private == *address).map(|pair| pair.public);
            network.hosts.insert(*address, public);
        }
    }
    for instance in plan.instances() {
        let ports = instance.interfaces.iter().enumerate();
        let ports: Vec<_> = ports.filter_map(|(index, id)| derive_port(plan, instance, index, *id, mtu)).collect();
        for port in &ports {
            let Some(network) = served.networks.get_mut(&port.network) else { continue };
            network.internal_domain = instance.zone.region.internal_domain();
            if plan.vpc(network.vpc).is_some_and(|vpc| vpc.dns_hostnames) {
                network.public_domain = Some(instance.metadata.public_domain.clone());
            }
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

fn derive_port(
    plan: &HostPlan,
    instance: &InstancePlan,
    device_index: usize,
    id: InterfaceId,
    mtu: u16,
) -> Option<PortService> {
    let port: &PortPlan = plan.port(id).filter(|port| port.location == PortLocation::Here(instance.id))?;
    Some(PortService {
        id,
        network: plan.vpc(port.vpc)?.number,
        device: names::port_device(id),
        device_index,
        mac: port.mac,
        addresses: port.addresses.clone(),
        public: port.public.clone(),
        subnet: port.subnet,
        subnet_cidr: plan.subnet(port.subnet)?.cidr,
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

fn difference<K: Ord + Copy, V: PartialEq + Clone>(
    from: &BTreeMap<K, V>,
    to: &BTreeMap<K, V>,
) -> BTreeMap<K, Option<V>> {
    let keys: BTreeSet<K> = from.keys().chain(to.keys()).copied().collect();
    keys.into_iter().filter(|key| from.get(key) != to.get(key)).map(|key| (key, to.get(&key).cloned())).collect()
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
        assert_eq!(network.hosts[&sample::ADDRESS], Some(sample::PUBLIC));
        assert_eq!(network.hosts[&Ipv4Addr::new(10, 0, 1, 77)], None, "a port on another host has a name too");
        let (id, port) = served.ports().next().unwrap();
        assert_eq!(id, sample::instance_id());
        assert_eq!(port.gateway(), Ipv4Addr::new(10, 0, 1, 1));
        assert_eq!(port.mtu, 1450);
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
        }
        assert!(whole.change_to(&other).networks.is_empty());
    }
}
