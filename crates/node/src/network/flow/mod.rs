//! Flow logs: what passes the ports of this host is counted in the kernel, and written down window by window.
//!
//! Where no flow log asks, nothing is counted. Where one does, its network's namespace has a table of its own
//! ([`table`]); a window's counts ([`count`]) are laid at the door of the port whose rules let them through or refused
//! them ([`verdict`]), become lines in AWS's formats ([`record`]) and a file in the folder that stands for the bucket
//! ([`deliver`]). All but the first and the last step is pure.
//!
//! What a kernel table holds outlives this process. A window that another process began goes on; one that it ended and
//! didn't get to forget is delivered once more, under the same name. What can't be written waits and is tried again
//! ([`backlog`]). What a host that crashes had counted is lost, as is what waited when an agent ends: records are made on a
//! best-effort basis, as AWS's are.
//!
//! A window lasts as long as the shortest interval among a network's flow logs: that of the others is the longest that
//! they may take. What a NAT gateway's interface passes is recorded where the gateway is, once for each of its sides, and
//! what an endpoint's is told and says on each host. What the network itself answers (DHCP, names, metadata, time) isn't.

pub mod backlog;
pub mod count;
pub mod deliver;
pub mod record;
pub mod table;
pub mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::PoisonError;

use landfall_model::plan::{FlowLogPlan, HostPlan, PortLocation, PortPlan, VpcPlan};
use landfall_model::{FlowLogId, InterfaceId, Timestamp};

use super::target::{Mark, Targets};
use super::{HostNetwork, filter, namespace, overlay};
use crate::metadata::names::port_device;
use backlog::Backlog;
use count::{Counts, Listing};
use deliver::DeliveryError;
use record::{Traffic, Window};
use table::{TABLE, Table};

/// How the delivery of each flow log that was due went: why it failed, if it did.
pub type Deliveries = BTreeMap<FlowLogId, Option<String>>;

/// What is known of the tables that count, to spare asking for it.
#[derive(Default)]
pub struct Recorder {
    networks: BTreeMap<u32, Recording>,
    /// Whether it was looked for tables that an earlier process left.
    looked: bool,
    /// What couldn't be written yet.
    backlog: Backlog,
    /// When that was tried last, in seconds.
    tried_s: i64,
}

/// How the delivery of windows goes.
#[derive(Default)]
struct Delivery {
    deliveries: Deliveries,
    backlog: Backlog,
}

/// After how many seconds what couldn't be written is tried again.
const AGAIN_S: i64 = 30;

/// What is counted in a network.
struct Recording {
    table: Option<Table>,
    half: u32,
    start_s: i64,
    /// Ports by what the counters call them; those that went in this window too.
    names: BTreeMap<String, InterfaceId>,
    /// The flow logs that the window is for: one that came later isn't told what was before it.
    logs: BTreeSet<FlowLogId>,
    /// The rules as they were when the window began.
    rules: HostPlan,
}

/// What is to be counted in a network.
struct Wanted<'p> {
    logs: Vec<&'p FlowLogPlan>,
    /// Ports, gateways and endpoints' interfaces, by what the counters call them.
    ports: BTreeMap<String, InterfaceId>,
    faces: BTreeSet<Ipv4Addr>,
    gateways: BTreeMap<String, (Mark, Vec<Ipv4Addr>)>,
    ipv6: bool,
}

