//! The control plane's side of the agents' protocol.
//!
//! Each agent has a [`Session`], begun by its hello. A hello of the same host ends the session before: what that one
//! still says is refused, so that two agents never speak for one host. Heartbeats are polls, kept in memory only.
//!
//! An agent of another machine is known by its key, which its connection has proved, not by what its hello says. A second
//! machine with the same key is refused as long as the first is heard: what runs guests has the right to them, and a copy
//! of its files must not push it out. A machine that takes a dead one's place waits until the lease has lapsed.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_api::{HostPresence, Hosts, Vault};
use landfall_cloud::{Cloud, Entropy, Tx, host, report};
use landfall_model::agent::{
    AgentCall, AgentReply, Answer, Ask, HostRequest, NoKeys, Report, Secret, TunnelKey, VolumeKeys,
};
use landfall_model::delivery::RoleCredentials;
use landfall_model::plan::Power;
use landfall_model::{
    AccountId, HostFacts, HostId, InstanceId, Origin, Region, Scope, Timestamp, VolumeId, VpnConnectionId,
};
use landfall_state::{Commit, Engine, Feed, FeedError, Refused};
use tokio::sync::{Notify, oneshot};

use crate::planned::Planned;

/// How long a host's lease lasts without a poll.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
/// How long a question to a host is waited for.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked which hosts are heard.
const WATCH: Duration = Duration::from_secs(1);
/// The longest poll.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// All hosts' agents, as the control plane sees them.
pub struct Agents {
    engine: Engine<Cloud>,
    hosts: Mutex<HashMap<HostId, Arc<HostDesk>>>,
    entropy: Mutex<Entropy>,
    began: Instant,
    /// Opens the keys that agents ask for.
    vault: Option<Vault>,
}

/// What is kept of a host between calls.
struct HostDesk {
    plan: Mutex<Option<Following>>,
    questions: Mutex<BTreeMap<u64, Question>>,
    next_question: AtomicU64,
    asked: Notify,
    session: AtomicU64,
    heard: Mutex<Option<Instant>>,
    /// The machine that was heard last, where it says which it is.
    seat: Mutex<Option<String>>,
}

/// A plan and the feed that it is brought up by.
struct Following {
    planned: Planned,
    feed: Feed<Cloud>,
    /// Commits that were read and wait for the snapshot that ends with them.
    waiting: Vec<Arc<Commit>>,
}

struct Question {
    ask: Ask,
    /// The session that it was given to last: that one's next poll waits for something new.
    given_to: Option<u64>,
    answer: oneshot::Sender<Result<Answer, String>>,
}

/// One agent's session.
pub struct Session {
    agents: Arc<Agents>,
    host: Mutex<Option<Welcomed>>,
    remote: Option<Remote>,
}

/// Whom a session speaks for, once its hello was taken.
#[derive(Clone)]
struct Welcomed {
    host: HostId,
    number: u64,
    /// What it identified itself with: it must still be the host's.
    token_sha256: String,
}

