//! `landfall serve`: puts a cloud together from its configuration, and runs it until it is told to end.

mod body;
mod door;
mod entrance;
mod http;
mod inside;
mod machine;
mod real;
mod shelf;
mod sim;
mod sources;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use landfall_api::s3::Folders;
use landfall_api::web_identity::Fetcher;
use landfall_api::{BlockStore, Gateway, Outside, Regions, Vault};
use landfall_chunks::Objects;
use landfall_cloud::{Cloud, Entropy, Tx};
use landfall_control::Seed;
use landfall_control::agents::Agents;
use landfall_control::trail::Courier;
use landfall_model::{Image, Scope};
use landfall_state::{Engine, Log, MemoryLog, RootKey, SqliteLog, SqliteOptions, WrappingKeys};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

pub use inside::Task;
pub use machine::{Place, RUNTIME};
pub use sources::Sources;
pub use tls::Files;

use self::entrance::Entrance;
use self::tls::{Authority, Certificates};
use crate::config::{Config, Tls};
use crate::credentials::{self, Credentials};
use crate::record::{self, Record, TlsRecord, start_time};
use crate::{images, passphrase};

/// A cloud that runs, as its front door sees it.
pub struct Server {
    /// The dispatch.
    pub gateway: Gateway,
    /// The simulation, where this is one.
    pub simulation: Option<Arc<sim::Simulation>>,
    /// Names that requests may address it by.
    pub host_names: Vec<String>,
    /// Where images are registered from.
    pub image_folder: Option<PathBuf>,
    /// Its certificates, where TLS is spoken anywhere.
    pub tls: Option<Arc<Certificates>>,
    /// How many connections there are from within networks.
    pub guests: Arc<Sources>,
    config: Config,
    credentials: Credentials,
}

/// Runs a cloud in this process.
pub fn run(config: Config) -> Result<()> {
    raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting threads")?;
    let ended = runtime.block_on(serve(config));
    // A thread of the agent may still wait in a call for the control plane, and would panic without the runtime under it.
    // It ends with the process, as does everything else.
    std::mem::forget(runtime);
    ended
}

/// Takes as many descriptors as there may be: each connection is one, and how many there are is bounded by ourselves.
fn raise_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(soft, hard)| if soft < hard { setrlimit(Resource::RLIMIT_NOFILE, hard, hard) } else { Ok(()) });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it was");
    }
}

