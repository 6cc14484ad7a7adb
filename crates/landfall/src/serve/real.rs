//! A cloud of real machines: the agent of this machine with its drivers, in the same process as the control plane and
//! still talking to it only through the agents' protocol; and the door for agents of other machines.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use landfall_api::Vault;
use landfall_cloud::Cloud;
use landfall_control::agents::{Agents, Session, token_sha256};
use landfall_model::agent::{AgentCall, AgentReply};
use landfall_model::link::Terms;
use landfall_model::{HostFacts, HostId};
use landfall_node::agent::{Agent, ControlLink, HostIdentity, LinkError};
use landfall_node::remote::Key;
use landfall_state::Engine;
use tokio::net::TcpListener;

use super::door::{self, Door};
use super::inside::Inside;
use super::machine::Place;
use super::{Pieces, Server};
use crate::chunk_place::ChunkPlace;
use crate::config::Config;
use crate::images;
use crate::record::DoorRecord;

/// The agent's way to the control plane within one process.
struct InProcess {
    session: Session,
    runtime: tokio::runtime::Handle,
}

impl ControlLink for InProcess {
    fn call(&self, call: AgentCall) -> Result<AgentReply, LinkError> {
        Ok(self.runtime.block_on(self.session.call(call)))
    }
}

/// Where agents of other machines are to come in: listening already, so that a place that is taken is told early.
pub struct Doorway {
    listener: TcpListener,
    key: Key,
}

impl Doorway {
    /// Listens, if the configuration says where.
    pub async fn open(config: &Config) -> Result<Option<Self>> {
        let Some(at) = config.agents else { return Ok(None) };
        let state = config.state.as_deref().context("agents need a state folder")?;
        let listener = TcpListener::bind(at).await.with_context(|| format!("listening for agents at {at}"))?;
        Ok(Some(Self { listener, key: door::key(state)? }))
    }

    /// What other commands must know to invite hosts.
    pub fn record(&self) -> Result<DoorRecord> {
        Ok(DoorRecord { listen: self.listener.local_addr()?, key_sha256: self.key.sha256().to_owned() })
    }

    /// Takes agents until the listener fails.
    pub async fn serve(self, server: &Arc<Server>, agents: Arc<Agents>) -> Result<()> {
        let config = &server.config;
        let state = config.state.as_deref().context("agents need a state folder")?;
        let terms = Terms {
            public_pool: config.settings.public_pool,
            vxlan_port: config.network.port(),
            routed: config.network.routed,
        };
        Door::new(agents, terms, images::folder(state), Some(server.clone())).accept(self.listener, &self.key).await
    }
}

/// Where snapshots are stored.
pub fn snapshots(config: &Config) -> Result<ChunkPlace> {
    let state = config.state.as_deref().context("real machines need a state folder")?;
    Ok(config.snapshots.clone().unwrap_or_else(|| ChunkPlace::Folder(state.join("chunks"))))
}

fn place(config: &Config, identity: String) -> Result<Place> {
    Ok(Place {
        state: config.state.clone().context("real machines need a state folder")?,
        name: None,
        underlay: config.network.underlay,
        vxlan_port: config.network.port(),
        public_pool: config.settings.public_pool,
        network: config.network.clone(),
        buckets: config.buckets.clone(),
        import_hosts: config.import_hosts.clone(),
        snapshots: Some(snapshots(config)?),
        identity,
        pretend_guests: config.pretend_guests,
    })
}

/// Who this machine's agent says it is.
fn identity(config: &Config) -> Result<HostIdentity> {
    let folder = config.state.as_deref().context("real machines need a state folder")?.join("agent");
    super::make_private(&folder)?;
    HostIdentity::ensure(&folder).context("reading this machine's identity")
}

/// The row of this machine; none where it runs no guests.
pub fn hosts(config: &Config) -> Result<Vec<(HostId, String, HostFacts)>> {
    if config.control_only {
        return Ok(Vec::new());
    }
    let hash = token_sha256(identity(config)?.token());
    let place = place(config, hash.clone())?;
    Ok(vec![(landfall_control::seed::id_from(&hash), hash, place.facts()?)])
}

/// Makes the agent of this machine, to be started once the cloud knows the machine. The vault opens what agents may ask
/// for.
pub fn assemble(config: &Config, engine: &Engine<Cloud>, vault: Vault) -> Result<Pieces> {
    let agents = Agents::with_vault(engine.clone(), vault);
    tokio::spawn(landfall_control::relocation::run(engine.clone(), agents.clone()));
    if config.control_only {
        let state = config.state.as_deref().context("a control plane needs a state folder")?;
        super::make_private(&images::folder(state))?;
        return Ok(Pieces {
            hosts: agents.clone(),
            agents: Some(agents),
            settle: None,
            simulation: None,
            hypervisor: "none".into(),
            start: None,
        });
    }
    let identity = identity(config)?;
    let place = place(config, token_sha256(identity.token()))?;
    let ready = place.prepare(identity.token().to_owned(), None)?;
    let hypervisor = ready.options.facts.hypervisor.clone();
    super::make_private(&images::folder(&place.state))?;
    let link = InProcess { session: agents.session(), runtime: tokio::runtime::Handle::current() };
    Ok(Pieces {
        hosts: agents.clone(),
        agents: Some(agents),
        settle: None,
        simulation: None,
        hypervisor,
        start: Some(Box::new(move |server| {
            let (drivers, options) = ready.receiving(Inside::of(server.clone())).assemble();
            Agent::start(drivers, Box::new(link), options).context("starting this machine's agent")
        })),
    })
}
