//! A machine that was led from plan to plan by differences is as one to which the last plan was applied from nothing.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use landfall_node::driver::DriverResult;
use landfall_node::network::difference::difference;
use landfall_node::network::{Underlay, ruleset};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

/// Something that a tenant does.
#[derive(Clone, Debug)]
enum Change {
    Port {
        number: u32,
        subnet: u32,
        groups: Vec<u32>,
        public: bool,
        ipv6: bool,
    },
    Unplug(u32),
    Rules {
        group: u32,
        ingress: Vec<(u8, i32, u8)>,
        egress: bool,
    },
    Acl {
        subnet: u32,
        rules: Vec<(bool, i32)>,
    },
    Routes {
        subnet: u32,
        to: Vec<(u8, u8)>,
    },
    Secondary(u32),
    Check(u32),
    /// To another host, or from there.
    Move(u32),
    Gateway(u32),
    Nat(u32),
    Endpoint(u32),
    Peer,
    Drop(u32),
    Revision,
}

fn change() -> impl Strategy<Value = Change> {
    let port = || 1u32..9;
    let subnet = || 1u32..4;
    prop_oneof![
        6 => (port(), subnet(), proptest::collection::vec(1u32..5, 1..3), any::<bool>(), any::<bool>())
            .prop_map(|(number, subnet, groups, public, ipv6)| Change::Port { number, subnet, groups, public, ipv6 }),
        3 => port().prop_map(Change::Unplug),
        4 => (1u32..5, proptest::collection::vec((0u8..6, 1i32..40, 0u8..5), 0..6), any::<bool>())
            .prop_map(|(group, ingress, egress)| Change::Rules { group, ingress, egress }),
        2 => (subnet(), proptest::collection::vec((any::<bool>(), 1i32..9), 0..4))
            .prop_map(|(subnet, rules)| Change::Acl { subnet, rules }),
        3 => (subnet(), proptest::collection::vec((0u8..8, 0u8..6), 0..5))
            .prop_map(|(subnet, to)| Change::Routes { subnet, to }),
        1 => port().prop_map(Change::Secondary),
        1 => port().prop_map(Change::Check),
        2 => port().prop_map(Change::Move),
        1 => (1u32..3).prop_map(Change::Gateway),
        1 => (1u32..3).prop_map(Change::Nat),
        1 => (1u32..4).prop_map(Change::Endpoint),
        1 => Just(Change::Peer),
        1 => (1u32..3).prop_map(Change::Drop),
        1 => Just(Change::Revision),
    ]
}

/// A cloud and its ports' numbers.
fn start() -> Cloud {
    let mut cloud = Cloud::new();
    for (group, vpc) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
        cloud.group(group, vpc, vec![anything()], vec![anything()]);
    }
    for (number, piece) in cloud.0.pieces.values_mut().filter(|piece| matches!(piece, Piece::Vpc(_))).zip(0u8..) {
        let Piece::Vpc(vpc) = number else { continue };
        vpc.ipv6 = vec![format!("2001:db8:{piece}:100::/56").parse().unwrap()];
    }
    cloud
}

