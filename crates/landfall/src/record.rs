//! Records of the servers that run on this machine: how the other commands find them, and their keys.
//!
//! A record is a file that only its owner may read. One whose process is gone is passed over.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::credentials::{Credentials, write_private};

/// A server that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Its process.
    pub pid: i32,
    /// When that process started, in the kernel's ticks since boot: pids come again.
    pub started: u64,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it has no guests.
    pub simulate: bool,
    /// Its state folder; `None` for memory.
    pub state: Option<PathBuf>,
    /// Its region.
    pub region: String,
    /// Its account.
    pub account: String,
    /// Its root access key.
    pub credentials: Credentials,
    /// What runs its guests: `kvm`, `tcg`, `simulated`, or `none` where it runs none itself.
    pub hypervisor: String,
    /// Where it takes agents of other machines, if it does.
    #[serde(default)]
    pub agents: Option<DoorRecord>,
    /// How it speaks TLS, if it does.
    #[serde(default)]
    pub tls: Option<TlsRecord>,
}

/// How clients speak TLS to a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TlsRecord {
    /// The file of the certificate that clients are to trust; none where they trust its own already.
    pub authority: Option<PathBuf>,
    /// The name that its certificate is for; none where it is for its addresses.
    pub host: Option<String>,
}

/// Where a server takes agents of other machines.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DoorRecord {
    /// Where it listens for them.
    pub listen: SocketAddr,
    /// SHA-256 of the public key that they know it by.
    pub key_sha256: String,
}

/// The folders that records may be in: root's, and that of the user.
fn folders() -> Vec<PathBuf> {
    let uid = nix::unistd::geteuid();
    let user = || {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        base.map_or_else(|| std::env::temp_dir().join(format!("landfall-{uid}")), |base| base.join("landfall"))
    };
    let mut folders = vec![PathBuf::from("/run/landfall/servers")];
    if !uid.is_root() {
        folders.insert(0, user());
    }
    folders
}

fn folder_to_write() -> Result<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    let folder = folders().remove(0);
    let is_root = nix::unistd::geteuid().is_root();
    // Root's folder may be entered by the user who called sudo; each record is that user's own.
    let mode = if is_root { 0o711 } else { 0o700 };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(&folder)
        .with_context(|| format!("making {}", folder.display()))?;
    let metadata = fs::symlink_metadata(&folder)?;
    if !metadata.is_dir() || metadata.uid() != nix::unistd::geteuid().as_raw() {
        bail!("{} belongs to somebody else", folder.display());
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
    if is_root {
        fs::set_permissions("/run/landfall", fs::Permissions::from_mode(0o711))?;
    }
    Ok(folder)
}

/// Where the certificate of an authority lies that goes with its server's process: beside its record, as long as that.
pub fn authority_path(listen: SocketAddr) -> Result<PathBuf> {
    Ok(folder_to_write()?.join(format!("{}.{AUTHORITY}", listen.port())))
}

/// What such a certificate's file ends in.
const AUTHORITY: &str = "ca.pem";

impl Record {
    /// The endpoint, as tools take it.
    pub fn endpoint(&self) -> String {
        // A server that listens everywhere is reached here through loopback.
        let mut at = self.listen;
        if at.ip().is_unspecified() {
            at.set_ip(if at.is_ipv4() {
                std::net::Ipv4Addr::LOCALHOST.into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        match &self.tls {
            None => format!("http://{at}"),
            Some(TlsRecord { host: Some(host), .. }) => format!("https://{host}:{}", at.port()),
            Some(TlsRecord { host: None, .. }) => format!("https://{at}"),
        }
    }

    /// Writes the record; removes it again when the guard goes.
    pub fn publish(&self) -> Result<Published> {
        let path = folder_to_write()?.join(format!("{}.json", self.listen.port()));
        write_private(&path, &serde_json::to_vec_pretty(self)?)?;
        Ok(Published { path, pid: self.pid })
    }

    /// Whether its process still runs.
    pub fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

/// A record that is there as long as this is.
pub struct Published {
    path: PathBuf,
    pid: i32,
}

impl Drop for Published {
    fn drop(&mut self) {
        // A successor on the same port may have written its own.
        if read(&self.path).is_some_and(|record| record.pid == self.pid) {
            let _ = fs::remove_file(self.path.with_extension(AUTHORITY));
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn read(path: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// When a process started, in ticks since boot: field 22 of `/proc/PID/stat`.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in the second field may hold anything, so the fields are counted behind its last bracket.
    let fields: Vec<_> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    // A zombie has ended; only its parent hasn't asked yet.
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// Whether the last server that listened there is gone without having said so.
pub fn was_killed(listen: SocketAddr) -> bool {
    let name = format!("{}.json", listen.port());
    folders().into_iter().filter_map(|folder| read(&folder.join(&name))).any(|r| r.listen == listen && !r.is_alive())
}

/// All servers that run and that this user may know.
pub fn all() -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for folder in folders() {
        // Root's folder can be entered and not listed by others: the usual port is tried by name.
        let names: Vec<PathBuf> = match fs::read_dir(&folder) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![folder.join(format!("{}.json", crate::config::DEFAULT_LISTEN.port()))],
        };
        records.extend(
            names.iter().filter(|path| path.extension().is_some_and(|e| e == "json")).filter_map(|path| read(path)),
        );
    }
    records.retain(Record::is_alive);
    records.sort_by_key(|record| record.listen);
    records
}

/// The server that is meant: the one that listens there, or the only one.
pub fn find(listen: Option<SocketAddr>) -> Result<Record> {
    let mut records = all();
    if let Some(listen) = listen {
        if let Some(position) = records.iter().position(|record| record.listen == listen) {
            return Ok(records.swap_remove(position));
        }
        let named = folders().into_iter().find_map(|folder| read(&folder.join(format!("{}.json", listen.port()))));
        return named
            .filter(|r| r.is_alive() && r.listen == listen)
            .with_context(|| format!("no cloud of yours listens at {listen}; start one with: landfall up"));
    }
    match records.len() {
        0 => bail!("no cloud of yours runs on this machine; start one with: landfall up"),
        1 => Ok(records.remove(0)),
        _ => {
            let places: Vec<_> = records.iter().map(|record| record.listen.to_string()).collect();
            bail!("several clouds run; say which with --listen: {}", places.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let own = std::process::id() as i32;
        assert!(start_time(own).is_some());
        assert_eq!(start_time(own), start_time(own));
        assert_eq!(start_time(i32::MAX), None);
    }
}
