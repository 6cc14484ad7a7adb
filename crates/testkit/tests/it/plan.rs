//! The plan kept from commit to commit is the plan from scratch, for every host, after every commit: over several
//! accounts, regions and hosts, and over changes to every table that plans are made from, also those that no operation
//! makes yet (an instance that moves to another host, say).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use landfall_cloud::identity::instance_profile;
use landfall_cloud::identity::role::{self, NewRole};
use landfall_cloud::launch::{InterfaceOrder, Order, launch};
use landfall_cloud::power::{self, PowerOrder};
use landfall_cloud::profile_association::{self, ProfileName};
use landfall_cloud::security_group;
use landfall_cloud::snapshot;
use landfall_cloud::value::{
    Addresses, DhcpOptionsTable, Hosts, Instances, Interfaces, InternetGateways, NetworkAcls, RouteTables,
    SecurityGroupRules, SecurityGroups, SettingsTable, Tags, Volumes, Vpcs,
};
use landfall_cloud::volume::{NewDisk, NewVolume};
use landfall_cloud::{Cloud, Entropy, Tx, address, network, report, tag};
use landfall_model::agent::{InstanceSeen, Phase, Report, SnapshotMade, SnapshotPhase, SnapshotSeen};
use landfall_model::plan::{AclRulePlan, Power};
use landfall_model::{
    AccountId, Attachment, AttachmentState, BucketAccounts, Cidr, Host, HostFacts, HostId, Image, InstanceType,
    IpProtocol, Ipv4Cidr, MetadataOptions, NetworkInterface, Peer, PortRange, Region, Route, RouteTarget,
    RuleDirection, Scope, SecurityGroupRule, ShutdownBehavior, VolumeKind, VolumeShape, VolumeState,
};
use landfall_state::{Engine, MemoryLog};
use landfall_testkit::mirror::Mirror;
use landfall_testkit::{Dice, runs_from_env, seed_from_env};

use crate::connections;

#[test]
fn a_plan_kept_up_is_the_plan_from_scratch() {
    let seeds = seed_from_env().map_or(0..runs_from_env(12), |seed| seed..seed + 1);
    for seed in seeds {
        println!("seed {seed}");
        changes(seed);
    }
}

fn changes(seed: u64) {
    let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), landfall_state::Options::default()).unwrap();
    let (mut dice, mut entropy, mut mirror) = (Dice::new(seed), Entropy::seeded(seed), Mirror::default());
    let accounts = [AccountId::new(1).unwrap(), AccountId::new(2).unwrap()];
    let regions: Vec<Region> = Region::all().take(2).collect();
    let scopes: Vec<Scope> = accounts
        .iter()
        .flat_map(|account| regions.iter().map(|region| Scope { account: *account, region: *region }))
        .collect();
    let mut run = |scope: Scope, what: &mut dyn FnMut(&mut Tx<'_, '_>) -> bool| {
        let pending = engine.commit(|head| {
            // What the rules refuse changes nothing, and that is fine.
            let _ =
                head.transact(1, None, |tx| if what(&mut Tx::new(tx, scope, &mut entropy)) { Ok(()) } else { Err(()) });
        });
        pending.wait().unwrap();
        mirror.catch_up(&engine);
    };
    for &scope in &scopes {
        run(scope, &mut |tx| network::ensure_default(tx).is_ok());
    }
    run(scopes[0], &mut |tx| {
        for n in 0..4 {
            tx.put::<Hosts>(host(n));
        }
        for image in landfall_control::seed::simulated_images() {
            tx.put::<landfall_cloud::value::Images>(image);
        }
        true
    });
    for _ in 0..80 {
        let scope = *dice.pick(&scopes).unwrap();
        let several = dice.between(1, 3);
        run(scope, &mut |tx| {
            (0..several).all(|_| {
                let change = dice.pick(CHANGES).unwrap();
                change(tx, &mut dice);
                true
            })
        });
    }
    mirror.check_same(&engine);
}

