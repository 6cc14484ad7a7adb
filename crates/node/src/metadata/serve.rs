//! The process: takes its predecessor's place, serves what was kept, listens to the agent, and sees to it again and again
//! that every socket that the plan needs is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use landfall_model::delivery::RoleCredentials;
use landfall_model::{InstanceId, InterfaceId};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::UnixListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::control::{self, Call, Reply, receive, send};
use super::directory::Directory;
use super::limit::{Places, Rate};
use super::plan::{FORMAT, ServiceChange, ServicePlan};
use super::sockets::{Home, Key, Role, survey, wanted};
use super::store::Store;
use super::token::{SinceBoot, TokenKey};
use super::{resolver, talk};
use crate::crash::crash_point;

/// Where things are.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that this process keeps its files in; it is made, for root alone. It should go with a reboot.
    pub runtime_dir: PathBuf,
    /// The socket that the agent talks to.
    pub control_socket: PathBuf,
    /// The folder with the namespaces, by name.
    pub netns_dir: PathBuf,
    /// The file that names the upstream resolvers; it is read again when it changes.
    pub resolv_conf: PathBuf,
    /// The upstream resolvers, where they aren't to be taken from the file; empty for none.
    pub upstreams: Option<Vec<SocketAddr>>,
}

impl Config {
    /// The usual places: everything in that folder, namespaces where `ip netns` has them.
    pub fn in_folder(runtime_dir: impl Into<PathBuf>) -> Self {
        let runtime_dir = runtime_dir.into();
        Self {
            control_socket: runtime_dir.join("control"),
            runtime_dir,
            netns_dir: "/run/netns".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            upstreams: None,
        }
    }
}

/// Why the process can't serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its folder or what is in it can't be used.
    #[error("{0}: {1}")]
    Folder(PathBuf, io::Error),
    /// Another one runs and doesn't make room.
    #[error("another metadata process runs and doesn't hand over: {0}")]
    Occupied(io::Error),
    /// The machine lacks something that every process needs.
    #[error("the metadata process can't run: {0}")]
    Runtime(io::Error),
}

/// How long a predecessor may take to go, and requests that are under way to come to their end.
const PATIENCE: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_millis(500);
/// How often namespaces are looked into: when all was well, and when something was missing a moment ago.
const CALM: Duration = Duration::from_secs(3);
const EAGER: Duration = Duration::from_millis(200);
const EAGER_FOR: Duration = Duration::from_secs(10);
const CALLERS_AT_ONCE: usize = 16;

/// Serves until a successor takes over or SIGTERM comes. It is the process's main.
pub fn serve(config: Config) -> Result<(), ServeError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| ServeError::Folder(path, error)
    };
    raise_descriptor_limit();
    let folder = &config.runtime_dir;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
    let (_lock, inherited) = take_place(&config)?;
    crash_point!("answers:locked");
    let store = Store::open(folder).map_err(at(folder))?;
    let shared = Shared::new(TokenKey::open(folder).map_err(at(folder))?, store.plan().map_err(at(folder))?, store);
    shared.lend(true, inherited.credentials);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("metadata")
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let server = Arc::new(Server {
        config,
        shared: Arc::new(shared),
        sockets: tokio::sync::Mutex::default(),
        generation: Mutex::new(SinceBoot::now().0 << 16),
        wake: Notify::new(),
        stop: Notify::new(),
        leaving: AtomicBool::new(false),
        callers: Arc::new(tokio::sync::Semaphore::new(CALLERS_AT_ONCE)),
    });
    let ended = runtime.block_on(server.run(inherited.sockets));
    runtime.shutdown_timeout(DRAIN);
    ended
}

/// A port has three sockets, each with two descriptors; a process of a service starts with a limit of 1024.
fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(soft, hard)| if soft < hard { setrlimit(Resource::RLIMIT_NOFILE, hard, hard) } else { Ok(()) });
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of sockets can't be raised");
    }
}

/// The resolvers that the machine itself uses.
pub fn upstream_resolvers(resolv_conf: &Path) -> Vec<SocketAddr> {
    fs::read_to_string(resolv_conf).map(|text| resolver::parse(&text)).unwrap_or_default()
}

/// What a predecessor hands over.
#[derive(Default)]
struct Inherited {
    sockets: Vec<((Key, Home), OwnedFd)>,
    credentials: BTreeMap<InstanceId, Option<RoleCredentials>>,
}

