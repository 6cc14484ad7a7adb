//! The repository's files, read once for all checks.

use std::path::Path;

use anyhow::{Context as _, Result};

/// A text file of the repository.
pub struct File {
    /// Its path below the root, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Folders that hold nothing of the project's own. In a work tree that git made beside another, `.git` is a file.
const FOREIGN: &[&str] = &["target", ".git", "node_modules", "__pycache__", "corpus", "artifacts"];
/// Larger files are data.
const MAX_BYTES: u64 = 4 << 20;

/// All text files below the root, in the order of their paths.
pub fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    walk(root, root, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let (path, kind, name) = (entry.path(), entry.file_type()?, entry.file_name());
        if FOREIGN.iter().any(|foreign| name == *foreign) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, files)?;
        } else if kind.is_file() && entry.metadata()?.len() <= MAX_BYTES {
            // Another process may be at work here: a file that has just gone is no fault. What isn't text isn't checked.
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let below = path.strip_prefix(root).context("a file lies below its folder")?;
            files.push(File { path: below.to_string_lossy().into_owned(), text });
        }
    }
    Ok(())
}

/// The file of that path.
pub fn find<'a>(files: &'a [File], path: &str) -> Option<&'a File> {
    files.iter().find(|file| file.path == path)
}