fn make(cloud: &mut Cloud, change: &Change) {
    let plan = &mut cloud.0;
    match change {
        Change::Port { number, subnet, groups, public, ipv6 } => {
            if plan.subnet(subnet_id(*subnet)).is_none() {
                return;
            }
            let own: Vec<u32> = groups.iter().copied().filter(|group| (*group > 2) == (*subnet == 3)).collect();
            let address = format!("198.18.0.{number}");
            cloud.port(*number, *subnet, &own, public.then_some(address.as_str()));
            if *ipv6 {
                let address = Ipv6Addr::new(0x2001, 0xdb8, u16::from(*subnet == 3), 0x101, 0, 0, 0, *number as u16);
                cloud.edit_port(*number, |port| port.ipv6 = vec![address]);
            }
        }
        Change::Unplug(number) => _ = plan.pieces.remove(&PieceKey::Port(port_id(*number))),
        Change::Rules { group, ingress, egress } => set_rules(cloud, *group, ingress, *egress),
        Change::Acl { subnet, rules } => {
            let rules = rules
                .iter()
                .zip(90..)
                .map(|((allow, port), number)| acl(number, *allow, "tcp", (*port, 9), "10.0.0.0/8"));
            let rules: Vec<_> = rules.chain([acl(100, true, "-1", (-1, -1), "0.0.0.0/0")]).collect();
            if plan.subnet(subnet_id(*subnet)).is_some() {
                cloud.edit_subnet(*subnet, |it| it.acl_ingress = rules);
            }
        }
        Change::Routes { subnet, to } => set_routes(cloud, *subnet, to),
        Change::Secondary(number) | Change::Check(number) | Change::Move(number)
            if plan.port(port_id(*number)).is_none() => {}
        Change::Secondary(number) => {
            let address = Ipv4Addr::new(10, 1, 1, 100 + *number as u8);
            _ = cloud.edit_port(*number, |port| match port.addresses.contains(&address) {
                true => port.addresses.retain(|it| *it != address),
                false => port.addresses.push(address),
            });
        }
        Change::Check(number) => {
            _ = cloud.edit_port(*number, |port| port.source_dest_check = !port.source_dest_check);
        }
        Change::Move(number) => {
            let host = (*number % 2) as u8;
            let address = Ipv4Addr::new(203, 0, 113, 20 + host);
            let elsewhere = PortLocation::Remote { host: HostId::from_random(host.into()), address };
            _ = cloud.edit_port(*number, |port| {
                let here = PortLocation::Here(InstanceId::from_random(u128::from(*number)));
                port.location = if matches!(port.location, PortLocation::Here(_)) { elsewhere } else { here };
            });
        }
        Change::Gateway(number) => {
            if let Some(Piece::Vpc(vpc)) = plan.pieces.get_mut(&PieceKey::Vpc(vpc_id(*number))) {
                vpc.internet_gateway = !vpc.internet_gateway;
            }
        }
        Change::Nat(number) => toggle_nat(plan, *number),
        Change::Endpoint(number) => toggle_endpoint(plan, *number),
        Change::Peer => {
            let (id, vpcs) = (PeeringId::from_random(1), [vpc_id(1), vpc_id(2)]);
            if plan.pieces.remove(&PieceKey::Peering(id)).is_none() && vpcs.iter().all(|id| plan.vpc(*id).is_some()) {
                let peering = PeeringPlan { id, vpcs, dns: [false; 2] };
                plan.pieces.insert(PieceKey::Peering(id), Piece::Peering(peering));
            }
        }
        Change::Drop(number) => drop_vpc(plan, *number),
        Change::Revision => plan.revision += 1,
    }
}

fn set_rules(cloud: &mut Cloud, group: u32, ingress: &[(u8, i32, u8)], egress: bool) {
    let vpc = if group > 2 { 2 } else { 1 };
    if cloud.0.vpc(vpc_id(vpc)).is_none() {
        return;
    }
    let rules = ingress.iter().map(|(peer, port, kind)| {
        let peers = ["10.1.0.0/16", "10.1.1.0/24", "10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"];
        let peer = match peers.get(usize::from(*peer)) {
            Some(block) => from(block),
            None => PeerPlan::Group(group_id(group)),
        };
        match kind {
            0 => rule("udp", (*port, 40), peer),
            1 => rule("icmp", (8, -1), peer),
            2 => rule("47", (-1, -1), peer),
            _ => rule("tcp", (*port, port + 9), peer),
        }
    });
    let egress = if egress { vec![anything()] } else { vec![rule("tcp", (1, 99), from("10.1.0.0/16"))] };
    cloud.group(group, vpc, rules.collect(), egress);
}

