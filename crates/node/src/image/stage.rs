//! A folder that becomes a guest's root file system: writing files with their modes, and taking programs
//! with the libraries that they need out of unpacked packages.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::ImageError;
use super::tool::Tool;

const STEP: &str = "putting the root file system together";

/// The root of a file system in the making.
pub(super) struct Stage {
    root: PathBuf,
}

impl Stage {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Makes a folder and those above it.
    pub(super) fn folder(&self, path: &str, mode: u32) -> Result<(), ImageError> {
        let full = self.path(path);
        std::fs::create_dir_all(&full).map_err(ImageError::io(STEP, &full))?;
        set_mode(&full, mode)
    }

    /// Writes a file, and makes the folders above it.
    pub(super) fn file(&self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Result<(), ImageError> {
        let full = self.path(path);
        if let Some(above) = full.parent() {
            std::fs::create_dir_all(above).map_err(ImageError::io(STEP, above))?;
        }
        std::fs::write(&full, content).map_err(ImageError::io(STEP, &full))?;
        set_mode(&full, mode)
    }

    /// Copies a file's content from outside.
    pub(super) fn copy(&self, from: &Path, path: &str, mode: u32) -> Result<(), ImageError> {
        let content = std::fs::read(from).map_err(ImageError::io(STEP, from))?;
        self.file(path, mode, content)
    }

    /// Makes a symbolic link where nothing is yet.
    pub(super) fn link(&self, path: &str, target: &str) -> Result<(), ImageError> {
        let full = self.path(path);
        match symlink(target, &full) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(ImageError::io(STEP, &full)(error)),
            _ => Ok(()),
        }
    }

    /// Copies a program out of unpacked packages, with the libraries and the loader that it needs.
    pub(super) fn program(&self, packages: &Path, name: &str, path: &str) -> Result<(), ImageError> {
        let program = find_program(packages, name)?;
        self.copy(&program, path, 0o755)?;
        for (library, from) in libraries(packages, &program)? {
            self.copy(&from, &format!("/lib/x86_64-linux-gnu/{library}"), 0o644)?;
        }
        self.copy(&loader(packages)?, "/lib64/ld-linux-x86-64.so.2", 0o755)
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ImageError> {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(ImageError::io(STEP, path))
}

/// Programs lie in different folders in different releases of Debian.
pub(super) fn find_program(packages: &Path, name: &str) -> Result<PathBuf, ImageError> {
    let folders = ["usr/sbin", "usr/bin", "sbin", "bin"];
    find(packages, &folders.map(|folder| format!("{folder}/{name}")))
}

fn loader(packages: &Path) -> Result<PathBuf, ImageError> {
    // In the packages the usual place is a link to an absolute path, which would lead to the machine's own.
    let folders = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib64", "lib64"];
    let found = folders.map(|folder| packages.join(folder).join("ld-linux-x86-64.so.2"));
    let real = |path: &PathBuf| path.is_file() && path.canonicalize().is_ok_and(|target| target.starts_with(packages));
    found.into_iter().find(real).ok_or_else(|| missing("ld-linux-x86-64.so.2"))
}

fn find(packages: &Path, candidates: &[String]) -> Result<PathBuf, ImageError> {
    let found = candidates.iter().map(|candidate| packages.join(candidate)).find(|path| path.is_file());
    found.ok_or_else(|| missing(candidates.first().map_or("", String::as_str)))
}

fn missing(what: &str) -> ImageError {
    ImageError::Packages { step: STEP, reason: format!("the packages have no {what}") }
}

/// Asks the packages' own loader, which answers as it will in the guest; the machine's libraries stay out.
fn libraries(packages: &Path, program: &Path) -> Result<BTreeMap<String, PathBuf>, ImageError> {
    let folders = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|folder| packages.join(folder));
    let search: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let tool =
        Tool::at(STEP, "ld.so", &loader(packages)?).args(["--inhibit-cache", "--library-path", &search.join(":")]);
    let text = tool.arg("--list").arg(program).run()?;
    parse_libraries(&text, packages)
        .map_err(|library| missing(&format!("{library}, which {} needs", program.display())))
}

/// Lines such as `libz.so.1 => /folder/libz.so.1 (0x…)`. Fails with the library that isn't in the packages.
fn parse_libraries(text: &str, packages: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some((name, place)) = line.trim().split_once(" => ") else { continue };
        let path = Path::new(place.split(" (").next().unwrap_or_default().trim());
        if name.contains("ld-linux") {
            continue;
        }
        if !path.starts_with(packages) {
            return Err(name.to_owned());
        }
        found.insert(name.to_owned(), path.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_must_come_from_the_packages() {
        let packages = Path::new("/w/packages");
        let good = "\tlinux-vdso.so.1 (0x7ffd)\n\tlibz.so.1 => /w/packages/lib/libz.so.1 (0x7f)\n\t/lib64/ld-linux-x86-64.so.2 => /w/ld (0x7f)\n";
        let found = parse_libraries(good, packages).expect("all there");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["libz.so.1"]);
        let own = "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f)\n";
        assert_eq!(parse_libraries(own, packages), Err("libc.so.6".to_owned()));
        assert_eq!(parse_libraries("\tliba.so.1 => not found\n", packages), Err("liba.so.1".to_owned()));
    }
}
