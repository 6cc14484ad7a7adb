//! Guest images: two that are built from Debian packages, and files that people bring.
//!
//! Nothing can be assumed to be downloadable but packages, so images are made on the spot: [`build_mini`]
//! in seconds (for the first run and for tests), [`build_debian`] in minutes (Debian with cloud-init).
//! Neither needs a loop device or a mount. Both yield a qcow2 that boots by itself through GRUB, and a kernel
//! with a small initrd that boot it directly, which is twice as fast where the processor is emulated.
//!
//! [`import`] takes what a stranger made. It reads the header itself before any other program sees the file,
//! and has `qemu-img` write a fresh one, confined.
//!
//! This module owns no place where images live: a result lies in the folder that the caller names, complete
//! or not at all.

mod apt;
mod cpio;
mod debian;
mod disk;
mod import;
mod initrd;
mod kernel;
mod mini;
mod qcow2;
mod result;
mod stage;
mod tool;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use debian::{DebianOptions, EMULATION_CMDLINE, build_debian};
pub use import::{Format, ImportLimits, import};
pub use mini::{MiniOptions, build_mini};
pub use qcow2::{HeaderError, Qcow2Header};

/// The one format in which images are kept: qcow2 without a backing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qcow2;

/// An image that is ready to be registered. All its files lie in the folder that the caller named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// The disk: a qcow2 that refers to no other file.
    pub path: PathBuf,
    /// How `path` is to be opened; never probed.
    pub format: Qcow2,
    /// The size of the disk that a guest sees.
    pub virtual_size_bytes: u64,
    /// SHA-256 of the file at `path`, in hexadecimal.
    pub sha256: String,
    /// For instance `landfall-mini-2026.11.22` or `debian-12-amd64-20261122-1`.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// The least memory with which the image starts.
    pub min_ram_mib: u32,
    /// The kernel for a direct boot; then `initrd` and `cmdline` are there too.
    pub kernel: Option<PathBuf>,
    /// The initrd for a direct boot: finds the root disk, loads virtio modules, hands over.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line. The one who starts the guest may add `landfall.root=<serial of the root
    /// disk>`, so that no other disk with the same label can be taken for it.
    pub cmdline: Option<String>,
}

/// How far a build or an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done, in words for people.
    pub step: &'a str,
    /// How much of it is done; bytes where `total` is in bytes, else 0.
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
}

/// Where progress goes.
pub type Report<'a> = &'a dyn Fn(Progress<'_>);

/// Why there is no image. Each names the step and, where there is one, what helps.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A program that the step needs is not installed.
    #[error("{step}: {tool} is not installed; install it with: apt-get install {package}")]
    MissingTool {
        /// What was being done.
        step: &'static str,
        /// The program.
        tool: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// A program failed; its own words are shown.
    #[error("{step}: {tool} {outcome}{}", said(.stderr))]
    Tool {
        /// What was being done.
        step: &'static str,
        /// The program.
        tool: &'static str,
        /// For instance "ended with exit status 1" or "took longer than 60 s".
        outcome: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// A file could not be read or written.
    #[error("{step}: {}: {source}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A package does not contain what this build relies on.
    #[error("{step}: {reason}")]
    Packages {
        /// What was being done.
        step: &'static str,
        /// What was missing.
        reason: String,
    },
    /// The step needs root, which this process is not.
    #[error("{step} needs root: run it with sudo")]
    NeedsRoot {
        /// What was being done.
        step: &'static str,
    },
    /// The file to import is not one that may be imported.
    #[error("the image was refused: {reason}")]
    Refused {
        /// Why, in words for the person who brought it.
        reason: String,
    },
    /// The file's header is not that of an acceptable qcow2.
    #[error("the image was refused: {0}")]
    Header(#[from] HeaderError),
    /// The file's content is not what the caller said it is.
    #[error("the image's SHA-256 is {actual}, not {expected}")]
    Checksum {
        /// What the caller stated.
        expected: String,
        /// What was read.
        actual: String,
    },
}

impl ImageError {
    fn io(step: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| ImageError::Io { step, path, source }
    }
}

fn said(stderr: &str) -> String {
    let words = stderr.trim();
    if words.is_empty() { String::new() } else { format!(":\n{words}") }
}
