//! The world: time, a control plane or none, hosts, and what is under way between them.
//!
//! It is single-threaded. Everything that happens is an event with a time; between two of them time leaps. In
//! [`Mode::Protocol`] hosts are reached by messages that take time and get lost; in [`Mode::Settled`] the control plane
//! settles them itself before the next request, as the emulator does.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use landfall_control::agents::token_sha256;
use landfall_control::{Seed, seed};
use landfall_model::agent::{AgentCall, AgentReply, Report};
use landfall_model::plan::PlanUpdate;
use landfall_model::{AccountId, HostFacts, HostId, ImageId, InstanceId, Region, Scope, Settings, Timestamp};
use landfall_node::agent::Timing;
use landfall_node::agent::sim::{SimHost, SimOptions};
use landfall_node::driver::GuestState;
use landfall_node::fake::MachineOptions;
use landfall_state::{MemoryStore, Value};
use landfall_wire::Tree;

use crate::acknowledged::Acknowledged;
use crate::client::{Client, Refusal};
use crate::clock::SimClock;
use crate::counts::Counts;
use crate::dice::Dice;
use crate::flaky::{FlakyLog, Flaw};
use crate::mirror::Mirror;
use crate::node::{Message, Node, Poll, Reply};
use crate::plane::{Opening, Plane, root_key};

/// How control plane and hosts come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By messages.
    Protocol,
    /// Before the next request.
    Settled,
}

/// What goes wrong, and how often in a thousand.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Appends to the log.
    pub log: u32,
    /// Messages that are lost, or whose answers are.
    pub lost: u64,
    /// Messages that come twice.
    pub twice: u64,
    /// Steps on machines that fail for no reason, before or after they had their effect.
    pub machine: u32,
}

/// How long things take.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// The longest that a message takes, in milliseconds.
    pub message_ms: u64,
    /// How long a guest takes to start.
    pub start: Duration,
    /// How long a guest takes to stop; `None` where it ignores its power button.
    pub stop: Option<Duration>,
    /// How long a guest takes until it is heard.
    pub answer: Duration,
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// How control plane and hosts come together.
    pub mode: Mode,
    /// How many hosts there are.
    pub hosts: usize,
    /// How much memory each host gives to guests, in MiB.
    pub memory_mib: u64,
    /// Accounts.
    pub accounts: usize,
    /// Regions that are used.
    pub regions: Vec<Region>,
    /// What goes wrong.
    pub faults: Faults,
    /// How long things take.
    pub latencies: Latencies,
    /// What the provider has decided.
    pub settings: Settings,
}

impl Default for WorldOptions {
    /// Three hosts by protocol, one account in one region, nothing wrong, and all in no time.
    fn default() -> Self {
        Self {
            mode: Mode::Protocol,
            hosts: 3,
            memory_mib: 1 << 16,
            accounts: 1,
            regions: vec![Region::DEFAULT],
            faults: Faults::default(),
            latencies: Latencies { message_ms: 1, stop: Some(Duration::ZERO), ..Latencies::default() },
            settings: landfall_cloud::value::default_settings(),
        }
    }
}

/// Something that happens.
enum Event {
    ToPlane {
        node: usize,
        generation: u64,
        plane: u64,
        message: Message,
    },
    ToNode {
        node: usize,
        generation: u64,
        reply: Reply,
    },
    /// The agent gives up waiting for the answer to a hello or poll of that number, and asks again.
    AskAgain {
        node: usize,
        generation: u64,
        call: u64,
    },
    /// The agent gives up waiting until a report is taken.
    ReportLost {
        node: usize,
        generation: u64,
    },
    Wake {
        node: usize,
    },
    OpenPlane,
}

/// After how long an agent gives a call up.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// After how long all must have come to rest once nothing goes wrong any more.
const REST_WITHIN: Duration = Duration::from_secs(30 * 60);
/// The secret of all access keys.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A cloud in one process.
pub struct World {
    /// What it is made of.
    pub options: WorldOptions,
    /// What is drawn next.
    pub dice: Dice,
    /// What happened.
    pub counts: Counts,
    /// What clients were told.
    pub acknowledged: Acknowledged,
    clock: Arc<SimClock>,
    store: MemoryStore,
    flaw: Flaw,
    seeds: Vec<Seed>,
    clients: Vec<Client>,
    plane: Option<Plane>,
    planes: u64,
    nodes: Vec<Node>,
    queue: BTreeMap<(Timestamp, u64), Event>,
    number: u64,
    mirror: Mirror,
    starts: u64,
    is_faulty: bool,
    scopes: Vec<Scope>,
    runtime: tokio::runtime::Runtime,
}

