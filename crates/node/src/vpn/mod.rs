//! Ends VPNs' tunnels on this machine with strongSwan: a daemon for each VPN, in the namespace that the network driver
//! makes for it ([`crate::network::vpn`]).
//!
//! What a daemon is told is computed from the plan ([`config`]) and told by its control socket ([`vici`]); it is told
//! again only what differs, so that tunnels which are as planned go on, whoever starts anew. What it was told is kept
//! beside it in its folder; the keys aren't, they are fetched when they are needed and kept in memory. A daemon that is
//! gone is followed by another one, and tells why a tunnel isn't up by its log ([`words`]).

pub mod config;
mod daemon;
pub mod section;
mod user;
mod vici;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use landfall_model::VpnConnectionId;
use landfall_model::agent::{TunnelKey, TunnelSeen, VpnSeen};
use landfall_model::plan::{HostPlan, Place, VpnPlan};
use serde::{Deserialize, Serialize};

use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, FetchKeys, Tunnels};
use crate::hypervisor::process::Process;
use crate::metadata::names;
use crate::network::{namespace, vpn};
use section::Section;
use vici::Vici;

pub use daemon::program;

/// What is said of a tunnel that isn't up.
pub const DOWN: &str = "IPSEC IS DOWN";
/// What is added where the host is the reason.
const TROUBLE: &str = "THE HOST CAN'T END IT NOW";

/// The files in a VPN's folder: the daemon's settings, its control socket, its log, and what it was told.
const SETTINGS: &str = "strongswan.conf";
const SOCKET: &str = "vici";
const LOG: &str = "log";
const TOLD: &str = "told.json";
/// How much of a log's end is read, and when a log is emptied.
const LOG_READ_BYTES: u64 = 64 * 1024;
const LOG_MOST_BYTES: u64 = 512 * 1024;
/// How long a daemon that was just started may take until it listens.
const STARTS: Duration = Duration::from_secs(10);

/// How tunnels are ended on this machine.
#[derive(Clone, Debug)]
pub struct VpnConfig {
    /// A folder of ours that is gone after a reboot of the machine, as the daemons are.
    pub runtime_dir: PathBuf,
    /// What the names of namespaces begin with: the network's.
    pub prefix: String,
    /// The first of the users that daemons run as.
    pub uid_base: u32,
    /// How many users there are for daemons.
    pub uid_count: u32,
}

impl VpnConfig {
    /// The usual: users after those of guests.
    pub fn new(runtime_dir: PathBuf, prefix: String) -> Self {
        Self { runtime_dir, prefix, uid_base: 1_900_065_536, uid_count: 16_384 }
    }
}

/// The VPNs of this machine.
pub struct StrongSwan {
    config: VpnConfig,
    known: Mutex<Known>,
}

/// What is only known to spare work, and the keys.
#[derive(Default)]
struct Known {
    keys: BTreeMap<VpnConnectionId, Vec<TunnelKey>>,
    /// Daemons that this process started: they are ours to bury.
    children: Vec<Child>,
    /// What was wrong with a VPN the last time, so that it is said once.
    troubles: BTreeMap<VpnConnectionId, String>,
}

/// What a daemon was told.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// The daemon: its number, and when it started.
    pid: i32,
    started: u64,
    /// Its settings.
    settings: String,
    /// Each tunnel's connection by name, with the version of its key.
    tunnels: BTreeMap<String, (String, u64)>,
}

impl StrongSwan {
    /// A driver with that configuration. Touches nothing yet.
    pub fn new(config: VpnConfig) -> Self {
        Self { config, known: Mutex::default() }
    }

    fn folder(&self, id: VpnConnectionId) -> PathBuf {
        self.config.runtime_dir.join(id.to_string())
    }

    fn name(&self, number: u32) -> String {
        names::namespace(&self.config.prefix, number)
    }

