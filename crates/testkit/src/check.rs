//! What must hold when nothing is under way: what runs is what is asked for, what is counted adds up, and nothing is left
//! over, neither in the value nor on a host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use landfall_cloud::{Cloud, plan};
use landfall_model::plan::Power;
use landfall_model::{
    Attachment, AttachmentState, HostId, Instance, InstanceId, InstanceState, InstanceType, Scope, Timestamp,
    VolumeState,
};
use landfall_node::driver::{Guest, GuestState};

use crate::acknowledged::exists;
use crate::world::World;

/// What is on a host.
struct Seen {
    guests: BTreeMap<InstanceId, Guest>,
    inventory: BTreeSet<String>,
    is_heard: BTreeSet<InstanceId>,
}

/// Checks a world that is at rest.
pub fn check(world: &mut World) {
    let mut seen = BTreeMap::new();
    world.each_host(&mut |id, sim| {
        let machine = sim.machine();
        assert!(machine.violations().is_empty(), "{id}: {:?}", machine.violations());
        let guests: BTreeMap<_, _> = machine.inspect_guests().into_iter().map(|guest| (guest.id, guest)).collect();
        let is_heard = guests.keys().copied().filter(|guest| machine.is_heard(*guest)).collect();
        seen.insert(id, Seen { guests, inventory: machine.inventory(), is_heard });
    });
    if let Some(plane) = world.plane() {
        world.mirror().check_same(&plane.engine);
    }
    world.acknowledged.check(world.mirror());
    let (cloud, now) = (world.mirror().cloud(), world.now());
    for row in cloud.instances.iter() {
        check_instance(row, row.status.host.and_then(|host| seen.get(&host)));
    }
    for (host, seen) in &seen {
        check_host(cloud, *host, seen);
    }
    check_room(cloud);
    check_addresses(cloud);
    check_owners(cloud, now);
}

/// Observed is desired: the state that the API shows is that of the guest.
fn check_instance(row: &Instance, host: Option<&Seen>) {
    let guest = host.and_then(|host| host.guests.get(&row.id));
    let live = guest.filter(|guest| guest.state == GuestState::Running);
    let what = || format!("{row:?}\nand on its host: {guest:?}");
    match row.status.state {
        InstanceState::Running => {
            assert_eq!(row.spec.power, Power::On, "runs unasked: {}", what());
            let Some(live) = live else { panic!("shown as running, and doesn't: {}", what()) };
            assert_eq!((live.boot, live.reboots), (row.spec.boot, row.spec.reboots), "orders not met: {}", what());
            assert_eq!((row.status.boot, row.status.reboots), (live.boot, live.reboots), "not reported: {}", what());
            let is_heard = host.is_some_and(|host| host.is_heard.contains(&row.id));
            assert_eq!(row.status.answered, is_heard, "its answer isn't reported: {}", what());
            assert_eq!(row.status.machine, live.machine, "its machine isn't pinned: {}", what());
        }
        InstanceState::Stopped => {
            assert_eq!(row.spec.power, Power::Off, "{}", what());
            assert!(live.is_none(), "shown as stopped, and runs: {}", what());
            assert!(row.status.host.is_some(), "its volumes are nowhere: {}", what());
        }
        InstanceState::Terminated => {
            assert_eq!((row.spec.power, row.status.host), (Power::Gone, None), "{}", what());
            assert!(row.status.expires_at.is_some(), "its tombstone never goes: {}", what());
        }
        state => panic!("{} is still {}: {}", row.id, state.name(), what()),
    }
}

/// No process, folder, volume, port or network is on a host that isn't planned there, and what is planned is.
fn check_host(cloud: &Cloud, host: HostId, seen: &Seen) {
    let plan = plan::from_scratch(cloud, host, 0);
    let mut needed: BTreeSet<String> = BTreeSet::new();
    let mut allowed: BTreeSet<String> = BTreeSet::new();
    for row in cloud.instances.by_host(&host) {
        // What a stopped guest leaves (its console) stays until it goes.
        allowed.insert(format!("folder {}", row.id));
        if row.status.state == InstanceState::Running {
            needed.insert(format!("folder {}", row.id));
            needed.insert(format!("process {}", row.id));
            let attached = cloud.interfaces.by_instance(&row.id);
            needed.extend(attached.map(|interface| format!("plug of {} in {}", interface.id, row.id)));
        }
    }
    for row in cloud.volumes.by_host(&host) {
        match row.state {
            VolumeState::Present => drop(needed.insert(format!("volume {}", row.id))),
            // Whether something of it is there depends on how it failed.
            VolumeState::Error => drop(allowed.insert(format!("volume {}", row.id))),
            VolumeState::Creating | VolumeState::Deleting => panic!("{} is still on its way: {row:?}", row.id),
        }
    }
    needed.extend(plan.vpcs().map(|vpc| format!("namespace {}", vpc.id)));
    needed.extend(plan.ports().map(|port| format!("port {}", port.id)));
    let missing: Vec<_> = needed.difference(&seen.inventory).collect();
    assert!(missing.is_empty(), "{host} lacks {missing:?}");
    let left: Vec<_> = seen.inventory.iter().filter(|it| !needed.contains(*it) && !allowed.contains(*it)).collect();
    assert!(left.is_empty(), "left over on {host}: {left:?}");
}