impl World {
    /// A new world, with its control plane up.
    pub fn new(seed: u64, options: WorldOptions) -> Self {
        let mut dice = Dice::new(seed);
        let hosts: Vec<_> = (0..options.hosts).map(|index| host_of(index, options.memory_mib)).collect();
        let accounts: Vec<_> =
            (1..=options.accounts as u64).filter_map(|n| AccountId::new(n * 111_111_111_111)).collect();
        let (seeds, clients) = seeds_of(&options, &accounts, &hosts);
        let scope = |account: &AccountId, region: &Region| Scope { account: *account, region: *region };
        let scopes =
            accounts.iter().flat_map(|account| options.regions.iter().map(move |region| scope(account, region)));
        let scopes = scopes.collect();
        let flaw = Flaw::new(dice.seed(), 0);
        let mut world = Self {
            clock: Arc::new(SimClock::new()),
            store: MemoryStore::default(),
            seeds,
            clients,
            plane: None,
            planes: 0,
            nodes: Vec::new(),
            queue: BTreeMap::new(),
            number: 0,
            mirror: Mirror::default(),
            starts: 0,
            is_faulty: false,
            scopes,
            counts: Counts::default(),
            acknowledged: Acknowledged::default(),
            runtime: match tokio::runtime::Builder::new_current_thread().enable_time().build() {
                Ok(runtime) => runtime,
                Err(error) => panic!("no runtime: {error}"),
            },
            flaw,
            dice,
            options,
        };
        world.open_plane();
        if world.options.mode == Mode::Protocol {
            for (id, token, facts) in hosts {
                let options = world.sim_options();
                world.nodes.push(Node::new(id, token, facts, options));
            }
            for node in 0..world.nodes.len() {
                world.ask(node);
            }
        }
        world.set_faults(true);
        world
    }

    fn sim_options(&mut self) -> SimOptions {
        let failures_per_mille = self.faults().machine;
        let latencies = &self.options.latencies;
        SimOptions {
            machine: MachineOptions {
                stop: latencies.stop,
                answer: latencies.answer,
                seed: self.dice.seed(),
                failures_per_mille,
                ..MachineOptions::default()
            },
            timing: Timing::default(),
            start: latencies.start,
        }
    }

    /// Makes things go wrong as often as the options say, or mends all.
    pub fn set_faults(&mut self, on: bool) {
        self.is_faulty = on;
        let faults = self.faults();
        self.flaw.set_per_mille(faults.log);
        self.each_host(&mut |_, sim| sim.machine().faults().set_per_mille(faults.machine));
        if !on {
            self.mend_hosts();
        }
    }

    /// What goes wrong just now.
    fn faults(&self) -> Faults {
        if self.is_faulty { self.options.faults.clone() } else { Faults::default() }
    }

    // Looking.

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Clients: one for each account in each region.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// Whose and where each of them calls.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// What is durable.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// Takes in what an engine has made durable besides what was asked through this world.
    pub fn follow(&mut self, engine: &landfall_state::Engine<landfall_cloud::Cloud>) {
        self.mirror.catch_up(engine);
    }

    /// The control plane, if it is up.
    pub fn plane(&self) -> Option<&Plane> {
        self.plane.as_ref()
    }

    /// How many hosts there are.
    pub fn hosts(&self) -> usize {
        self.options.hosts
    }

    /// Everything that happened, with what the log did.
    pub fn all_counts(&self) -> Counts {
        let mut counts = self.counts.clone();
        counts.merge(&self.flaw.counts());
        counts
    }

    /// Looks at every host, or does something to it.
    pub fn each_host(&mut self, run: &mut dyn FnMut(HostId, &mut SimHost)) {
        for node in &mut self.nodes {
            run(node.id, &mut node.sim);
        }
        if let Some(settler) = self.plane.as_ref().and_then(|plane| plane.settler.as_ref()) {
            settler.with_hosts(|hosts| {
                for (id, _, simulated) in hosts {
                    run(id, &mut simulated.host);
                }
            });
        }
    }

