//! Hosts: the provider's machines, what they have, and what is taken of it.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::id::HostId;
use crate::region::{Region, ZoneName};
use crate::time::Timestamp;

/// What an agent says of its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The machine's name.
    pub name: String,
    /// Its address on the underlay.
    pub address: Ipv4Addr,
    /// Processors.
    pub cpus: u32,
    /// Memory that guests may have: the machine's less the reserve, in MiB.
    pub memory_mib: u64,
    /// Disk that volumes may fill, in GiB.
    pub disk_gib: u64,
    /// `kvm`, `tcg` or `simulated`.
    pub hypervisor: String,
    /// The machine type that new instances get, such as `pc-q35-7.2`.
    pub machine: String,
    /// Plan format that it understands.
    pub format: u32,
    /// Whether it has UEFI's firmware for guests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uefi: bool,
    /// What file systems it can serve.
    #[serde(default, skip_serializing_if = "Shares::are_none")]
    pub shares: Shares,
}

/// What file systems a host can serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shares {
    /// None.
    #[default]
    None,
    /// Those whose files aren't encrypted where they lie.
    Plain,
    /// All.
    Encrypted,
}

impl Shares {
    fn are_none(&self) -> bool {
        *self == Self::None
    }
}

/// A host as the cloud knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Which.
    pub id: HostId,
    /// What its agent said of it.
    pub facts: HostFacts,
    /// Which region it serves; `None` for all, as a single machine and a simulated one do.
    pub region: Option<Region>,
    /// Which of the region's zones it serves; `None` for all.
    pub zone: Option<u8>,
    /// Whether new instances may be placed on it.
    pub schedulable: bool,
    /// SHA-256 of what its agent identifies itself with, in hexadecimal: of its token where agent and control plane are
    /// one process, of its public key where a network is between them. Empty as long as it has yet to join.
    pub token_sha256: String,
    /// That it was registered and has yet to join.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<Invitation>,
    /// Since when its agent isn't heard, if it isn't: nothing new is placed on it meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Timestamp>,
    /// When it joined.
    pub joined_at: Timestamp,
    /// Memory that placed instances have, in MiB: kept with each placement, so that two launches at once never take
    /// the same.
    pub used_memory_mib: u64,
    /// Virtual processors that placed instances have.
    pub used_vcpus: u64,
}

/// What lets an agent join as a host, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// SHA-256 of the secret that it shows, in hexadecimal.
    pub sha256: String,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Host {
    /// Whether it serves a zone, whether or not new instances may be placed on it.
    pub fn serves(&self, zone: ZoneName) -> bool {
        self.join.is_none()
            && self.region.is_none_or(|region| region == zone.region)
            && self.zone.is_none_or(|index| index == zone.index)
    }

    /// Its address on the underlay, if it has one: a host without isn't reached by others.
    pub fn underlay(&self) -> Option<Ipv4Addr> {
        Some(self.facts.address).filter(|address| !address.is_loopback() && !address.is_unspecified())
    }
}

/// What an account has taken in a region, kept with each launch and stop so that quotas need no walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Whose and where.
    pub scope: crate::scope::Scope,
    /// Virtual processors of instances that run or are to run.
    pub vcpus: u64,
}

