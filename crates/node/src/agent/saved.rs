//! The last plan, on disk: with it an agent that starts works on while the control plane can't be reached.
//!
//! A plan is written as a whole now and then, and in between each change of it is appended to a file of changes, which is
//! named after the plan that the first of them starts from. So a change costs what it says, however much the host has.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use landfall_model::plan::{HostPlan, Piece, PieceKey, PlanUpdate};

use crate::crash::crash_point;

/// What the name of a plan begins with that isn't written yet.
const UNFINISHED: &str = ".plan";
/// What the name of a file of changes begins with.
const CHANGES: &str = "plan-changes-";
/// Changes may always grow to this, in bytes, and to the size of the plan.
const LEAST_CHANGES: u64 = 64 * 1024;

/// Where the last plan is kept.
#[derive(Debug)]
pub struct SavedPlan {
    path: PathBuf,
    changes: Mutex<Option<Changes>>,
}

/// An open file of changes.
#[derive(Debug)]
struct Changes {
    file: File,
    /// The revision that the last of them leads to.
    revision: u64,
    size_bytes: u64,
    most_bytes: u64,
}

impl SavedPlan {
    /// In that folder, which is made if there is none.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        clear(folder, |name| name.starts_with(UNFINISHED))?;
        Ok(Self { path: folder.join("plan.json"), changes: Mutex::default() })
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// The plan that was saved last. One that can't be read is no plan: the control plane has it.
    pub fn load(&self) -> Option<HostPlan> {
        let mut plan: HostPlan = match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| {
                    tracing::warn!(path = %self.path.display(), %error, "the last plan can't be understood");
                })
                .ok()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the last plan can't be read");
                return None;
            }
        };
        let changes = fs::read(self.folder().join(changes_name(&plan))).unwrap_or_default();
        // What was cut off has no end; and what follows what can't be read starts from something else.
        for line in changes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let update = serde_json::from_slice::<PlanUpdate>(line).ok();
            if update.and_then(|update| plan.apply(update)).is_none() {
                tracing::warn!(revision = plan.revision, "the plan's last changes can't be understood");
                break;
            }
        }
        Some(plan)
    }

    /// Saves a plan: after a crash there is this one or the one before, whole. It holds user data: its owner's alone.
    pub fn save(&self, plan: &HostPlan) -> io::Result<()> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        *changes = None;
        crash_point!("plan:save");
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(self.folder())?;
        let mut writer = BufWriter::new(file);
        serde_json::to_writer(&mut writer, plan)?;
        writer.flush()?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        let most_bytes = file.as_file().metadata()?.len().max(LEAST_CHANGES);
        // Changes of a plan of the same name are of what was there before.
        let name = changes_name(plan);
        clear(self.folder(), |other| other == name)?;
        crash_point!("plan:rename");
        file.persist(&self.path).map_err(|error| error.error)?;
        clear(self.folder(), |name| name.starts_with(CHANGES))?;
        let file = open_private(&self.folder().join(name))?;
        File::open(self.folder())?.sync_all()?;
        crash_point!("plan:saved");
        *changes = Some(Changes { file, revision: plan.revision, size_bytes: 0, most_bytes });
        Ok(())
    }

    /// Saves what changes of the plan that was saved last, or of a later one that is the same. False where that isn't known
    /// or the changes are many by now: then the plan is to be saved as a whole.
    pub fn append(&self, to: u64, pieces: &BTreeMap<PieceKey, Option<Piece>>) -> io::Result<bool> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        // What couldn't be written leaves half a line, after which nothing can stand.
        let Some(mut open) = changes.take() else { return Ok(false) };
        let update = PlanUpdate::Delta { from: open.revision, to, pieces: pieces.clone() };
        let mut line = serde_json::to_vec(&update)?;
        line.push(b'\n');
        open.size_bytes += line.len() as u64;
        if open.size_bytes > open.most_bytes {
            return Ok(false);
        }
        crash_point!("plan:append");
        open.file.write_all(&line)?;
        open.file.sync_data()?;
        crash_point!("plan:appended");
        open.revision = to;
        *changes = Some(open);
        Ok(true)
    }
}

/// The name of the changes that start from a plan.
fn changes_name(plan: &HostPlan) -> String {
    format!("{CHANGES}{}-{}", plan.incarnation, plan.revision)
}

fn open_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Removes files by their names, such as what an agent that was killed had not finished writing.
fn clear(folder: &Path, is_over: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !is_over(&entry.file_name().to_string_lossy()) {
            continue;
        }
        match fs::remove_file(entry.path()) {
            // The thread of an agent that is ending put it in place, or away, itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use landfall_model::VpcId;
    use landfall_model::plan::VpcPlan;

    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let saved = SavedPlan::in_folder(folder.path()).unwrap();
        assert_eq!(saved.load(), None);
        let plan = HostPlan { incarnation: 3, revision: 9, ..HostPlan::default() };
        saved.save(&plan).unwrap();
        assert_eq!(saved.load(), Some(plan.clone()));
        fs::write(folder.path().join(".planXYZ"), "half").unwrap();
        let saved = SavedPlan::in_folder(folder.path()).unwrap();
        assert_eq!(saved.load(), Some(plan));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "what was cut off is cleared away");
        fs::write(folder.path().join("plan.json"), "{").unwrap();
        assert_eq!(saved.load(), None);
    }

    /// A change in which a network has so many letters.
    fn change(letters: usize) -> BTreeMap<PieceKey, Option<Piece>> {
        let id = VpcId::from_random(1);
        let network = VpcPlan {
            id,
            cidrs: vec![],
            ipv6: vec![],
            number: 1,
            dns_support: true,
            dns_hostnames: true,
            internet_gateway: true,
            egress_only: false,
            internet_routes: vec![],
            vpn_routes: vec![],
            domain_name: "x".repeat(letters),
            domain_name_servers: vec![],
            ntp_servers: vec![],
            dhcp: Default::default(),
            private_names: Default::default(),
        };
        let piece = Piece::Vpc(network);
        [(PieceKey::Vpc(id), Some(piece))].into()
    }

    #[test]
    fn changes_are_appended_and_read_as_far_as_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let saved = SavedPlan::in_folder(folder.path()).unwrap();
        let mut plan = HostPlan { incarnation: 3, revision: 9, ..HostPlan::default() };
        assert!(!saved.append(10, &change(1)).unwrap(), "there is nothing to append to");
        saved.save(&plan).unwrap();
        for to in [10, 12, 13] {
            assert!(saved.append(to, &change(5)).unwrap());
            plan.apply(PlanUpdate::Delta { from: plan.revision, to, pieces: change(5) }).unwrap();
            assert_eq!(saved.load(), Some(plan.clone()));
        }
        let changes = folder.path().join("plan-changes-3-9");
        let whole = fs::read(&changes).unwrap();
        fs::write(&changes, [whole.as_slice(), b"{\"Delta\":"].concat()).unwrap();
        let successor = SavedPlan::in_folder(folder.path()).unwrap();
        assert_eq!(successor.load(), Some(plan.clone()), "what was cut off doesn't count");
        assert!(!successor.append(14, &change(1)).unwrap(), "nor does anything stand after it");
        let other = HostPlan { incarnation: 4, revision: 9, ..HostPlan::default() };
        successor.save(&other).unwrap();
        assert_eq!(successor.load(), Some(other), "another plan's changes don't count");
        let many = LEAST_CHANGES as usize / 2;
        assert!(successor.append(10, &change(many)).unwrap());
        assert!(!successor.append(11, &change(many)).unwrap(), "many changes are a plan");
    }
}
