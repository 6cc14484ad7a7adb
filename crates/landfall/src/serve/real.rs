//! A cloud of real machines: the agent of this machine with its drivers, in the same process as the control plane and
//! still talking to it only through the agents' protocol.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use landfall_cloud::Cloud;
use landfall_control::agents::{Agents, Session, token_sha256};
use landfall_model::agent::{AgentCall, AgentReply};
use landfall_model::{HostFacts, HostId};
use landfall_node::agent::{Agent, AgentOptions, ControlLink, Drivers, HostIdentity, LinkError, Timing, machine_clock};
use landfall_node::connected::ConnectedNetwork;
use landfall_node::hypervisor::{Machine, QemuConfig, QemuHypervisor, detect};
use landfall_node::metadata::{self, MetadataClient};
use landfall_node::network::{HostNetwork, NetworkConfig};
use landfall_node::volume::LocalVolumes;
use landfall_state::Engine;

use super::Pieces;
use crate::config::Config;
use crate::images;

/// Where what goes with a reboot of the machine is.
pub const RUNTIME: &str = "/run/landfall";
/// Memory that the machine keeps for itself, in MiB: at least this, and a sixteenth of what it has.
const RESERVE_MIB: u64 = 1024;
/// Instances and volumes that are worked on at once.
const WORKERS: usize = 8;

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

/// The row of this machine.
pub fn hosts(config: &Config) -> Result<Vec<(HostId, String, HostFacts)>> {
    let identity = HostIdentity::ensure(&agent_folder(config)?).context("reading this machine's identity")?;
    let hash = token_sha256(identity.token());
    let machine = detect(Path::new("qemu-system-x86_64"))?;
    Ok(vec![(landfall_control::seed::id_from(&hash), hash, facts(config, &machine)?)])
}

fn agent_folder(config: &Config) -> Result<PathBuf> {
    let folder = config.state.as_deref().context("real machines need a state folder")?.join("agent");
    super::make_private(&folder)?;
    Ok(folder)
}

fn facts(config: &Config, machine: &Machine) -> Result<HostFacts> {
    let memory = std::fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let total_kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
        .context("/proc/meminfo doesn't say how much memory there is")?;
    let total_mib = total_kib / 1024;
    let state = config.state.as_deref().unwrap_or(Path::new("/"));
    let disk = nix::sys::statvfs::statvfs(state).context("asking how large the disk is")?;
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    Ok(HostFacts {
        name,
        address: Ipv4Addr::LOCALHOST,
        cpus: u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap_or(1),
        memory_mib: total_mib.saturating_sub(RESERVE_MIB.max(total_mib / 16)),
        disk_gib: (disk.blocks_available() * disk.fragment_size()) >> 30,
        hypervisor: machine.accelerator.name().to_owned(),
        machine: machine.machine_type.clone(),
        format: landfall_model::plan::FORMAT,
    })
}

/// How networks are made, as the configuration says.
pub fn network_config(config: &Config) -> Result<NetworkConfig> {
    let mut network = NetworkConfig::new(PathBuf::from(RUNTIME).join("network"));
    network.pool = config.settings.public_pool;
    network.lan_allowed = config.network.lan;
    network.uplink.clone_from(&config.network.uplink);
    network.buckets.clone_from(&config.buckets);
    for text in &config.network.blocked {
        let v4 = text.parse().map(landfall_model::Cidr::V4);
        let block = v4.or_else(|_| text.parse().map(landfall_model::Cidr::V6));
        network.blocked.push(block.with_context(|| format!("network.blocked: {text}"))?);
    }
    Ok(network)
}

/// The client of the metadata process, and how it is started.
pub fn metadata_client() -> (MetadataClient, impl Fn() -> Command + Send + Sync + 'static) {
    let folder = PathBuf::from(RUNTIME).join("metadata");
    let client = MetadataClient::new(metadata::Config::in_folder(&folder).control_socket);
    let spawn = move || {
        // The path of the file that runs now, not of what may have replaced it under the same name meanwhile.
        let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        let mut command = Command::new(program);
        command.args(["internal", "metadata", "--folder"]).arg(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    (client, spawn)
}

/// Makes the agent of this machine, to be started once the cloud knows the machine.
pub fn assemble(config: &Config, engine: &Engine<Cloud>) -> Result<Pieces> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "real machines need root: run this with sudo, or add --simulate for a cloud without guests"
    );
    let missing = landfall_node::network::requirements();
    if let Some(first) = missing.first() {
        anyhow::bail!("{}: {} (`landfall doctor` lists everything)", first.what, first.remedy);
    }
    let machine = detect(Path::new("qemu-system-x86_64"))?;
    if let Some(why) = &machine.why_not {
        tracing::warn!("guests run emulated, many times slower than with KVM: {why}");
    }
    let state = config.state.clone().context("real machines need a state folder")?;
    let runtime = PathBuf::from(RUNTIME);
    let image_folder = images::folder(&state);
    super::make_private(&image_folder)?;
    let hypervisor = machine.accelerator.name().to_owned();
    let qemu = QemuHypervisor::new(QemuConfig::new(
        runtime.join("guests"),
        state.join("consoles"),
        image_folder.clone(),
        machine.clone(),
    ))?;
    let volumes = LocalVolumes::new(state.join("volumes"), image_folder).context("opening the folder of volumes")?;
    let folder = agent_folder(config)?;
    let identity = HostIdentity::ensure(&folder).context("reading this machine's identity")?;
    let (client, spawn) = metadata_client();
    let mut network = network_config(config)?;
    network.host = token_sha256(identity.token());
    let network = ConnectedNetwork::new(HostNetwork::new(network), client, spawn);
    let drivers = Drivers { hypervisor: Arc::new(qemu), volumes: Arc::new(volumes), network: Arc::new(network) };
    let options = AgentOptions {
        folder: Some(folder),
        token: identity.token().to_owned(),
        facts: facts(config, &machine)?,
        clock: machine_clock(),
        timing: Timing::default(),
        workers: WORKERS,
    };
    let agents = Agents::new(engine.clone());
    tokio::spawn(landfall_control::relocation::run(engine.clone(), agents.clone()));
    let link = InProcess { session: agents.session(), runtime: tokio::runtime::Handle::current() };
    Ok(Pieces {
        hosts: agents,
        settle: None,
        simulation: None,
        hypervisor,
        start: Some(Box::new(move || {
            Agent::start(drivers, Box::new(link), options).context("starting this machine's agent")
        })),
    })
}