impl Wanted<'_> {
    fn table(&self) -> Table {
        let flags = self.logs.iter().any(|log| log.fields.iter().any(|field| field == "tcp-flags"));
        let is_link = |name: &&String| !name.starts_with('@') && !self.gateways.contains_key(*name);
        let ports = self.ports.keys().filter(is_link).cloned().collect();
        let (faces, gateways) = (self.faces.clone(), self.gateways.clone());
        Table { ports, ipv6: self.ipv6, flags, faces, gateways }
    }

    fn add(&mut self, plan: &HostPlan, vpc: &VpcPlan, port: &PortPlan) {
        if let PortLocation::Here(_) = port.location {
            self.ports.insert(port_device(port.id), port.id);
        } else if let Some(gateway) = record::gateway(plan, port) {
            let mark = Targets::of(plan, vpc).nat_gateways.get(&gateway.id).map(|(mark, _)| *mark);
            let Some(mark) = mark else { return };
            let device = port_device(port.id);
            if gateway.addresses.len() < 2 {
                self.gateways.insert(device.clone(), (mark, Vec::new()));
                self.ports.insert(device, port.id);
                return;
            }
            for (own, public) in &gateway.addresses {
                let name = table::gateway(&device, *own);
                self.gateways.insert(name.clone(), (mark, [Some(*own), *public].into_iter().flatten().collect()));
                self.ports.insert(name, port.id);
            }
        } else {
            self.faces.extend(&port.addresses);
            self.ports.extend(port.addresses.iter().map(|address| (count::face((*address).into()), port.id)));
        }
    }

    /// Which logs ask for it.
    fn logs(&self) -> BTreeSet<FlowLogId> {
        self.logs.iter().map(|log| log.id).collect()
    }

    /// The rules of the network's ports.
    fn rules(&self, plan: &HostPlan) -> HostPlan {
        self.logs.first().map(|log| verdict::rules_of(plan, log.vpc)).unwrap_or_default()
    }

    /// How long a window lasts, in seconds.
    fn interval_s(&self) -> i64 {
        const LONGEST_S: u32 = 600;
        self.logs.iter().map(|log| log.interval_s).min().unwrap_or(LONGEST_S).clamp(1, LONGEST_S).into()
    }
}

/// What a plan wants to be counted, by the network's number.
fn wanted(plan: &HostPlan) -> BTreeMap<u32, Wanted<'_>> {
    let mut wanted: BTreeMap<u32, Wanted<'_>> = BTreeMap::new();
    for log in plan.flow_logs() {
        let Some(vpc) = plan.vpc(log.vpc) else { continue };
        let ports: Vec<_> = record::ports(plan, log).collect();
        if !ports.is_empty() {
            let new = || Wanted {
                logs: Vec::new(),
                ports: BTreeMap::new(),
                faces: BTreeSet::new(),
                gateways: BTreeMap::new(),
                ipv6: !vpc.ipv6.is_empty(),
            };
            let network = wanted.entry(vpc.number).or_insert_with(new);
            network.logs.push(log);
            ports.into_iter().for_each(|port| network.add(plan, vpc, port));
        }
    }
    wanted
}

impl HostNetwork {
    /// Counts what the plan's flow logs are about, and delivers the records of windows that have ended.
    pub fn record_flows(&self, plan: &HostPlan, now: Timestamp) -> Deliveries {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = wanted(plan);
        let mut delivery = Delivery { backlog: std::mem::take(&mut recorder.backlog), ..Delivery::default() };
        let now_s = now.as_millis().div_euclid(1000);
        if (now_s - recorder.tried_s).abs() >= AGAIN_S {
            recorder.tried_s = now_s;
            self.try_again(plan, &mut delivery);
        }
        if !recorder.looked {
            recorder.looked = true;
            self.remove_left(&wanted);
        }
        let gone: Vec<u32> = recorder.networks.keys().filter(|number| !wanted.contains_key(number)).copied().collect();
        for number in gone {
            recorder.networks.remove(&number);
            self.remove_table(number);
        }
        // Those of which nothing is here don't fail here.
        let recorded: BTreeSet<_> = wanted.values().flat_map(|wanted| wanted.logs.iter().map(|log| log.id)).collect();
        delivery
            .deliveries
            .extend(plan.flow_logs().filter(|log| !recorded.contains(&log.id)).map(|log| (log.id, None)));
        for (number, wanted) in &wanted {
            let recorded = self.record_network(&mut recorder, *number, wanted, plan, now_s, &mut delivery);
            if let Err(error) = recorded {
                tracing::warn!(network = %self.name(*number), %error, "flows can't be recorded");
                // Whatever holds now is looked at the next time.
                recorder.networks.remove(number);
            }
        }
        recorder.backlog = delivery.backlog;
        delivery.deliveries
    }

