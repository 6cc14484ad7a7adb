//! `landfall agent`: the agent of this machine alone, whose control plane is on another machine.
//!
//! It joins once, by an invitation, and remembers whom it joined. From then on it starts without the control plane too:
//! what it must know for that is in its state folder, as its last plan is.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use landfall_model::link::Terms;
use landfall_node::agent::Agent;
use landfall_node::remote::{Control, Key, RemoteLink, seat};
use nix::fcntl::{Flock, FlockArg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::AgentArgs;
use crate::config::{self, NetworkFile};
use crate::credentials::write_private;
use crate::invitation::Invitation;
use crate::relay::Relay;
use crate::serve::{Place, RUNTIME};

/// How long to wait before the control plane is called again that wasn't reached.
const PAUSE: Duration = Duration::from_secs(2);

/// Threads that hand on what guests say to the API.
const RELAYING: usize = 2;

/// Whom this machine joined, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Membership {
    name: String,
    control: String,
    key_sha256: String,
}

/// What was agreed last, for a start without the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Agreed {
    terms: Terms,
    underlay: Option<Ipv4Addr>,
}

/// Runs the agent in this process.
pub fn run(args: &AgentArgs) -> Result<()> {
    let config::AgentSettings { state, mut network, buckets, import_hosts, snapshots } = config::agent_settings(args)?;
    ensure!(nix::unistd::geteuid().is_root(), "an agent makes networks and starts guests: run it with sudo");
    let folder = state.join("agent");
    crate::serve::make_private(&folder)?;
    let _lock = lock(&folder)?;
    let key = Key::ensure(&folder, "host-key").context("reading this machine's key")?;
    let seat = seat(Path::new(RUNTIME)).context("reading this machine's number")?;
    let member = membership(args, &folder, &key, &seat)?;
    let control = Control { address: args.control.clone().unwrap_or(member.control), key_sha256: member.key_sha256 };
    let link = Arc::new(RemoteLink::new(control, &key, seat)?);
    let agreed = agree(args, &folder, &link, &network)?;
    network.routed |= agreed.terms.routed;
    let place = Place {
        state,
        name: Some(member.name),
        underlay: agreed.underlay,
        vxlan_port: agreed.terms.vxlan_port,
        public_pool: agreed.terms.public_pool,
        network,
        buckets,
        import_hosts,
        snapshots,
        identity: key.sha256().to_owned(),
        pretend_guests: args.pretend_guests,
    };
    // What guests say to the API waits for nobody else's turn: it has threads of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(RELAYING).enable_all().build();
    let runtime = runtime.context("starting threads")?;
    let relay = Relay::new(&link, runtime.handle().clone());
    let (drivers, options) = place.prepare(String::new(), Some(link.clone()))?.receiving(relay).assemble();
    let hypervisor = options.facts.hypervisor.clone();
    let agent = Agent::start(drivers, Box::new(link), options).context("starting the agent")?;
    tracing::info!(hypervisor, underlay = ?agreed.underlay, "the agent runs");
    wait_for_the_end()?;
    tracing::info!("ending; guests run on");
    agent.stop();
    Ok(())
}

/// One agent has a folder: two with one key would take each other's place.
fn lock(folder: &Path) -> Result<Flock<File>> {
    let path = folder.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno)| errno)
        .with_context(|| format!("another agent runs with {}", folder.display()))
}

/// Whom this machine belongs to: as it remembers, or by joining now.
fn membership(args: &AgentArgs, folder: &Path, key: &Key, seat: &str) -> Result<Membership> {
    let path = folder.join("member.json");
    let invitation = args.join.as_deref().map(read_invitation).transpose()?;
    if let Some(member) = read::<Membership>(&path)? {
        // The line may stay in a unit or an environment: it is for the first start.
        let is_other = invitation
            .is_some_and(|new| (new.name, new.key_sha256) != (member.name.clone(), member.key_sha256.clone()));
        ensure!(
            !is_other,
            "this machine has joined as {}: to have it join as another, stop it, and remove {}",
            member.name,
            folder.display()
        );
        return Ok(member);
    }
    let Some(invitation) = invitation else {
        bail!(
            "this machine hasn't joined yet: run `landfall host add NAME` at the control plane, and give its line to --join"
        );
    };
    let mut control = invitation.to_control();
    if let Some(address) = &args.control {
        control.address.clone_from(address);
    }
    let link = RemoteLink::new(control, key, seat.to_owned())?;
    let host = loop {
        match link.join(&invitation.secret) {
            Ok(Ok(host)) => break host,
            Ok(Err(reason)) => bail!("the control plane refused: {reason}"),
            Err(error) => {
                tracing::warn!(%error, "joining waits");
                std::thread::sleep(PAUSE);
            }
        }
    };
    let Invitation { name, control, key_sha256, .. } = invitation;
    tracing::info!(%host, name, "this machine has joined");
    let member = Membership { name, control, key_sha256 };
    write_private(&path, &serde_json::to_vec_pretty(&member)?)?;
    Ok(member)
}

/// An invitation as it is given: the line itself, or a file that holds it.
fn read_invitation(given: &str) -> Result<Invitation> {
    if given.trim_start().starts_with("landfall-join-") {
        return Invitation::parse(given);
    }
    let text =
        std::fs::read_to_string(given).with_context(|| format!("--join {given}: neither an invitation nor a file"))?;
    Invitation::parse(&text)
}

/// The terms and this machine's address among the hosts: as they are now, or as they were last.
fn agree(args: &AgentArgs, folder: &Path, link: &RemoteLink, network: &NetworkFile) -> Result<Agreed> {
    let path = folder.join("agreed.json");
    let last = read::<Agreed>(&path)?;
    let wished = args.underlay.or(network.underlay);
    loop {
        // Without an address of its own choosing, this machine has the one that it calls from.
        let now = link.terms().and_then(|terms| {
            let called_from = match link.own_address()?.ip().to_canonical() {
                IpAddr::V4(address) if !address.is_loopback() => Some(address),
                _ => None,
            };
            Ok(Agreed { terms, underlay: wished.or(called_from) })
        });
        match (now, &last) {
            (Ok(now), _) => {
                if last.as_ref() != Some(&now) {
                    write_private(&path, &serde_json::to_vec_pretty(&now)?)?;
                }
                return Ok(now);
            }
            (Err(error), Some(last)) => {
                tracing::warn!(%error, "the agent begins as it was last");
                return Ok(Agreed { underlay: wished.or(last.underlay), ..last.clone() });
            }
            (Err(error), None) => {
                tracing::warn!(%error, "the agent waits for the control plane");
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn read<T: DeserializeOwned>(path: &PathBuf) -> Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| format!("reading {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn wait_for_the_end() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting threads")?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