/// Becomes the one process that serves: takes the lock, from a predecessor if there is one, with its sockets.
fn take_place(config: &Config) -> Result<(Flock<fs::File>, Inherited), ServeError> {
    let path = config.runtime_dir.join("lock");
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let mut file = file.map_err(|error| ServeError::Folder(path, error))?;
    let mut inherited = None;
    let until = Instant::now() + PATIENCE;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok((lock, inherited.unwrap_or_default())),
            Err((unlocked, _)) => file = unlocked,
        }
        if inherited.is_none() {
            match inherit(&config.control_socket) {
                Ok(sockets) => inherited = Some(sockets),
                // It may be only just starting, or ending.
                Err(error) if Instant::now() > until => return Err(ServeError::Occupied(error)),
                Err(_) => {}
            }
        }
        if Instant::now() > until {
            return Err(ServeError::Occupied(io::ErrorKind::TimedOut.into()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn inherit(control_socket: &Path) -> io::Result<Inherited> {
    let mut stream = UnixStream::connect(control_socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    send(&mut stream, &Call::Handover)?;
    match receive(&mut stream)? {
        Reply::Handover { sockets, credentials } => {
            let descriptors = control::receive_descriptors(&stream, sockets.len())?;
            let credentials = credentials.into_iter().map(|(id, credentials)| (id, Some(credentials))).collect();
            Ok(Inherited { sockets: sockets.into_iter().zip(descriptors).collect(), credentials })
        }
        other => Err(io::Error::other(format!("it answered {other:?}"))),
    }
}

/// What the conversations with guests share.
pub struct Shared {
    directory: RwLock<Arc<Directory>>,
    /// The key of session tokens.
    pub key: TokenKey,
    store: Store,
    heard: Mutex<BTreeSet<InterfaceId>>,
    /// Credentials of instances' roles. They are never written anywhere.
    lent: RwLock<BTreeMap<InstanceId, Arc<RoleCredentials>>>,
    upstreams: RwLock<Arc<[SocketAddr]>>,
    /// Pages a port may fetch.
    pub http_rate: Rate,
    /// Questions a port may ask: as many as EC2 lets through.
    pub dns_rate: Rate,
    /// Messages about leases.
    pub dhcp_rate: Rate,
    /// Solicitations of routers.
    pub router_rate: Rate,
    /// Questions for the time.
    pub time_rate: Rate,
    /// Connections that are open.
    pub connections: Arc<Places>,
    /// Questions that are with the upstream resolvers.
    pub questions: Arc<Places>,
}

impl Shared {
    fn new(key: TokenKey, plan: ServicePlan, store: Store) -> Self {
        Self {
            directory: RwLock::new(Arc::new(Directory::new(plan))),
            key,
            heard: Mutex::new(store.heard()),
            lent: RwLock::default(),
            store,
            upstreams: RwLock::new(Arc::new([])),
            http_rate: Rate::new(100, 500),
            dns_rate: Rate::new(1024, 1024),
            dhcp_rate: Rate::new(10, 50),
            router_rate: Rate::new(2, 10),
            time_rate: Rate::new(100, 100),
            connections: Places::new(32, 1024),
            questions: Places::new(64, 1024),
        }
    }

    /// What is served now.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The credentials of an instance's role, where they are there.
    pub fn lent(&self, id: InstanceId) -> Option<Arc<RoleCredentials>> {
        self.lent.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Takes credentials, all or those that changed.
    fn lend(&self, whole: bool, credentials: BTreeMap<InstanceId, Option<RoleCredentials>>) {
        let mut lent = self.lent.write().unwrap_or_else(PoisonError::into_inner);
        if whole {
            lent.clear();
        }
        for (id, credentials) in credentials {
            match credentials {
                Some(credentials) => _ = lent.insert(id, Arc::new(credentials)),
                None => _ = lent.remove(&id),
            }
        }
    }

    /// Forgets the credentials of instances that are gone or have another role.
    fn retain_lent(&self, plan: &ServicePlan) {
        let role = |id: &InstanceId| plan.instances.get(id)?.metadata.profile.as_ref()?.role.role();
        let mut lent = self.lent.write().unwrap_or_else(PoisonError::into_inner);
        lent.retain(|id, credentials| role(id).is_some_and(|role| *role == credentials.role));
    }

    /// The upstream resolvers.
    pub fn upstreams(&self) -> Arc<[SocketAddr]> {
        self.upstreams.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rates(&self) -> [&Rate; 5] {
        [&self.http_rate, &self.dns_rate, &self.dhcp_rate, &self.router_rate, &self.time_rate]
    }

    /// Notes that a port was heard.
    pub fn note(&self, port: InterfaceId) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.insert(port) {
            self.keep_heard(&heard);
        }
    }

    fn forget(&self, port: InterfaceId) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.remove(&port) {
            self.keep_heard(&heard);
        }
    }

    fn retain_heard(&self, served: impl Fn(InterfaceId) -> bool) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = heard.len();
        heard.retain(|port| served(*port));
        if heard.len() != before {
            self.keep_heard(&heard);
        }
    }

    fn keep_heard(&self, heard: &BTreeSet<InterfaceId>) {
        if let Err(error) = self.store.keep_heard(heard) {
            tracing::warn!(%error, "which ports were heard can't be kept");
        }
    }
}

struct Bound {
    home: Home,
    descriptor: OwnedFd,
    task: AbortHandle,
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Server {
    config: Config,
    shared: Arc<Shared>,
    sockets: tokio::sync::Mutex<BTreeMap<Key, Bound>>,
    generation: Mutex<u64>,
    wake: Notify,
    stop: Notify,
    /// The sockets are a successor's now.
    leaving: AtomicBool,
    callers: Arc<tokio::sync::Semaphore>,
}

impl Server {
    async fn run(self: Arc<Self>, inherited: Vec<((Key, Home), OwnedFd)>) -> Result<(), ServeError> {
        let path = self.config.control_socket.clone();
        let at = |error| ServeError::Folder(path.clone(), error);
        for ((key, home), descriptor) in inherited {
            self.adopt(&mut *self.sockets.lock().await, key, home, descriptor);
        }
        // The lock is ours: what is at that path is a dead predecessor's.
        let _ = fs::remove_file(&path);
        crash_point!("answers:bind");
        let listener = UnixListener::bind(&path).map_err(at)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(at)?;
        crash_point!("answers:bound");
        tokio::spawn(self.clone().hear_callers(listener));
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(ServeError::Runtime)?;
        let mut eager_until = Instant::now() + EAGER_FOR;
        loop {
            let missing = self.ensure_sockets(None).await;
            let pause = if !missing.is_empty() && Instant::now() < eager_until { EAGER } else { CALM };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified() => eager_until = Instant::now() + EAGER_FOR,
                () = self.stop.notified() => break,
                _ = terminate.recv() => return Ok(()),
            }
        }
        let until = Instant::now() + DRAIN;
        while self.shared.connections.taken() + self.shared.questions.taken() > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn adopt(&self, sockets: &mut BTreeMap<Key, Bound>, key: Key, home: Home, descriptor: OwnedFd) {
        let started = descriptor.try_clone().and_then(|own| talk::start(&self.shared, key, home, own));
        match started {
            Ok(task) => _ = sockets.insert(key, Bound { home, descriptor, task }),
            Err(error) => tracing::warn!(?key, %error, "a socket can't be served"),
        }
    }

    /// Opens every socket that the plan needs and closes the others, in all networks or in some. Says what it couldn't
    /// have.
    async fn ensure_sockets(&self, only: Option<&BTreeSet<u32>>) -> Vec<String> {
        let upstreams = match &self.config.upstreams {
            Some(fixed) => fixed.clone(),
            None => upstream_resolvers(&self.config.resolv_conf),
        };
        *self.shared.upstreams.write().unwrap_or_else(PoisonError::into_inner) = upstreams.into();
        let directory = self.shared.directory();
        let mut sockets = self.sockets.lock().await;
        if self.leaving.load(Ordering::Relaxed) {
            return vec![];
        }
        // A task that ended was brought down by what it was sent: its socket is opened anew.
        sockets.retain(|(network, _), bound| directory.network(*network).is_some() && !bound.task.is_finished());
        let mut missing = Vec::new();
        let due = directory.plan().networks.iter().filter(|(number, _)| only.is_none_or(|only| only.contains(number)));
        for (&number, network) in due {
            let namespace = self.config.netns_dir.join(&network.namespace);
            let wanted = wanted(directory.plan(), number);
            let have: BTreeMap<Role, Home> = sockets
                .iter()
                .filter(|((of, _), _)| *of == number)
                .map(|((_, role), bound)| (*role, bound.home))
                .collect();
            let looked = tokio::task::spawn_blocking(move || survey(namespace, wanted, have)).await;
            let Ok(survey) = looked else { continue };
            sockets.retain(|(of, role), _| *of != number || survey.keep.contains(role));
            for (role, home, descriptor) in survey.opened {
                self.adopt(&mut sockets, (number, role), home, descriptor);
            }
            missing.extend(survey.missing);
        }
        missing
    }

    async fn hear_callers(self: Arc<Self>, listener: UnixListener) {
        loop {
            let Ok(place) = self.callers.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let allowed = stream.peer_cred().is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw());
            let stream = stream.into_std().and_then(|stream| stream.set_nonblocking(false).map(|()| stream));
            let (Ok(stream), true) = (stream, allowed) else { continue };
            let (server, runtime) = (self.clone(), tokio::runtime::Handle::current());
            tokio::task::spawn_blocking(move || {
                if let Err(error) = server.hear(&runtime, stream) {
                    tracing::debug!(%error, "a caller went away");
                }
                drop(place);
            });
        }
    }

    fn hear(&self, runtime: &tokio::runtime::Handle, mut stream: UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let reply = match receive(&mut stream) {
            Ok(Call::Hello { format }) if format.abs_diff(FORMAT) > 1 => {
                Reply::Refused { reason: format!("it writes format {format}, and this process {FORMAT}") }
            }
            Ok(Call::Hello { .. }) => Reply::Hello { format: FORMAT, build: control::build(), pid: std::process::id() },
            Ok(Call::Feed { plan }) => self.take(runtime, None, |old| old.change_to(&plan)),
            Ok(Call::Change { from, change }) => self.take(runtime, Some(from), |_| change),
            Ok(Call::Heard) => {
                let heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
                Reply::Heard { ports: heard.iter().copied().collect() }
            }
            Ok(Call::Forget { port }) => {
                self.shared.forget(port);
                Reply::Forgotten
            }
            Ok(Call::Lend { whole, credentials }) => {
                self.shared.lend(whole, credentials);
                Reply::Lent
            }
            Ok(Call::Handover) => return self.hand_over(runtime, stream),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => Reply::Refused { reason: error.to_string() },
        };
        send(&mut stream, &reply)
    }

    /// Serves something else from now on, after it is kept.
    fn take(
        &self,
        runtime: &tokio::runtime::Handle,
        from: Option<u64>,
        change: impl FnOnce(&ServicePlan) -> ServiceChange,
    ) -> Reply {
        let (generation, touched) = {
            let mut generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
            if self.leaving.load(Ordering::Relaxed) {
                return Reply::Refused { reason: "a successor takes over".into() };
            }
            if from.is_some_and(|from| from != *generation) {
                return Reply::Stale;
            }
            let mut plan = self.shared.directory().plan().clone();
            let change = change(&plan);
            let touched = plan.networks_of(&change);
            crash_point!("answers:keep");
            if let Err(error) = self.shared.store.keep(&change) {
                return Reply::Refused { reason: format!("the plan can't be kept: {error}") };
            }
            crash_point!("answers:kept");
            plan.apply(change);
            let directory = Arc::new(Directory::new(plan));
            *self.shared.directory.write().unwrap_or_else(PoisonError::into_inner) = directory.clone();
            let served = |port| directory.port(port).is_some();
            self.shared.rates().into_iter().for_each(|rate| rate.retain(served));
            self.shared.retain_heard(served);
            self.shared.retain_lent(directory.plan());
            *generation += 1;
            (*generation, touched)
        };
        crash_point!("answers:sockets");
        // Nothing new may mean that namespaces were made anew. The others are looked into right after.
        let missing = runtime.block_on(self.ensure_sockets(Some(&touched).filter(|touched| !touched.is_empty())));
        self.wake.notify_one();
        Reply::Taken { generation, missing }
    }

    fn hand_over(&self, runtime: &tokio::runtime::Handle, mut stream: UnixStream) -> io::Result<()> {
        // Held to the end: nothing is opened or closed while the sockets change hands.
        let mut sockets = runtime.block_on(self.sockets.lock());
        let listed = sockets.iter().map(|(key, bound)| (*key, bound.home)).collect();
        let descriptors: Vec<OwnedFd> =
            sockets.values().map(|bound| bound.descriptor.try_clone()).collect::<io::Result<_>>()?;
        let lent = self.shared.lent.read().unwrap_or_else(PoisonError::into_inner);
        let credentials = lent.iter().map(|(id, credentials)| (*id, RoleCredentials::clone(credentials))).collect();
        drop(lent);
        send(&mut stream, &Reply::Handover { sockets: listed, credentials })?;
        control::send_descriptors(&stream, &descriptors)?;
        self.leaving.store(true, Ordering::Relaxed);
        sockets.clear();
        self.stop.notify_one();
        Ok(())
    }
}
