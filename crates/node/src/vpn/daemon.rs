//! A strongSwan daemon of ours: one for each VPN, in the VPN's namespace, with a folder of its own. It outlives the agent
//! and is found again by what it was started with, which no other program of the machine has.
//!
//! Debian's package also starts a daemon for the machine itself. That one has other settings and another namespace, and is
//! nothing to us.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sched::CloneFlags;
use nix::sys::resource::Resource;
use nix::sys::signal::{SigHandler, Signal};

use super::{SETTINGS, SOCKET, user};
use crate::crash::crash_point;
use crate::hypervisor::confine::{Confinement, ThisHost};
use crate::hypervisor::process::Process;
use crate::network::namespace;

/// The program: strongSwan without the scripts that surround it.
const PROGRAM: &str = "charon-systemd";
/// The variable that tells strongSwan where its settings are.
const VARIABLE: &str = "STRONGSWAN_CONF";
/// Where programs are that a user's path may lack.
const FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];
/// What it needs besides itself, its libraries and who it is: its device for packets, and randomness.
const NEEDS: [&str; 4] = ["/etc/nsswitch.conf", "/dev/net/tun", "/dev/random", "/dev/urandom"];
/// The folder, in a daemon's own, that its tree of files is mounted on; nobody else sees the mount.
const TREE: &str = "tree";
/// How much memory one may have for its data, the stacks of its threads included.
const MEMORY_BYTES: u64 = 512 << 20;
/// How long its log may grow between two looks at it: what doesn't fit isn't written.
const LOG_BYTES: u64 = 1 << 20;
/// How long a daemon may take to say goodbye to the other side.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where the program is, if it is installed.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(PROGRAM)).find(|file| file.is_file())
}

/// Starts a daemon in a namespace, with the settings in that folder.
pub fn start(name: &str, folder: &Path) -> io::Result<Child> {
    let program = program().ok_or_else(|| io::Error::other(format!("{PROGRAM} isn't installed")))?;
    // Of a daemon that was killed: whoever connects next must not wait for it.
    match fs::remove_file(folder.join(SOCKET)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let root = folder.join(TREE);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
    let mut confinement = Confinement::of_daemon(&program, folder, root, &NEEDS, &ThisHost);
    for (file, shown) in user::FILES {
        confinement.show_file(folder.join(file), shown);
    }
    let tree = confinement.prepare_tree()?;
    crash_point!("tunnels:start");
    let child = namespace::within(name, || {
        let mut command = Command::new(&program);
        command.env_clear().env(VARIABLE, folder.join(SETTINGS)).current_dir("/").process_group(0);
        // It speaks with strangers: it sees nothing of the machine's files, takes a bounded amount of memory, and no program
        // that it starts has more rights than it has itself.
        // SAFETY: only system calls are made between fork and exec, on memory made before.
        unsafe {
            command.pre_exec(move || {
                nix::sys::resource::setrlimit(Resource::RLIMIT_DATA, MEMORY_BYTES, MEMORY_BYTES)?;
                nix::sys::resource::setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
                nix::sys::resource::setrlimit(Resource::RLIMIT_FSIZE, LOG_BYTES, LOG_BYTES)?;
                // What is too long to be written is an error of that one write, and not the daemon's end.
                nix::sys::signal::signal(Signal::SIGXFSZ, SigHandler::SigIgn)?;
                nix::sched::unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS)?;
                tree.enter()?;
                nix::sys::prctl::set_no_new_privs().map_err(io::Error::from)
            });
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    });
    crash_point!("tunnels:started");
    child
}

/// All living daemons that were started for that folder. In another mount namespace the same path is another folder.
pub fn find(folder: &Path) -> io::Result<Vec<Process>> {
    let settings = folder.join(SETTINGS);
    let mark = format!("{VARIABLE}={}", settings.display());
    let Some(file) = identity(&settings) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // A process may end while it is looked at.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        let seen = || identity(Path::new(&format!("/proc/{pid}/root{}", settings.display())));
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) && seen() == Some(file) {
            found.extend(Process::with_pid(pid));
        }
    }
    Ok(found)
}

/// Whether a process is in the namespace that has that name now.
pub fn is_in(process: Process, name: &str) -> bool {
    let its = identity(Path::new(&format!("/proc/{}/ns/net", process.pid)));
    its.is_some() && its == identity(&namespace::path(name)) && process.is_alive()
}

/// What tells a file from all others.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).map(|file| (file.dev(), file.ino())).ok()
}

/// Ends daemons: politely, so that the other side hears of it, or else for certain.
pub fn stop(processes: &[Process]) -> io::Result<()> {
    for process in processes {
        process.signal(Signal::SIGTERM)?;
    }
    for process in processes {
        if !process.wait(FAREWELL)? {
            process.signal(Signal::SIGKILL)?;
            process.wait(FAREWELL)?;
        }
    }
    Ok(())
}