    /// Does something to one host, which notices it at once.
    pub fn with_host(&mut self, index: usize, run: impl FnOnce(&mut SimHost, Timestamp)) {
        let now = self.now();
        if index < self.nodes.len() {
            run(&mut self.nodes[index].sim, now);
            self.wake(index);
        } else if let Some(settler) = self.plane.as_ref().and_then(|plane| plane.settler.clone()) {
            settler.with_hosts(|hosts| {
                if let Some((_, _, simulated)) = hosts.nth(index) {
                    run(&mut simulated.host, now);
                }
            });
            self.tick_settled();
        }
    }

    // Clients.

    /// Sends a signed request. While there is no control plane nobody answers.
    pub fn call(&mut self, client: &Client, action: &str, params: &[(String, String)]) -> Result<Tree, Refusal> {
        let Some(plane) = &self.plane else {
            self.counts.add("calls-unanswered");
            return Err(Refusal { status: 503, code: "Down".into(), message: "nobody listens".into() });
        };
        let revision = plane.engine.read().revision;
        let scope = self.clients.iter().zip(&self.scopes).find(|(one, _)| *one == client).map(|(_, scope)| *scope);
        let is_new = scope.is_some_and(|scope| self.mirror.cloud().vpcs.by_scope.count(&scope) == 0);
        let answer = self.runtime.block_on(client.call(&plane.gateway, self.clock.now(), action, params));
        match &answer {
            Ok(_) => self.counts.add(&format!("ok.{action}")),
            Err(refusal) if refusal.is_unknown() => self.counts.add("calls-unknown"),
            Err(refusal) => {
                assert!((400..500).contains(&refusal.status), "{action} {params:?}: {refusal:?}");
                self.counts.add("calls-refused");
                // The first use of a region makes its network, also where the rest is refused.
                let after = plane.engine.read().revision;
                assert!(after == revision || is_new, "{action} was refused and changed something: {refusal:?}");
            }
        }
        self.committed();
        answer
    }

    /// Sends a signed body to a service that speaks the query protocol: whether it was taken.
    pub fn post(&mut self, client: &Client, service: &str, body: &str) -> bool {
        let Some(plane) = &self.plane else { return false };
        let answer = self.runtime.block_on(client.post(&plane.gateway, self.clock.now(), service, body.as_bytes()));
        self.committed();
        answer.status == 200
    }

    /// Has the control plane do what lifecycle policies say that are awake by now.
    pub fn look_after_policies(&mut self) {
        let Some(plane) = &self.plane else { return };
        // A refusal is the log's, which the next line notices.
        let _ = self.runtime.block_on(plane.look_after_policies());
        self.committed();
    }

    // The control plane.

    /// Ends the control plane, with all that it remembers.
    pub fn crash_plane(&mut self) {
        if self.plane.take().is_some() {
            self.counts.add("crash.control-plane");
            let pause = self.dice.span(1, 3000);
            self.schedule(pause, Event::OpenPlane);
            for node in 0..self.nodes.len() {
                self.nodes[node].held = None;
                self.nodes[node].session = None;
                self.ask_later(node, 200);
            }
        }
    }

    fn open_plane(&mut self) {
        if self.plane.is_some() {
            return;
        }
        self.planes += 1;
        let settled = (self.options.mode == Mode::Settled).then(|| {
            let ids: Vec<_> = (0..self.options.hosts).map(|index| host_of(index, 0).0).collect();
            ids.into_iter().map(|id| (id, self.sim_options())).collect()
        });
        let opened = Plane::open(Opening {
            log: Box::new(FlakyLog::on(self.store.clone(), self.flaw.clone())),
            clock: self.clock.clone(),
            seed: self.dice.seed(),
            seeds: &self.seeds,
            settled,
        });
        match opened {
            Ok(plane) => {
                self.mirror.catch_up(&plane.engine);
                self.mirror.check_same(&plane.engine);
                self.plane = Some(plane);
                self.acknowledged.check(&self.mirror);
            }
            Err(_) => {
                self.counts.add("crash.opening");
                let pause = self.dice.span(1, 3000);
                self.schedule(pause, Event::OpenPlane);
            }
        }
    }