fn set_routes(cloud: &mut Cloud, subnet: u32, to: &[(u8, u8)]) {
    let routes = to.iter().map(|(block, target)| {
        let target = match target {
            0 => RouteTargetPlan::Interface(port_id(1)),
            1 => RouteTargetPlan::Blackhole,
            2 => RouteTargetPlan::NatGateway(NatGatewayId::from_random(1)),
            3 => RouteTargetPlan::Peering(PeeringId::from_random(1)),
            _ => RouteTargetPlan::InternetGateway,
        };
        (cidr(&format!("10.{block}.0.0/{}", 14 + block / 4)), target)
    });
    let routes: std::collections::BTreeMap<_, _> = routes.collect();
    let routes = routes.into_iter().map(|(destination, target)| RoutePlan { destination, target });
    if cloud.0.subnet(subnet_id(subnet)).is_some() {
        cloud.edit_subnet(subnet, |it| it.routes = routes.collect());
    }
}

/// A NAT gateway comes or goes, with its interface.
fn toggle_nat(plan: &mut HostPlan, vpc: u32) {
    let (id, interface) = (NatGatewayId::from_random(u128::from(vpc)), port_id(50 + vpc));
    if plan.pieces.remove(&PieceKey::NatGateway(id)).is_some() {
        plan.pieces.remove(&PieceKey::Port(interface));
        return;
    }
    let subnet = subnet_id(if vpc == 1 { 2 } else { 3 });
    if plan.subnet(subnet).is_none() {
        return;
    }
    let (vpc, address) = (vpc_id(vpc), Ipv4Addr::new(10, 1, 2, 50));
    let port = PortPlan {
        id: interface,
        vpc,
        subnet,
        mac: mac(50),
        addresses: vec![address],
        ipv6: vec![],
        groups: vec![],
        source_dest_check: true,
        public: vec![],
        location: PortLocation::Service,
        device_index: 0,
        resource_name: None,
    };
    let public = Some(Ipv4Addr::new(198, 18, 0, 50));
    let gateway = NatGatewayPlan { id, vpc, subnet, interface, addresses: vec![(address, public)], place: Place::Here };
    plan.pieces.insert(PieceKey::Port(interface), Piece::Port(port));
    plan.pieces.insert(PieceKey::NatGateway(id), Piece::NatGateway(gateway));
}

/// An endpoint comes or goes, with its interface in that subnet.
fn toggle_endpoint(plan: &mut HostPlan, number: u32) {
    let (id, interface) = (EndpointId::from_random(u128::from(number)), port_id(60 + number));
    if plan.pieces.remove(&PieceKey::Endpoint(id)).is_some() {
        plan.pieces.remove(&PieceKey::Port(interface));
        return;
    }
    let Some(subnet) = plan.subnet(subnet_id(number)) else { return };
    let port = PortPlan {
        id: interface,
        vpc: subnet.vpc,
        subnet: subnet.id,
        mac: mac(60 + number),
        addresses: subnet.cidr.nth(60).into_iter().collect(),
        ipv6: vec![],
        groups: vec![group_id(if number == 3 { 3 } else { number })],
        source_dest_check: true,
        public: vec![],
        location: PortLocation::Service,
        device_index: 0,
        resource_name: None,
    };
    let endpoint = EndpointPlan { id, vpc: subnet.vpc, interfaces: vec![interface] };
    plan.pieces.insert(PieceKey::Port(interface), Piece::Port(port));
    plan.pieces.insert(PieceKey::Endpoint(id), Piece::Endpoint(endpoint));
}

