//! What a machine that runs guests is made of, whether its control plane is in the same process or on another machine: its
//! drivers, and what it says of itself.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use landfall_model::{HostFacts, Ipv4Cidr};
use landfall_node::agent::{AgentOptions, Drivers, Timing, machine_clock};
use landfall_node::connected::ConnectedNetwork;
use landfall_node::door::{self, Reception};
use landfall_node::driver::Volumes;
use landfall_node::fake::{FakeHost, FakeMachine, MachineOptions, WiredNetwork};
use landfall_node::hypervisor::{Machine, QemuConfig, QemuHypervisor, detect};
use landfall_node::metadata::{self, MetadataClient};
use landfall_node::network::flow::deliver::Buckets;
use landfall_node::network::{HostNetwork, NetworkConfig, Underlay, underlay};
use landfall_node::remote::{FetchedVolumes, RemoteLink};
use landfall_node::volume::{ImportPlaces, LocalVolumes, SnapshotStore};
use landfall_node::vpn::{StrongSwan, VpnConfig};

use crate::chunk_place::ChunkPlace;
use crate::config::NetworkFile;
use crate::images;

/// Where what goes with a reboot of the machine is.
pub const RUNTIME: &str = "/run/landfall";
/// Memory that the machine keeps for itself, in MiB: at least this, and a sixteenth of what it has.
const RESERVE_MIB: u64 = 1024;
/// Instances and volumes that are worked on at once.
const WORKERS: usize = 8;
/// How long a guest that is only pretended takes to stop.
const STOP: Duration = Duration::from_millis(200);

/// How a machine is to be used.
pub struct Place {
    /// The folder of its state.
    pub state: PathBuf,
    /// What it is called, if not by its own name.
    pub name: Option<String>,
    /// Its address among the hosts; none where it is alone.
    pub underlay: Option<Ipv4Addr>,
    /// The port that VXLAN is spoken on.
    pub vxlan_port: u16,
    /// Where public addresses come from.
    pub public_pool: Ipv4Cidr,
    /// How networks are made.
    pub network: NetworkFile,
    /// The folders that stand for buckets, by the bucket's name.
    pub buckets: Buckets,
    /// Hosts that disks may be imported from wherever they are.
    pub import_hosts: Vec<String>,
    /// Where snapshots are stored; without it, none are made here.
    pub snapshots: Option<ChunkPlace>,
    /// The hash of what the machine's agent identifies itself with: what it writes for others is named after it.
    pub identity: String,
    /// Whether guests are only pretended, on networks that are real: to test networks over many machines.
    pub pretend_guests: bool,
}

/// A machine that can run guests.
pub struct Ready {
    /// What the agent needs to know.
    pub options: AgentOptions,
    network: ConnectedNetwork,
    tunnels: Arc<StrongSwan>,
    machinery: Machinery,
}

/// What runs guests.
enum Machinery {
    Pretended,
    Real { qemu: Box<QemuHypervisor>, volumes: Arc<dyn Volumes> },
}

impl Ready {
    /// The same with somebody who answers calls of the API from within networks.
    #[must_use]
    pub fn receiving(self, reception: impl Reception + 'static) -> Self {
        Self { network: self.network.receiving(reception), ..self }
    }

    /// The drivers, and what the agent needs to know.
    pub fn assemble(self) -> (Drivers, AgentOptions) {
        let drivers = match self.machinery {
            Machinery::Pretended => pretended(self.network, self.tunnels),
            Machinery::Real { qemu, volumes } => {
                let network = Arc::new(self.network);
                Drivers { hypervisor: Arc::new(*qemu), volumes, network, tunnels: self.tunnels }
            }
        };
        (drivers, self.options)
    }
}

impl Place {
    /// The folder of the agent's own.
    pub fn agent_folder(&self) -> Result<PathBuf> {
        let folder = self.state.join("agent");
        super::make_private(&folder)?;
        Ok(folder)
    }

    /// How networks are made, as the configuration says.
    pub fn network_config(&self) -> Result<NetworkConfig> {
        let mut network = NetworkConfig::new(PathBuf::from(RUNTIME).join("network"));
        network.pool = self.public_pool;
        network.masquerade = !self.network.routed;
        network.lan_allowed = self.network.lan;
        network.api = Some(door::ADDRESS);
        network.uplink.clone_from(&self.network.uplink);
        network.buckets.clone_from(&self.buckets);
        network.host.clone_from(&self.identity);
        for text in &self.network.blocked {
            let v4 = text.parse().map(landfall_model::Cidr::V4);
            let block = v4.or_else(|_| text.parse().map(landfall_model::Cidr::V6));
            network.blocked.push(block.with_context(|| format!("network.blocked: {text}"))?);
        }
        if let Some(address) = self.underlay {
            network.underlay = Some(Underlay { address, port: self.vxlan_port });
            network.mtu = underlay::mtu(address).context("the address among the hosts (--underlay)")?;
        }
        Ok(network)
    }

