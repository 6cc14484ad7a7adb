//! Hosts: the provider registers them, their agents join once by an invitation, and they leave when nothing is left on them.
//!
//! An invitation is a secret that the control plane knows only by its hash, good once and for a day. Whoever shows it
//! names the key that is the host's from then on.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use landfall_model::{Host, HostFacts, HostId, ImageSource, Instance, Invitation, Timestamp, ZoneName};

use crate::fault::{ExistsKind, Fault};
use crate::tx::Tx;
use crate::value::{Cloud, Hosts};
use crate::{vpn, vpn_remains};

/// How long an invitation is good.
const INVITATION: Duration = Duration::from_secs(24 * 3600);
const NAME_CHARS: usize = 63;
const SHA256_DIGITS: usize = 64;

/// The host of that name.
pub fn named<'c>(cloud: &'c Cloud, name: &str) -> Option<&'c Host> {
    cloud.hosts.iter().find(|row| row.facts.name == name)
}

/// All hosts, by name.
pub fn all(cloud: &Cloud) -> Vec<&Host> {
    let mut rows: Vec<_> = cloud.hosts.iter().collect();
    rows.sort_by(|a, b| (&a.facts.name, a.id).cmp(&(&b.facts.name, b.id)));
    rows
}

/// Registers a host, or invites one anew that has yet to join. Until then it takes no instances.
pub fn register(
    tx: &mut Tx<'_, '_>,
    name: &str,
    zone: Option<ZoneName>,
    invitation_sha256: &str,
) -> Result<HostId, Fault> {
    check_name(name)?;
    if invitation_sha256.len() != SHA256_DIGITS || !invitation_sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        let (value, why) = (invitation_sha256.to_owned(), "It is the SHA-256 of a secret, in 64 hexadecimal digits.");
        return Err(Fault::Invalid { name: "InvitationSha256", value, why: why.into() });
    }
    let region = tx.scope().region;
    check_zone(region, zone)?;
    let expires_at = tx.now() + INVITATION;
    let join = Some(Invitation { sha256: invitation_sha256.to_ascii_lowercase(), expires_at });
    let before = named(tx, name).cloned();
    let id = match &before {
        Some(row) if row.join.is_none() => {
            return Err(Fault::Exists { kind: ExistsKind::Host, what: name.to_owned() });
        }
        Some(row) => row.id,
        None => tx.new_id(),
    };
    let joined_at = tx.now();
    tx.put::<Hosts>(Host {
        id,
        facts: HostFacts {
            name: name.to_owned(),
            address: Ipv4Addr::UNSPECIFIED,
            cpus: 0,
            memory_mib: 0,
            disk_gib: 0,
            hypervisor: String::new(),
            machine: String::new(),
            format: 0,
            uefi: false,
            shares: Default::default(),
        },
        region: Some(region),
        zone: zone.map(|zone| zone.index),
        schedulable: true,
        token_sha256: String::new(),
        join,
        lost: None,
        joined_at,
        used_memory_mib: 0,
        used_vcpus: 0,
    });
    Ok(id)
}

/// Whether a name is one that a machine can have.
fn check_name(name: &str) -> Result<(), Fault> {
    let good = !name.is_empty() && name.len() <= NAME_CHARS && !name.starts_with('-');
    if good && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
        return Ok(());
    }
    let why = "A host's name has up to 63 letters, digits, dots and dashes.".to_owned();
    Err(Fault::Invalid { name: "HostName", value: name.to_owned(), why })
}

fn check_zone(region: landfall_model::Region, zone: Option<ZoneName>) -> Result<(), Fault> {
    match zone {
        Some(zone) if zone.region != region => {
            let why = format!("This region is {region}.");
            Err(Fault::Invalid { name: "AvailabilityZone", value: zone.to_string(), why })
        }
        _ => Ok(()),
    }
}

/// Takes an agent's key as that of the host that the invitation is for. The same key is told again which host it is; a
/// spent, expired or unknown invitation gets nothing.
pub fn join(tx: &mut Tx<'_, '_>, invitation_sha256: &str, key_sha256: &str) -> Option<HostId> {
    if let Some(row) = tx.hosts.by_token(&key_sha256.to_owned()).next() {
        return Some(row.id);
    }
    let now = tx.now();
    let is_invited =
        |row: &&Host| row.join.as_ref().is_some_and(|join| join.sha256 == invitation_sha256 && join.expires_at > now);
    let mut row = tx.hosts.iter().find(is_invited)?.clone();
    row.join = None;
    row.joined_at = now;
    key_sha256.clone_into(&mut row.token_sha256);
    let id = row.id;
    tx.put::<Hosts>(row);
    // What waited for a host has one now.
    vpn::place_all(tx);
    Some(id)
}