/// What the provider has decided: one row for the whole cloud, written from the configuration at a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Grows by one with each restore: plans and reports compare it.
    pub incarnation: u64,
    /// Where public and elastic addresses come from.
    pub public_pool: crate::address::Ipv4Cidr,
    /// Where the IPv6 blocks of VPCs come from.
    #[serde(default = "default_ipv6_pool")]
    pub ipv6_pool: crate::address::Ipv6Cidr,
    /// Where the region's own services are to answer: see the rules of prefix lists.
    #[serde(default = "default_service_pool")]
    pub service_pool: crate::address::Ipv4Cidr,
    /// What public names end in, before the region: `ec2-198-18-0-1.<region>.<suffix>`.
    pub public_domain: String,
    /// The account that the provider itself acts in: the only one that sees and changes hosts.
    #[serde(default = "default_operator")]
    pub operator: crate::scope::AccountId,
    /// Virtual processors that may be promised for each real one.
    pub cpu_ratio: u32,
    /// Limits of an account in a region.
    pub quotas: Quotas,
    /// The names of the buckets that folders of the provider's stand for.
    #[serde(default, skip_serializing_if = "std::collections::BTreeSet::is_empty")]
    pub buckets: std::collections::BTreeSet<String>,
    /// Whose files go there. A bucket that isn't named here is the provider's own account's.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub bucket_accounts: std::collections::BTreeMap<String, BucketAccounts>,
}

/// Whose files go to a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BucketAccounts {
    /// Everybody's.
    All,
    /// These accounts'.
    These(std::collections::BTreeSet<crate::scope::AccountId>),
}

impl BucketAccounts {
    /// Whether an account is one of them.
    pub fn contain(&self, account: crate::scope::AccountId) -> bool {
        match self {
            Self::All => true,
            Self::These(accounts) => accounts.contains(&account),
        }
    }
}

impl Settings {
    /// Whether an account's files may go to a bucket. To whom they may not, there is no such bucket.
    pub fn takes(&self, bucket: &str, account: crate::scope::AccountId) -> bool {
        let is_whose = match self.bucket_accounts.get(bucket) {
            Some(accounts) => accounts.contain(account),
            None => account == self.operator,
        };
        is_whose && self.buckets.contains(bucket)
    }

    /// Whose a bucket is: that account's whose files alone go there. One that several share is the provider's, since none of
    /// them may see the others'.
    pub fn bucket_owner(&self, bucket: &str) -> Option<crate::scope::AccountId> {
        self.buckets.get(bucket)?;
        match self.bucket_accounts.get(bucket) {
            Some(BucketAccounts::These(accounts)) if accounts.len() == 1 => accounts.first().copied(),
            _ => Some(self.operator),
        }
    }
}

/// A part of the unique local addresses (RFC 4193), which nobody routes: an operator who has a real block names it.
pub fn default_ipv6_pool() -> crate::address::Ipv6Cidr {
    const PREFIX: u8 = 32;
    let first = std::net::Ipv6Addr::new(0xfd4c, 0x4641, 0, 0, 0, 0, 0, 0);
    crate::address::Ipv6Cidr::new(first, PREFIX).unwrap_or(crate::address::Ipv6Cidr::ALL)
}

/// The account that a cloud has unless another is asked for.
pub fn default_operator() -> crate::scope::AccountId {
    crate::scope::AccountId::PROVIDER
}

/// The half of the benchmarking range (RFC 2544) that the default pool of public addresses leaves.
pub fn default_service_pool() -> crate::address::Ipv4Cidr {
    const PREFIX: u8 = 16;
    crate::address::Ipv4Cidr::new(Ipv4Addr::new(198, 19, 0, 0), PREFIX).unwrap_or(crate::address::Ipv4Cidr::ALL)
}

