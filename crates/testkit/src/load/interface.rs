//! Interfaces by themselves: made, attached to what runs or is stopped, detached, deleted.

use landfall_model::{InstanceState, InterfaceId, NetworkInterface, Scope};

use super::{Load, choose, must, send};
use crate::acknowledged::Known;
use crate::client::{params, text};
use crate::world::World;

impl Load {
    pub(super) fn create_interface(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let subnets = world.mirror().cloud().subnets.iter().filter(|row| row.scope == scope);
        let subnets: Vec<_> = subnets.map(|row| row.id.to_string()).collect();
        let Some(subnet) = world.dice.pick(&subnets).cloned() else { return };
        let mut call = params([("SubnetId", subnet.as_str())]);
        if world.dice.chance(300) {
            call.extend(params([("SecondaryPrivateIpAddressCount", "1")]));
        }
        if let Ok(tree) = send(world, client, "CreateNetworkInterface", &call)
            && let Some(id) = text(&tree, "networkInterface.networkInterfaceId")
        {
            world.acknowledged.made(id);
        }
    }

    pub(super) fn attach_interface(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let free = rows(world, scope, |row| row.attachment.is_none());
        let Some(id) = world.dice.pick(&free).map(|row| row.id) else { return };
        let likely = [InstanceState::Running, InstanceState::Stopped];
        let Some(instance) = choose(world, scope, &likely).first().map(|row| row.id) else { return };
        let index = world.dice.between(1, 2);
        let call = params([
            ("NetworkInterfaceId", id.to_string()),
            ("InstanceId", instance.to_string()),
            ("DeviceIndex", index.to_string()),
        ]);
        let _ = send(world, client, "AttachNetworkInterface", &call);
    }

    pub(super) fn detach_interface(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let attached = rows(world, scope, |row| row.attachment.as_ref().is_some_and(|it| it.device_index > 0));
        let Some(attachment) = world.dice.pick(&attached).and_then(|row| row.attachment.clone()) else { return };
        let force = if world.dice.chance(300) { "true" } else { "false" };
        let call = params([("AttachmentId", attachment.id.to_string()), ("Force", force.to_owned())]);
        let _ = send(world, client, "DetachNetworkInterface", &call);
    }

    pub(super) fn delete_interface(&mut self, world: &mut World, client: usize) {
        let all = rows(world, world.scopes()[client], |_| true);
        let Some(id) = world.dice.pick(&all).map(|row| row.id.to_string()) else { return };
        let answer = send(world, client, "DeleteNetworkInterface", &params([("NetworkInterfaceId", &id)]));
        world.acknowledged.deleted(&id, Known::of(&answer));
    }
}

fn rows(world: &World, scope: Scope, wanted: impl Fn(&NetworkInterface) -> bool) -> Vec<NetworkInterface> {
    let rows = world.mirror().cloud().interfaces.iter();
    rows.filter(|row| row.scope == scope && wanted(row)).cloned().collect()
}

/// Deletes the interfaces that nothing has.
pub(super) fn delete_all(world: &mut World, client: usize) {
    let left: Vec<InterfaceId> = rows(world, world.scopes()[client], |_| true).iter().map(|row| row.id).collect();
    for id in left {
        must(world, client, "DeleteNetworkInterface", &params([("NetworkInterfaceId", id)]));
        world.acknowledged.deleted(&id.to_string(), Known::Yes);
    }
}
