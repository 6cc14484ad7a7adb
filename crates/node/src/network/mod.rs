//! The network driver: virtual networks on this machine.
//!
//! Each virtual network of the plan is a network namespace, routed as AWS's is (see [`inside`]); so is each transit gateway
//! (see [`transit`]). What connects them on this host are pairs of links; between hosts a network is carried by VXLAN (see
//! [`overlay`]). Its public addresses are reached through the machine (see [`outside`]). What is to be is computed from the host plan by pure functions
//! ([`ruleset`], [`inside::plan`], [`machine`]); what is there is read from the kernel, and nothing is remembered that can't
//! be lost. Guests and their flows go on when this process ends, and a new one finds everything by its name.
//!
//! A plan that differs a little is applied as a little: only the networks that it is about, and of those only what differs
//! from how they were left ([`scope`], [`advance`], [`difference`]). All of the machine is looked at by a process that has
//! just begun, after a failure, when the same plan is applied once more, and now and then.
//!
//! DHCP, names and metadata are answered by another process ([`crate::metadata`]), which finds in each namespace the
//! addresses that it serves on, and lets in from ports only.

mod acl;
mod advance;
mod again;
pub mod allowance;
mod batch;
mod border;
mod connection;
pub mod difference;
pub mod endpoint;
mod entry;
pub mod exhaustion;
mod family;
mod filter;
pub mod flow;
mod forward;
mod group;
mod input;
pub mod inside;
mod judge;
mod layout;
mod line;
pub mod machine;
mod namesake;
pub mod namespace;
mod netlink;
pub mod outside;
pub mod overlay;
mod part;
mod prerouting;
mod requirements;
mod route;
pub mod ruleset;
mod scope;
mod span;
mod spoof;
mod stale;
mod sysctl;
mod tables;
pub mod tap;
mod target;
pub mod transit;
mod translate;
pub mod underlay;
mod untracked;
pub mod vpn;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use landfall_model::plan::{HostPlan, PieceKey, PortLocation, TransitGatewayPlan, VpcPlan};
use landfall_model::{Cidr, InterfaceId, Ipv4Cidr, Mac, NatGatewayId, Timestamp, VpcId};

use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, Network, OpenPort};
use crate::metadata::names::{namespace as namespace_name, port_device};
pub use allowance::Allowance;
pub use overlay::Underlay;
pub use requirements::{Missing, requirements};
use scope::{Applied, Scope};

/// How virtual networks are made on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// A folder of ours that is gone after a reboot of the machine, as the networks are.
    pub runtime_dir: PathBuf,
    /// Where public addresses come from. Its second address is the machine's own towards its guests.
    pub pool: Ipv4Cidr,
    /// Whether the outside doesn't know the pool, so that guests go out as the machine.
    pub masquerade: bool,
    /// Where guests may not go: the provider's own networks.
    pub blocked: Vec<Cidr>,
    /// Whether guests may go to the networks that the machine itself is on.
    pub lan_allowed: bool,
    /// Where Landfall's API answers within each network: a link-local address of its own, and a port.
    pub api: Option<SocketAddrV4>,
    /// What the names of namespaces and links begin with: at most six letters, different for each cloud of one machine.
    pub prefix: String,
    /// The link to the internet; the one of the default route if it isn't said.
    pub uplink: Option<String>,
    /// The size of the largest packet, in bytes.
    pub mtu: u16,
    /// How this host reaches others; `None` where it is alone.
    pub underlay: Option<Underlay>,
    /// The folders that stand for buckets, by the bucket's name: flow logs are written there.
    pub buckets: flow::deliver::Buckets,
    /// What tells this host's files in a bucket from those of others.
    pub host: String,
    /// What one interface may have of a network's table of connections, and one network of the machine's.
    pub allowance: Allowance,
}

