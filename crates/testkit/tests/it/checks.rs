//! The checks themselves: each kind of wrong is made on purpose, in a world that is otherwise right, and must be seen.

use std::panic::{AssertUnwindSafe, catch_unwind};

use landfall_cloud::value::{Hosts, Instances, Interfaces, Tags, Usages, Volumes};
use landfall_cloud::{Cloud, tag};
use landfall_model::TagSet;
use landfall_state::Tx;
use landfall_testkit::check::check;
use landfall_testkit::client::params;
use landfall_testkit::{Mode, World, WorldOptions, world};

/// A world at rest with two instances.
fn made(mode: Mode) -> World {
    let mut world = World::new(7, WorldOptions { mode, hosts: 2, ..WorldOptions::default() });
    let client = world.clients()[0].clone();
    let image = world::images()[0].to_string();
    let call = [("ImageId", image.as_str()), ("InstanceType", "t3.micro"), ("MinCount", "2"), ("MaxCount", "2")];
    world.call(&client, "RunInstances", &params(call)).unwrap();
    world.settle();
    check(&mut world);
    world
}

/// Changes the value behind everyone's back.
fn tamper(world: &mut World, change: impl FnOnce(&mut Tx<'_, Cloud>)) {
    let (engine, now) = (world.plane().unwrap().engine.clone(), world.now());
    let changed = engine.commit(|head| {
        let _ = head.transact(now.0, None, |tx| {
            change(tx);
            Ok::<_, ()>(())
        });
    });
    changed.wait().unwrap();
}

fn must_be_seen(what: &str, mut world: World) {
    let seen = catch_unwind(AssertUnwindSafe(|| {
        let engine = world.plane().unwrap().engine.clone();
        world.follow(&engine);
        check(&mut world);
    }));
    assert!(seen.is_err(), "{what}: nothing noticed it");
}

type Change = fn(&mut Tx<'_, Cloud>);

const CHANGES: &[(&str, Change)] = &[
    ("room that leaks", |tx| {
        let id = tx.hosts.iter().next().unwrap().id;
        tx.update::<Hosts, _>(&id, |row| row.used_memory_mib += 1);
    }),
    ("usage that leaks", |tx| {
        let row = tx.usage.iter().next().unwrap().clone();
        tx.update::<Usages, _>(&row.scope.key(0), |row| row.vcpus += 1);
    }),
    ("an interface of nobody", |tx| {
        let key = tx.interfaces.iter().next().unwrap().key();
        tx.update::<Interfaces, _>(&key, |row| row.attachment = None);
    }),
    ("an address that is used twice", |tx| {
        let rows: Vec<_> = tx.interfaces.iter().cloned().collect();
        tx.update::<Interfaces, _>(&rows[0].key(), |row| row.public_address = rows[1].public_address);
    }),
    ("a volume that is forgotten", |tx| {
        let key = tx.volumes.iter().next().unwrap().key();
        tx.delete::<Volumes>(&key);
    }),
    ("tags of nothing", |tx| {
        let scope = tx.instances.iter().next().unwrap().scope;
        let tags = [("a".to_owned(), "b".to_owned())].into();
        let (resource, kind) = ("sg-0123456789abcdef0".to_owned(), "security-group".to_owned());
        tx.put::<Tags>(TagSet { scope, resource, kind, tags });
    }),
    ("a state that isn't so", |tx| {
        let key = tx.instances.iter().next().unwrap().key();
        tx.update::<Instances, _>(&key, |row| row.status.reboots += 1);
    }),
    ("an instance that is lost", |tx| {
        let key = tx.instances.iter().next().unwrap().key();
        tx.delete::<Instances>(&key);
    }),
];

#[test]
fn every_kind_of_wrong_in_the_value_is_seen() {
    for (what, change) in CHANGES {
        // Not settled: a settler begins anew when it finds changes that it didn't settle, which mends what is reported.
        let mut world = made(Mode::Protocol);
        tamper(&mut world, change);
        must_be_seen(what, world);
    }
}

#[test]
fn a_guest_that_is_gone_and_a_volume_that_is_left_are_seen() {
    for mode in [Mode::Protocol, Mode::Settled] {
        let mut world = made(mode);
        world.each_host(&mut |_, sim| {
            for guest in sim.machine().inspect_guests() {
                sim.machine().kill(guest.id, "behind everyone's back");
            }
        });
        assert!(catch_unwind(AssertUnwindSafe(|| check(&mut world))).is_err(), "a dead guest passes for a running one");
    }
}

#[test]
fn a_lost_tag_is_seen() {
    let mut world = made(Mode::Settled);
    let client = world.clients()[0].clone();
    let row = world.mirror().cloud().instances.iter().next().unwrap().clone();
    world.acknowledged.tagged(&row.id.to_string(), "Name", "a", landfall_testkit::acknowledged::Known::Yes);
    let lost = catch_unwind(AssertUnwindSafe(|| world.acknowledged.check(world.mirror())));
    assert!(lost.is_err(), "a tag that was acknowledged and isn't there");
    let mut entropy = landfall_cloud::Entropy::seeded(1);
    let tags = [("Name".to_owned(), "a".to_owned())].into();
    tamper(&mut world, |tx| {
        let mut tx = landfall_cloud::Tx::new(tx, row.scope, &mut entropy);
        tag::put(&mut tx, "instance", &row.id.to_string(), &tags).unwrap();
    });
    let _ = world.call(&client, "DescribeInstances", &[]);
    world.acknowledged.check(world.mirror());
}