/// What is counted as taken adds up to what has taken it.
fn check_room(cloud: &Cloud) {
    let mut memory: BTreeMap<HostId, u64> = BTreeMap::new();
    let mut vcpus: BTreeMap<HostId, u64> = BTreeMap::new();
    let mut usage: BTreeMap<Scope, u64> = BTreeMap::new();
    for row in cloud.instances.iter() {
        let runs = row.status.state == InstanceState::Running;
        assert_eq!(row.status.holds_capacity, runs, "room is held just while it runs: {row:?}");
        let (true, Some(host), Some(kind)) = (runs, row.status.host, InstanceType::find(&row.spec.instance_type))
        else {
            continue;
        };
        *memory.entry(host).or_default() += kind.memory_mib;
        *vcpus.entry(host).or_default() += u64::from(kind.vcpus);
        *usage.entry(row.scope).or_default() += u64::from(kind.vcpus);
    }
    for host in cloud.hosts.iter() {
        let of = |map: &BTreeMap<HostId, u64>| map.get(&host.id).copied().unwrap_or(0);
        assert_eq!((host.used_memory_mib, host.used_vcpus), (of(&memory), of(&vcpus)), "room of {} leaks", host.id);
        assert!(host.used_memory_mib <= host.facts.memory_mib, "{} is overcommitted", host.id);
    }
    for row in cloud.usage.iter() {
        assert_eq!(row.vcpus, usage.remove(&row.scope).unwrap_or(0), "usage of {} leaks", row.scope);
    }
    assert!(usage.is_empty(), "usage isn't counted: {usage:?}");
}

/// Every address is used once, and by something that is there.
fn check_addresses(cloud: &Cloud) {
    let pool = cloud.provider().public_pool;
    let mut public: BTreeSet<Ipv4Addr> = BTreeSet::new();
    let elastic = cloud.addresses.iter().map(|row| row.public);
    for address in elastic.chain(cloud.interfaces.iter().filter_map(|row| row.public_address)) {
        assert!(pool.contains(address), "{address} isn't of the pool");
        assert!(public.insert(address), "{address} is used twice");
    }
    let mut private = BTreeSet::new();
    for row in cloud.interfaces.iter() {
        for address in &row.addresses {
            assert!(private.insert((row.subnet, *address)), "{address} is used twice in {}", row.subnet);
        }
        let subnet = cloud.subnets.by_id(&row.subnet).next();
        assert!(subnet.is_some_and(|subnet| subnet.cidr.contains(row.primary())), "{row:?} is outside of its subnet");
        let instance = row.instance().and_then(|id| cloud.instances.by_id(&id).next());
        let runs = instance.is_some_and(|instance| instance.status.state == InstanceState::Running);
        assert!(runs || row.public_address.is_none(), "a public address leaks: {row:?}");
    }
    let mut associated = BTreeSet::new();
    for row in cloud.addresses.iter() {
        let Some(association) = &row.association else { continue };
        let interface = cloud.interfaces.by_id(&association.interface).next();
        let has = interface.is_some_and(|interface| interface.addresses.contains(&association.private));
        assert!(has, "{row:?} stands for an address that isn't there");
        assert!(associated.insert((association.interface, association.private)), "two stand for one: {row:?}");
        let given = interface
            .is_some_and(|interface| interface.public_address.is_some() && interface.primary() == association.private);
        assert!(!given, "an interface has an elastic and a given address: {row:?}");
    }
}