impl NetworkConfig {
    /// What holds where nothing is said.
    pub fn new(runtime_dir: PathBuf) -> Self {
        Self {
            runtime_dir,
            pool: Ipv4Cidr::new(Ipv4Addr::new(198, 18, 0, 0), 16).unwrap_or(Ipv4Cidr::ALL),
            masquerade: true,
            blocked: Vec::new(),
            lan_allowed: false,
            api: None,
            prefix: "lf".into(),
            uplink: None,
            mtu: 1500,
            underlay: None,
            buckets: flow::deliver::Buckets::new(),
            host: String::new(),
            allowance: Allowance::of_machine(),
        }
    }

    /// The machine's address towards its guests: what they see when the machine itself calls them.
    pub fn machine_address(&self) -> Option<Ipv4Addr> {
        self.pool.nth(1)
    }

    /// Our table in the machine's namespace.
    pub fn table(&self) -> String {
        if self.prefix == "lf" { "landfall".into() } else { format!("landfall_{}", self.prefix) }
    }

    /// The number of the network that a namespace of ours belongs to.
    fn number(&self, name: &str) -> Option<u32> {
        let digits = name.strip_prefix(&self.prefix)?.strip_prefix('-')?;
        digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
    }

    /// Where it is marked which namespaces Landfall made.
    fn markers(&self) -> PathBuf {
        self.runtime_dir.join("namespaces")
    }
}

/// Virtual networks on this machine, in the network namespace of this process.
pub struct HostNetwork {
    config: NetworkConfig,
    state: Mutex<State>,
    /// Locked before `state`, where both are.
    recorder: Mutex<flow::Recorder>,
    exhaustion: Mutex<exhaustion::Exhaustion>,
}

/// What is only known to spare work: it is all found out again after a loss.
#[derive(Default)]
struct State {
    /// The plan that was applied last, unless that failed.
    applied: Option<Applied>,
    /// Whether that plan lacks what is on other hosts, which this one can't reach.
    is_cut: bool,
    /// When all of the machine was looked at.
    looked_at: Option<Instant>,
    /// Namespaces as they were left, by the number of their network.
    made: BTreeMap<u32, inside::Made>,
    /// The machine's own side.
    machine: outside::Made,
    /// The hosts that may speak VXLAN to this one, once the filter says so.
    peers: Option<BTreeSet<Ipv4Addr>>,
    /// What each network is known by outside, by its namespace's name.
    public: BTreeMap<String, BTreeSet<Cidr>>,
    /// The ports of this host in the plan that was applied last.
    ports: BTreeMap<InterfaceId, Port>,
    /// The ports that were heard.
    heard: BTreeSet<InterfaceId>,
}

impl State {
    /// Takes note of the ports of a plan: of those that changed, where nothing else did that a port rests on.
    fn note_ports(&mut self, plan: &HostPlan, scope: &Scope, failures: &mut Failures) {
        let changed: Vec<InterfaceId> = match scope {
            Scope::Nothing => return,
            Scope::Networks(_, changed)
                if !changed.iter().any(|key| matches!(key, PieceKey::Vpc(_) | PieceKey::Subnet(_))) =>
            {
                changed.iter().filter_map(|key| if let PieceKey::Port(id) = key { Some(*id) } else { None }).collect()
            }
            _ => {
                self.ports.clear();
                plan.ports().map(|port| port.id).collect()
            }
        };
        for id in changed {
            self.ports.remove(&id);
            let Some(port) = plan.port(id).filter(|port| matches!(port.location, PortLocation::Here(_))) else {
                continue;
            };
            match (plan.vpc(port.vpc), plan.subnet(port.subnet)) {
                (Some(vpc), Some(_)) => {
                    self.ports.insert(id, Port { network: vpc.number, mac: port.mac });
                }
                _ => failures.0.push(format!("the plan has {id} but not its network or subnet")),
            }
        }
    }
}

/// What a plan changes of the one before.
struct Change<'a> {
    before: &'a HostPlan,
    changed: &'a BTreeSet<PieceKey>,
}

#[derive(Clone, Copy)]
struct Port {
    network: u32,
    mac: Mac,
}