    /// The folders that are there, by the VPNs that they are of.
    fn folders(&self) -> io::Result<BTreeSet<VpnConnectionId>> {
        let entries = match fs::read_dir(&self.config.runtime_dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            entries => entries?,
        };
        let mut found = BTreeSet::new();
        for entry in entries {
            found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<VpnConnectionId>().ok()));
        }
        Ok(found)
    }

    /// Ends a VPN's daemon and forgets it.
    fn remove(&self, id: VpnConnectionId) -> io::Result<()> {
        let folder = self.folder(id);
        daemon::stop(&daemon::find(&folder)?)?;
        crash_point!("tunnels:stopped");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes a VPN's daemon be there and know what it is to know. Returns how the tunnels are.
    fn ensure(&self, known: &mut Known, plan: &VpnPlan, fetch: &FetchKeys<'_>) -> DriverResult<Vec<TunnelSeen>> {
        let retry = |error: io::Error| DriverError::Retry(error.to_string());
        let (name, folder) = (self.name(plan.number), self.folder(plan.id));
        if !namespace::path(&name).exists() {
            return Err(DriverError::Retry(format!("its namespace {name} isn't there yet")));
        }
        let wanted = wanted(plan, &folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(retry)?;
        let settings = folder.join(SETTINGS);
        if fs::read_to_string(&settings).ok().as_ref() != Some(&wanted.settings) {
            replace(&settings, &wanted.settings).map_err(retry)?;
        }
        let others: Vec<_> = self.folders().map_err(retry)?.into_iter().map(|id| self.folder(id)).collect();
        user::ensure(&self.config, plan.id, &folder, others.iter().map(PathBuf::as_path)).map_err(retry)?;
        let (mut vici, process) = ensure_daemon(known, &name, &folder).map_err(retry)?;
        let told = fs::read(folder.join(TOLD)).ok().and_then(|bytes| serde_json::from_slice::<Told>(&bytes).ok());
        let told = told.filter(|told| (told.pid, told.started) == (process.pid, process.started)).unwrap_or_default();
        let wanted = Told { pid: process.pid, started: process.started, ..wanted };
        if told != wanted {
            let keys = keys(known, plan, fetch)?;
            tell(&mut vici, plan, &told, &wanted, &keys).map_err(retry)?;
            let text = serde_json::to_string(&wanted).map_err(io::Error::other).map_err(retry)?;
            crash_point!("tunnels:told");
            replace(&folder.join(TOLD), &text).map_err(retry)?;
        }
        look(&mut vici, plan, &folder).map_err(retry)
    }
}

/// What a VPN's daemon is to be told, whichever that is.
fn wanted(plan: &VpnPlan, folder: &Path) -> Told {
    let tunnels = plan.tunnels.iter().enumerate();
    let tunnels = tunnels.map(|(place, tunnel)| {
        (config::name(place), (config::connection(plan, place, tunnel).to_string(), tunnel.key_version))
    });
    let settings = config::daemon(plan, folder).to_string();
    Told { settings, tunnels: tunnels.collect(), ..Told::default() }
}

/// Writes a file so that it is there as a whole or as it was.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The daemon that works for a folder in that namespace, started if there is none. Others of the folder are ended: one in
/// a namespace that lost its name, or a second one.
fn ensure_daemon(known: &mut Known, name: &str, folder: &Path) -> io::Result<(Vici, Process)> {
    let socket = folder.join(SOCKET);
    let reach = || -> io::Result<(Vici, Process)> {
        let vici = Vici::connect(&socket)?;
        let process = Process::with_pid(vici.pid()?).filter(|process| daemon::is_in(*process, name));
        let process = process.ok_or_else(|| io::Error::other("a daemon of another namespace answers"))?;
        Ok((vici, process))
    };
    if let Ok(found) = reach() {
        return Ok(found);
    }
    daemon::stop(&daemon::find(folder)?)?;
    known.children.push(daemon::start(name, folder)?);
    let until = Instant::now() + STARTS;
    loop {
        match reach() {
            Err(error) if Instant::now() >= until => {
                return Err(io::Error::other(format!("strongSwan doesn't answer after its start: {error}")));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
            found => return found,
        }
    }
}

/// The keys of a VPN's tunnels: those that are known, if they are those of the plan, or else the control plane's.
fn keys(known: &mut Known, plan: &VpnPlan, fetch: &FetchKeys<'_>) -> DriverResult<Vec<TunnelKey>> {
    let fits = |keys: &Vec<TunnelKey>| {
        keys.iter().map(|key| key.version).eq(plan.tunnels.iter().map(|tunnel| tunnel.key_version))
    };
    if let Some(keys) = known.keys.get(&plan.id).filter(|keys| fits(keys)) {
        return Ok(keys.clone());
    }
    let keys = fetch(plan.id)?;
    if !fits(&keys) {
        return Err(DriverError::Retry("the keys of its tunnels aren't those that the plan names".into()));
    }
    known.keys.insert(plan.id, keys.clone());
    Ok(keys)
}

/// Tells a daemon what differs. A tunnel whose connection is another one now is made anew.
fn tell(vici: &mut Vici, plan: &VpnPlan, told: &Told, wanted: &Told, keys: &[TunnelKey]) -> io::Result<()> {
    if told.settings != wanted.settings && !told.settings.is_empty() {
        vici.command("reload-settings", &Section::default())?;
    }
    for (place, (tunnel, key)) in plan.tunnels.iter().zip(keys).enumerate() {
        let name = config::name(place);
        let before = told.tunnels.get(&name);
        if before == wanted.tunnels.get(&name) {
            continue;
        }
        vici.command("load-shared", &config::shared_key(place, tunnel, &key.key))?;
        let connection = config::connection(plan, place, tunnel);
        vici.command("load-conn", &Section::default().section(&name, connection))?;
        if before.is_some() {
            let order = Section::default().value("ike", &name).value("force", "yes").value("timeout", -1);
            // One that isn't up can't be ended, which the daemon calls an error.
            if let Err(error) = vici.command("terminate", &order) {
                tracing::debug!(%error, vpn = %plan.id, name, "not ended");
            }
        }
    }
    Ok(())
}

/// How the tunnels are: up once packets can go through.
fn look(vici: &mut Vici, plan: &VpnPlan, folder: &Path) -> io::Result<Vec<TunnelSeen>> {
    let all = vici.stream("list-sas", "list-sa")?;
    let up: BTreeSet<&str> = all
        .iter()
        .flat_map(Section::sections)
        .filter(|(_, ike)| ike.text("state") == Some("ESTABLISHED"))
        .filter(|(_, ike)| {
            let children = ike.sections().filter(|(name, _)| *name == "child-sas");
            let mut children = children.flat_map(|(_, children)| children.sections());
            children.any(|(_, child)| matches!(child.text("state"), Some("INSTALLED" | "REKEYING" | "REKEYED")))
        })
        .map(|(name, _)| name)
        .collect();
    let log = end_of_log(&folder.join(LOG))?;
    let tunnels = plan.tunnels.iter().enumerate().map(|(place, tunnel)| {
        let name = config::name(place);
        let up = up.contains(name.as_str());
        let message = match words::cause(&log, &name).filter(|_| !up) {
            _ if up => String::new(),
            Some(cause) => format!("{DOWN}: {cause}"),
            None => DOWN.to_owned(),
        };
        TunnelSeen { outside: tunnel.outside, up, message }
    });
    Ok(tunnels.collect())
}

/// The end of a log. One that has grown too large is emptied: the daemon goes on at its end.
fn end_of_log(path: &Path) -> io::Result<String> {
    let mut file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        file => file?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_READ_BYTES)))?;
    let mut bytes = Vec::new();
    file.by_ref().take(LOG_READ_BYTES).read_to_end(&mut bytes)?;
    if length > LOG_MOST_BYTES {
        file.set_len(0)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Tunnels for StrongSwan {
    fn apply(&self, plan: &HostPlan, fetch: &FetchKeys<'_>) -> DriverResult<Vec<VpnSeen>> {
        // What it holds is verified against the machine, so a panic elsewhere doesn't spoil it.
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let retry = |error: io::Error| DriverError::Retry(error.to_string());
        let wanted: BTreeSet<_> = vpn::here(plan).map(|vpn| vpn.id).collect();
        known.keys.retain(|id, _| wanted.contains(id));
        known.troubles.retain(|id, _| wanted.contains(id));
        let mut failures = Vec::new();
        for id in self.folders().map_err(retry)?.into_iter().filter(|id| !wanted.contains(id)) {
            if let Err(error) = self.remove(id) {
                failures.push(format!("{id} can't be removed: {error}"));
            }
        }
        let mut all = Vec::new();
        for vpn in plan.vpns().filter(|vpn| vpn.place == Place::Here) {
            if !vpn.wanted {
                let gone = !self.folder(vpn.id).exists() && !namespace::path(&self.name(vpn.number)).exists();
                all.push(VpnSeen { id: vpn.id, gone, tunnels: Vec::new() });
                continue;
            }
            let tunnels = match self.ensure(known, vpn, fetch) {
                Ok(tunnels) => {
                    known.troubles.remove(&vpn.id);
                    tunnels
                }
                Err(error) => {
                    let trouble = error.to_string();
                    if known.troubles.get(&vpn.id) != Some(&trouble) {
                        tracing::warn!(vpn = %vpn.id, trouble, "the tunnels of a VPN can't be ended here");
                        known.troubles.insert(vpn.id, trouble);
                    }
                    let down = |outside| TunnelSeen { outside, up: false, message: format!("{DOWN}: {TROUBLE}") };
                    vpn.tunnels.iter().map(|tunnel| down(tunnel.outside)).collect()
                }
            };
            all.push(VpnSeen { id: vpn.id, gone: false, tunnels });
        }
        if failures.is_empty() { Ok(all) } else { Err(DriverError::Retry(failures.join("; "))) }
    }
}
