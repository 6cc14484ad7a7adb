//! What this process keeps on disk, so that it serves after a restart without anybody's help: one small file for each
//! network and instance, and the ports that were heard. Each is replaced whole by a rename, so that a reader finds the
//! old or the new; all are readable by root alone, because user data is in them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use landfall_model::InterfaceId;
use serde::de::DeserializeOwned;

use super::plan::{ServiceChange, ServicePlan};
use crate::crash::crash_point;

/// Replaces a file by one that only its owner can read.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    drop(file);
    crash_point!("answers:rename");
    fs::rename(&new, path)
}

/// The folder with the plan and the ports that were heard.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens the folder, making it if need be.
    pub fn open(runtime: &Path) -> io::Result<Self> {
        let folder = runtime.join("served");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    /// Keeps a change of the plan.
    pub fn keep(&self, change: &ServiceChange) -> io::Result<()> {
        for (number, network) in &change.networks {
            self.put(&format!("network-{number}.json"), network.as_ref())?;
        }
        for (id, instance) in &change.instances {
            self.put(&format!("instance-{id}.json"), instance.as_ref())?;
        }
        Ok(())
    }

    fn put<T: serde::Serialize>(&self, name: &str, value: Option<&T>) -> io::Result<()> {
        let path = self.folder.join(name);
        match value {
            Some(value) => write_private(&path, &serde_json::to_vec(value)?),
            None => {
                crash_point!("answers:remove");
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => Ok(()),
                }
            }
        }
    }

    /// The plan as it was kept last. A file that can't be read is passed over and said so: what the others say is still
    /// worth serving, and the agent brings the rest.
    pub fn plan(&self) -> io::Result<ServicePlan> {
        let mut plan = ServicePlan::default();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(stem) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
            if let Some(number) = stem.strip_prefix("network-").and_then(|number| number.parse().ok()) {
                plan.networks.extend(read(&path).map(|network| (number, network)));
            } else if let Some(id) = stem.strip_prefix("instance-").and_then(|id| id.parse().ok()) {
                plan.instances.extend(read(&path).map(|instance| (id, instance)));
            }
        }
        Ok(plan)
    }

    /// Keeps which ports were heard.
    pub fn keep_heard(&self, heard: &BTreeSet<InterfaceId>) -> io::Result<()> {
        write_private(&self.folder.join("heard.json"), &serde_json::to_vec(heard)?)
    }

    /// The ports that were heard, as kept last.
    pub fn heard(&self) -> BTreeSet<InterfaceId> {
        let path = self.folder.join("heard.json");
        if path.exists() { read(&path).unwrap_or_default() } else { BTreeSet::new() }
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let value =
        fs::read(path).map_err(|e| e.to_string()).and_then(|b| serde_json::from_slice(&b).map_err(|e| e.to_string()));
    value.map_err(|error| tracing::warn!(path = %path.display(), error, "a kept file can't be read")).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{plan::derive, sample};
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_and_a_broken_file_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.plan().unwrap(), ServicePlan::default());
        let plan = derive(&sample::host_plan(), "lf", 1500);
        store.keep(&ServicePlan::default().change_to(&plan)).unwrap();
        assert_eq!(store.plan().unwrap(), plan);
        fs::write(store.folder.join("network-9.json"), "{").unwrap();
        assert_eq!(store.plan().unwrap(), plan);
        store.keep(&plan.change_to(&ServicePlan::default())).unwrap();
        assert_eq!(store.plan().unwrap(), ServicePlan::default());
    }

    #[test]
    fn the_ports_that_were_heard_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.heard().is_empty());
        let heard = BTreeSet::from([sample::interface_id()]);
        store.keep_heard(&heard).unwrap();
        assert_eq!(store.heard(), heard);
    }
}