/// What went wrong on the way; the rest was done all the same.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn note<T>(&mut self, step: impl FnOnce() -> String, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(format!("{}: {error}", step()))).ok()
    }

    fn into_result(self) -> DriverResult<()> {
        if self.0.is_empty() { Ok(()) } else { Err(DriverError::Retry(self.0.join("; "))) }
    }
}

/// So many networks are made at the same time.
const MOST_AT_ONCE: usize = 8;

impl HostNetwork {
    /// A driver with that configuration. Touches nothing yet.
    pub fn new(config: NetworkConfig) -> Self {
        Self { config, state: Mutex::default(), recorder: Mutex::default(), exhaustion: Mutex::default() }
    }

    /// The configuration.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    fn name(&self, number: u32) -> String {
        namespace_name(&self.config.prefix, number)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What it holds is verified against the kernel, so a panic elsewhere doesn't spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a namespace. The marker comes first, so that what is half made is known as ours.
    fn ensure_namespace(&self, number: u32, ipv6: bool) -> io::Result<()> {
        let name = self.name(number);
        crash_point!("namespace:mark");
        fs::create_dir_all(self.config.markers())?;
        fs::File::create(self.config.markers().join(&name))?;
        namespace::ensure(&name)?;
        crash_point!("namespace:prepare");
        namespace::within(&name, || inside::prepare(ipv6))
    }

    /// Makes the namespace of a network, its link to the machine, and its device on the underlay where it needs one.
    fn ensure_network(&self, plan: &HostPlan, vpc: &VpcPlan) -> io::Result<()> {
        self.ensure_namespace(vpc.number, !vpc.ipv6.is_empty())?;
        let name = self.name(vpc.number);
        crash_point!("namespace:pair");
        outside::ensure_pair(&name)?;
        if !again::addresses(plan, vpc).is_empty() {
            again::ensure(&name)?;
        }
        match self.config.underlay {
            Some(underlay) if ruleset::has_overlay(plan, vpc) => overlay::ensure_device(&name, vpc.number, underlay),
            _ => Ok(()),
        }
    }

    /// Makes the namespace of a transit gateway, and its device on the underlay where it needs one.
    fn ensure_gateway(&self, plan: &HostPlan, gateway: &TransitGatewayPlan) -> io::Result<()> {
        self.ensure_namespace(gateway.number, true)?;
        match self.config.underlay {
            Some(underlay) if transit::has_overlay(plan, gateway) => {
                overlay::ensure_device(&self.name(gateway.number), gateway.number, underlay)
            }
            _ => Ok(()),
        }
    }

    fn remove_namespace(&self, name: &str, failures: &mut Failures) {
        failures.note(|| format!("remove link {name}"), outside::remove_pair(name));
        let removed = failures.note(|| format!("remove namespace {name}"), namespace::remove(name));
        if removed.is_some() {
            crash_point!("namespace:unmark");
            let marker = fs::remove_file(self.config.markers().join(name));
            failures.note(|| format!("remove marker of {name}"), marker);
        }
    }

    /// Names of namespaces that Landfall made, or began to.
    fn marked(&self) -> io::Result<BTreeSet<String>> {
        match fs::read_dir(self.config.markers()) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }

    /// Makes the namespaces of networks and transit gateways, and what connects them. Returns the numbers of those that
    /// are there.
    fn make_namespaces(&self, plan: &HostPlan, failures: &mut Failures) -> BTreeSet<u32> {
        let mut made = BTreeSet::new();
        for vpc in plan.vpcs() {
            let ensured = self.ensure_network(plan, vpc);
            made.extend(failures.note(|| format!("make network {}", vpc.id), ensured).map(|()| vpc.number));
        }
        for gateway in plan.transit_gateways() {
            let ensured = self.ensure_gateway(plan, gateway);
            made.extend(failures.note(|| format!("make {}", gateway.id), ensured).map(|()| gateway.number));
        }
        for vpn in vpn::here(plan) {
            let name = self.name(vpn.number);
            let ensured = self.ensure_namespace(vpn.number, false).and_then(|()| outside::ensure_pair(&name));
            made.extend(failures.note(|| format!("make {}", vpn.id), ensured).map(|()| vpn.number));
        }
        for (link, numbers) in connection::pairs(plan) {
            if numbers.iter().all(|number| made.contains(number)) {
                let [a, b] = numbers.map(|number| self.name(number));
                failures.note(|| format!("connect {a} and {b}"), connection::ensure_pair(&link, [&a, &b]));
            }
        }
        made
    }