pub fn host(n: u8) -> Host {
    Host {
        id: HostId::from_random(u128::from(n)),
        facts: HostFacts {
            name: format!("host-{n}"),
            address: Ipv4Addr::new(10, 0, 0, n),
            cpus: 64,
            memory_mib: 1 << 20,
            disk_gib: 1 << 20,
            hypervisor: "simulated".into(),
            machine: String::new(),
            format: 1,
            uefi: true,
            shares: Default::default(),
        },
        region: None,
        zone: (n > 1).then_some(n % 2),
        schedulable: true,
        token_sha256: n.to_string(),
        join: None,
        lost: None,
        joined_at: landfall_model::Timestamp(1),
        used_memory_mib: 0,
        used_vcpus: 0,
    }
}

type Change = fn(&mut Tx<'_, '_>, &mut Dice);

const CHANGES: &[Change] = &[
    launches,
    launches,
    launches,
    orders,
    orders,
    ends,
    ends,
    moves,
    moves,
    interfaces,
    interfaces,
    volumes,
    snapshots,
    snapshots,
    tags,
    profiles,
    profiles,
    vpcs,
    dhcp_options,
    gateways,
    routes,
    acls,
    groups,
    groups,
    rules,
    rules,
    elastic,
    elastic,
    hosts,
    connections::networks,
    connections::networks,
    connections::peerings,
    connections::peerings,
    connections::nat_gateways,
    connections::nat_gateways,
    connections::transit,
    connections::transit,
    connections::transit,
    connections::prefix_lists,
    connections::routes,
    connections::routes,
    connections::vpns,
    connections::vpn_moves,
    connections::standings,
    connections::flow_logs,
    connections::flow_logs,
    settings,
    settings,
];

/// One of the scope's rows of a table.
macro_rules! any {
    ($tx:ident, $dice:ident, $table:ident) => {{
        let rows: Vec<_> = $tx.$table.iter().filter(|row| row.scope == $tx.scope()).cloned().collect();
        let Some(row) = $dice.pick(&rows).cloned() else { return };
        row
    }};
}

/// What a server that starts again with another configuration may say otherwise.
fn settings(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let mut settings = tx.provider().clone();
    if dice.chance(500) {
        settings.buckets = dice.chance(500).then(|| "flows".to_owned()).into_iter().collect();
        let whose = BucketAccounts::These([AccountId::new(1).unwrap()].into());
        settings.bucket_accounts = dice.chance(500).then(|| ("flows".to_owned(), whose)).into_iter().collect();
    } else {
        settings.public_domain = format!("compute.{}.example", dice.below(3));
    }
    tx.put::<SettingsTable>(settings);
}

pub fn launches(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let images: Vec<Image> = tx.images.iter().cloned().collect();
    let image = dice.pick(&images).unwrap();
    let count = dice.between(1, 3) as u32;
    let shape = VolumeShape { size_gib: 8, kind: VolumeKind::Gp3, iops: None, throughput_mib: None };
    let disk = |device: &str, image: Option<&Image>| NewDisk {
        device: device.into(),
        delete_on_termination: true,
        volume: NewVolume {
            shape,
            encryption: landfall_cloud::ebs::Encryption::default(),
            image: image.map(|image| (image.id, image.snapshot)),
            snapshot: None,
            of_image: None,
        },
    };
    let interface = |device_index| InterfaceOrder { device_index, delete_on_termination: true, ..Default::default() };
    let order = Order {
        image: image.id,
        kind: InstanceType::find("t3.micro").unwrap(),
        min: 1,
        max: count,
        key_name: None,
        zone: None,
        interfaces: (0..dice.between(1, 2) as u32).map(interface).collect(),
        volumes: vec![disk(&image.root_device, Some(image)), disk("/dev/sdf", None)],
        user_data: dice.chance(300).then(|| ("00".to_owned(), "aGk=".to_owned())),
        shutdown_behavior: ShutdownBehavior::Stop,
        disable_api_termination: false,
        disable_api_stop: false,
        monitoring: false,
        ebs_optimized: false,
        metadata: MetadataOptions { tags: dice.chance(500), ..MetadataOptions::default() },
        cpu_credits: None,
        profile: None,
        client_token: None,
        instance_tags: BTreeMap::from([("Name".to_owned(), dice.below(3).to_string())]),
        template: None,
        volume_tags: BTreeMap::new(),
        interface_tags: BTreeMap::new(),
    };
    // Where there is no room or no address, there is none.
    let _ = launch(tx, &order);
}

