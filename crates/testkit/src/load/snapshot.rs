//! Snapshots: of volumes in whatever state, of all volumes of an instance, deleted in any order.

use landfall_model::{InstanceState, Scope};

use super::{Load, choose, must, send};
use crate::acknowledged::Known;
use crate::client::{params, text};
use crate::world::World;

impl Load {
    pub(super) fn create_snapshot(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let volumes = world.mirror().cloud().volumes.iter().filter(|row| row.scope == scope);
        let volumes: Vec<_> = volumes.map(|row| row.id.to_string()).collect();
        let Some(id) = world.dice.pick(&volumes) else { return };
        let call = params([("VolumeId", id.as_str()), ("Description", "of the load")]);
        if let Ok(tree) = send(world, client, "CreateSnapshot", &call)
            && let Some(id) = text(&tree, "snapshotId")
        {
            world.acknowledged.made(id);
        }
    }

    pub(super) fn create_snapshots(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let likely = [InstanceState::Running, InstanceState::Stopped];
        let Some(instance) = choose(world, scope, &likely).first().map(|row| row.id) else { return };
        let without_root = if world.dice.chance(300) { "true" } else { "false" };
        let call = params([
            ("InstanceSpecification.InstanceId", instance.to_string()),
            ("InstanceSpecification.ExcludeBootVolume", without_root.to_owned()),
        ]);
        let _ = send(world, client, "CreateSnapshots", &call);
    }

    pub(super) fn delete_snapshot(&mut self, world: &mut World, client: usize) {
        let all = ids(world, world.scopes()[client]);
        let Some(id) = world.dice.pick(&all) else { return };
        let answer = send(world, client, "DeleteSnapshot", &params([("SnapshotId", id)]));
        world.acknowledged.deleted(id, Known::of(&answer));
    }
}

/// The snapshots of a scope.
pub(super) fn ids(world: &World, scope: Scope) -> Vec<String> {
    let rows = world.mirror().cloud().snapshots.iter();
    rows.filter(|row| row.scope == scope).map(|row| row.id.to_string()).collect()
}

/// Deletes all snapshots.
pub(super) fn delete_all(world: &mut World, client: usize) {
    for id in ids(world, world.scopes()[client]) {
        must(world, client, "DeleteSnapshot", &params([("SnapshotId", &id)]));
        world.acknowledged.deleted(&id, Known::Yes);
    }
}