    /// Makes the inside of a network so, and takes note of what it is known by outside.
    fn apply_inside(&self, plan: &HostPlan, vpc: &VpcPlan, state: &mut State, failures: &mut Failures) {
        let name = self.name(vpc.number);
        let made = state.made.entry(vpc.number).or_default();
        let inside = inside::plan(plan, vpc, &self.config);
        let applied = namespace::within(&name, || inside.apply(made, false));
        failures.note(|| format!("network {} in {name}", vpc.id), applied);
        state.public.insert(name, ruleset::outside_addresses(plan, vpc));
    }

    /// Makes the insides of these networks so, several at a time: most of it is waiting for the kernel, which has a lock for
    /// each namespace.
    fn apply_insides<'p>(
        &self,
        plan: &'p HostPlan,
        networks: impl Iterator<Item = &'p VpcPlan>,
        state: &mut State,
        failures: &mut Failures,
    ) {
        let known: Vec<_> = networks.map(|vpc| (vpc, state.made.remove(&vpc.number).unwrap_or_default())).collect();
        let workers = known.len().min(MOST_AT_ONCE);
        let (waiting, done) = (Mutex::new(known.into_iter()), Mutex::new(Vec::new()));
        let work = || {
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some((vpc, mut made)) = next() {
                let inside = inside::plan(plan, vpc, &self.config);
                let applied = namespace::within(&self.name(vpc.number), || inside.apply(&mut made, true));
                done.lock().unwrap_or_else(PoisonError::into_inner).push((vpc, made, applied));
            }
        };
        std::thread::scope(|scope| (0..workers).for_each(|_| _ = scope.spawn(work)));
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(vpc, ..)| vpc.number);
        for (vpc, made, applied) in done {
            let name = self.name(vpc.number);
            failures.note(|| format!("network {} in {name}", vpc.id), applied);
            state.made.insert(vpc.number, made);
            state.public.insert(name, ruleset::outside_addresses(plan, vpc));
        }
    }

    /// Leads the part of a network that a change is about to what it is to be. False where there is no such part, or it
    /// isn't as it was left. Otherwise `known` has what such networks were known by outside, and are now.
    fn apply_part(
        &self,
        plan: &HostPlan,
        vpc: &VpcPlan,
        change: &Change<'_>,
        state: &mut State,
        known: &mut BTreeMap<String, [BTreeSet<Cidr>; 2]>,
    ) -> bool {
        let Some(part) = part::of(change.before, plan, change.changed, vpc) else { return false };
        let name = self.name(vpc.number);
        let (Some(made), Some(public)) = (state.made.get_mut(&vpc.number), state.public.get_mut(&name)) else {
            return false;
        };
        if ruleset::has_overlay(plan, vpc) && !made.has_link(overlay::DEVICE) {
            return false;
        }
        let [before, after] = [&part.before, &part.after].map(|part| {
            let vpc = part.vpc(vpc.id)?;
            let known = ruleset::outside_addresses(part, vpc);
            Some((inside::plan(part, vpc, &self.config), known))
        });
        let (Some((before, lost)), Some((after, won))) = (before, after) else { return false };
        let applied = namespace::within(&name, || after.apply_part(&before, made)).unwrap_or_else(|error| {
            tracing::debug!(%error, network = %vpc.id, "a part isn't as it was left");
            false
        });
        if applied {
            lost.difference(&won).for_each(|address| _ = public.remove(address));
            public.extend(won.difference(&lost));
            // What has one address more or less has another one that stays.
            let stays = public.iter().copied().find(|address| !won.contains(address));
            let [lost, won] = [lost, won].map(|known| known.into_iter().chain(stays).collect::<BTreeSet<_>>());
            if lost != won {
                known.insert(name, [lost, won]);
            }
        }
        applied
    }

    /// Goes through all that the plan has and all that the machine has.
    fn apply_everything(&self, plan: &HostPlan, state: &mut State, failures: &mut Failures) {
        let made = self.make_namespaces(plan, failures);
        state.public.clear();
        self.apply_insides(plan, plan.vpcs().filter(|vpc| made.contains(&vpc.number)), state, failures);
        for gateway in plan.transit_gateways().filter(|gateway| made.contains(&gateway.number)) {
            let name = self.name(gateway.number);
            let transit = transit::plan(plan, gateway, self.config.mtu);
            let left = state.made.entry(gateway.number).or_default();
            let applied = namespace::within(&name, || transit.apply(&mut left.filter));
            failures.note(|| format!("transit gateway {} in {name}", gateway.id), applied);
        }
        for vpn in vpn::here(plan).filter(|vpn| made.contains(&vpn.number)) {
            let name = self.name(vpn.number);
            let room = vpn::plan(plan, vpn, self.config.mtu);
            let left = state.made.entry(vpn.number).or_default();
            let applied = namespace::within(&name, || room.apply(&mut left.filter));
            failures.note(|| format!("VPN {} in {name}", vpn.id), applied);
            state.public.insert(name, vpn::outside_addresses(vpn));
        }
        let mut wanted = plan.vpcs().map(|vpc| vpc.number).chain(vpn::here(plan).map(|vpn| vpn.number));
        let whole = wanted.all(|number| made.contains(&number));
        self.apply_outside(plan, whole, state, true, failures);

        let numbers = numbers(plan);
        let wanted_names: BTreeSet<_> = numbers.iter().map(|number| self.name(*number)).collect();
        for name in failures.note(|| "list namespaces".into(), self.marked()).unwrap_or_default() {
            if !wanted_names.contains(&name) {
                self.remove_namespace(&name, failures);
            }
        }
        state.made.retain(|number, _| numbers.contains(number));
    }

    /// Goes through some networks, doing only what differs from how they were left.
    fn apply_networks(
        &self,
        plan: &HostPlan,
        networks: &BTreeSet<VpcId>,
        applied: &Applied,
        changed: &BTreeSet<PieceKey>,
        state: &mut State,
        failures: &mut Failures,
    ) {
        let mut gone = Vec::new();
        let change = Change { before: applied.plan(), changed };
        let (mut known, mut whole) = (BTreeMap::new(), false);
        for id in networks {
            let Some(vpc) = plan.vpc(*id) else {
                gone.extend(applied.number(*id));
                whole = true;
                continue;
            };
            if self.apply_part(plan, vpc, &change, state, &mut known) {
                continue;
            }
            whole = true;
            let left = state.made.get(&vpc.number);
            let needs = |made: &inside::Made| {
                (ruleset::has_overlay(plan, vpc) && !made.has_link(overlay::DEVICE))
                    || (!again::addresses(plan, vpc).is_empty() && !made.has_link(again::OUT))
            };
            if left.is_none_or(needs) {
                let ensured = self.ensure_network(plan, vpc);
                if failures.note(|| format!("make network {}", vpc.id), ensured).is_none() {
                    continue;
                }
            }
            self.apply_inside(plan, vpc, state, failures);
        }
        for number in &gone {
            state.public.remove(&self.name(*number));
            state.made.remove(number);
        }
        if whole || !self.apply_part_outside(&known, &mut state.machine) {
            self.apply_outside(plan, true, state, false, failures);
        }
        for number in gone {
            self.remove_namespace(&self.name(number), failures);
        }
    }

    /// Lets nobody but the plan's hosts speak VXLAN to this one, before there is anything that listens; and takes the filter
    /// away again once there are none, after all that listened. Where everything is looked at, it is said again.
    fn guard_underlay(&self, peers: BTreeSet<Ipv4Addr>, look: bool, state: &mut State) -> io::Result<()> {
        let is_known = state.peers.as_ref() == Some(&peers);
        let text = match self.config.underlay {
            Some(underlay) if !peers.is_empty() => underlay::ruleset(&self.config.table(), underlay, &peers),
            _ => underlay::nothing(&self.config.table()),
        };
        if !is_known || (look && !peers.is_empty()) {
            state.peers = None;
            filter::load_beside(&text, &mut state.machine.filter)?;
            state.peers = Some(peers);
        }
        Ok(())
    }

    /// Leads the part of the machine's side that a change is about to what it is to be. False where it isn't as it was left.
    fn apply_part_outside(&self, known: &BTreeMap<String, [BTreeSet<Cidr>; 2]>, machine: &mut outside::Made) -> bool {
        let side = |side: usize| known.iter().map(|(name, sides)| (name.clone(), sides[side].clone())).collect();
        known.is_empty()
            || outside::apply_part(&self.config, &side(0), &side(1), machine).unwrap_or_else(|error| {
                tracing::debug!(%error, "the machine's side isn't as it was left");
                false
            })
    }

    fn apply_outside(&self, plan: &HostPlan, whole: bool, state: &mut State, look: bool, failures: &mut Failures) {
        let shut = ruleset::shut_addresses(plan);
        let wish = outside::Wish { public: state.public.clone(), shut, whole };
        let outside = outside::apply(&self.config, &self.config.runtime_dir, wish, &mut state.machine, look);
        failures.note(|| "the machine's side".into(), outside);
    }

    /// Makes the machine as the plan says, which differs from the one before by no other pieces than those, if they are known.
    fn lead(&self, plan: &HostPlan, changed: Option<&BTreeSet<PieceKey>>) -> DriverResult<()> {
        let reachable = if self.config.underlay.is_some() { Cow::Borrowed(plan) } else { underlay::alone(plan) };
        let plan = &*reachable;
        let state = &mut *self.state();
        let is_cut = matches!(reachable, Cow::Owned(_));
        let was_cut = std::mem::replace(&mut state.is_cut, is_cut);
        // What was cut out of a plan changes by other pieces than its own.
        let changed = changed.filter(|_| !is_cut && !was_cut);
        let mut failures = Failures::default();
        // Whatever is cut off or goes wrong from here on, the next time everything is looked at.
        let applied = state.applied.take();
        let since_look = state.looked_at.map_or(Duration::MAX, |at| at.elapsed());
        let scope =
            applied.as_ref().map_or(Scope::Everything, |applied| applied.scope(plan, changed).after(since_look));
        state.note_ports(plan, &scope, &mut failures);
        let (peers, look) = (underlay::peers(plan), scope == Scope::Everything);
        let is_alone = peers.is_empty();
        if !is_alone {
            let guarded = self.guard_underlay(peers, look, state);
            if failures.note(|| "the underlay's filter".into(), guarded).is_none() {
                return failures.into_result();
            }
        }
        match &scope {
            Scope::Nothing => {}
            Scope::Networks(networks, changed) => {
                if let Some(applied) = &applied {
                    self.apply_networks(plan, networks, applied, changed, state, &mut failures);
                }
            }
            Scope::Everything => {
                self.apply_everything(plan, state, &mut failures);
                state.looked_at = Some(Instant::now());
            }
        }
        // A process that has just begun, and knows of no underlay, doesn't look for a filter that another may have left.
        let is_clear = self.config.underlay.is_none() && state.peers.is_none() && plan.vpcs().next().is_some();
        if is_alone && !is_clear && failures.0.is_empty() {
            let cleared = self.guard_underlay(BTreeSet::new(), look, state);
            failures.note(|| "the underlay's filter".into(), cleared);
        }
        let State { heard, ports, .. } = state;
        heard.retain(|id| ports.contains_key(id));
        failures.into_result()?;
        let mut applied = applied.unwrap_or_default();
        applied.take(
            plan,
            match scope {
                Scope::Networks(_, changed) => Some(changed),
                _ => None,
            },
        );
        state.applied = Some(applied);
        Ok(())
    }
}