async fn serve(config: Config) -> Result<()> {
    // The listener comes first: a port that is taken must be told before anything is touched.
    let listener = bind(config.listen)
        .await
        .with_context(|| format!("listening at {}; choose another place with --listen", config.listen))?;
    let listen = listener.local_addr()?;
    let mut config = config;
    config.listen = listen;
    // A passphrase that is wrong is told before anything is touched, too.
    let root_key = present_root_key(&config)?;
    if let Some(state) = &config.state {
        make_state_folder(state)?;
    }
    let engine = open_engine(config.state.as_deref())?;
    let credentials = root_credentials(&config, &engine)?;
    let vault = open_vault(&config, root_key, !engine.read().access_keys.is_empty())?;
    let doorway = real::Doorway::open(&config).await?;
    let pieces = if config.simulate {
        sim::assemble(&config, &engine)?
    } else {
        real::assemble(&config, &engine, vault.clone())?
    };
    let chunks = chunks(&config);
    let gateway = Gateway::new(
        engine.clone(),
        landfall_api::Options {
            regions: if config.simulate { Regions::Any } else { Regions::One(config.region) },
            outside: Outside::new(pieces.hosts.clone(), vault.clone())
                .with_issuers(Fetcher::with_near(config.issuers.iter().cloned()))
                .with_folders(Folders::new(folders(&config)))
                .with_blocks(block_store(&config, chunks.clone())),
            settle: pieces.settle.clone(),
            entropy: Entropy::from_system(),
            throttling: config.throttling.clone(),
        },
    );
    let certificates = certificates(&config)?;
    let record = record_of(&config, &credentials, &pieces, doorway.as_ref())?;
    let server = Arc::new(Server {
        gateway,
        simulation: pieces.simulation,
        host_names: config.host_names.clone(),
        image_folder: config.state.as_deref().filter(|_| !config.simulate).map(images::folder),
        tls: certificates,
        guests: Arc::default(),
        config,
        credentials,
    });
    server.check_root_key()?;
    server.plant()?;
    let agent = match pieces.start {
        Some(start) => Some(start(&server)?),
        None => None,
    };
    let chores = chores(&server, &engine, (vault, chunks), pieces.settle, pieces.agents.clone());
    let outside = server.tls.as_ref().filter(|_| server.config.tls.is_some()).map(|tls| tls.outside()).transpose()?;
    let entrance = Entrance { listener, origin: None, tls: outside, sources: Arc::default() };
    let published = record.publish()?;
    tracing::info!(listen = %listen, simulate = server.config.simulate, hypervisor = record.hypervisor, "the cloud answers");
    let mut ends = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let [terminate, interrupt] = &mut ends;
    tokio::select! {
        () = server.answer(entrance) => {}
        result = take_agents(doorway, &server, pieces.agents) => result?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending; guests run on");
    drop(chores);
    drop(published);
    if let Err(refused) = server.gateway.write_key_uses().await {
        tracing::warn!(%refused, "when access keys were last used isn't written");
    }
    if let Some(agent) = agent {
        // The agent's threads may wait for the control plane, which waits for nobody: not on this runtime's threads.
        tokio::task::spawn_blocking(move || agent.stop()).await.context("ending the agent")?;
    }
    Ok(())
}

/// The store of snapshots, where there is one and it can be opened.
fn chunks(config: &Config) -> Option<Arc<dyn Objects>> {
    if config.simulate {
        return None;
    }
    match real::snapshots(config).and_then(|place| place.open()) {
        Ok(chunks) => Some(chunks),
        Err(error) => {
            tracing::error!("the store of snapshots isn't collected, and its blocks aren't read: {error:#}");
            None
        }
    }
}

/// What the API reads blocks of snapshots from.
fn block_store(config: &Config, chunks: Option<Arc<dyn Objects>>) -> BlockStore {
    match chunks {
        _ if config.simulate || config.pretend_guests => BlockStore::simulated(),
        Some(chunks) => BlockStore::new(chunks),
        None => BlockStore::out_of_reach(),
    }
}

/// Starts what goes on beside the answering of calls, until the set is dropped.
fn chores(
    server: &Arc<Server>,
    engine: &Engine<Cloud>,
    (vault, chunks): (Vault, Option<Arc<dyn Objects>>),
    settle: Option<Arc<dyn landfall_api::Settle>>,
    agents: Option<Arc<Agents>>,
) -> JoinSet<()> {
    let mut chores = JoinSet::new();
    chores.spawn(landfall_control::clockwork::run(engine.clone(), settle));
    chores.spawn(landfall_control::retention::run(engine.clone(), server.config.keep_audit));
    chores.spawn(courier(engine, vault.clone(), &server.config).run());
    chores.spawn(landfall_control::destruction::run(engine.clone(), vault));
    chores.spawn(write_key_uses(server.clone()));
    chores.spawn(look_after_policies(server.clone()));
    if server.config.simulate {
        chores.spawn(landfall_control::metering::run(engine.clone(), None));
    }
    if let Some(chunks) = chunks {
        chores.spawn(landfall_control::collection::run(engine.clone(), chunks.clone()));
        chores.spawn(landfall_control::metering::run(engine.clone(), Some(chunks)));
    }
    if let Some(agents) = agents {
        chores.spawn(agents.watch());
    }
    if let Some(tls) = server.tls.clone() {
        chores.spawn(tls.keep());
    }
    chores
}

/// Does what lifecycle policies say, until it is ended.
async fn look_after_policies(server: Arc<Server>) {
    landfall_control::lifecycle::run(&server.gateway).await;
}

/// How often it is written when access keys were last used.
const USES: Duration = Duration::from_secs(60);

/// Writes when access keys were last used, until it is ended.
async fn write_key_uses(server: Arc<Server>) {
    loop {
        tokio::time::sleep(USES).await;
        if let Err(refused) = server.gateway.write_key_uses().await {
            tracing::warn!(%refused, "when access keys were last used is written later");
        }
    }
}

/// The credentials of the provider's root: kept in the state folder, or given where nothing is kept.
fn root_credentials(config: &Config, engine: &Engine<Cloud>) -> Result<Credentials> {
    let (access_key, secret_key) = (config.access_key.as_deref(), config.secret_key.as_deref());
    match &config.state {
        Some(state) => {
            let owner = |key: &str| engine.read().access_keys.get(&key.to_owned()).map(|row| row.account);
            credentials::ensure(state, config.account, (access_key, secret_key), owner)
        }
        None => Ok(Credentials {
            access_key: access_key.context("--access-key")?.to_owned(),
            secret_key: secret_key.context("--secret-key")?.to_owned(),
        }),
    }
}

/// The folders that stand for buckets, by the buckets' names.
fn folders(config: &Config) -> BTreeMap<String, PathBuf> {
    config.buckets.iter().map(|(name, bucket)| (name.clone(), bucket.folder.clone())).collect()
}

/// What delivers the events of trails.
fn courier(engine: &Engine<Cloud>, vault: Vault, config: &Config) -> Courier {
    let courier = Courier::new(engine.clone(), vault, folders(config));
    courier.at_pace(config.trail_delivery, config.trail_digest)
}

/// Takes agents of other machines, where there is a door for them.
async fn take_agents(doorway: Option<real::Doorway>, server: &Arc<Server>, agents: Option<Arc<Agents>>) -> Result<()> {
    match (doorway, agents) {
        (Some(doorway), Some(agents)) => doorway.serve(server, agents).await,
        _ => std::future::pending().await,
    }
}

/// How long what a killed server had begun may hold on to what was its own.
const HEIRS: Duration = Duration::from_secs(30);

/// Listens. A process that a server was just starting when it was killed has the server's sockets until it becomes what
/// it is to be, a moment later: then the place is waited for, but not where a living server is.
async fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let until = Instant::now() + HEIRS;
    loop {
        match TcpListener::bind(listen).await {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse
                    && crate::record::was_killed(listen)
                    && Instant::now() < until =>
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            result => return result,
        }
    }
}