/// A network goes with all that is in it, or comes back as it was at first.
fn drop_vpc(plan: &mut HostPlan, number: u32) {
    let id = vpc_id(number);
    if plan.vpc(id).is_none() {
        let fresh = start().0;
        plan.pieces.extend(fresh.pieces.into_iter().filter(|(_, piece)| match piece {
            Piece::Vpc(vpc) => vpc.id == id,
            Piece::Subnet(subnet) => subnet.vpc == id,
            Piece::Group(group) => group.vpc == id,
            _ => false,
        }));
        return;
    }
    plan.pieces.retain(|_, piece| match piece {
        Piece::Vpc(vpc) => vpc.id != id,
        Piece::Subnet(subnet) => subnet.vpc != id,
        Piece::Group(group) => group.vpc != id,
        Piece::Port(port) => port.vpc != id,
        Piece::NatGateway(gateway) => gateway.vpc != id,
        Piece::Endpoint(endpoint) => endpoint.vpc != id,
        Piece::Peering(_) => false,
        _ => true,
    });
}

/// All that packets meet on the machine: rules, links, addresses, routes. Whatever order the kernel tells them in, and
/// without what counts and what is numbered by order of coming.
fn state() -> Vec<String> {
    let names = std::fs::read_dir("/run/netns").map(|names| names.flatten().collect()).unwrap_or_else(|_| vec![]);
    let mut lines = Vec::new();
    let places = names.into_iter().map(|name| name.file_name().to_string_lossy().into_owned()).chain([String::new()]);
    for place in places {
        let ip = if place.is_empty() { String::new() } else { format!("-n {place} ") };
        let mut say = |what: &str, text: String| {
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.extend(text.lines().map(|line| format!("{place} {what}: {}", words(line))));
        };
        for what in ["-o -4 addr", "route show table all", "-6 route show table all", "rule", "-6 rule"] {
            say(what, run("ip", &format!("{ip}{what}")));
        }
        say("neigh", run("ip", &format!("{ip}neigh show nud permanent")));
        for line in run("ip", &format!("{ip}-o link")).lines() {
            let (_, line) = line.split_once(": ").unwrap_or_default();
            let name = line.split(['@', ':']).next().unwrap_or_default();
            let up = line.contains(",UP") || line.contains("<UP");
            say("link", format!("{name} {up} {}", line.rsplit_once("link/").map_or("", |(_, address)| address)));
        }
        let nft = if place.is_empty() {
            run("nft", "-j list ruleset")
        } else {
            run("ip", &format!("netns exec {place} nft -j list ruleset"))
        };
        lines.extend(rules(&nft).into_iter().map(|line| format!("{place} nft: {line}")));
    }
    // What stands for the internet makes up addresses of its own, in its time, and so does the kernel with a link's routes
    // to groups of receivers.
    let is_timely =
        |line: &String| !line.contains("link-netns") && !line.contains("wan0") && !line.contains(": multicast");
    lines.retain(is_timely);
    lines.sort();
    lines
}

/// The ruleset's objects; rules keep their order within their chain.
fn rules(text: &str) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut places = std::collections::BTreeMap::<String, usize>::new();
    let mut lines = Vec::new();
    for object in answer["nftables"].as_array().unwrap() {
        let mut object = object.clone();
        clean(&mut object);
        let chain = format!("{}{}{}", object["rule"]["family"], object["rule"]["table"], object["rule"]["chain"]);
        let place = places.entry(chain).or_default();
        *place += 1;
        let place = if object.get("rule").is_some() { *place } else { 0 };
        lines.push(format!("{place} {object}"));
    }
    lines
}