/// The numbers of all namespaces that a plan wants.
fn numbers(plan: &HostPlan) -> BTreeSet<u32> {
    let gateways = plan.transit_gateways().map(|gateway| gateway.number);
    plan.vpcs().map(|vpc| vpc.number).chain(gateways).chain(vpn::here(plan).map(|vpn| vpn.number)).collect()
}

impl Network for HostNetwork {
    fn apply(&self, plan: &HostPlan) -> DriverResult<()> {
        self.lead(plan, None)
    }

    fn follow(&self, plan: &HostPlan, changed: &BTreeSet<PieceKey>) -> DriverResult<()> {
        self.lead(plan, Some(changed))
    }

    fn open(&self, id: InterfaceId) -> DriverResult<OpenPort> {
        let port = self.state().ports.get(&id).copied();
        let port = port.ok_or_else(|| DriverError::Retry(format!("interface {id} isn't set up on this host yet")))?;
        let tap = namespace::within(&self.name(port.network), || tap::open(&port_device(id)));
        let tap = tap.map_err(|error| DriverError::Retry(format!("interface {id} can't be opened: {error}")))?;
        Ok(OpenPort { interface: id, mac: port.mac, tap: Some(tap), mtu: self.config.mtu })
    }

    fn heard(&self) -> DriverResult<BTreeSet<InterfaceId>> {
        let (ports, mut heard) = {
            let state = self.state();
            (state.ports.clone(), state.heard.clone())
        };
        // Only networks with a port that wasn't heard are asked.
        let silent: BTreeSet<u32> =
            ports.iter().filter(|(id, _)| !heard.contains(id)).map(|(_, port)| port.network).collect();
        for number in silent {
            let list = || filter::list_set("arp", ruleset::TABLE, "heard");
            let names = namespace::within(&self.name(number), list)
                .map_err(|error| DriverError::Retry(format!("what was heard in {}: {error}", self.name(number))))?;
            let names: BTreeSet<_> = names.into_iter().collect();
            let spoke =
                |(id, port): &(&InterfaceId, &Port)| port.network == number && names.contains(&port_device(**id));
            heard.extend(ports.iter().filter(spoke).map(|(id, _)| *id));
        }
        self.state().heard.extend(&heard);
        Ok(heard)
    }