/// What the other commands must know of a server.
fn record_of(
    config: &Config,
    credentials: &Credentials,
    pieces: &Pieces,
    doorway: Option<&real::Doorway>,
) -> Result<Record> {
    let pid = i32::try_from(std::process::id()).unwrap_or(0);
    Ok(Record {
        pid,
        started: start_time(pid).unwrap_or(0),
        listen: config.listen,
        simulate: config.simulate,
        state: config.state.clone(),
        region: config.region.name().to_owned(),
        account: config.account.to_string(),
        credentials: credentials.clone(),
        hypervisor: pieces.hypervisor.clone(),
        agents: doorway.map(real::Doorway::record).transpose()?,
        tls: tls_record(config)?,
    })
}

/// The certificates of a cloud: for its endpoint where that speaks TLS, and for those within the networks of real machines.
fn certificates(config: &Config) -> Result<Option<Arc<Certificates>>> {
    if config.tls.is_none() && config.simulate {
        return Ok(None);
    }
    let now_ms = tls::now_ms();
    let authority = match &config.state {
        Some(state) => {
            let keys = state.join("keys");
            make_private(&keys)?;
            Authority::ensure(&keys, &authority_file(state), now_ms)?
        }
        None => {
            let authority = Authority::volatile(now_ms)?;
            tls::write_public(&record::authority_path(config.listen)?, &authority.pem())?;
            authority
        }
    };
    let place = tls::Place { listen: config.listen.ip(), host_names: config.host_names.clone(), region: config.region };
    let files = match &config.tls {
        Some(Tls::Given { files, .. }) => Some(files.clone()),
        Some(Tls::Own) | None => None,
    };
    Ok(Some(Arc::new(Certificates::new(authority, place, files, now_ms)?)))
}

/// Where the certificate of a cloud's own authority lies.
fn authority_file(state: &Path) -> PathBuf {
    state.join("ca.pem")
}

