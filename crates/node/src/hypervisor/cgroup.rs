//! A control group per guest: bounds on memory, processor time and threads, on cgroup v1 and v2.
//!
//! The kernel keeps a group's members, and a confined process can't leave: so the group also tells whether anything of
//! a guest is left. Where a controller isn't there (containers, old kernels) the guest runs without that bound, and
//! [`Groups::missing`] says so at start-up.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::crash::crash_point;

const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];
/// The kernel's period of processor shares, in microseconds.
const PERIOD_US: u64 = 100_000;
/// The group of the agent itself inside a delegated one: groups with members can't have bounded children.
const AGENT_LEAF: &str = "agent";

/// What a guest may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of its process, in bytes.
    pub memory_bytes: u64,
    /// Processor time, in hundredths of one processor.
    pub cpu_percent: u64,
    /// Threads.
    pub threads: u64,
}

/// Where guests' groups are made on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// One folder that has all controllers.
    V2 {
        /// The group that we share with the agent, or the root.
        base: PathBuf,
        /// The folder of the guests' groups within it.
        folder: PathBuf,
        /// Whether the base is the service's own and the agent must leave it.
        delegated: bool,
        /// The controllers that the kernel has.
        controllers: BTreeSet<&'static str>,
    },
    /// A folder per controller.
    V1 {
        /// The folder of the guests' groups, by controller.
        folders: Vec<(&'static str, PathBuf)>,
    },
}

impl Groups {
    /// What this machine has. `name` is the folder's name among everything else's.
    pub fn detect(name: &str) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::plan(&mounts, &own, name, |v2| fs::read_to_string(v2.join("cgroup.controllers")).unwrap_or_default())
    }

    /// The same from `/proc/self/mounts`, `/proc/self/cgroup` and what a v2 root says of its controllers.
    fn plan(mounts: &str, own: &str, name: &str, controllers_of: impl Fn(&Path) -> String) -> Self {
        let mut v2 = None;
        let mut folders = Vec::new();
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(place), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let place = PathBuf::from(place.replace("\\040", " "));
            match kind {
                "cgroup2" if v2.is_none() => v2 = Some(place),
                "cgroup" => {
                    let found = CONTROLLERS.iter().filter(|name| options.split(',').any(|option| option == **name));
                    for controller in found {
                        if folders.iter().all(|(known, _)| known != controller) {
                            folders.push((*controller, place.join(name)));
                        }
                    }
                }
                _ => {}
            }
        }
        if let Some(root) = v2.filter(|_| folders.is_empty()) {
            let offered = controllers_of(&root);
            let controllers =
                CONTROLLERS.into_iter().filter(|name| offered.split_ascii_whitespace().any(|o| o == *name)).collect();
            return match own_service(own) {
                Some(service) => {
                    let base = root.join(service);
                    Groups::V2 { folder: base.join("guests"), base, delegated: true, controllers }
                }
                None => Groups::V2 { folder: root.join(name), base: root, delegated: false, controllers },
            };
        }
        Groups::V1 { folders }
    }

    /// The bounds that this machine can't hold guests to.
    pub fn missing(&self) -> Vec<&'static str> {
        let has = |name: &&str| match self {
            Groups::V2 { controllers, .. } => controllers.contains(name),
            Groups::V1 { folders } => folders.iter().any(|(known, _)| known == name),
        };
        CONTROLLERS.into_iter().filter(|name| !has(name)).collect()
    }

    /// The folders of a guest's groups, whether they are there or not.
    pub fn paths(&self, guest: &str) -> Vec<PathBuf> {
        match self {
            Groups::V2 { controllers, .. } if controllers.is_empty() => Vec::new(),
            Groups::V2 { folder, .. } => vec![folder.join(guest)],
            Groups::V1 { folders } => folders.iter().map(|(_, folder)| folder.join(guest)).collect(),
        }
    }

    /// Makes a guest's groups with their bounds. Returns their folders.
    pub fn ensure(&self, guest: &str, limits: Limits) -> io::Result<Vec<PathBuf>> {
        let mut tries = 0;
        loop {
            match self.make(guest, limits) {
                // Another guest, the last one, was removed at this very moment and the folder with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 20 => tries += 1,
                result => return result,
            }
        }
    }

    fn make(&self, guest: &str, limits: Limits) -> io::Result<Vec<PathBuf>> {
        match self {
            Groups::V2 { controllers, .. } if controllers.is_empty() => Ok(Vec::new()),
            Groups::V2 { base, folder, delegated, controllers } => {
                if *delegated {
                    leave(base)?;
                }
                fs::create_dir_all(folder)?;
                enable(base, controllers)?;
                enable(folder, controllers)?;
                let group = folder.join(guest);
                make(&group)?;
                for controller in controllers {
                    for (file, value) in bounds_v2(controller, limits) {
                        write(&group.join(file), &value)?;
                    }
                }
                Ok(vec![group])
            }
            Groups::V1 { folders } => {
                let mut groups = Vec::new();
                for (controller, folder) in folders {
                    fs::create_dir_all(folder)?;
                    let group = folder.join(guest);
                    make(&group)?;
                    for (file, value) in bounds_v1(controller, limits) {
                        // A kernel may lack a bound of a controller that it has.
                        if group.join(file).exists() {
                            write(&group.join(file), &value)?;
                        } else {
                            tracing::warn!(controller, file, "this kernel doesn't bound guests by that");
                        }
                    }
                    groups.push(group);
                }
                Ok(groups)
            }
        }
    }
}

