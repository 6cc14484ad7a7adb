//! Where an instance runs, and the room that it takes there.
//!
//! The room is taken in the transaction that places the instance, so that two launches at once never take the same.
//! Memory isn't overcommitted; processors are, by the provider's ratio.

use std::collections::BTreeSet;

use landfall_model::{BootMode, Host, HostId, Instance, InstanceState, InstanceType, Usage, ZoneName};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{Cloud, Hosts, Usages};

/// Chooses the host with the most free memory among those that serve the zone, are heard, have room and have the firmware that
/// the instance boots by. `pinned` is the host whose disk has the instance's volumes already.
pub fn choose(
    tx: &Tx<'_, '_>,
    kind: InstanceType,
    boot: BootMode,
    zone: ZoneName,
    pinned: Option<HostId>,
) -> Result<HostId, Fault> {
    let ratio = u64::from(tx.provider().cpu_ratio);
    let free = |host: &Host| host.facts.memory_mib.saturating_sub(host.used_memory_mib);
    let serves = |host: &&Host| pinned.map_or(host.schedulable, |id| host.id == id) && host.serves(zone);
    let heard = |host: &&Host| host.lost.is_none();
    let boots = |host: &&Host| host.facts.uefi || boot != BootMode::Uefi;
    let best = tx
        .hosts
        .iter()
        .filter(serves)
        .filter(heard)
        .filter(boots)
        .filter(|host| free(host) >= kind.memory_mib)
        .filter(|host| host.used_vcpus + u64::from(kind.vcpus) <= u64::from(host.facts.cpus) * ratio)
        .max_by_key(|host| (free(host), std::cmp::Reverse(host.id)));
    best.map(|host| host.id).ok_or_else(|| {
        let why = match tx.hosts.iter().filter(serves).filter(heard).filter(boots).map(free).max() {
            None if tx.hosts.iter().any(|host| serves(&host) && heard(&host)) => {
                "its image boots by UEFI, and no host that it may be on has the firmware for that (Debian's package ovmf)".to_owned()
            }
            None if tx.hosts.iter().any(|host| serves(&host)) && pinned.is_some() => {
                "its volumes are on a host that does not answer at the moment".to_owned()
            }
            None if tx.hosts.iter().any(|host| serves(&host)) => {
                "no host of this zone answers at the moment".to_owned()
            }
            None => "no host serves this zone".to_owned(),
            Some(most) if most < kind.memory_mib => {
                format!("it needs {} MiB of memory and the emptiest host has {most} MiB left", kind.memory_mib)
            }
            Some(_) => format!("it needs {} virtual processors and no host has as many left", kind.vcpus),
        };
        Fault::NoCapacity { instance_type: kind.name(), zone: zone.to_string(), why }
    })
}

/// The host that does something for a whole zone, such as translating for a NAT gateway: the first one that is
/// schedulable there.
pub fn first_host(cloud: &Cloud, zone: ZoneName) -> Option<HostId> {
    first_host_besides(cloud, zone, &BTreeSet::new())
}

/// The same among those that aren't lost.
pub fn first_host_besides(cloud: &Cloud, zone: ZoneName, lost: &BTreeSet<HostId>) -> Option<HostId> {
    let heard = |host: &&Host| host.lost.is_none() && !lost.contains(&host.id);
    let serves = |host: &&Host| host.schedulable && heard(host) && host.serves(zone);
    cloud.hosts.iter().filter(serves).map(|host| host.id).min()
}

/// Takes the room of an instance on a host, and counts it against the account's quota.
pub fn take(tx: &mut Tx<'_, '_>, host: HostId, kind: InstanceType) -> Result<(), Fault> {
    let scope = tx.scope();
    let key = scope.key(0);
    let vcpus = tx.usage.get(&key).map_or(0, |usage| usage.vcpus) + u64::from(kind.vcpus);
    let limit = tx.quotas().vcpus;
    if vcpus > limit {
        return Err(Fault::Quota(QuotaKind::Vcpus, limit));
    }
    tx.put::<Usages>(Usage { scope, vcpus });
    tx.update::<Hosts, _>(&host, |host| {
        host.used_memory_mib += kind.memory_mib;
        host.used_vcpus += u64::from(kind.vcpus);
    });
    Ok(())
}

/// Gives back the room that an instance holds, if it does: once it is stopped or gone.
pub fn give_back(tx: &mut Tx<'_, '_>, instance: &mut Instance) {
    if !instance.status.holds_capacity {
        return;
    }
    instance.status.holds_capacity = false;
    let Some(kind) = InstanceType::find(&instance.spec.instance_type) else { return };
    let key = instance.scope.key(0);
    tx.update::<Usages, _>(&key, |usage| usage.vcpus = usage.vcpus.saturating_sub(u64::from(kind.vcpus)));
    if let Some(host) = instance.status.host {
        tx.update::<Hosts, _>(&host, |host| {
            host.used_memory_mib = host.used_memory_mib.saturating_sub(kind.memory_mib);
            host.used_vcpus = host.used_vcpus.saturating_sub(u64::from(kind.vcpus));
        });
    }
    debug_assert!(instance.status.state != InstanceState::Running, "a running instance keeps its room");
}