fn clean(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for name in ["handle", "packets", "bytes", "metainfo"] {
                fields.remove(name);
            }
            for (name, field) in fields.iter_mut() {
                clean(field);
                if let ("elem" | "set", Some(elements)) = (name.as_str(), field.as_array_mut()) {
                    elements.sort_by_key(ToString::to_string);
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(clean),
        _ => {}
    }
}

/// Hears what the driver says of itself: warnings (that a difference wasn't taken is one), and whenever it is about to
/// change rules. Then it may meddle: what somebody else changes at that moment makes the kernel refuse the change.
#[derive(Clone, Default)]
struct Ear(Arc<Heard>);

#[derive(Default)]
struct Heard {
    warnings: AtomicUsize,
    batches: AtomicUsize,
    by_nft: AtomicUsize,
    /// How many changes are still to be refused.
    refuses: AtomicUsize,
}

impl Ear {
    fn listen() -> Self {
        let ear = Self::default();
        tracing::subscriber::set_global_default(ear.clone()).unwrap();
        ear
    }

    fn warnings(&self) -> usize {
        self.0.warnings.load(Ordering::Relaxed)
    }
}

/// Whether a change of rules goes by `nft`.
#[derive(Default)]
struct ByNft(Option<bool>);

impl tracing::field::Visit for ByNft {
    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        if field.name() == "by_nft" {
            self.0 = Some(value);
        }
    }
    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

impl tracing::Subscriber for Ear {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN || metadata.target() == "landfall_node::network::filter"
    }
    fn event(&self, event: &tracing::Event<'_>) {
        if *event.metadata().level() <= tracing::Level::WARN {
            eprintln!("{event:?}");
            self.0.warnings.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut by_nft = ByNft::default();
        event.record(&mut by_nft);
        let Some(by_nft) = by_nft.0 else { return };
        let counter = if by_nft { &self.0.by_nft } else { &self.0.batches };
        counter.fetch_add(1, Ordering::Relaxed);
        let less = |left: usize| left.checked_sub(1);
        if !by_nft && self.0.refuses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            run("nft", "add table inet stranger");
            run("nft", "delete table inet stranger");
        }
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// A driver on a host among others.
fn driver() -> HostNetwork {
    let mut config = NetworkConfig::new(PathBuf::from("/run/landfall"));
    config.underlay = Some(Underlay { address: Ipv4Addr::new(203, 0, 113, 1), port: 4789 });
    config.mtu = 1450;
    HostNetwork::new(config)
}

/// Leads a driver from a plan to another as the agent does, which knows what changed.
fn lead(network: &HostNetwork, before: &HostPlan, after: &HostPlan) -> DriverResult<()> {
    let changed = before.clone().apply(PlanUpdate::Snapshot(after.clone())).unwrap();
    match BTreeSet::from_iter(changed) {
        none if none.is_empty() => network.apply(after),
        changed => network.follow(after, &changed),
    }
}

/// Looks whether the machine is as one to which the plan is applied by a driver that knows nothing: it loads and looks at
/// everything.
fn assert_made(plan: &HostPlan, what: &str) -> HostNetwork {
    let led = state();
    let network = driver();
    network.apply(plan).unwrap_or_else(|error| panic!("{what}: {error}"));
    let made = state();
    let more: Vec<_> = led.iter().filter(|line| !made.contains(line)).collect();
    let less: Vec<_> = made.iter().filter(|line| !led.contains(line)).collect();
    assert!(more.is_empty() && less.is_empty(), "{what}: more {more:#?}, less {less:#?}");
    network
}

/// The same changes each time, unless others are asked for.
const SEED: u8 = 11;

#[test]
fn differences_lead_to_what_is_made_from_nothing() {
    on_own_machine("differences::differences_lead_to_what_is_made_from_nothing", || {
        uplink();
        let seed = std::env::var("LANDFALL_SEED").map_or(SEED, |seed| seed.parse().unwrap());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let config = Config { cases: 1, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let steps = proptest::collection::vec(proptest::collection::vec(change(), 1..4), 90);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let ear = Ear::listen();
        let mut cloud = start();
        let mut network = driver();
        network.apply(&cloud.0).unwrap();
        let (mut changed, mut told) = (0, 0);
        for (number, changes) in steps.iter().enumerate() {
            let before = cloud.0.clone();
            changes.iter().for_each(|change| make(&mut cloud, change));
            lead(&network, &before, &cloud.0).unwrap_or_else(|error| panic!("{number} {changes:?}: {error}"));
            for vpc in cloud.0.vpcs().filter(|vpc| before.vpc(vpc.id).is_some()) {
                let [old, new] =
                    [&before, &cloud.0].map(|plan| ruleset::ruleset(plan, plan.vpc(vpc.id).unwrap(), None));
                changed += usize::from(old != new);
                told += usize::from(difference(&old, &new).is_some_and(|text| !text.is_empty()));
            }
            if number % 3 == 2 {
                network = assert_made(&cloud.0, &format!("{number} {changes:?}"));
            }
        }
        assert_eq!(ear.warnings(), 0, "the kernel takes them as they are");
        // By other seeds there may be more of what can't be told so.
        if seed == SEED {
            assert!(told > 20 && told * 10 >= changed * 9, "most are told as differences: {told} of {changed}");
            let [batches, by_nft] = [&ear.0.batches, &ear.0.by_nft].map(|count| count.load(Ordering::Relaxed));
            assert!(batches > by_nft, "most need no nft: {batches}, and {by_nft} that do");
        }
        network.apply(&HostPlan::default()).unwrap();
        assert_eq!(run("ls", "/run/netns"), "internet\n");
    });
}

/// What the kernel refuses in parts is given to it whole, and said; then changes are small again.
#[test]
fn what_is_refused_is_made_as_a_whole() {
    on_own_machine("differences::what_is_refused_is_made_as_a_whole", || {
        uplink();
        let ear = Ear::listen();
        let mut cloud = start();
        let port = |number, subnet, groups: &[u32], public| Change::Port {
            number,
            subnet,
            groups: groups.to_vec(),
            public,
            ipv6: true,
        };
        let rules = |ports: &[i32]| Change::Rules {
            group: 1,
            ingress: ports.iter().map(|port| (5, *port, 5)).chain([(1, 90, 5)]).collect(),
            egress: true,
        };
        let before = [port(1, 1, &[1], true), port(2, 1, &[1], true), port(3, 1, &[2], true), rules(&[1])];
        before.iter().for_each(|change| make(&mut cloud, change));
        let mut network = driver();
        network.apply(&cloud.0).unwrap();
        // Within the network, and where the number is two on the machine's side as well. The port that comes is the
        // first in its table.
        let changes = [
            ("a port comes", 2, port(4, 1, &[1], true)),
            ("a port joins a group", 1, port(3, 1, &[1, 2], true)),
            ("a rule comes", 1, rules(&[1, 40])),
            ("a port leaves a group", 1, port(3, 1, &[2], true)),
            ("a rule goes", 1, rules(&[1])),
            ("a public address goes", 2, port(2, 1, &[1], false)),
            ("a port goes", 2, Change::Unplug(4)),
            ("an address comes", 1, Change::Secondary(2)),
        ];
        let mut refused = 0;
        for (what, refuses, change) in &changes {
            let before = cloud.0.clone();
            refused += refuses;
            ear.0.refuses.store(*refuses, Ordering::Relaxed);
            make(&mut cloud, change);
            cloud.0.revision += 1;
            lead(&network, &before, &cloud.0).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(ear.0.refuses.load(Ordering::Relaxed), 0, "{what}: so many changes were refused");
            assert_eq!(ear.warnings(), refused, "{what}: it is said");
            network = assert_made(&cloud.0, what);
        }
        // The driver that was refused something goes on in small steps.
        ear.0.refuses.store(1, Ordering::Relaxed);
        let steps = [port(5, 1, &[1], true), port(6, 1, &[1], true), port(7, 1, &[1], true), Change::Unplug(6)];
        let mut batches = Vec::new();
        for change in &steps {
            let before = cloud.0.clone();
            make(&mut cloud, change);
            lead(&network, &before, &cloud.0).unwrap();
            batches.push(ear.0.batches.load(Ordering::Relaxed));
        }
        assert_eq!(ear.warnings(), refused + 1);
        assert!(batches[1] < batches[2] && batches[2] < batches[3], "{batches:?}");
        assert_made(&cloud.0, "after a refusal and further steps");
    });
}