/// An agent of another machine.
struct Remote {
    /// The hash of the key that its connection has proved.
    key_sha256: String,
    /// Its machine.
    seat: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agents {
    /// The agents of a cloud's hosts.
    pub fn new(engine: Engine<Cloud>) -> Arc<Self> {
        Self::with_entropy(engine, Entropy::from_system(), None)
    }

    /// The same with the vault that opens the keys which agents may ask for.
    pub fn with_vault(engine: Engine<Cloud>, vault: Vault) -> Arc<Self> {
        Self::with_entropy(engine, Entropy::from_system(), Some(vault))
    }

    /// The same with randomness from elsewhere, so that a simulation can be repeated.
    pub fn with_entropy(engine: Engine<Cloud>, entropy: Entropy, vault: Option<Vault>) -> Arc<Self> {
        Arc::new(Self { engine, hosts: Mutex::default(), entropy: Mutex::new(entropy), began: Instant::now(), vault })
    }

    /// A session for an agent that has yet to say hello.
    pub fn session(self: &Arc<Self>) -> Session {
        Session { agents: self.clone(), host: Mutex::new(None), remote: None }
    }

    /// A session for an agent of another machine, whose connection has proved that it has the key of that hash. `seat`
    /// names the machine.
    pub fn session_of(self: &Arc<Self>, key_sha256: String, seat: String) -> Session {
        Session { agents: self.clone(), host: Mutex::new(None), remote: Some(Remote { key_sha256, seat }) }
    }

    /// The host whose agent has the key of that hash.
    pub fn host_of(&self, key_sha256: &str) -> Option<HostId> {
        self.engine.read().hosts.by_token(&key_sha256.to_owned()).next().map(|row| row.id)
    }

    /// Whether a host needs a file of an image: one of its volumes is a clone of it.
    pub fn needs_file(&self, host: HostId, file: &str) -> bool {
        host::image_files(&self.engine.read(), host).contains(file)
    }

    /// Whether a host's guests may call the API by that place: one that the host has.
    pub fn has_origin(&self, host: HostId, origin: Origin) -> bool {
        landfall_cloud::plan::has_origin(&self.engine.read(), host, origin)
    }

    /// Lets whoever has the key of that hash join as the host that the invitation is for. `None` where it is for none.
    pub async fn join(&self, secret: &str, key_sha256: &str) -> Result<Option<HostId>, Refused> {
        let (invitation, now) = (token_sha256(secret), self.engine.now_ms());
        let pending = self.engine.commit_essential(|head| {
            let joined: Result<_, std::convert::Infallible> = head.transact(now, None, |tx| {
                let mut entropy = lock(&self.entropy);
                Ok(host::join(&mut Tx::new(tx, NOWHERE, &mut entropy), &invitation, key_sha256))
            });
            let Ok(joined) = joined;
            joined
        });
        pending.await
    }

    /// How long ago a host's agent was heard; `None` if it never was since this process started.
    pub fn silence(&self, host: HostId) -> Option<Duration> {
        let desk = lock(&self.hosts).get(&host).cloned()?;
        let heard = *lock(&desk.heard);
        heard.map(|at| at.elapsed())
    }

    /// Notes in the value which hosts are lost and which are heard again, for as long as the engine runs.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(WATCH).await;
            let cloud = self.engine.read();
            let hosts = host::all(&cloud).into_iter().filter(|row| row.join.is_none());
            let changed: Vec<_> = hosts
                .filter_map(|row| {
                    let is_lost = match self.presence(row.id) {
                        HostPresence::Connected => false,
                        HostPresence::Lost => true,
                        HostPresence::Unknown => return None,
                    };
                    (row.lost.is_some() != is_lost).then(|| (row.id, row.facts.name.clone(), is_lost))
                })
                .collect();
            for (id, name, is_lost) in changed {
                tracing::warn!(host = %id, name, is_lost, "whether a host is heard has changed");
                if let Err(error) = self.note_lost(id, is_lost).await {
                    tracing::warn!(%error, "whether a host is heard can't be noted");
                }
            }
        }
    }

    async fn note_lost(&self, id: HostId, is_lost: bool) -> Result<(), Refused> {
        let now = self.engine.now_ms();
        let pending = self.engine.commit_essential(|head| {
            let noted: Result<_, std::convert::Infallible> =
                head.transact(now, None, |tx| Ok(host::set_lost(tx, id, is_lost, Timestamp(now))));
            let Ok(noted) = noted;
            noted
        });
        pending.await.map(drop)
    }

    /// The credentials of an instance's role, for the host that it is placed on now and for no other.
    fn role_credentials(&self, host: HostId, instance: InstanceId) -> Option<RoleCredentials> {
        let vault = self.vault.as_ref()?;
        let (cloud, now) = (self.engine.read(), Timestamp(self.engine.record_ms()));
        let row = cloud.instances.by_id(&instance).find(|row| row.status.host == Some(host))?;
        if row.spec.power == Power::Gone {
            return None;
        }
        let made = landfall_api::instance_role::credentials(vault, &cloud, row, now);
        let lent = made.unwrap_or_else(|error| {
            tracing::error!(%instance, %error, "an instance's credentials can't be made");
            None
        })?;
        for record in lent.records {
            // Nobody gets credentials unseen: the host asks again.
            if let Err(refused) = self.engine.append_entry(record) {
                tracing::error!(%instance, %refused, "that an instance's role was taken can't be recorded");
                return None;
            }
        }
        Some(lent.credentials)
    }

    /// The keys of a VPN's tunnels, for the host that it is placed on now and for no other.
    fn tunnel_keys(&self, host: HostId, vpn: VpnConnectionId) -> Vec<TunnelKey> {
        let Some(vault) = &self.vault else { return Vec::new() };
        let cloud = self.engine.read();
        let row = cloud.vpn_connections.by_id(&vpn).find(|row| row.host == Some(host) && row.state.is_live());
        let Some(row) = row else { return Vec::new() };
        let context = landfall_cloud::vpn::key_context(row.scope);
        let opened = row.tunnels.iter().map(|tunnel| {
            let key = vault.open(&context, &tunnel.key)?;
            Ok(TunnelKey { version: tunnel.key_version, key: Secret(key) })
        });
        opened.collect::<Result<_, String>>().unwrap_or_else(|error| {
            tracing::error!(%vpn, error, "a tunnel's key can't be opened with the root key");
            Vec::new()
        })
    }

    /// The keys of an encrypted volume, for the host that it is on and for no other.
    fn volume_keys(&self, host: HostId, volume: VolumeId) -> Result<VolumeKeys, NoKeys> {
        let vault = self.vault.as_ref().ok_or(NoKeys::NotHere)?;
        let cloud = self.engine.read();
        let row = cloud.volumes.by_id(&volume).find(|row| row.host == Some(host)).ok_or(NoKeys::NotHere)?;
        landfall_api::volume_key::keys(vault, &cloud, row)
    }

    /// The secret that an account's chunks are named by, for a host that has a volume made of them or a snapshot to make.
    fn chunk_secret(&self, host: HostId, domain: AccountId) -> Option<Secret> {
        let vault = self.vault.as_ref()?;
        let cloud = self.engine.read();
        let is_used = cloud.volumes.by_host(&host).any(|row| {
            let is_made_of = row.chunks.as_ref().is_some_and(|root| root.domain == domain);
            // A volume of an import is the provider's, and its snapshot somebody else's.
            is_made_of || cloud.snapshots.by_pending(&row.id).any(|snapshot| snapshot.scope.account == domain)
        });
        is_used.then(|| Secret(STANDARD.encode(vault.chunk_secret(domain))))
    }

    fn desk(&self, host: HostId) -> Arc<HostDesk> {
        let mut hosts = lock(&self.hosts);
        let new = || {
            Arc::new(HostDesk {
                plan: Mutex::new(None),
                questions: Mutex::default(),
                next_question: AtomicU64::new(1),
                asked: Notify::new(),
                session: AtomicU64::new(0),
                heard: Mutex::new(None),
                seat: Mutex::new(None),
            })
        };
        hosts.entry(host).or_insert_with(new).clone()
    }

    /// What a host's plan has since a revision, brought up to the newest durable value.
    fn update(&self, host: HostId, incarnation: u64, since: u64) -> landfall_model::plan::PlanUpdate {
        let desk = self.desk(host);
        let mut plan = lock(&desk.plan);
        let begin = || {
            let snapshot = self.engine.read();
            let feed = self.engine.feed(snapshot.revision);
            Following { planned: Planned::new(&snapshot, host, snapshot.revision), feed, waiting: Vec::new() }
        };
        let following = plan.get_or_insert_with(begin);
        if let Err(error) = following.catch_up(&self.engine) {
            tracing::info!(%host, %error, "the host's plan is made from scratch");
            *following = begin();
        }
        following.planned.since(incarnation, since)
    }
}

