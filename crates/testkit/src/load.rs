//! Random requests, as clients make them, each with what its answer promises.
//!
//! Operations that the API doesn't have yet are passed over, so that this list may run ahead of it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_cloud::power::PowerOrder;
use landfall_model::{Instance, InstanceId, InstanceState, Scope};
use landfall_wire::Tree;

use crate::acknowledged::Known;
use crate::client::{Params, Refusal, list, params, text};
use crate::world::{World, images};

mod interface;
mod snapshot;
mod volume;

/// What random clients remember.
#[derive(Default)]
pub struct Load {
    tokens: Vec<Launch>,
    names: u64,
}

/// A launch that was made with a client token.
struct Launch {
    client: usize,
    params: Params,
    ids: Option<Vec<String>>,
}

/// A request: the action that it needs, how often it is made, and how.
type Request = (&'static str, u64, fn(&mut Load, &mut World, usize));

const REQUESTS: &[Request] = &[
    ("RunInstances", 22, Load::run_instances),
    ("RunInstances", 4, Load::run_again),
    ("StartInstances", 14, Load::start),
    ("StopInstances", 12, Load::stop),
    ("RebootInstances", 8, Load::reboot),
    ("TerminateInstances", 9, Load::terminate),
    ("ModifyInstanceAttribute", 10, Load::modify),
    ("ModifyInstanceMetadataOptions", 3, Load::modify_metadata),
    ("DescribeInstances", 3, Load::describe),
    ("CreateSecurityGroup", 6, Load::create_group),
    ("AuthorizeSecurityGroupIngress", 8, Load::authorize),
    ("AuthorizeSecurityGroupEgress", 3, Load::authorize_egress),
    ("RevokeSecurityGroupIngress", 4, Load::revoke),
    ("DeleteSecurityGroup", 4, Load::delete_group),
    ("AllocateAddress", 6, Load::allocate),
    ("AssociateAddress", 8, Load::associate),
    ("DisassociateAddress", 4, Load::disassociate),
    ("ReleaseAddress", 3, Load::release),
    ("CreateNetworkInterface", 5, Load::create_interface),
    ("AttachNetworkInterface", 9, Load::attach_interface),
    ("DetachNetworkInterface", 5, Load::detach_interface),
    ("DeleteNetworkInterface", 3, Load::delete_interface),
    ("CreateVolume", 5, Load::create_volume),
    ("AttachVolume", 9, Load::attach_volume),
    ("DetachVolume", 6, Load::detach_volume),
    ("ModifyVolume", 5, Load::modify_volume),
    ("DeleteVolume", 3, Load::delete_volume),
    ("CreateSnapshot", 5, Load::create_snapshot),
    ("CreateSnapshots", 3, Load::create_snapshots),
    ("DeleteSnapshot", 4, Load::delete_snapshot),
    ("CreateTags", 8, Load::create_tags),
    ("DeleteTags", 3, Load::delete_tags),
    ("ImportKeyPair", 3, Load::import_key),
    ("DeleteKeyPair", 2, Load::delete_key),
    ("ModifyVpcAttribute", 2, Load::modify_vpc),
    ("ModifySubnetAttribute", 2, Load::modify_subnet),
];

const TYPES: &[&str] = &["t3.nano", "t3.micro", "t3.small", "t3.medium", "t2.micro", "m5.large", "c5.large"];
const KEYS: &[&str] = &["Name", "env", "owner"];
const VALUES: &[&str] = &["a", "b", "with space", "ü", ""];
/// The public halves of keys that nobody holds the other half of.
const PUBLIC_KEYS: &[&str] = &[
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA b",
];

impl Load {
    /// Makes a random request.
    pub fn act(&mut self, world: &mut World) {
        let has: BTreeSet<_> = landfall_api::operations().map(|operation| operation.action.name).collect();
        let open: Vec<_> = REQUESTS.iter().filter(|(action, ..)| has.contains(action)).collect();
        let mut ticket = world.dice.below(open.iter().map(|(_, weight, _)| weight).sum());
        let client = world.dice.below(world.clients().len() as u64) as usize;
        for (_, weight, request) in open {
            if ticket < *weight {
                return request(self, world, client);
            }
            ticket -= weight;
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("name-{}", self.names)
    }

    fn run_instances(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let mut call = self.launch_params(world, scope);
        if world.dice.chance(400) {
            call.push(("ClientToken".into(), format!("{client}-{}", self.name())));
        }
        let answer = send(world, client, "RunInstances", &call);
        let ids = launched(world, &answer, false);
        if call.iter().any(|(name, _)| name == "ClientToken") {
            self.tokens.push(Launch { client, params: call, ids });
        }
    }

    fn launch_params(&mut self, world: &mut World, scope: Scope) -> Params {
        let images = images();
        let groups = groups(world, scope);
        let keys: Vec<_> = world.mirror().cloud().key_pairs.by_scope(&scope).map(|row| row.name.clone()).collect();
        let zones: Vec<_> = scope.region.zones().map(|zone| zone.to_string()).collect();
        let dice = &mut world.dice;
        let (most, kind) = (dice.between(1, 5), *dice.pick(TYPES).unwrap_or(&"t3.nano"));
        let least = dice.between(1, most);
        let image = dice.pick(&images).map(ToString::to_string).unwrap_or_default();
        let mut call = params([("ImageId", image), ("InstanceType", kind.to_owned())]);
        call.extend(params([("MinCount", least), ("MaxCount", most)]));
        let mut put = |name: &str, value: &str| call.push((name.to_owned(), value.to_owned()));
        if dice.chance(300) {
            put("UserData", &STANDARD.encode(format!("#!/bin/sh\necho {}\n", dice.below(4))));
        }
        if let Some(key) = dice.pick(&keys).filter(|_| most > 2) {
            put("KeyName", key);
        }
        if dice.chance(300) {
            put("BlockDeviceMapping.1.DeviceName", "/dev/sdf");
            put("BlockDeviceMapping.1.Ebs.VolumeSize", &dice.between(1, 20).to_string());
            put("BlockDeviceMapping.1.Ebs.DeleteOnTermination", if dice.chance(700) { "true" } else { "false" });
        }
        if dice.chance(200) {
            put("InstanceInitiatedShutdownBehavior", "terminate");
        }
        if dice.chance(100) {
            put("DisableApiTermination", "true");
        }
        if dice.chance(200) {
            put("MetadataOptions.InstanceMetadataTags", "enabled");
        }
        if dice.chance(400) {
            put("TagSpecification.1.ResourceType", if dice.chance(700) { "instance" } else { "volume" });
            put("TagSpecification.1.Tag.1.Key", "Name");
            put("TagSpecification.1.Tag.1.Value", dice.pick(VALUES).unwrap_or(&""));
        }
        if let Some(zone) = dice.pick(&zones).filter(|_| least > 1) {
            put("Placement.AvailabilityZone", zone);
        }
        match dice.below(4) {
            0 => {
                put("NetworkInterface.1.DeviceIndex", "0");
                put("NetworkInterface.1.AssociatePublicIpAddress", if dice.chance(500) { "true" } else { "false" });
                if let Some(group) = dice.pick(&groups) {
                    put("NetworkInterface.1.SecurityGroupId.1", group);
                }
                if dice.chance(300) {
                    put("NetworkInterface.1.SecondaryPrivateIpAddressCount", "2");
                }
            }
            1 => {
                if let Some(group) = dice.pick(&groups) {
                    put("SecurityGroupId.1", group);
                }
            }
            _ => {}
        }
        call
    }

    /// The same launch with the same token: the same answer, and nothing more is launched.
    fn run_again(&mut self, world: &mut World, _: usize) {
        let count = self.tokens.len() as u64;
        if count == 0 {
            return;
        }
        let launch = &mut self.tokens[world.dice.below(count) as usize];
        let before = world.mirror().cloud().instances.len();
        let call = launch.params.clone();
        let answer = send(world, launch.client, "RunInstances", &call);
        if let Some(ids) = launched(world, &answer, true) {
            if let Some(first) = &launch.ids {
                assert_eq!(*first, ids, "a repeated token got another answer");
                assert_eq!(before, world.mirror().cloud().instances.len(), "a repeated token launched again");
                world.counts.add("token.again");
            }
            launch.ids = Some(ids);
        }
    }

    fn start(&mut self, world: &mut World, client: usize) {
        order(world, client, PowerOrder::Start, &[InstanceState::Stopped]);
    }

    fn stop(&mut self, world: &mut World, client: usize) {
        let force = world.dice.chance(400);
        order(world, client, PowerOrder::Stop { force }, &[InstanceState::Running, InstanceState::Pending]);
    }

    fn reboot(&mut self, world: &mut World, client: usize) {
        order(world, client, PowerOrder::Reboot, &[InstanceState::Running]);
    }

    fn terminate(&mut self, world: &mut World, client: usize) {
        order(world, client, PowerOrder::Terminate { force: false }, &[]);
    }

    fn modify(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let groups = groups(world, scope);
        let kind = world.dice.below(6);
        let likely = if kind < 2 { &[InstanceState::Stopped][..] } else { &[] };
        let Some(id) = choose(world, scope, likely).first().map(|row| row.id) else { return };
        let dice = &mut world.dice;
        let truth = if dice.chance(300) { "true" } else { "false" };
        let (name, value) = match kind {
            0 => ("InstanceType.Value", (*dice.pick(TYPES).unwrap_or(&"t3.nano")).to_owned()),
            1 => ("UserData.Value", STANDARD.encode(format!("#!/bin/sh\necho {}\n", dice.below(4)))),
            2 => ("DisableApiTermination.Value", truth.to_owned()),
            3 => ("SourceDestCheck.Value", truth.to_owned()),
            4 => ("InstanceInitiatedShutdownBehavior.Value", "stop".to_owned()),
            _ => match dice.pick(&groups) {
                Some(group) => ("GroupId.1", group.clone()),
                None => return,
            },
        };
        let call = params([("InstanceId", id.to_string()), (name, value)]);
        // What came of it is in the row, which the mirror compares.
        let _ = send(world, client, "ModifyInstanceAttribute", &call);
    }

    fn modify_metadata(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let Some(id) = choose(world, scope, &[]).first().map(|row| row.id) else { return };
        let tags = if world.dice.chance(500) { "enabled" } else { "disabled" };
        let call = params([("InstanceId", id.to_string()), ("InstanceMetadataTags", tags.to_owned())]);
        let _ = send(world, client, "ModifyInstanceMetadataOptions", &call);
    }

    /// What is described is what is durable: all of the scope's own, and no other's.
    fn describe(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let Ok(tree) = send(world, client, "DescribeInstances", &[]) else { return };
        let reservations = list(&tree, "reservationSet").iter();
        let shown: BTreeSet<_> = reservations
            .flat_map(|reservation| list(reservation, "instancesSet"))
            .filter_map(|row| Some((text(row, "instanceId")?.to_owned(), text(row, "instanceState.name")?.to_owned())))
            .collect();
        let rows = world.mirror().cloud().instances.iter().filter(|row| row.scope == scope);
        let all: BTreeSet<_> = rows.map(|row| (row.id.to_string(), row.status.state.name().to_owned())).collect();
        assert_eq!(shown, all, "DescribeInstances shows something else than there is");
    }

    fn create_group(&mut self, world: &mut World, client: usize) {
        let call = params([("GroupName", self.name()), ("GroupDescription", "made at random".to_owned())]);
        if let Ok(tree) = send(world, client, "CreateSecurityGroup", &call)
            && let Some(id) = text(&tree, "groupId")
        {
            world.acknowledged.made(id);
        }
    }

    fn authorize(&mut self, world: &mut World, client: usize) {
        self.authorize_as(world, client, "AuthorizeSecurityGroupIngress");
    }

    fn authorize_egress(&mut self, world: &mut World, client: usize) {
        self.authorize_as(world, client, "AuthorizeSecurityGroupEgress");
    }

    fn authorize_as(&mut self, world: &mut World, client: usize, action: &str) {
        let groups = groups(world, world.scopes()[client]);
        let dice = &mut world.dice;
        let (Some(group), Some(peer)) = (dice.pick(&groups), dice.pick(&groups)) else { return };
        let port = dice.between(1, 100);
        let mut call = params([("GroupId", group.as_str()), ("IpPermissions.1.IpProtocol", "tcp")]);
        call.extend(params([("IpPermissions.1.FromPort", port), ("IpPermissions.1.ToPort", port + 5)]));
        if dice.chance(500) {
            call.extend(params([("IpPermissions.1.Groups.1.GroupId", peer)]));
        } else {
            call.extend(params([("IpPermissions.1.IpRanges.1.CidrIp", format!("10.{}.0.0/16", dice.below(9)))]));
        }
        if let Ok(tree) = send(world, client, action, &call) {
            for rule in list(&tree, "securityGroupRuleSet") {
                if let Some(id) = text(rule, "securityGroupRuleId") {
                    world.acknowledged.made(id);
                }
            }
        }
    }

    fn revoke(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let cloud = world.mirror().cloud();
        let rules = cloud.security_group_rules.iter().filter(|row| row.scope == scope);
        let rules = rules.filter(|row| row.direction == landfall_model::RuleDirection::Ingress);
        let rules: Vec<_> = rules.map(|row| (row.group.to_string(), row.id.to_string())).collect();
        let Some((group, rule)) = world.dice.pick(&rules).cloned() else { return };
        let call = params([("GroupId", &group), ("SecurityGroupRuleId.1", &rule)]);
        let answer = send(world, client, "RevokeSecurityGroupIngress", &call);
        world.acknowledged.deleted(&rule, Known::of(&answer));
    }

    fn delete_group(&mut self, world: &mut World, client: usize) {
        let groups = groups(world, world.scopes()[client]);
        let Some(group) = world.dice.pick(&groups).cloned() else { return };
        let rules: Vec<_> = group.parse().map_or_else(
            |_| Vec::new(),
            |id| world.mirror().cloud().security_group_rules.by_group(&id).map(|row| row.id.to_string()).collect(),
        );
        let answer = send(world, client, "DeleteSecurityGroup", &params([("GroupId", &group)]));
        for id in rules.iter().chain([&group]) {
            world.acknowledged.deleted(id, Known::of(&answer));
        }
    }

    fn allocate(&mut self, world: &mut World, client: usize) {
        if let Ok(tree) = send(world, client, "AllocateAddress", &params([("Domain", "vpc")]))
            && let Some(id) = text(&tree, "allocationId")
        {
            world.acknowledged.made(id);
        }
    }

    fn associate(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let addresses = addresses(world, scope);
        let Some(id) = choose(world, scope, &[]).first().map(|row| row.id) else { return };
        let Some(address) = world.dice.pick(&addresses).cloned() else { return };
        let again = if world.dice.chance(500) { "true" } else { "false" };
        let id = id.to_string();
        let call = params([("AllocationId", address.0.as_str()), ("InstanceId", &id), ("AllowReassociation", again)]);
        let _ = send(world, client, "AssociateAddress", &call);
    }

    fn disassociate(&mut self, world: &mut World, client: usize) {
        let addresses = addresses(world, world.scopes()[client]);
        let associations: Vec<_> = addresses.into_iter().filter_map(|(_, association)| association).collect();
        let Some(association) = world.dice.pick(&associations).cloned() else { return };
        let _ = send(world, client, "DisassociateAddress", &params([("AssociationId", association)]));
    }

    fn release(&mut self, world: &mut World, client: usize) {
        let addresses = addresses(world, world.scopes()[client]);
        let Some((id, _)) = world.dice.pick(&addresses).cloned() else { return };
        let answer = send(world, client, "ReleaseAddress", &params([("AllocationId", &id)]));
        world.acknowledged.deleted(&id, Known::of(&answer));
    }

    fn create_tags(&mut self, world: &mut World, client: usize) {
        let resources = resources(world, world.scopes()[client]);
        let dice = &mut world.dice;
        let (Some(resource), Some(key), Some(value)) = (dice.pick(&resources), dice.pick(KEYS), dice.pick(VALUES))
        else {
            return;
        };
        let call = params([("ResourceId.1", resource.as_str()), ("Tag.1.Key", key), ("Tag.1.Value", value)]);
        let answer = send(world, client, "CreateTags", &call);
        world.acknowledged.tagged(resource, key, value, Known::of(&answer));
    }

    fn delete_tags(&mut self, world: &mut World, client: usize) {
        let resources = resources(world, world.scopes()[client]);
        let dice = &mut world.dice;
        let (Some(resource), Some(key)) = (dice.pick(&resources), dice.pick(KEYS)) else { return };
        let answer =
            send(world, client, "DeleteTags", &params([("ResourceId.1", resource.as_str()), ("Tag.1.Key", key)]));
        world.acknowledged.untagged(resource, key, Known::of(&answer));
    }

    fn import_key(&mut self, world: &mut World, client: usize) {
        let material = STANDARD.encode(world.dice.pick(PUBLIC_KEYS).unwrap_or(&""));
        let call = params([("KeyName", self.name()), ("PublicKeyMaterial", material)]);
        if let Ok(tree) = send(world, client, "ImportKeyPair", &call)
            && let Some(id) = text(&tree, "keyPairId")
        {
            world.acknowledged.made(id);
        }
    }

    fn delete_key(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let keys: Vec<_> = world.mirror().cloud().key_pairs.by_scope(&scope).map(|row| row.id.to_string()).collect();
        let Some(id) = world.dice.pick(&keys).cloned() else { return };
        let answer = send(world, client, "DeleteKeyPair", &params([("KeyPairId", &id)]));
        world.acknowledged.deleted(&id, Known::of(&answer));
    }

    fn modify_vpc(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let vpcs: Vec<_> = world.mirror().cloud().vpcs.by_scope(&scope).map(|row| row.id.to_string()).collect();
        let Some(id) = world.dice.pick(&vpcs).cloned() else { return };
        let on = if world.dice.chance(500) { "true" } else { "false" };
        let call = params([("VpcId", id.as_str()), ("EnableDnsHostnames.Value", on)]);
        let _ = send(world, client, "ModifyVpcAttribute", &call);
    }

    fn modify_subnet(&mut self, world: &mut World, client: usize) {
        let scope = world.scopes()[client];
        let subnets = world.mirror().cloud().subnets.iter().filter(|row| row.scope == scope);
        let subnets: Vec<_> = subnets.map(|row| row.id.to_string()).collect();
        let Some(id) = world.dice.pick(&subnets).cloned() else { return };
        let on = if world.dice.chance(700) { "true" } else { "false" };
        let call = params([("SubnetId", id.as_str()), ("MapPublicIpOnLaunch.Value", on)]);
        let _ = send(world, client, "ModifySubnetAttribute", &call);
    }
}

fn send(world: &mut World, client: usize, action: &str, call: &[(String, String)]) -> Result<Tree, Refusal> {
    let client = world.clients()[client].clone();
    world.call(&client, action, call)
}

/// Takes note of launched instances: they are there by the time that the answer is.
fn launched(world: &mut World, answer: &Result<Tree, Refusal>, maybe_earlier: bool) -> Option<Vec<String>> {
    let tree = answer.as_ref().ok()?;
    let ids = list(tree, "instancesSet").iter().filter_map(|row| text(row, "instanceId").map(str::to_owned));
    let ids: Vec<_> = ids.collect();
    assert!(!ids.is_empty(), "a launch of nothing: {tree:?}");
    for id in ids.iter().filter_map(|id| id.parse::<InstanceId>().ok()) {
        if maybe_earlier {
            world.acknowledged.launched_earlier(id);
        } else {
            world.acknowledged.launched(id);
        }
    }
    Some(ids)
}

/// Sends a power order for up to three instances, mostly ones that it changes.
fn order(world: &mut World, client: usize, order: PowerOrder, likely: &[InstanceState]) {
    let rows = choose(world, world.scopes()[client], likely);
    if rows.is_empty() {
        return;
    }
    let mut call: Params = (1..).zip(&rows).map(|(n, row)| (format!("InstanceId.{n}"), row.id.to_string())).collect();
    let action = match order {
        PowerOrder::Start => "StartInstances",
        PowerOrder::Reboot => "RebootInstances",
        PowerOrder::Terminate { .. } => "TerminateInstances",
        PowerOrder::Stop { force } => {
            if force {
                call.extend(params([("Force", "true")]));
            }
            "StopInstances"
        }
    };
    let before: Vec<_> = rows.iter().map(|row| (row.id, row.status.state, row.spec.boot)).collect();
    let answer = send(world, client, action, &call);
    world.acknowledged.ordered(order, &before, Known::of(&answer));
}

/// Up to three instances of a scope; mostly all of them in one of those states.
fn choose(world: &mut World, scope: Scope, likely: &[InstanceState]) -> Vec<Instance> {
    let rows = world.mirror().cloud().instances.iter().filter(|row| row.scope == scope);
    let mut rows: Vec<_> = rows.cloned().collect();
    if !world.dice.chance(100) {
        rows.retain(|row| {
            let state = row.status.state;
            if likely.is_empty() { state != InstanceState::Terminated } else { likely.contains(&state) }
        });
    }
    let mut chosen = Vec::new();
    for _ in 0..world.dice.between(1, 3) {
        if rows.is_empty() {
            break;
        }
        let index = world.dice.below(rows.len() as u64) as usize;
        chosen.push(rows.swap_remove(index));
    }
    chosen
}

fn groups(world: &World, scope: Scope) -> Vec<String> {
    world.mirror().cloud().security_groups.by_scope(&scope).map(|row| row.id.to_string()).collect()
}

fn addresses(world: &World, scope: Scope) -> Vec<(String, Option<String>)> {
    let rows = world.mirror().cloud().addresses.by_scope(&scope);
    rows.map(|row| (row.id.to_string(), row.association.as_ref().map(|it| it.id.to_string()))).collect()
}

/// Things that can have tags.
fn resources(world: &World, scope: Scope) -> Vec<String> {
    let cloud = world.mirror().cloud();
    let instances = cloud.instances.iter().filter(|row| row.scope == scope).map(|row| row.id.to_string());
    let volumes = cloud.volumes.iter().filter(|row| row.scope == scope).map(|row| row.id.to_string());
    let interfaces = cloud.interfaces.iter().filter(|row| row.scope == scope).map(|row| row.id.to_string());
    let mut all: Vec<_> = instances.chain(volumes).chain(interfaces).collect();
    all.extend(groups(world, scope));
    all.extend(addresses(world, scope).into_iter().map(|(id, _)| id));
    all
}

/// Ends everything that clients have made: instances first, then what they held on to.
pub fn end_all(world: &mut World) {
    for client in 0..world.clients().len() {
        let scope = world.scopes()[client];
        let rows = world.mirror().cloud().instances.iter();
        let rows: Vec<_> = rows.filter(|row| row.scope == scope && !row.status.state.is_over()).cloned().collect();
        for row in &rows {
            if row.spec.disable_api_termination {
                let id = row.id.to_string();
                let call = params([("InstanceId", id.as_str()), ("DisableApiTermination.Value", "false")]);
                must(world, client, "ModifyInstanceAttribute", &call);
            }
            let before = [(row.id, row.status.state, row.spec.boot)];
            must(world, client, "TerminateInstances", &params([("InstanceId.1", row.id)]));
            world.acknowledged.ordered(PowerOrder::Terminate { force: false }, &before, Known::Yes);
        }
    }
}

/// Deletes what is left once the instances are gone.
pub fn delete_all(world: &mut World) {
    for client in 0..world.clients().len() {
        let scope = world.scopes()[client];
        for (id, association) in addresses(world, scope) {
            assert!(association.is_none(), "{id} is associated with what is gone");
            must(world, client, "ReleaseAddress", &params([("AllocationId", &id)]));
            world.acknowledged.deleted(&id, Known::Yes);
        }
        interface::delete_all(world, client);
        volume::delete_all(world, client);
        snapshot::delete_all(world, client);
        let cloud = world.mirror().cloud();
        let rules: Vec<_> = cloud.security_group_rules.iter().filter(|row| row.scope == scope).cloned().collect();
        for rule in rules {
            let direction = match rule.direction {
                landfall_model::RuleDirection::Ingress => "RevokeSecurityGroupIngress",
                landfall_model::RuleDirection::Egress => "RevokeSecurityGroupEgress",
            };
            let call = params([("GroupId", rule.group.to_string()), ("SecurityGroupRuleId.1", rule.id.to_string())]);
            must(world, client, direction, &call);
            world.acknowledged.deleted(&rule.id.to_string(), Known::Yes);
        }
        let made = world.mirror().cloud().security_groups.by_scope(&scope).filter(|row| row.name != "default");
        let made: Vec<_> = made.map(|row| row.id.to_string()).collect();
        for id in made {
            must(world, client, "DeleteSecurityGroup", &params([("GroupId", &id)]));
            world.acknowledged.deleted(&id, Known::Yes);
        }
        let keys: Vec<_> = world.mirror().cloud().key_pairs.by_scope(&scope).map(|row| row.id.to_string()).collect();
        for id in keys {
            must(world, client, "DeleteKeyPair", &params([("KeyPairId", &id)]));
            world.acknowledged.deleted(&id, Known::Yes);
        }
    }
}

fn must(world: &mut World, client: usize, action: &str, call: &[(String, String)]) {
    let answer = send(world, client, action, call);
    assert!(answer.is_ok(), "{action} {call:?}: {answer:?}");
}