/// Limits of an account in a region, by default AWS's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quotas {
    /// Virtual processors of running instances.
    pub vcpus: u64,
    /// VPCs: "VPCs per Region".
    pub vpcs: u32,
    /// IPv4 blocks of a VPC: "IPv4 CIDR blocks per VPC".
    pub blocks_per_vpc: u32,
    /// IPv6 blocks of a VPC: "IPv6 CIDR blocks per VPC".
    pub ipv6_blocks_per_vpc: u32,
    /// Subnets of a VPC: "Subnets per VPC".
    pub subnets_per_vpc: u32,
    /// Network ACLs of a VPC: "Network ACLs per VPC".
    pub acls_per_vpc: u32,
    /// Entries of a network ACL each way, the last ones that deny the rest included: "Rules per network ACL".
    pub rules_per_acl: u32,
    /// Elastic addresses.
    pub addresses: u32,
    /// Security groups.
    pub security_groups: u32,
    /// Rules of a security group, each way and of each family; a prefix list counts as many as it may have entries:
    /// "Inbound or outbound rules per security group".
    pub rules_per_group: u32,
    /// Security groups of an interface.
    pub groups_per_interface: u32,
    /// Flow logs of a VPC, a subnet or an interface: "Flow logs per single NAT gateway, network interface, subnet, or VPC".
    pub flow_logs_per_resource: u32,
    /// Paths whose reachability is analysed: "Paths".
    pub insights_paths: u32,
    /// Analyses of reachability: "Analyses".
    pub insights_analyses: u32,
    /// Key pairs.
    pub key_pairs: u32,
    /// Transit gateways ("Transit gateways per account").
    pub transit_gateways: u32,
    /// Route tables of a transit gateway ("Transit gateway route tables per transit gateway").
    pub transit_gateway_tables: u32,
    /// Attachments of a transit gateway ("Attachments per transit gateway").
    pub transit_gateway_attachments: u32,
    /// Static routes of a transit gateway's route table ("Static routes per transit gateway").
    pub transit_gateway_routes: u32,
    /// Customer gateways ("Customer gateways per Region").
    pub customer_gateways: u32,
    /// VPN gateways ("Virtual private gateways per Region").
    pub vpn_gateways: u32,
    /// VPNs ("Site-to-Site VPN connections per Region").
    pub vpn_connections: u32,
    /// VPNs of a VPN gateway ("Site-to-Site VPN connections per virtual private gateway").
    pub connections_per_vpn_gateway: u32,
    /// Static routes of a VPN ("Static routes from a customer gateway device to a Site-to-Site VPN connection").
    pub routes_per_vpn: u32,
    /// Interface endpoints of a VPC ("Interface and Gateway Load Balancer endpoints per VPC").
    pub interface_endpoints_per_vpc: u32,
    /// Gateway endpoints ("Gateway VPC endpoints per Region").
    pub gateway_endpoints: u32,
    /// Route tables of a VPC ("Route tables per VPC").
    pub route_tables_per_vpc: u32,
    /// Routes of a route table, those of prefix lists counted by the most entries that these may have ("Routes per route
    /// table (non-propagated routes)").
    pub routes_per_table: u32,
    /// Internet gateways ("Internet gateways per Region").
    pub internet_gateways: u32,
    /// Egress-only internet gateways ("Egress-only internet gateways per Region").
    pub egress_only_gateways: u32,
    /// NAT gateways in a zone ("NAT gateways per Availability Zone").
    pub nat_gateways_per_zone: u32,
    /// Private addresses of a NAT gateway ("Private IP address quota per NAT gateway").
    pub nat_private_addresses: u32,
    /// Elastic addresses of a public NAT gateway ("Elastic IP addresses per public NAT gateway").
    pub nat_elastic_addresses: u32,
    /// Peerings of a VPC that are in use ("Active VPC peering connections per VPC").
    pub peerings_per_vpc: u32,
    /// Peerings that an account has asked for and that wait ("Outstanding VPC peering connection requests").
    pub outstanding_peerings: u32,
    /// Network interfaces: AWS's "Network interfaces per Region".
    pub interfaces: u32,
    /// Prefix lists: "Customer-managed prefix lists per Region".
    pub prefix_lists: u32,
    /// Volumes.
    pub volumes: u32,
    /// Launch templates: the EC2 User Guide, "Restrictions for Amazon EC2 launch templates", as is the next.
    pub launch_templates: u32,
    /// Versions of a launch template.
    pub versions_per_launch_template: u32,
    /// Snapshots: AWS's "Snapshots per Region".
    pub snapshots: u32,
    /// Images: the EC2 User Guide, "AMI quotas", as are the next two.
    pub images: u32,
    /// Images that everybody may launch from.
    pub public_images: u32,
    /// Accounts that an image is shared with.
    pub accounts_per_image: u32,
}