/// Lets the members of those groups have so much memory, in bytes. To have less is refused by some kernels while they have
/// more, and others end them for it, so it is only raised.
pub fn raise_memory(groups: &[PathBuf], memory_bytes: u64) -> io::Result<()> {
    let files = groups.iter().flat_map(|group| ["memory.max", "memory.limit_in_bytes"].map(|file| group.join(file)));
    for file in files.filter(|file| file.exists()) {
        let has = fs::read_to_string(&file)?;
        // "max" is no number, and no bound.
        if has.trim().parse::<u64>().is_ok_and(|has| has < memory_bytes) {
            write(&file, &memory_bytes.to_string())?;
        }
    }
    Ok(())
}

/// The processes in any of those groups. Groups that aren't there have none.
pub fn members(groups: &[PathBuf]) -> BTreeSet<i32> {
    let lists = groups.iter().filter_map(|group| fs::read_to_string(group.join("cgroup.procs")).ok());
    lists.flat_map(|list| list.lines().filter_map(|line| line.trim().parse().ok()).collect::<Vec<_>>()).collect()
}

/// Whether the kernel ended a member because the group had used up its memory.
pub fn ran_out_of_memory(groups: &[PathBuf]) -> bool {
    let files = groups.iter().flat_map(|group| [group.join("memory.events"), group.join("memory.oom_control")]);
    files
        .filter_map(|file| fs::read_to_string(file).ok())
        .any(|text| text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0")))
}

/// Removes groups. Their last members may need a moment to be gone.
pub fn remove(groups: &[PathBuf]) -> io::Result<()> {
    for group in groups {
        crash_point!("cgroup:remove");
        let mut tries = 0;
        loop {
            match fs::remove_dir(group) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && tries < 100 => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => break,
            }
        }
        // The folder of all guests goes with the last one; with others in it, it doesn't.
        crash_point!("cgroup:removed");
        if let Some(folder) = group.parent() {
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

/// The service that this process belongs to, whose group systemd has given over to it (`Delegate=yes`).
fn own_service(own: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let path = Path::new(path);
    let path = if path.ends_with(AGENT_LEAF) { path.parent()? } else { path };
    path.extension().is_some_and(|kind| kind == "service").then(|| path.to_owned())
}

/// Moves every process of the base into a leaf of its own.
fn leave(base: &Path) -> io::Result<()> {
    let members = members(&[base.to_owned()]);
    if !members.is_empty() {
        let leaf = base.join(AGENT_LEAF);
        make(&leaf)?;
        for pid in members {
            match write(&leaf.join("cgroup.procs"), &pid.to_string()) {
                // It has ended meanwhile.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                result => result?,
            }
        }
    }
    Ok(())
}

fn enable(group: &Path, controllers: &BTreeSet<&'static str>) -> io::Result<()> {
    let file = group.join("cgroup.subtree_control");
    let enabled = fs::read_to_string(&file).unwrap_or_default();
    let missing = controllers.iter().filter(|name| !enabled.split_ascii_whitespace().any(|on| on == **name));
    let switches: Vec<String> = missing.map(|name| format!("+{name}")).collect();
    if switches.is_empty() { Ok(()) } else { write(&file, &switches.join(" ")) }
}

fn bounds_v2(controller: &str, limits: Limits) -> Vec<(&'static str, String)> {
    match controller {
        "cpu" => vec![("cpu.max", format!("{} {PERIOD_US}", limits.cpu_percent * PERIOD_US / 100))],
        "memory" => vec![("memory.max", limits.memory_bytes.to_string()), ("memory.oom.group", "1".into())],
        _ => vec![("pids.max", limits.threads.to_string())],
    }
}

fn bounds_v1(controller: &str, limits: Limits) -> Vec<(&'static str, String)> {
    match controller {
        "cpu" => vec![
            ("cpu.cfs_period_us", PERIOD_US.to_string()),
            ("cpu.cfs_quota_us", (limits.cpu_percent * PERIOD_US / 100).to_string()),
        ],
        "memory" => vec![("memory.limit_in_bytes", limits.memory_bytes.to_string())],
        _ => vec![("pids.max", limits.threads.to_string())],
    }
}

fn make(group: &Path) -> io::Result<()> {
    crash_point!("cgroup:make");
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The kernel wants each value in one write, into a file that is there. Errors name the file.
fn write(file: &Path, value: &str) -> io::Result<()> {
    use std::io::Write;
    crash_point!("cgroup:bound");
    let result = fs::OpenOptions::new().write(true).open(file).and_then(|mut file| file.write_all(value.as_bytes()));
    result.map_err(|error| match error.raw_os_error() {
        Some(libc::ESRCH | libc::ENOENT) => error,
        _ => io::Error::new(error.kind(), format!("writing {value} to {}: {error}", file.display())),
    })
}

#[cfg(test)]
mod tests;