impl Following {
    /// Brings the plan up to a durable value. A piece is made from the whole value, so that the value must end with the
    /// very commits whose changes are gone through: made from a later one, it could name others that the plan has yet
    /// to get, and an agent would see an instance without its disk.
    fn catch_up(&mut self, engine: &Engine<Cloud>) -> Result<(), FeedError> {
        loop {
            while let Some(commit) = self.feed.try_next()? {
                self.waiting.push(commit);
            }
            let Some(last) = self.waiting.last().map(|commit| commit.revision) else { return Ok(()) };
            let snapshot = engine.read();
            if snapshot.revision < last {
                continue;
            }
            if snapshot.revision > last {
                // Shown before the feed has it, which follows at once: the next look goes on.
                while let Some(commit) = self.feed.try_next()? {
                    self.waiting.push(commit);
                }
                if self.waiting.last().is_none_or(|commit| commit.revision != snapshot.revision) {
                    return Ok(());
                }
            }
            let changes = self.waiting.iter().flat_map(|commit| commit.changes.iter());
            self.planned.advance(&snapshot, snapshot.revision, changes);
            self.waiting.clear();
            return Ok(());
        }
    }
}

impl Session {
    /// Answers an agent's call.
    pub async fn call(&self, call: AgentCall) -> AgentReply {
        if let AgentCall::Hello { token, facts } = call {
            return self.hello(&token, facts).await;
        }
        let Some(Welcomed { host, number, token_sha256 }) = lock(&self.host).clone() else {
            return refused("say hello first");
        };
        let still = |cloud: &Cloud| cloud.hosts.get(&host).is_some_and(|row| row.token_sha256 == token_sha256);
        if !still(&self.agents.engine.read()) {
            return refused("this host was removed");
        }
        let desk = self.agents.desk(host);
        if desk.session.load(Ordering::Acquire) != number {
            return superseded();
        }
        *lock(&desk.heard) = Some(Instant::now());
        match call {
            AgentCall::Hello { .. } => refused("say hello once"),
            AgentCall::Poll { incarnation, since, wait_ms } => {
                self.poll(host, number, &desk, incarnation, since, wait_ms).await
            }
            AgentCall::Report(report) => self.report(host, report).await,
            AgentCall::RoleCredentials { instance } => {
                AgentReply::RoleCredentials { credentials: self.agents.role_credentials(host, instance) }
            }
            AgentCall::ChunkSecret { domain } => {
                AgentReply::ChunkSecret { secret: self.agents.chunk_secret(host, domain) }
            }
            AgentCall::VolumeKeys { volume } => AgentReply::VolumeKeys { keys: self.agents.volume_keys(host, volume) },
            AgentCall::TunnelKeys { vpn } => AgentReply::TunnelKeys { keys: self.agents.tunnel_keys(host, vpn) },
            AgentCall::Answer { id, result } => {
                if let Some(question) = lock(&desk.questions).remove(&id) {
                    // Whoever asked may have given up meanwhile.
                    let _ = question.answer.send(result);
                }
                AgentReply::Taken
            }
        }
    }