/// What clients must know to speak TLS to a cloud.
fn tls_record(config: &Config) -> Result<Option<TlsRecord>> {
    let own =
        || config.state.as_deref().map_or_else(|| record::authority_path(config.listen), |at| Ok(authority_file(at)));
    Ok(match &config.tls {
        None => None,
        Some(Tls::Own) => Some(TlsRecord { authority: Some(own()?), host: None }),
        Some(Tls::Given { authority, .. }) => {
            Some(TlsRecord { authority: authority.clone(), host: config.host_names.first().cloned() })
        }
    })
}

impl Server {
    /// Answers what comes in at a place, for ever.
    async fn answer(self: &Arc<Self>, entrance: Entrance) {
        let server = self.clone();
        let answer = move |stream, peer| {
            let server = server.clone();
            async move { http::converse(&server, stream, peer).await }
        };
        entrance.accept(answer).await;
    }

    /// Refuses a root key that opens nothing of what is sealed: with it all of that would be lost bit by bit.
    fn check_root_key(&self) -> Result<()> {
        let cloud = self.gateway.engine().read();
        let authenticator = self.gateway.authenticator();
        anyhow::ensure!(
            cloud.access_keys.iter().all(|row| authenticator.opens(&row.id, &row.secret)),
            "the secrets of this state are sealed with another root key: put the one back that belongs to it"
        );
        Ok(())
    }

    /// Makes what every cloud starts with, as the configuration and the images of this machine say.
    pub fn plant(&self) -> Result<()> {
        self.seed(|_| ())
    }