fn orders(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, instances);
    let all = [
        PowerOrder::Start,
        PowerOrder::Stop { force: true },
        PowerOrder::Reboot,
        PowerOrder::Terminate { force: false },
    ];
    let _ = power::order(tx, row.id, *dice.pick(&all).unwrap());
}

/// The host says that what was asked for is so.
fn ends(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, instances);
    let Some(host) = row.status.host else { return };
    let phase = match row.spec.power {
        Power::On => *dice.pick(&[Phase::Running, Phase::Running, Phase::Stopped, Phase::Failed]).unwrap(),
        Power::Off => Phase::Stopped,
        Power::Gone => Phase::Gone,
    };
    let (boot, reboots) = (row.spec.boot, row.spec.reboots);
    let wanted = |row: &&NetworkInterface| row.attachment.as_ref().is_some_and(Attachment::is_wanted);
    let interfaces = tx.interfaces.by_instance(&row.id).filter(wanted).map(|row| row.id).collect();
    let seen = InstanceSeen {
        id: row.id,
        boot,
        reboots,
        phase,
        answered: true,
        machine: "q35".into(),
        reason: None,
        interfaces: Some(interfaces),
        disks: None,
    };
    report::take(tx, host, &Report { instances: vec![seen], ..Report::default() });
}

fn moves(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, instances);
    let hosts: Vec<_> = tx.hosts.iter().map(|row| row.id).collect();
    let to = row.status.host.and(dice.pick(&hosts).copied());
    tx.update::<Instances, _>(&row.key(), |row| row.status.host = to);
    let volumes: Vec<_> = tx.volumes.by_instance(&row.id).map(|row| row.key()).collect();
    for key in volumes {
        tx.update::<Volumes, _>(&key, |row| row.host = to.or(row.host));
    }
}

fn interfaces(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, interfaces);
    let groups: Vec<_> = tx.security_groups.by_vpc(&row.vpc).map(|row| row.id).collect();
    let others: Vec<_> = tx.instances.iter().filter(|other| other.spec.vpc == row.vpc).map(|row| row.id).collect();
    let (group, other) = (dice.pick(&groups).copied(), dice.pick(&others).copied());
    let what = dice.below(6);
    if what == 5 {
        landfall_cloud::interface::delete(tx, row.id);
        return;
    }
    tx.update::<Interfaces, _>(&row.key(), |row| match what {
        0 => row.groups = group.into_iter().collect(),
        1 => row.source_dest_check = !row.source_dest_check,
        2 => row.public_address = row.public_address.map_or(Some(Ipv4Addr::new(198, 18, 9, 9)), |_| None),
        3 => row.attachment = None,
        _ => {
            if let (Some(attachment), Some(other)) = (&mut row.attachment, other) {
                attachment.instance = other;
            }
        }
    });
}

fn volumes(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, volumes);
    let instance = any!(tx, dice, instances);
    match dice.below(5) {
        0 => drop(tx.update::<Volumes, _>(&row.key(), |row| row.attachment = None)),
        4 => drop(tx.update::<Volumes, _>(&row.key(), |row| {
            if let Some(attachment) = &mut row.attachment {
                attachment.state = AttachmentState::Detaching { forced: true };
            }
        })),
        1 => drop(tx.update::<Volumes, _>(&row.key(), |row| row.shape.size_gib += 1)),
        2 => drop(tx.delete::<Volumes>(&row.key())),
        _ => drop(tx.update::<Volumes, _>(&row.key(), |row| {
            if let Some(attachment) = &mut row.attachment {
                attachment.instance = instance.id;
            }
        })),
    }
}

