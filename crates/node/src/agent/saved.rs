//! The last plan, on disk: with it an agent that starts works on while the control plane can't be reached.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use landfall_model::plan::HostPlan;

/// Where the last plan is kept.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    path: PathBuf,
}

impl SavedPlan {
    /// In that folder, which is made if there is none.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
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
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".plan").tempfile_in(folder)?;
        let mut writer = BufWriter::new(file);
        serde_json::to_writer(&mut writer, plan)?;
        writer.flush()?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }
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
        assert_eq!(saved.load(), Some(plan));
        fs::write(folder.path().join("plan.json"), "{").unwrap();
        assert_eq!(saved.load(), None);
    }
}