/// Takes what an agent says of its machine. What a host that joined is called, its invitation said.
pub fn take_facts(tx: &mut landfall_state::Tx<'_, Cloud>, id: HostId, facts: HostFacts) {
    tx.update::<Hosts, _>(&id, |row| row.facts = facts);
}

/// Notes that a host's agent isn't heard any more, or is again. Returns whether that is new.
pub fn set_lost(tx: &mut landfall_state::Tx<'_, Cloud>, id: HostId, is_lost: bool, now: Timestamp) -> bool {
    let changes = tx.hosts.get(&id).is_some_and(|row| row.join.is_none() && row.lost.is_some() != is_lost);
    if changes {
        tx.update::<Hosts, _>(&id, |row| row.lost = is_lost.then_some(now));
    }
    changes
}

/// Changes what is decided about a host: whether it takes new instances, and its zone as long as nothing is on it.
pub fn update(
    tx: &mut Tx<'_, '_>,
    name: &str,
    schedulable: Option<bool>,
    zone: Option<ZoneName>,
) -> Result<HostId, Fault> {
    let mut row = named(tx, name).ok_or_else(|| no_such(name))?.clone();
    check_zone(tx.scope().region, zone)?;
    if let Some(zone) = zone.filter(|zone| row.zone != Some(zone.index)) {
        if let Some(what) = holds(tx, row.id) {
            return Err(Fault::InUse { what: format!("The host {name} can't change its zone: it has {what}.") });
        }
        row.region = Some(zone.region);
        row.zone = Some(zone.index);
    }
    row.schedulable = schedulable.unwrap_or(row.schedulable);
    let id = row.id;
    if tx.hosts.get(&id) != Some(&row) {
        tx.put::<Hosts>(row);
    }
    Ok(id)
}

/// Forgets a host on which nothing is left: its key opens nothing any more. Of one that isn't heard it can't be known
/// whether VPNs that went away from it still end there; whoever removes it says that they don't.
pub fn deregister(tx: &mut Tx<'_, '_>, name: &str) -> Result<HostId, Fault> {
    let id = named(tx, name).ok_or_else(|| no_such(name))?.id;
    if let Some(what) = holds(tx, id) {
        return Err(Fault::InUse { what: format!("The host {name} can't be removed: it has {what}.") });
    }
    vpn_remains::host_gone(tx, id);
    tx.delete::<Hosts>(&id);
    Ok(id)
}

/// What is on a host, if anything is.
fn holds(cloud: &Cloud, id: HostId) -> Option<String> {
    let (instances, volumes) = (cloud.instances.by_host.count(&id), cloud.volumes.by_host.count(&id));
    let gateways = cloud.nat_gateways.by_host(&id).filter(|row| row.state.is_live()).count();
    let is_heard = cloud.hosts.get(&id).is_some_and(|row| row.lost.is_none());
    let remains = if is_heard { cloud.vpn_remains.by_host.count(&id) } else { 0 };
    let vpns = cloud.vpn_connections.by_host.count(&id) + remains;
    (instances + volumes + gateways + vpns > 0).then(|| {
        format!("{instances} instances, {volumes} volumes, {gateways} NAT gateways and {vpns} VPN connections")
    })
}

fn no_such(name: &str) -> Fault {
    Fault::NoSuch { code: "InvalidHostName.NotFound", noun: "host", id: name.to_owned() }
}

/// The files of images that a host needs: those that its volumes are clones of, with what they and its
/// machines boot by.
pub fn image_files(cloud: &Cloud, host: HostId) -> BTreeSet<String> {
    let disks = cloud.volumes.by_host(&host).filter_map(|row| row.image);
    let kernels = cloud.instances.by_host(&host).filter_map(Instance::kernel_image);
    let images = disks.chain(kernels).filter_map(|id| cloud.images.by_id(&id).next());
    let files = images.flat_map(|image| match &image.source {
        ImageSource::File { file, direct_boot, .. } => {
            let boot = direct_boot.iter().flat_map(|boot| [Some(boot.kernel.clone()), boot.initrd.clone()]);
            std::iter::once(file.clone()).chain(boot.flatten()).collect()
        }
        ImageSource::Simulated => Vec::new(),
    });
    files.collect()
}

/// How many instances are on a host.
pub fn instances(cloud: &Cloud, host: HostId) -> usize {
    cloud.instances.by_host.count(&host)
}