/// Nothing is there without what it belongs to.
fn check_owners(cloud: &Cloud, now: Timestamp) {
    let is_over = |id: InstanceId| {
        cloud.instances.by_id(&id).next().is_none_or(|row| row.status.state == InstanceState::Terminated)
    };
    for row in cloud.interfaces.iter() {
        assert!(!row.instance().is_some_and(is_over), "an interface of what is over: {row:?}");
        let is_settled = |attachment: &Attachment| attachment.state == AttachmentState::Attached;
        assert!(row.attachment.as_ref().is_none_or(is_settled), "still on its way: {row:?}");
        let groups = row.groups.iter().all(|id| cloud.security_groups.by_id(id).next().is_some());
        assert!(groups && !row.groups.is_empty(), "an interface without its groups: {row:?}");
    }
    for row in cloud.volumes.iter() {
        let of = row.attachment.as_ref().and_then(|attachment| cloud.instances.by_id(&attachment.instance).next());
        let is_used = of.is_some_and(|instance| instance.status.state == InstanceState::Running);
        let is_good = row.state == VolumeState::Present
            && row.attachment.as_ref().is_some_and(|it| it.state == AttachmentState::Attached);
        assert!(!is_used || is_good, "what runs has a volume that isn't shown as attached: {row:?}");
        match &row.attachment {
            Some(attachment) => assert!(!is_over(attachment.instance), "a volume of what is over: {row:?}"),
            // One that was to stay when its instance went.
            None => assert!(row.state != VolumeState::Deleting, "a volume is left over: {row:?}"),
        }
    }
    for row in cloud.snapshots.iter() {
        assert!(row.task().is_none(), "a snapshot is still on its way: {row:?}");
        let moment = landfall_cloud::chunk_store::moment(cloud, row.scope.account);
        let stays = |root: &landfall_model::ChunkRoot| moment.roots.contains(&root.root);
        assert!(row.contents().and_then(|it| it.root()).is_none_or(stays), "a snapshot may be collected: {row:?}");
    }
    for row in cloud.volumes.iter().filter(|row| row.chunks.is_some()) {
        let root = row.chunks.as_ref().map(|root| &root.root);
        let moment = landfall_cloud::chunk_store::moment(cloud, row.scope.account);
        assert!(root.is_some_and(|root| moment.roots.contains(root)), "what a volume is made of may go: {row:?}");
    }
    for row in cloud.instances.iter().filter(|row| row.status.state != InstanceState::Terminated) {
        assert!(cloud.interfaces.by_instance(&row.id).next().is_some(), "{} has no interface", row.id);
        let has_root = cloud.volumes.by_instance(&row.id).any(|volume| {
            volume.attachment.as_ref().is_some_and(|attachment| attachment.device == row.spec.root_device)
        });
        assert!(has_root, "{} has no root volume", row.id);
    }
    for row in cloud.tags.iter() {
        assert!(exists(cloud, &row.resource), "tags of nothing: {row:?}");
        assert!(!row.tags.is_empty(), "a row of no tags: {row:?}");
    }
    for row in cloud.user_data.iter() {
        let is_had = cloud.instances.by_user_data(&row.scope.key(row.sha256.clone())).next().is_some();
        assert!(is_had, "user data that nobody has: {} in {}", row.sha256, row.scope);
    }
    for row in cloud.instances.iter() {
        let Some(sha256) = &row.spec.user_data else { continue };
        assert!(cloud.user_data.contains(&row.scope.key(sha256.clone())), "user data of {} is lost", row.id);
    }
    for row in cloud.security_group_rules.iter() {
        assert!(cloud.security_groups.by_id(&row.group).next().is_some(), "a rule of no group: {row:?}");
        if let landfall_model::Peer::Group(peer) = row.peer {
            assert!(cloud.security_groups.by_id(&peer).next().is_some(), "a rule for no group: {row:?}");
        }
    }
    for row in cloud.client_tokens.iter() {
        assert!(row.expires_at > now, "a client token outlives its time: {}", row.token);
    }
}

/// Checks that nothing is left of what was all terminated, released and deleted, and has expired.
pub fn check_empty(world: &mut World) {
    check(world);
    let cloud = world.mirror().cloud();
    assert_eq!(cloud.instances.len(), 0, "tombstones stay");
    assert_eq!(cloud.client_tokens.len(), 0, "client tokens stay");
    assert_eq!(cloud.user_data.len(), 0, "user data stays");
    assert_eq!(cloud.interfaces.len(), 0, "interfaces stay");
    assert_eq!(cloud.snapshots.len(), 0, "snapshots stay");
    for host in cloud.hosts.iter() {
        assert_eq!((host.used_memory_mib, host.used_vcpus), (0, 0), "{} has no room again", host.id);
    }
    let kept: BTreeSet<_> = cloud.volumes.iter().map(|row| format!("volume {}", row.id)).collect();
    world.each_host(&mut |id, sim| {
        let left: Vec<_> = sim.machine().inventory().into_iter().filter(|it| !kept.contains(it)).collect();
        assert!(left.is_empty(), "left over on {id} in the end: {left:?}");
    });
}
