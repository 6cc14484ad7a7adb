//! Hosts: the provider's machines, what they have, and what is taken of it.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::id::HostId;
use crate::region::Region;
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
    /// SHA-256 of the token that its agent identifies itself with, in hexadecimal.
    pub token_sha256: String,
    /// When it joined.
    pub joined_at: Timestamp,
    /// Memory that placed instances have, in MiB: kept with each placement, so that two launches at once never take
    /// the same.
    pub used_memory_mib: u64,
    /// Virtual processors that placed instances have.
    pub used_vcpus: u64,
}