    async fn hello(&self, token: &str, mut facts: HostFacts) -> AgentReply {
        let hash = self.remote.as_ref().map_or_else(|| token_sha256(token), |remote| remote.key_sha256.clone());
        let engine = &self.agents.engine;
        let found = engine.read().hosts.by_token(&hash).next().map(|row| (row.id, row.facts.clone()));
        let Some((host, known)) = found else { return refused("no host has this token") };
        let desk = self.agents.desk(host);
        if let Some(remote) = &self.remote {
            // What a machine of another name is called was decided when it was registered.
            facts.name.clone_from(&known.name);
            let other = lock(&desk.seat).as_ref().is_some_and(|seat| *seat != remote.seat);
            if other && lock(&desk.heard).is_some_and(|at| at.elapsed() <= LEASE) {
                tracing::warn!(%host, name = known.name, "a second machine has the key of this host, and is refused");
                return refused("another machine speaks for this host, and is heard");
            }
        }
        if known != facts {
            let now = engine.now_ms();
            let pending = engine.commit_essential(|head| {
                head.transact(now, None, |tx| {
                    host::take_facts(tx, host, facts);
                    Ok::<_, std::convert::Infallible>(())
                })
            });
            if let Err(error) = pending.await {
                return refused(&error.to_string());
            }
        }
        let number = desk.session.fetch_add(1, Ordering::AcqRel) + 1;
        // A poll of the session before may still wait; it must not go on in this one's place.
        desk.asked.notify_waiters();
        *lock(&desk.seat) = self.remote.as_ref().map(|remote| remote.seat.clone());
        *lock(&self.host) = Some(Welcomed { host, number, token_sha256: hash });
        *lock(&desk.heard) = Some(Instant::now());
        AgentReply::Welcome { host, lease_ms: u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX) }
    }

    async fn poll(
        &self,
        host: HostId,
        number: u64,
        desk: &HostDesk,
        incarnation: u64,
        since: u64,
        wait_ms: u64,
    ) -> AgentReply {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(wait_ms).min(MAX_WAIT);
        let mut durable = self.agents.engine.durable();
        loop {
            // Both are listened to before anything is looked at, so that nothing comes between.
            let asked = desk.asked.notified();
            durable.borrow_and_update();
            if desk.session.load(Ordering::Acquire) != number {
                return superseded();
            }
            if !self.agents.engine.read().hosts.contains(&host) {
                return refused("this host was removed");
            }
            let plan = self.agents.update(host, incarnation, since);
            let (requests, any_new) = open_questions(desk, number);
            let is_news = !matches!(plan, landfall_model::plan::PlanUpdate::Unchanged { .. });
            if is_news || any_new || tokio::time::Instant::now() >= deadline {
                return AgentReply::Work { plan, requests };
            }
            tokio::select! {
                changed = durable.changed() => if changed.is_err() { return refused("the control plane is stopping") },
                () = asked => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    async fn report(&self, host: HostId, report: Report) -> AgentReply {
        let agents = &self.agents;
        match take_report(&agents.engine, &agents.entropy, host, &report).await {
            Ok(()) => AgentReply::Taken,
            Err(refusal) => refused(&refusal.to_string()),
        }
    }
}

/// The questions that wait for an answer, and whether this session has yet to be given one of them. Those that it was
/// given go along again, in case the answer that carried them was lost, but don't end its wait.
fn open_questions(desk: &HostDesk, session: u64) -> (Vec<HostRequest>, bool) {
    let mut questions = lock(&desk.questions);
    questions.retain(|_, question| !question.answer.is_closed());
    let timeout_ms = u64::try_from(ASK_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
    let mut any_new = false;
    let mut requests = Vec::with_capacity(questions.len());
    for (id, question) in questions.iter_mut() {
        any_new |= question.given_to.replace(session) != Some(session);
        requests.push(HostRequest { id: *id, timeout_ms, ask: question.ask.clone() });
    }
    (requests, any_new)
}

async fn take_report(
    engine: &Engine<Cloud>,
    entropy: &Mutex<Entropy>,
    host: HostId,
    report: &Report,
) -> Result<(), Refused> {
    let snapshot = engine.read();
    if report.incarnation != snapshot.provider().incarnation {
        return Ok(());
    }
    let now = engine.now_ms();
    let pending = engine.commit_essential(|head| {
        head.transact(now, None, |tx| {
            let mut entropy = lock(entropy);
            report::take(&mut Tx::new(tx, NOWHERE, &mut entropy), host, report);
            Ok::<_, std::convert::Infallible>(())
        })
    });
    pending.await.map(|_| ())
}

/// The scope that transactions for all accounts begin with; they look at rows with each row's own.
pub(crate) const NOWHERE: Scope = Scope { account: AccountId::PROVIDER, region: Region::DEFAULT };

fn superseded() -> AgentReply {
    refused("another agent has said hello for this host")
}

fn refused(reason: &str) -> AgentReply {
    AgentReply::Refused { reason: reason.to_owned() }
}

/// The hash of a host's token, as its row has it.
pub fn token_sha256(token: &str) -> String {
    digest(&SHA256, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hosts for Agents {
    fn ask(&self, host: HostId, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Answer, String>> + Send + '_>> {
        Box::pin(async move {
            let desk = self.desk(host);
            if self.silence(host).is_none_or(|silence| silence > LEASE) {
                return Err("The host of the instance does not answer at the moment.".into());
            }
            let (answer, answered) = oneshot::channel();
            let id = desk.next_question.fetch_add(1, Ordering::Relaxed);
            lock(&desk.questions).insert(id, Question { ask, given_to: None, answer });
            desk.asked.notify_waiters();
            let waited = tokio::time::timeout(ASK_TIMEOUT, answered).await;
            lock(&desk.questions).remove(&id);
            match waited {
                Ok(Ok(result)) => result,
                _ => Err("The host of the instance did not answer in time.".into()),
            }
        })
    }

    fn presence(&self, host: HostId) -> HostPresence {
        match self.silence(host) {
            Some(silence) if silence <= LEASE => HostPresence::Connected,
            Some(_) => HostPresence::Lost,
            // After a start of the control plane every agent has a lease's time to come back.
            None if self.began.elapsed() <= LEASE => HostPresence::Unknown,
            None => HostPresence::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use landfall_cloud::value::Hosts as HostsTable;
    use landfall_model::{Host, InstanceId};
    use landfall_state::{MemoryLog, Options};

    use super::*;

    fn agents() -> (Arc<Agents>, HostId, HostFacts) {
        let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), Options::default()).unwrap();
        let id = crate::seed::id_from("host");
        let facts = HostFacts {
            name: "one".into(),
            address: std::net::Ipv4Addr::LOCALHOST,
            cpus: 2,
            memory_mib: 4096,
            disk_gib: 10,
            hypervisor: "simulated".into(),
            machine: String::new(),
            format: landfall_model::plan::FORMAT,
            uefi: true,
            shares: Default::default(),
        };
        let host = Host {
            id,
            facts: facts.clone(),
            region: None,
            zone: None,
            schedulable: true,
            token_sha256: token_sha256("token"),
            join: None,
            lost: None,
            joined_at: landfall_model::Timestamp(0),
            used_memory_mib: 0,
            used_vcpus: 0,
        };
        let pending = engine.commit(|head| {
            let done: Result<(), Infallible> = head.transact(1, None, |tx| {
                tx.put::<HostsTable>(host);
                Ok(())
            });
            let Ok(()) = done;
        });
        pending.wait().unwrap();
        (Agents::new(engine), id, facts)
    }

    #[test]
    fn a_question_reaches_the_agent_that_said_hello_last() {
        let (agents, host, facts) = agents();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let hello = || AgentCall::Hello { token: "token".into(), facts: facts.clone() };
            let (before, after) = (agents.session(), agents.session());
            assert!(matches!(before.call(hello()).await, AgentReply::Welcome { .. }));
            let AgentReply::Work { plan: landfall_model::plan::PlanUpdate::Snapshot(plan), .. } =
                before.call(AgentCall::Poll { incarnation: 0, since: 0, wait_ms: 0 }).await
            else {
                panic!("the first poll fetches the whole plan")
            };
            let poll = |wait_ms| AgentCall::Poll { incarnation: plan.incarnation, since: plan.revision, wait_ms };
            let replace = async {
                tokio::task::yield_now().await;
                assert!(matches!(after.call(hello()).await, AgentReply::Welcome { .. }));
            };
            let (old, ()) = tokio::join!(before.call(poll(30_000)), replace);
            assert!(matches!(old, AgentReply::Refused { .. }), "{old:?}");

            let ask = Ask::Console { instance: InstanceId::MIN };
            let answering = async {
                let AgentReply::Work { requests, .. } = after.call(poll(30_000)).await else { panic!("no work") };
                assert_eq!(requests.len(), 1);
                let again = after.call(poll(1)).await;
                assert!(matches!(again, AgentReply::Work { requests, .. } if requests.len() == 1));
                after.call(AgentCall::Answer { id: requests[0].id, result: Err("none".into()) }).await
            };
            let (answer, taken) = tokio::join!(agents.ask(host, ask), answering);
            assert_eq!(answer, Err("none".to_owned()));
            assert!(matches!(taken, AgentReply::Taken));
        });
    }
}
