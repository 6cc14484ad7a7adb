//! Volumes by themselves: made, attached to what runs or is stopped, changed, detached, deleted.

use landfall_model::{InstanceState, Scope, Volume, VolumeId};

use super::{Load, choose, must, send};
use crate::acknowledged::Known;
use crate::client::{params, text};
use crate::world::World;

impl Load {
    pub(super) fn create_volume(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let zones: Vec<_> = scope.region.zones().map(|zone| zone.to_string()).collect();
        let Some(zone) = world.dice.pick(&zones).cloned() else { return };
        let (size, kind) = (world.dice.between(1, 20), *world.dice.pick(&["gp2", "gp3", "standard"]).unwrap_or(&"gp3"));
        let mut call =
            params([("AvailabilityZone", zone), ("Size", size.to_string()), ("VolumeType", kind.to_owned())]);
        // One of a snapshot is refused now and then: it isn't whole, or larger.
        let snapshots = super::snapshot::ids(world, scope);
        if world.dice.chance(400)
            && let Some(id) = world.dice.pick(&snapshots)
        {
            call.extend(params([("SnapshotId", id)]));
        }
        if let Ok(tree) = send(world, client, "CreateVolume", &call)
            && let Some(id) = text(&tree, "volumeId")
        {
            world.acknowledged.made(id);
        }
    }

    pub(super) fn attach_volume(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let free = rows(world, scope, |row| row.attachment.is_none());
        let Some(id) = world.dice.pick(&free).map(|row| row.id) else { return };
        let likely = [InstanceState::Running, InstanceState::Stopped];
        let Some(instance) = choose(world, scope, &likely).first().map(|row| row.id) else { return };
        let device = *world.dice.pick(&["/dev/sdf", "/dev/sdg", "sdh"]).unwrap_or(&"/dev/sdf");
        let call =
            params([("VolumeId", id.to_string()), ("InstanceId", instance.to_string()), ("Device", device.to_owned())]);
        let _ = send(world, client, "AttachVolume", &call);
    }

    pub(super) fn detach_volume(&mut self, world: &mut World, client: usize) {
        let more = |row: &Volume| row.attachment.as_ref().is_some_and(|it| it.device.ends_with(['f', 'g', 'h']));
        let attached = rows(world, world.scopes()[client], more);
        let Some(id) = world.dice.pick(&attached).map(|row| row.id) else { return };
        let force = if world.dice.chance(300) { "true" } else { "false" };
        let call = params([("VolumeId", id.to_string()), ("Force", force.to_owned())]);
        let _ = send(world, client, "DetachVolume", &call);
    }

    pub(super) fn modify_volume(&mut self, world: &mut World, client: usize) {
        let all = rows(world, world.scopes()[client], |_| true);
        let Some((id, size)) = world.dice.pick(&all).map(|row| (row.id, row.shape.size_gib)) else { return };
        let mut call = params([("VolumeId", id.to_string())]);
        match world.dice.below(3) {
            0 => call.extend(params([("Size", (size + 1).to_string())])),
            1 => call.extend(params([("VolumeType", "gp3"), ("Iops", "4000")])),
            _ => call.extend(params([("VolumeType", "gp2")])),
        }
        let _ = send(world, client, "ModifyVolume", &call);
    }

    pub(super) fn delete_volume(&mut self, world: &mut World, client: usize) {
        let all = rows(world, world.scopes()[client], |row| row.attachment.is_none());
        let Some(id) = world.dice.pick(&all).map(|row| row.id.to_string()) else { return };
        let answer = send(world, client, "DeleteVolume", &params([("VolumeId", &id)]));
        world.acknowledged.deleted(&id, Known::of(&answer));
    }
}

fn rows(world: &World, scope: Scope, wanted: impl Fn(&Volume) -> bool) -> Vec<Volume> {
    let rows = world.mirror().cloud().volumes.iter();
    rows.filter(|row| row.scope == scope && wanted(row)).cloned().collect()
}

/// Deletes the volumes that nothing has.
pub(super) fn delete_all(world: &mut World, client: usize) {
    let free = rows(world, world.scopes()[client], |row| row.attachment.is_none());
    let left: Vec<VolumeId> = free.iter().map(|row| row.id).collect();
    for id in left {
        must(world, client, "DeleteVolume", &params([("VolumeId", id)]));
        world.acknowledged.deleted(&id.to_string(), Known::Yes);
    }
}