    /// After something that may have made commits: takes them in, and answers the polls that wait for them.
    fn committed(&mut self) {
        let Some(plane) = &self.plane else { return };
        let is_news = self.mirror.catch_up(&plane.engine);
        if plane.is_broken() {
            self.crash_plane();
            return;
        }
        if is_news {
            for node in 0..self.nodes.len() {
                if let Some(poll) = self.nodes[node].held.take() {
                    self.answer_poll(node, poll);
                }
            }
        }
        self.check_single_lives();
    }

    fn expire(&mut self) {
        while let Some(plane) = &self.plane
            && self.mirror.cloud().next_due().is_some_and(|at| at <= self.clock.now().0)
        {
            let revision = self.mirror.revision();
            // A refusal is the log's, which the next line notices.
            let _ = self.runtime.block_on(plane.expire(self.clock.now()));
            self.counts.add("expiries");
            self.committed();
            if self.mirror.revision() == revision && self.plane.is_some() {
                panic!("what is due doesn't go");
            }
        }
    }

    fn tick_settled(&mut self) {
        let (Some(plane), now) = (&self.plane, self.clock.now()) else { return };
        if let Some(settler) = plane.settler.clone() {
            let _ = plane.engine.commit_essential(|head| settler.tick(head, now)).wait();
            self.committed();
        }
    }

    // Agents and hosts.

    /// An agent dies and is started again; its guests run on.
    pub fn restart_agent(&mut self, index: usize) {
        self.counts.add("crash.agent");
        let now = self.now();
        self.with_host(index, |sim, _| sim.restart_agent(now));
        self.agent_begins(index);
    }

    /// A host loses power and is started again, maybe with another address.
    pub fn crash_host(&mut self, index: usize, moved: bool) {
        self.counts.add("crash.host");
        let now = self.now();
        self.with_host(index, |sim, _| sim.crash(now));
        if let Some(node) = self.nodes.get_mut(index)
            && moved
        {
            let [a, b, c, d] = node.facts.address.octets();
            node.facts.address = Ipv4Addr::new(a, b, c.wrapping_add(1), d);
        }
        self.agent_begins(index);
    }