    /// Plants what every cloud starts with, in one transaction with something that comes before.
    fn seed(&self, before: impl FnOnce(&mut landfall_state::Tx<'_, Cloud>)) -> Result<()> {
        let images = self.images()?;
        let authenticator = self.gateway.authenticator();
        let engine = self.gateway.engine();
        let id = &self.credentials.access_key;
        // Sealing the same secret twice gives two texts: what is there stays if it opens to the same.
        let stored = engine.read().access_keys.get(id).map(|row| row.secret.clone());
        let secret = match stored {
            Some(sealed) if authenticator.opens_to(id, &sealed, &self.credentials.secret_key) => sealed,
            _ => authenticator.seal(id, &self.credentials.secret_key),
        };
        let seed = Seed {
            settings: self.config.settings.clone(),
            account: self.config.account,
            access_key: (id.clone(), secret),
            hosts: self.simulation.as_ref().map_or_else(|| real::hosts(&self.config), |_| Ok(sim::hosts()))?,
            images,
        };
        let scope = Scope { account: self.config.account, region: self.config.region };
        let now = engine.now_ms();
        // Also on a full disk: what runs must still be seen and deleted.
        let pending = engine.commit_essential(|head| {
            let mut entropy = Entropy::from_system();
            let planted: Result<(), std::convert::Infallible> = head.transact(now, None, |tx| {
                before(tx);
                seed.plant(&mut Tx::new(tx, scope, &mut entropy));
                Ok(())
            });
            let Ok(()) = planted;
            if let Some(simulation) = &self.simulation {
                simulation.begin(head);
            }
        });
        // The appender answers; this thread may wait for it wherever it is.
        tokio::task::block_in_place(|| pending.wait()).context("writing what the cloud starts with")
    }

    fn images(&self) -> Result<Vec<Image>> {
        if let Some(folder) = &self.image_folder {
            return images::load(folder);
        }
        let mut images = landfall_control::seed::simulated_images();
        images.extend(self.config.images.iter().map(|id| landfall_control::seed::pretended_image(*id)));
        Ok(images)
    }

    /// Wipes a simulated cloud and seeds it again, in one commit: nobody sees it empty.
    pub fn reset(&self) -> Result<()> {
        self.seed(landfall_cloud::value::wipe)
    }

    /// Whether nothing is in transition.
    pub fn is_settled(&self) -> bool {
        landfall_cloud::value::is_settled(&self.gateway.engine().read())
    }
}

/// Starts an agent.
pub type Start = Box<dyn FnOnce(&Arc<Server>) -> Result<landfall_node::agent::Agent>>;

/// What a cloud's hosts are made of, real or simulated.
pub struct Pieces {
    /// The agents' protocol, where hosts are real.
    pub agents: Option<Arc<Agents>>,
    /// Answers questions to hosts.
    pub hosts: Arc<dyn landfall_api::Hosts>,
    /// Settles each commit.
    pub settle: Option<Arc<dyn landfall_api::Settle>>,
    /// The simulation.
    pub simulation: Option<Arc<sim::Simulation>>,
    /// What runs guests.
    pub hypervisor: String,
    /// Starts the agent, once the cloud knows its host: calls from within its networks are this server's to answer.
    pub start: Option<Start>,
}

fn open_engine(state: Option<&Path>) -> Result<Engine<Cloud>> {
    let log: Box<dyn Log> = match state {
        None => Box::new(MemoryLog::volatile()),
        Some(state) => {
            let folder = state.join("log");
            let opened = SqliteLog::open(&folder, SqliteOptions::default());
            Box::new(opened.with_context(|| format!("opening the log in {}", folder.display()))?)
        }
    };
    Engine::open(log, landfall_state::Options::default()).context("loading the cloud's state")
}

/// The root key that there is, opened by its passphrase where it is locked.
fn present_root_key(config: &Config) -> Result<Option<RootKey>> {
    let in_state = || config.state.as_deref().map(crate::config::key_in);
    let Some(path) = config.root_key.clone().or_else(in_state).filter(|path| path.exists()) else { return Ok(None) };
    let passphrase = match passphrase::file(config.passphrase_file.as_deref()) {
        Some(file) => Some(passphrase::read(&file)?),
        None if RootKey::is_locked(&path)? => Some(
            passphrase::ask("Passphrase of the root key")
                .with_context(|| format!("the root key {} is locked by a passphrase", path.display()))?,
        ),
        None => None,
    };
    RootKey::open_file(&path, passphrase.as_ref()).map(Some).context("reading the root key")
}

/// The root key, made only where nothing is sealed yet: a new one in the place of a lost one would open nothing.
fn root_key(config: &Config, is_sealed: bool) -> Result<RootKey> {
    let ensure = |path: &Path| {
        anyhow::ensure!(
            !is_sealed || path.exists(),
            "the root key {} is missing: the secrets of this state are sealed with it, put it back",
            path.display()
        );
        let made = match passphrase::file(config.passphrase_file.as_deref()) {
            Some(file) => RootKey::ensure_locked(path, &passphrase::read(&file)?),
            None => RootKey::ensure(path),
        };
        made.context("making the root key")
    };
    match (&config.root_key, &config.state) {
        // A state in memory has nothing sealed yet, whatever key it is given.
        (Some(path), _) => ensure(path),
        (None, Some(state)) => {
            let folder = state.join("keys");
            make_private(&folder)?;
            ensure(&root_key_file(config, state))
        }
        (None, None) => {
            let mut bytes = [0; 32];
            aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("this machine has no randomness"))?;
            Ok(RootKey::from_bytes(&bytes))
        }
    }
}

/// What seals and opens, with the wrapping keys that lie beside the root key.
fn open_vault(config: &Config, present: Option<RootKey>, is_sealed: bool) -> Result<Vault> {
    let root_key = present.map_or_else(|| root_key(config, is_sealed), Ok)?;
    Ok(match &config.state {
        Some(state) => Vault::with_wrapping(root_key, WrappingKeys::in_folder(wrapping_folder(config, state))),
        None => Vault::new(root_key),
    })
}

/// Where the root key lies.
fn root_key_file(config: &Config, state: &Path) -> PathBuf {
    config.root_key.clone().unwrap_or_else(|| crate::config::key_in(state))
}

/// Where wrapping keys lie: beside the root key, in a folder of its name.
fn wrapping_folder(config: &Config, state: &Path) -> PathBuf {
    let mut path = root_key_file(config, state).into_os_string();
    path.push(".wrapping");
    path.into()
}

/// The state folder: others may pass through it to the one file that is theirs, and see nothing else.
fn make_state_folder(state: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let make = || -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(state)?;
        std::fs::set_permissions(state, std::fs::Permissions::from_mode(0o711))
    };
    make().with_context(|| format!("making {}", state.display()))
}

/// Makes a folder that only its owner may enter.
pub fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))
}