    /// Writes what couldn't be written before.
    fn try_again(&self, plan: &HostPlan, delivery: &mut Delivery) {
        let Self { config, .. } = self;
        let wanted = |id| plan.flow_log(id).is_some();
        let write = |log: &FlowLogPlan, window, lines: &[String]| {
            // Whether they may go there is asked anew.
            let permission = plan.flow_log(log.id).map(|now| now.permission).unwrap_or_default();
            let log = FlowLogPlan { permission, ..log.clone() };
            deliver::deliver(&config.buckets, &log, lines, window, &config.host)
        };
        let caught_up = delivery.backlog.try_again(wanted, write);
        delivery.deliveries.extend(caught_up.into_iter().map(|id| (id, None)));
    }

    fn record_network(
        &self,
        recorder: &mut Recorder,
        number: u32,
        wanted: &Wanted<'_>,
        plan: &HostPlan,
        now_s: i64,
        delivery: &mut Delivery,
    ) -> io::Result<()> {
        if !namespace::path(&self.name(number)).exists() {
            // Its network isn't made yet.
            return Ok(());
        }
        if let std::collections::btree_map::Entry::Vacant(entry) = recorder.networks.entry(number) {
            entry.insert(self.find(number, wanted, plan, now_s, delivery)?);
        }
        let Some(recording) = recorder.networks.get_mut(&number) else { return Ok(()) };
        recording.names.extend(wanted.ports.iter().map(|(name, id)| (name.clone(), *id)));
        let table = wanted.table();
        if recording.table.as_ref() != Some(&table) {
            self.load(number, &table.text(recording.half))?;
            recording.table = Some(table.clone());
        }
        // A log that is new begins with a window of its own, the next second at the earliest: windows have different names.
        let has_new = now_s > recording.start_s && wanted.logs.iter().any(|log| !recording.logs.contains(&log.id));
        // A clock that was set back must not hold up a window for ever.
        if now_s >= recording.start_s && now_s < recording.start_s + wanted.interval_s() && !has_new {
            return Ok(());
        }
        let (half, start_s) = (recording.half, recording.start_s);
        recording.half = 1 - half;
        recording.start_s = now_s;
        self.load(number, &table.turn(recording.half, now_s))?;
        let listing = self.list(number)?;
        let window = Window { start_s: start_s.min(now_s), end_s: now_s };
        self.deliver(wanted, plan, &listing.halves[half as usize], recording, window, delivery);
        self.load(number, &table.forget(half, start_s, &listing.sets))?;
        recording.names.clone_from(&wanted.ports);
        (recording.logs, recording.rules) = (wanted.logs(), wanted.rules(plan));
        Ok(())
    }

    /// Finds what an earlier process counts in a network, and delivers what it had ended and not yet forgotten. Begins
    /// anew where there is nothing.
    fn find(
        &self,
        number: u32,
        wanted: &Wanted<'_>,
        plan: &HostPlan,
        now_s: i64,
        delivery: &mut Delivery,
    ) -> io::Result<Recording> {
        let table = wanted.table();
        let (names, logs, rules) = (wanted.ports.clone(), wanted.logs(), wanted.rules(plan));
        let listing = self.list(number)?;
        let Some(&(start_s, half)) = listing.windows.last().filter(|(_, half)| *half < 2) else {
            fs::create_dir_all(self.recorded())?;
            fs::File::create(self.recorded().join(self.name(number)))?;
            let half = table::HALVES[0];
            self.load(number, &(table.text(half) + &table::begin(half, now_s)))?;
            return Ok(Recording { table: Some(table), half, start_s: now_s, names, logs, rules });
        };
        // Its sets may be others than are wanted now: what is flushed below must be there.
        self.load(number, &table.text(half))?;
        // Which logs the window was begun for isn't known any more; those that there are have it.
        let recording = Recording { table: Some(table.clone()), half, start_s, names, logs, rules };
        for &(ended_s, other) in listing.windows.iter().filter(|(_, other)| *other != half && *other < 2) {
            let window = Window { start_s: ended_s, end_s: start_s };
            self.deliver(wanted, plan, &listing.halves[other as usize], &recording, window, delivery);
            self.load(number, &table.forget(other, ended_s, &listing.sets))?;
        }
        Ok(recording)
    }