macro_rules! quotas {
    ($($field:ident)*) => {
        impl Quotas {
            /// Their names, as the configuration has them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The limit of that name.
            pub fn limit(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($field) => Some(u64::from(self.$field)),)*
                    _ => None,
                }
            }

            /// Sets the limit of that name. Returns whether there is one and takes that number.
            pub fn set(&mut self, name: &str, limit: u64) -> bool {
                match name {
                    $(stringify!($field) => limit.try_into().map(|limit| self.$field = limit).is_ok(),)*
                    _ => false,
                }
            }
        }
    };
}

quotas! {
    vcpus vpcs blocks_per_vpc ipv6_blocks_per_vpc subnets_per_vpc acls_per_vpc rules_per_acl addresses security_groups rules_per_group groups_per_interface flow_logs_per_resource insights_paths insights_analyses key_pairs transit_gateways transit_gateway_tables transit_gateway_attachments transit_gateway_routes customer_gateways vpn_gateways vpn_connections connections_per_vpn_gateway routes_per_vpn interface_endpoints_per_vpc gateway_endpoints route_tables_per_vpc routes_per_table internet_gateways egress_only_gateways nat_gateways_per_zone nat_private_addresses nat_elastic_addresses peerings_per_vpc outstanding_peerings interfaces prefix_lists volumes launch_templates versions_per_launch_template snapshots images public_images accounts_per_image
}

impl Default for Quotas {
    /// Source: AWS's "Amazon VPC quotas", "Amazon EC2 service quotas", "Quotas for your transit gateways" and
    /// "Site-to-Site VPN quotas". Processors are the provider's to limit: their
    /// capacity is, by what the hosts have.
    fn default() -> Self {
        Self {
            vcpus: u64::MAX,
            vpcs: 5,
            blocks_per_vpc: 5,
            ipv6_blocks_per_vpc: 5,
            subnets_per_vpc: 200,
            acls_per_vpc: 200,
            rules_per_acl: 20,
            addresses: 5,
            security_groups: 2500,
            rules_per_group: 60,
            groups_per_interface: 5,
            flow_logs_per_resource: 2,
            insights_paths: 100,
            insights_analyses: 1000,
            key_pairs: 5000,
            transit_gateways: 5,
            transit_gateway_tables: 20,
            transit_gateway_attachments: 5000,
            transit_gateway_routes: 10_000,
            customer_gateways: 50,
            vpn_gateways: 5,
            vpn_connections: 50,
            connections_per_vpn_gateway: 10,
            routes_per_vpn: 100,
            interface_endpoints_per_vpc: 50,
            gateway_endpoints: 20,
            route_tables_per_vpc: 200,
            routes_per_table: 50,
            internet_gateways: 5,
            egress_only_gateways: 5,
            nat_gateways_per_zone: 5,
            nat_private_addresses: 8,
            nat_elastic_addresses: 2,
            peerings_per_vpc: 50,
            outstanding_peerings: 25,
            interfaces: 5000,
            prefix_lists: 100,
            volumes: 5000,
            launch_templates: 5000,
            versions_per_launch_template: 10_000,
            snapshots: 100_000,
            images: 50_000,
            public_images: 5,
            accounts_per_image: 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_has_a_name() {
        let value = serde_json::to_value(Quotas::default()).unwrap();
        let fields: std::collections::BTreeSet<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, Quotas::NAMES.iter().copied().collect());
        for name in Quotas::NAMES {
            let mut quotas = Quotas::default();
            assert!(quotas.set(name, 3), "{name}");
            assert_eq!(quotas.limit(name), Some(3), "{name}");
        }
        assert!(!Quotas::default().set("vpcs", 1 << 40));
        assert!(!Quotas::default().set("castles", 1));
    }
}