/// Snapshots come, are made and go; their volumes go on.
fn snapshots(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let volume = any!(tx, dice, volumes);
    tx.update::<Volumes, _>(&volume.key(), |row| row.state = VolumeState::Present);
    // Refused where too many are under way.
    let _ = snapshot::create(tx, volume.id, "");
    let row = any!(tx, dice, snapshots);
    let host = row.volume.and_then(|id| tx.volumes.by_id(&id).next()?.host);
    match (dice.below(3), row.task(), host) {
        (0, Some(task), Some(host)) => {
            let made = SnapshotMade { root: format!("root {}", task.session), full_bytes: 1 };
            let seen =
                SnapshotSeen { id: row.id, session: task.session, phase: SnapshotPhase::Made(made), taken: false };
            report::take(tx, host, &Report { snapshots: vec![seen], ..Report::default() });
        }
        // One that is there can be deleted.
        (1, ..) => drop(snapshot::delete(tx, row.id)),
        _ => {}
    }
}

/// Roles and profiles come, change and go; instances get them and lose them.
fn profiles(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let name = format!("p{}", dice.below(3));
    let service = if dice.chance(700) { "ec2.amazonaws.com" } else { "lambda.amazonaws.com" };
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let role = role::find(&tx.view(), &name).map(|row| row.id.clone());
    let by_name = ProfileName::Name(name.clone());
    match dice.below(9) {
        0 | 1 => {
            let (path, description, boundary) = ("/", "", None);
            let new = NewRole { name: &name, path, trust: &trust, description, max_session_s: 3600, boundary };
            let _ = role::create(tx, new);
            let _ = instance_profile::create(tx, &name, "/");
            let _ = instance_profile::add_role(tx, &name, &name);
        }
        2 => drop(instance_profile::remove_role(tx, &name, &name)),
        3 => drop(role.map(|id| role::set_trust(tx, &id, &trust))),
        4 => drop(instance_profile::delete(tx, &name)),
        5 => drop(role.map(|id| role::delete(tx, &id))),
        6 => {
            let row = any!(tx, dice, profile_associations);
            let _ = if dice.chance(500) {
                profile_association::end(tx, row.id)
            } else {
                profile_association::replace(tx, row.id, &by_name).map(drop)
            };
        }
        _ => {
            let row = any!(tx, dice, instances);
            let _ = profile_association::associate(tx, row.id, &by_name);
        }
    }
}

fn tags(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, instances);
    if dice.chance(300) {
        let key = tx.scope().key(row.id.to_string());
        tx.delete::<Tags>(&key);
    } else {
        let tags = BTreeMap::from([("Name".to_owned(), dice.below(9).to_string())]);
        let _ = tag::put(tx, "instance", &row.id.to_string(), &tags);
    }
}

fn vpcs(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, vpcs);
    let options: Vec<_> = tx.dhcp_options.iter().filter(|row| row.scope == tx.scope()).map(|row| row.id).collect();
    let options = dice.pick(&options).copied();
    tx.update::<Vpcs, _>(&row.key(), |row| {
        row.dns_hostnames = !row.dns_hostnames;
        row.dhcp_options = if row.dhcp_options.is_some() { None } else { options };
    });
}

fn dhcp_options(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, dhcp_options);
    let name = format!("{}.example", dice.below(5));
    tx.update::<DhcpOptionsTable, _>(&row.key(), |row| row.options = vec![("domain-name".into(), vec![name])]);
}

fn gateways(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, internet_gateways);
    let vpc = any!(tx, dice, vpcs).id;
    tx.update::<InternetGateways, _>(&row.key(), |row| row.vpc = if row.vpc.is_some() { None } else { Some(vpc) });
}