    fn deliver(
        &self,
        wanted: &Wanted<'_>,
        plan: &HostPlan,
        counts: &Counts,
        recording: &Recording,
        window: Window,
        delivery: &mut Delivery,
    ) {
        let Recording { names, rules, .. } = recording;
        let flows = verdict::judge(plan, rules, counts, names);
        let skipped: BTreeSet<_> = counts.skipped.iter().filter_map(|name| names.get(name)).copied().collect();
        let of_network = wanted.logs.first().and_then(|log| plan.vpc(log.vpc)).filter(|_| !wanted.faces.is_empty());
        let is_spread = of_network.is_some_and(|vpc| overlay::is_spread(plan, vpc));
        let traffic = Traffic { flows: &flows, skipped: &skipped, is_spread };
        for log in wanted.logs.iter().filter(|log| recording.logs.contains(&log.id)) {
            let lines = record::lines(plan, log, &traffic, window);
            let delivered = deliver::deliver(&self.config.buckets, log, &lines, window, &self.config.host);
            let failure = delivered.err().map(|error| {
                if let DeliveryError::Write(_) = error {
                    let gone = delivery.backlog.keep(log, window, lines);
                    if gone > 0 {
                        tracing::warn!(windows = gone, "records of flows are lost: too many wait to be written");
                    }
                }
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(flow_log = %log.id, %error, cause, "records of flows weren't delivered");
                error.to_string()
            });
            delivery.deliveries.insert(log.id, failure);
        }
    }

    fn list(&self, number: u32) -> io::Result<Listing> {
        let listed = namespace::within(&self.name(number), || {
            Command::new("nft").args(["-j", "-n", "list", "table", "inet", TABLE]).output()
        })?;
        if !listed.status.success() {
            let words = String::from_utf8_lossy(&listed.stderr);
            if words.contains("No such file") {
                return Ok(Listing::default());
            }
            return Err(io::Error::other(format!("nft can't list what was counted: {}", words.trim())));
        }
        Ok(count::parse(&listed.stdout)?)
    }

    /// Loads a text beside a network's rules, which it doesn't touch.
    fn load(&self, number: u32, text: &str) -> io::Result<()> {
        let mut state = self.state();
        // One that this process didn't make yet has nothing to be told apart from.
        let mut unmade = None;
        let loaded = state.made.get_mut(&number).map_or(&mut unmade, |made| &mut made.filter);
        namespace::within(&self.name(number), || filter::load_beside(text, loaded))
    }

    /// Where it is marked in which namespaces something is counted.
    fn recorded(&self) -> PathBuf {
        self.config.runtime_dir.join("recorded")
    }

    /// Removes tables of an earlier process that nobody wants any more.
    fn remove_left(&self, wanted: &BTreeMap<u32, Wanted<'_>>) {
        let Ok(entries) = fs::read_dir(self.recorded()) else { return };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        for number in names.filter_map(|name| self.config.number(&name)) {
            if !wanted.contains_key(&number) {
                self.remove_table(number);
            }
        }
    }

    fn remove_table(&self, number: u32) {
        let name = self.name(number);
        if namespace::path(&name).exists()
            && let Err(error) = self.load(number, &table::remove())
        {
            tracing::warn!(network = name, %error, "what counts flows can't be removed");
            return;
        }
        if let Err(error) = fs::remove_file(self.recorded().join(&name))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(network = name, %error, "it stays marked that flows are counted");
        }
    }
}