    fn forget(&self, id: InterfaceId) {
        let mut state = self.state();
        state.heard.remove(&id);
        let Some(port) = state.ports.get(&id).copied() else { return };
        // An element that isn't there can't be deleted, so it is added first.
        let (table, name) = (ruleset::TABLE, port_device(id));
        let text = format!(
            "add element arp {table} heard {{ \"{name}\" }}\ndelete element arp {table} heard {{ \"{name}\" }}\n"
        );
        // One that isn't made yet is left to be.
        let Some(made) = state.made.get_mut(&port.network) else { return };
        let forgotten = namespace::within(&self.name(port.network), || filter::load_beside(&text, &mut made.filter));
        if let Err(error) = forgotten {
            tracing::warn!(interface = %id, %error, "a port may count as heard though its guest starts anew");
        }
    }

    fn record(&self, plan: &HostPlan, now: Timestamp) -> flow::Deliveries {
        self.record_flows(plan, now)
    }

    fn lacked_ports(&self, plan: &HostPlan, now: Timestamp) -> Option<BTreeMap<NatGatewayId, u64>> {
        self.watch_exhaustion(plan, now)
    }

    fn unknown(&self) -> DriverResult<Vec<String>> {
        let retry = |error: io::Error| DriverError::Retry(format!("namespaces can't be listed: {error}"));
        let marked = self.marked().map_err(retry)?;
        let found = namespace::list().map_err(retry)?;
        let links = netlink::Netlink::open().and_then(|mut netlink| layout::links(&mut netlink)).map_err(retry)?;
        let ours = |name: &&String| self.config.number(name).is_some() && !marked.contains(*name);
        let namespaces = found.iter().filter(ours).map(|name| format!("network namespace {name}"));
        let links = links.keys().filter(ours).map(|name| format!("network link {name}"));
        Ok(namespaces.chain(links).collect())
    }
}