fn routes(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, route_tables);
    let subnets: Vec<_> = tx.subnets.by_vpc(&row.vpc).cloned().collect();
    let Some(subnet) = dice.pick(&subnets) else { return };
    let target = if dice.chance(500) {
        RouteTarget::InternetGateway(any!(tx, dice, internet_gateways).id)
    } else {
        RouteTarget::Interface(any!(tx, dice, interfaces).id)
    };
    let block = Ipv4Cidr::new(Ipv4Addr::new(10, dice.below(9) as u8, 0, 0), 16).unwrap();
    let association = tx.new_id();
    let what = dice.below(3);
    tx.update::<RouteTables, _>(&row.key(), |row| match what {
        0 => row.routes.push(Route {
            destination: landfall_model::Destination::Cidr(Cidr::V4(block)),
            target,
            origin: "CreateRoute".into(),
        }),
        1 => row.routes.truncate(1),
        _ if row.associations.is_empty() => row.associations.push((association, subnet.id)),
        _ => row.associations.clear(),
    });
}

fn acls(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let row = any!(tx, dice, network_acls);
    let number = dice.between(1, 50) as u16;
    let rule = AclRulePlan {
        number,
        allow: dice.chance(500),
        protocol: IpProtocol::TCP,
        ports: PortRange { from: 1, to: 9 },
        cidr: Cidr::V4(Ipv4Cidr::ALL),
    };
    let what = dice.below(3);
    tx.update::<NetworkAcls, _>(&row.key(), |row| match what {
        0 => row.ingress.push(rule),
        1 => row.egress = vec![rule],
        _ => drop(row.associations.pop()),
    });
}

fn groups(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    if dice.chance(600) {
        let vpc = any!(tx, dice, vpcs).id;
        let name = format!("group-{}", dice.below(1000));
        let _ = security_group::create(tx, &name, "made at random", vpc);
        return;
    }
    let row = any!(tx, dice, security_groups);
    let key = row.key();
    let is_used = tx.interfaces.by_group(&row.id).next().is_some();
    if row.name != "default" && !is_used {
        tx.delete::<SecurityGroups>(&key);
    }
}

fn rules(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    if dice.chance(300) {
        let row = any!(tx, dice, security_group_rules);
        tx.delete::<SecurityGroupRules>(&row.key());
        return;
    }
    let (group, peer) = (any!(tx, dice, security_groups), any!(tx, dice, security_groups));
    let peer = if dice.chance(500) { Peer::Group(peer.id) } else { Peer::Cidr(Cidr::V4(Ipv4Cidr::ALL)) };
    let (scope, id) = (tx.scope(), tx.new_id());
    let direction = if dice.chance(500) { RuleDirection::Ingress } else { RuleDirection::Egress };
    let ports = PortRange { from: 1, to: dice.between(1, 99) as i32 };
    tx.put::<SecurityGroupRules>(SecurityGroupRule {
        scope,
        id,
        group: group.id,
        direction,
        protocol: IpProtocol::UDP,
        ports,
        peer,
        description: None,
        peered: None,
    });
}

fn elastic(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    if dice.chance(300) {
        let _ = address::allocate(tx, None);
        return;
    }
    let row = any!(tx, dice, addresses);
    let interface = any!(tx, dice, interfaces);
    match dice.below(3) {
        0 => drop(address::disassociate(tx, row.id)),
        1 => drop(address::associate(tx, row.id, interface.id, None, true)),
        _ => drop(tx.delete::<Addresses>(&row.key())),
    }
}

fn hosts(tx: &mut Tx<'_, '_>, dice: &mut Dice) {
    let rows: Vec<_> = tx.hosts.iter().map(|row| row.id).collect();
    let id = *dice.pick(&rows).unwrap();
    let last = dice.below(250) as u8;
    tx.update::<Hosts, _>(&id, |row| row.facts.address = Ipv4Addr::new(10, 0, 1, last));
}
