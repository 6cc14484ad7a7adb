//! The last plan, on disk: with it an agent that starts works on while the control plane can't be reached.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use landfall_model::plan::HostPlan;

use crate::crash::crash_point;

/// What the name of a plan begins with that isn't written yet.
const UNFINISHED: &str = ".plan";

/// Where the last plan is kept.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    path: PathBuf,
}

impl SavedPlan {
    /// In that folder, which is made if there is none.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        clear_unfinished(folder)?;
        Ok(Self { path: folder.join("plan.json") })
    }

    /// The plan that was saved last. One that can't be read is no plan: the control plane has it.
    pub fn load(&self) -> Option<HostPlan> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the last plan can't be read");
                return None;
            }
        };
        serde_json::from_slice(&bytes)
            .map_err(|error| tracing::warn!(path = %self.path.display(), %error, "the last plan can't be understood"))
            .ok()
    }

    /// Saves a plan: after a crash there is this one or the one before, whole. It holds user data: its owner's alone.
    pub fn save(&self, plan: &HostPlan) -> io::Result<()> {
        crash_point!("plan:save");
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        let mut writer = BufWriter::new(file);
        serde_json::to_writer(&mut writer, plan)?;
        writer.flush()?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        crash_point!("plan:rename");
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        crash_point!("plan:saved");
        Ok(())
    }
}

/// Removes what an agent that was killed had not finished writing.
fn clear_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "what was cut off is cleared away");
        fs::write(folder.path().join("plan.json"), "{").unwrap();
        assert_eq!(saved.load(), None);
    }
}