    fn agent_begins(&mut self, index: usize) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.generation += 1;
            node.session = None;
            node.held = None;
            node.whole = false;
            self.wake(index);
            self.ask_later(index, 500);
        }
    }

    /// Nothing of a host's agent reaches anyone for a while.
    pub fn cut(&mut self, index: usize, span: Duration) {
        let until = self.now() + span;
        if let Some(node) = self.nodes.get_mut(index) {
            node.cut_until = node.cut_until.max(until);
            self.counts.add("link.cut");
        }
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.schedule_at(self.now() + after, event);
    }

    fn schedule_at(&mut self, at: Timestamp, event: Event) {
        self.number += 1;
        self.queue.insert((at.max(self.now()), self.number), event);
    }

    fn ask_later(&mut self, index: usize, most_ms: u64) {
        let node = &mut self.nodes[index];
        node.call += 1;
        let (generation, call) = (node.generation, node.call);
        let pause = self.dice.span(1, most_ms);
        self.schedule(pause, Event::AskAgain { node: index, generation, call });
    }

    /// The agent says hello, or polls.
    fn ask(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.call += 1;
        let (generation, call) = (node.generation, node.call);
        let message = match &node.session {
            None => Message::Hello(call),
            Some(session) => {
                let version = if node.whole { (0, 0) } else { node.sim.version() };
                Message::Poll(Poll { session: session.clone(), call, version })
            }
        };
        if !self.send(index, message) {
            self.schedule(CALL_TIMEOUT, Event::AskAgain { node: index, generation, call });
        }
    }

    /// Sends what an agent says. Returns whether it is on its way.
    fn send(&mut self, index: usize, message: Message) -> bool {
        if self.is_lost(index) {
            return false;
        }
        let mut at = self.now() + self.dice.span(0, self.options.latencies.message_ms);
        let node = &mut self.nodes[index];
        if let Message::Report(..) = message {
            at = at.max(node.last_report);
            node.last_report = at;
        }
        let (generation, plane) = (node.generation, self.planes);
        let twice = self.faults().twice;
        if self.dice.chance(twice) {
            self.counts.add("link.twice");
            let message = message.clone();
            self.schedule_at(at, Event::ToPlane { node: index, generation, plane, message });
        }
        self.schedule_at(at, Event::ToPlane { node: index, generation, plane, message });
        true
    }

    fn is_lost(&mut self, index: usize) -> bool {
        let per_mille = self.faults().lost;
        let lost = self.nodes[index].cut_until > self.now() || self.dice.chance(per_mille);
        if lost {
            self.counts.add("link.lost");
        }
        lost
    }

    fn reply(&mut self, index: usize, generation: u64, reply: Reply) {
        let again = match &reply {
            Reply::Hello(call, ..) | Reply::Poll(call, _) => Event::AskAgain { node: index, generation, call: *call },
            Reply::Report(_) => Event::ReportLost { node: index, generation },
        };
        if self.is_lost(index) {
            return self.schedule(CALL_TIMEOUT, again);
        }
        let delay = self.dice.span(0, self.options.latencies.message_ms);
        self.schedule(delay, Event::ToNode { node: index, generation, reply });
    }

    fn arrive(&mut self, index: usize, generation: u64, plane: u64, message: Message) {
        let agents = match &self.plane {
            Some(up) if plane == self.planes => up.agents.clone(),
            // The connection was to a control plane that is gone: the agent notices at once.
            _ => {
                let again = match message {
                    Message::Hello(call) | Message::Poll(Poll { call, .. }) => {
                        Event::AskAgain { node: index, generation, call }
                    }
                    Message::Report(..) => Event::ReportLost { node: index, generation },
                };
                return self.schedule(Duration::from_millis(200), again);
            }
        };
        match message {
            Message::Hello(call) => {
                let session = Rc::new(agents.session());
                let node = &self.nodes[index];
                let hello = AgentCall::Hello { token: node.token.clone(), facts: node.facts.clone() };
                let reply = self.runtime.block_on(session.call(hello));
                self.reply(index, generation, Reply::Hello(call, session, reply));
                self.committed();
            }
            Message::Poll(poll) => self.answer_poll(index, poll),
            Message::Report(session, report) => {
                let reply = self.runtime.block_on(session.call(AgentCall::Report(report)));
                self.reply(index, generation, Reply::Report(reply));
                self.committed();
            }
        }
    }

    /// Answers a poll if there is something new, and holds it otherwise.
    fn answer_poll(&mut self, index: usize, poll: Poll) {
        let (incarnation, since) = poll.version;
        let reply = self.runtime.block_on(poll.session.call(AgentCall::Poll { incarnation, since, wait_ms: 0 }));
        let is_quiet = matches!(&reply, AgentReply::Work { plan: PlanUpdate::Unchanged { .. }, .. });
        let generation = self.nodes[index].generation;
        let per_mille = self.faults().lost;
        if is_quiet && !self.dice.chance(per_mille) {
            if poll.call == self.nodes[index].call {
                self.nodes[index].held = Some(poll);
            }
            return;
        }
        self.reply(index, generation, Reply::Poll(poll.call, reply));
    }

    fn hear(&mut self, index: usize, reply: Reply) {
        match reply {
            Reply::Hello(call, session, AgentReply::Welcome { host, .. }) if call == self.nodes[index].call => {
                let node = &mut self.nodes[index];
                assert_eq!(host, node.id, "the control plane takes a host for another");
                node.session = Some(session);
                node.sim.report_was_lost();
                self.wake(index);
                self.ask(index);
            }
            Reply::Poll(call, AgentReply::Work { plan, .. }) if call == self.nodes[index].call => {
                let (node, now) = (&mut self.nodes[index], self.clock.now());
                match node.sim.step(plan, now) {
                    Ok(report) => {
                        node.whole = false;
                        self.touched(index, report);
                    }
                    Err(_) => {
                        assert!(!node.whole, "a whole plan doesn't fit");
                        node.whole = true;
                        self.counts.add("link.whole-plan");
                    }
                }
                self.ask(index);
            }
            Reply::Hello(call, _, refused) | Reply::Poll(call, refused) if call == self.nodes[index].call => {
                assert!(matches!(refused, AgentReply::Refused { .. }), "an answer to another question: {refused:?}");
                self.refused(index);
            }
            Reply::Hello(..) | Reply::Poll(..) | Reply::Report(AgentReply::Taken) => {}
            Reply::Report(_) => self.refused(index),
        }
    }

    fn refused(&mut self, index: usize) {
        self.counts.add("link.refused");
        self.nodes[index].session = None;
        self.nodes[index].held = None;
        self.nodes[index].sim.report_was_lost();
        self.ask_later(index, 300);
    }

    /// Lets a host do what is due now.
    fn wake(&mut self, index: usize) {
        let now = self.now();
        let report = self.nodes[index].sim.tick(now);
        self.touched(index, report);
    }

    /// After something was done on a host: what it has to say goes out, and it is woken when it wants to be.
    fn touched(&mut self, index: usize, report: Option<Report>) {
        let now = self.now();
        if let Some(report) = report {
            let node = &mut self.nodes[index];
            let generation = node.generation;
            match node.session.clone() {
                None => node.sim.report_was_lost(),
                Some(session) => {
                    if !self.send(index, Message::Report(session, report)) {
                        self.schedule(CALL_TIMEOUT, Event::ReportLost { node: index, generation });
                    }
                }
            }
        }
        let node = &mut self.nodes[index];
        let wake = node.sim.next_wake().map(|at| at.max(now + Duration::from_millis(1)));
        if wake != node.wake {
            node.wake = wake;
            if let Some(at) = wake {
                self.schedule_at(at, Event::Wake { node: index });
            }
        }
        self.check_single_lives();
    }

    /// No instance lives twice, on whatever hosts. Looked at whenever something was started.
    fn check_single_lives(&mut self) {
        let mut starts = 0;
        self.each_host(&mut |_, sim| starts += sim.machine().starts());
        if starts == self.starts {
            return;
        }
        self.starts = starts;
        let mut lives: BTreeMap<InstanceId, HostId> = BTreeMap::new();
        self.each_host(&mut |host, sim| {
            for guest in sim.machine().inspect_guests() {
                if matches!(guest.state, GuestState::Running | GuestState::Suspended(_)) {
                    match lives.entry(guest.id) {
                        Entry::Vacant(free) => drop(free.insert(host)),
                        Entry::Occupied(other) => {
                            panic!("{} lives on {} and on {host}", guest.id, other.get());
                        }
                    }
                }
            }
        });
    }

    // Time.

    /// Lets time pass, and happen what happens.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now() + span;
        while self.next_moment().is_some_and(|at| at <= until) {
            self.step();
        }
        self.clock.advance_to(until);
        self.expire();
        self.tick_settled();
    }

    /// When something happens next.
    fn next_moment(&self) -> Option<Timestamp> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let settled = self.settled_wake();
        let due = self.plane.as_ref().and_then(|_| self.mirror.cloud().next_due().map(Timestamp));
        queued.into_iter().chain(settled).chain(due).min()
    }

    fn settled_wake(&self) -> Option<Timestamp> {
        let settler = self.plane.as_ref()?.settler.as_ref()?;
        let next = settler.with_hosts(|hosts| {
            use landfall_control::SimulatedHost as _;
            hosts.filter_map(|(_, _, simulated)| simulated.next_wake()).min()
        })?;
        Some(next.max(self.now() + Duration::from_millis(1)))
    }

    /// Lets happen what happens next. Returns whether there was anything.
    fn step(&mut self) -> bool {
        let Some(at) = self.next_moment() else { return false };
        self.clock.advance_to(at);
        self.expire();
        let is_queued = self.queue.first_key_value().is_some_and(|((first, _), _)| *first <= self.now());
        let Some((_, event)) = is_queued.then(|| self.queue.pop_first()).flatten() else {
            self.tick_settled();
            return true;
        };
        let now = self.now();
        let is_now = |world: &Self, node: usize, generation: u64| world.nodes[node].generation == generation;
        match event {
            Event::ToPlane { node, generation, plane, message } => self.arrive(node, generation, plane, message),
            Event::ToNode { node, generation, reply } if is_now(self, node, generation) => self.hear(node, reply),
            Event::AskAgain { node, generation, call }
                if is_now(self, node, generation) && self.nodes[node].call == call =>
            {
                self.nodes[node].held = None;
                self.ask(node);
            }
            Event::ReportLost { node, generation } if is_now(self, node, generation) => {
                self.nodes[node].sim.report_was_lost();
                self.wake(node);
            }
            Event::Wake { node } if self.nodes[node].wake.is_some_and(|at| at <= now) => {
                self.nodes[node].wake = None;
                self.wake(node);
            }
            Event::OpenPlane => self.open_plane(),
            _ => {}
        }
        true
    }

    /// Mends everything, and lets time pass until nothing is under way any more.
    ///
    /// # Panics
    /// When that takes too long: something doesn't converge.
    pub fn settle(&mut self) {
        self.set_faults(false);
        for node in &mut self.nodes {
            node.cut_until = Timestamp(0);
        }
        let until = self.now() + REST_WITHIN;
        loop {
            self.expire();
            if self.is_quiet() {
                return;
            }
            if !self.step() || self.now() > until {
                panic!("it doesn't come to rest: {}", self.unrest());
            }
        }
    }

    fn is_quiet(&mut self) -> bool {
        let is_under_way = self.queue.values().any(|event| !matches!(event, Event::Wake { .. }));
        let mut settled = true;
        self.each_host(&mut |_, sim| settled &= sim.is_settled());
        let waits = |node: &Node| node.held.is_some();
        self.plane.is_some() && !is_under_way && settled && self.nodes.iter().all(waits)
    }

    fn unrest(&mut self) -> String {
        let mut text = format!("control plane up: {}; ", self.plane.is_some());
        for node in &self.nodes {
            let (welcome, held) = (node.session.is_some(), node.held.is_some());
            text.push_str(&format!("{}: welcome {welcome}, poll held {held}; ", node.id));
        }
        self.each_host(&mut |id, sim| {
            text.push_str(&format!("{id} settled {}, wakes {:?}; ", sim.is_settled(), sim.next_wake()));
        });
        for row in self.mirror.cloud().instances.iter() {
            text.push_str(&format!("\n{} {:?}", row.id, row.status));
        }
        text
    }

    fn mend_hosts(&mut self) {
        let volumes: Vec<_> = self.mirror.cloud().volumes.iter().map(|row| row.id).collect();
        self.each_host(&mut |_, sim| {
            let machine = sim.machine();
            for guest in machine.inspect_guests() {
                machine.faults().fail_starts(guest.id, 0, false, "");
                machine.suspend(guest.id, None);
            }
            for volume in &volumes {
                machine.faults().fail_volume(*volume, None);
            }
            machine.faults().fail_network(None);
        });
        for node in 0..self.nodes.len() {
            self.wake(node);
        }
        self.tick_settled();
    }
}