    /// What the machine says of itself.
    pub fn facts(&self) -> Result<HostFacts> {
        let (hypervisor, machine, uefi) = if self.pretend_guests {
            ("simulated".to_owned(), "simulated-1".to_owned(), true)
        } else {
            let machine = detect(Path::new("qemu-system-x86_64"))?;
            (machine.accelerator.name().to_owned(), machine.machine_type, machine.firmware.is_some())
        };
        let memory = std::fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
        let total_kib: u64 = memory
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
            .context("/proc/meminfo doesn't say how much memory there is")?;
        let total_mib = total_kib / 1024;
        let disk = nix::sys::statvfs::statvfs(&self.state).context("asking how large the disk is")?;
        let own_name = || nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
        Ok(HostFacts {
            name: self.name.clone().unwrap_or_else(own_name),
            address: self.underlay.unwrap_or(Ipv4Addr::LOCALHOST),
            cpus: u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap_or(1),
            memory_mib: total_mib.saturating_sub(RESERVE_MIB.max(total_mib / 16)),
            disk_gib: (disk.blocks_available() * disk.fragment_size()) >> 30,
            hypervisor,
            machine,
            format: landfall_model::plan::FORMAT,
            uefi,
            // What serves them is yet to come.
            shares: landfall_model::host::Shares::None,
        })
    }

    /// Makes the machine's drivers. Images are fetched over the link, where there is one.
    pub fn prepare(&self, token: String, link: Option<Arc<RemoteLink>>) -> Result<Ready> {
        ensure!(
            nix::unistd::geteuid().is_root(),
            "real machines need root: run this with sudo, or add --simulate for a cloud without guests"
        );
        let missing = landfall_node::network::requirements();
        if let Some(first) = missing.first() {
            anyhow::bail!("{}: {} (`landfall doctor` lists everything)", first.what, first.remedy);
        }
        let facts = self.facts()?;
        let (client, spawn) = metadata_client();
        let config = self.network_config()?;
        let vpns = VpnConfig::new(PathBuf::from(RUNTIME).join("vpn"), config.prefix.clone());
        let tunnels = Arc::new(StrongSwan::new(vpns));
        let network = ConnectedNetwork::new(HostNetwork::new(config), client, spawn);
        let machinery = if self.pretend_guests { Machinery::Pretended } else { self.real(link)? };
        let options = AgentOptions {
            folder: Some(self.agent_folder()?),
            token,
            facts,
            clock: machine_clock(),
            timing: Timing::default(),
            workers: WORKERS,
        };
        Ok(Ready { options, network, tunnels, machinery })
    }

    fn real(&self, link: Option<Arc<RemoteLink>>) -> Result<Machinery> {
        let machine: Machine = detect(Path::new("qemu-system-x86_64"))?;
        if let Some(why) = &machine.why_not {
            tracing::warn!("guests run emulated, many times slower than with KVM: {why}");
        }
        let image_folder = images::folder(&self.state);
        super::make_private(&image_folder)?;
        let qemu = QemuHypervisor::new(QemuConfig::new(
            PathBuf::from(RUNTIME).join("guests"),
            self.state.join("consoles"),
            image_folder.clone(),
            machine,
        ))?;
        let volumes = LocalVolumes::new(self.state.join("volumes"), image_folder.clone());
        let mut volumes = volumes.context("opening the folder of volumes")?;
        let buckets = self.buckets.iter().map(|(name, bucket)| (name.clone(), bucket.folder.clone())).collect();
        volumes = volumes.with_imports(ImportPlaces { buckets, near: self.import_hosts.iter().cloned().collect() });
        if let Some(place) = &self.snapshots {
            volumes = volumes.with_store(SnapshotStore::new(place.open()?));
        }
        let volumes: Arc<dyn Volumes> = match link {
            Some(link) => Arc::new(FetchedVolumes::new(volumes, image_folder, link)),
            None => Arc::new(volumes),
        };
        Ok(Machinery::Real { qemu: Box::new(qemu), volumes })
    }
}

/// Guests that are only pretended, on a real network.
fn pretended(network: ConnectedNetwork, tunnels: Arc<StrongSwan>) -> Drivers {
    let options = MachineOptions { panics: false, stop: Some(STOP), ..MachineOptions::default() };
    let drivers = FakeHost::new(FakeMachine::new(options), machine_clock(), Duration::ZERO).drivers();
    Drivers { network: Arc::new(WiredNetwork::new(drivers.network.clone(), network)), tunnels, ..drivers }
}

/// The client of the metadata process, and how it is started.
fn metadata_client() -> (MetadataClient, impl Fn() -> Command + Send + Sync + 'static) {
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