fn host_of(index: usize, memory_mib: u64) -> (HostId, String, HostFacts) {
    let facts = HostFacts {
        name: format!("host-{index}"),
        address: Ipv4Addr::new(10, 255, 0, 1 + index as u8),
        cpus: 8,
        memory_mib,
        disk_gib: 1 << 20,
        hypervisor: "simulated".into(),
        machine: "simulated-1".into(),
        format: landfall_model::plan::FORMAT,
        uefi: true,
        shares: landfall_model::host::Shares::Encrypted,
    };
    (HostId::from_random(0x4057_0000 + index as u128), format!("token-{index}"), facts)
}

fn seeds_of(
    options: &WorldOptions,
    accounts: &[AccountId],
    hosts: &[(HostId, String, HostFacts)],
) -> (Vec<Seed>, Vec<Client>) {
    let authenticator = landfall_api::authenticate::Authenticator::new(landfall_api::Vault::new(root_key()));
    let mut seeds = Vec::new();
    let mut clients = Vec::new();
    for (n, account) in accounts.iter().enumerate() {
        let access_key = format!("AKIATESTKIT{n}");
        // Hosts are the provider's, planted once; an account's own seed must not undo what agents said of them.
        let hosts = if n == 0 { hosts } else { &[] };
        seeds.push(Seed {
            settings: options.settings.clone(),
            account: *account,
            access_key: (access_key.clone(), authenticator.seal(&access_key, SECRET)),
            hosts: hosts.iter().map(|(id, token, facts)| (*id, token_sha256(token), facts.clone())).collect(),
            images: seed::simulated_images(),
        });
        for region in &options.regions {
            clients.push(Client { access_key: access_key.clone(), secret: SECRET.into(), region: *region });
        }
    }
    (seeds, clients)
}

/// The images that every world has, by id.
pub fn images() -> Vec<ImageId> {
    seed::simulated_images().into_iter().map(|image| image.id).collect()
}
