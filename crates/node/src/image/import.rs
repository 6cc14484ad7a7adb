//! Taking in a disk that someone else made.
//!
//! The format is stated by the caller and never probed: a raw disk is written by its guest, which could
//! write a qcow2 header that names a file of this machine. The file is copied first (so that what is checked
//! is what is used) and hashed on the way; its header is read by [`Qcow2Header`]; then `qemu-img` writes a
//! fresh qcow2, as a user without rights, without a network, with bounded time, memory and output.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest;
use nix::unistd::{Gid, Uid, chown, geteuid};

use super::qcow2::{HEAD_BYTES, Qcow2Header};
use super::result::{self, Parts, hex};
use super::tool::Tool;
use super::{BuiltImage, ImageError, Progress, Report};

const STEP: &str = "importing the image";
const INPUT: &str = "input";
const OUTPUT: &str = "output.qcow2";

/// What the file is, as its owner states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// QEMU's own format, version 2 or 3.
    Qcow2,
    /// The bytes of the disk.
    Raw,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Qcow2 => "qcow2",
            Format::Raw => "raw",
        }
    }
}

/// How much an import may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// The largest file that is read.
    pub max_file_bytes: u64,
    /// The largest disk that a guest may see; also bounds what is written.
    pub max_virtual_size_bytes: u64,
    /// Processor time of the conversion, in seconds.
    pub cpu_s: u64,
    /// Address space of the conversion.
    pub memory_bytes: u64,
    /// Wall-clock time of the conversion.
    pub timeout: Duration,
    /// The user that converts, when this process is root; one that owns nothing else.
    pub uid: u32,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            max_file_bytes: 256 << 30,
            max_virtual_size_bytes: 2 << 40,
            cpu_s: 1800,
            memory_bytes: 1 << 30,
            timeout: Duration::from_secs(3600),
            uid: 64_977,
        }
    }
}

/// Imports `source`, which is said to be `stated`, into `out_dir`.
///
/// # Errors
/// When the file isn't what was stated, refers to others, is larger than allowed or has another checksum, or
/// the conversion fails; nothing is left behind then.
pub fn import(
    source: &Path,
    stated: Format,
    expected_sha256: Option<&str>,
    out_dir: &Path,
    limits: &ImportLimits,
    report: Report<'_>,
) -> Result<BuiltImage, ImageError> {
    std::fs::create_dir_all(out_dir).map_err(ImageError::io(STEP, out_dir))?;
    let work =
        tempfile::Builder::new().prefix(".import-").tempdir_in(out_dir).map_err(ImageError::io(STEP, out_dir))?;
    let input = work.path().join(INPUT);
    let (size_bytes, sha256) = copy(source, &input, limits, report)?;
    if let Some(expected) = expected_sha256
        && !expected.trim().eq_ignore_ascii_case(&sha256)
    {
        return Err(ImageError::Checksum { expected: expected.trim().to_owned(), actual: sha256 });
    }
    let virtual_size_bytes = check(&input, stated, size_bytes, limits)?;
    report(Progress { step: "converting the image", done: 0, total: None });
    convert(work.path(), stated, virtual_size_bytes, limits)?;
    let output = work.path().join(OUTPUT);
    let written = header(&output)?;
    if written.virtual_size_bytes != virtual_size_bytes {
        let reason = format!(
            "it says that its disk has {virtual_size_bytes} bytes, but {} came out",
            written.virtual_size_bytes
        );
        return Err(ImageError::Refused { reason });
    }
    if geteuid().is_root() {
        chown(&output, Some(Uid::from_raw(0)), Some(Gid::from_raw(0)))
            .map_err(|error| ImageError::io(STEP, &output)(error.into()))?;
    }
    let name = image_name(source);
    let parts = Parts {
        disk: &output,
        virtual_size_bytes,
        name: result::free_name(out_dir, name.clone(), |number| format!("{name}-{number}")),
        description: format!("Imported from a {} file with SHA-256 {sha256}", stated.name()),
        min_ram_mib: 0,
        boot: None,
    };
    result::finish(parts, out_dir, report)
}

/// Copies with the checksum computed on the way. Chunks of zeros become holes, so a sparse disk stays small.
fn copy(source: &Path, target: &Path, limits: &ImportLimits, report: Report<'_>) -> Result<(u64, String), ImageError> {
    let step = "copying the image";
    let from_error = || ImageError::io(step, source);
    // Not blocking, so that a pipe in the file's place can't hold us.
    let mut from = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(source).map_err(from_error())?;
    let data = from.metadata().map_err(from_error())?;
    if !data.is_file() {
        return Err(ImageError::Refused { reason: format!("{} is not a regular file", source.display()) });
    }
    let too_large =
        || ImageError::Refused { reason: format!("the file is larger than {} bytes", limits.max_file_bytes) };
    if data.len() > limits.max_file_bytes {
        return Err(too_large());
    }
    let mut options = OpenOptions::new();
    let mut to = options.write(true).create_new(true).mode(0o600).open(target).map_err(ImageError::io(step, target))?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; 1 << 20];
    let mut done = 0_u64;
    loop {
        let length = from.read(&mut chunk).map_err(from_error())?;
        if length == 0 {
            break;
        }
        let bytes = &chunk[..length];
        context.update(bytes);
        done += length as u64;
        // It may grow while it is read.
        if done > limits.max_file_bytes {
            return Err(too_large());
        }
        let written = if bytes.iter().all(|byte| *byte == 0) {
            to.seek(SeekFrom::Start(done)).map(drop)
        } else {
            to.write_all(bytes)
        };
        written.map_err(ImageError::io(step, target))?;
        report(Progress { step, done, total: Some(data.len()) });
    }
    to.set_len(done).map_err(ImageError::io(step, target))?;
    Ok((done, hex(context.finish().as_ref())))
}

/// The size of the disk, if the file is one that may be imported.
fn check(input: &Path, stated: Format, size_bytes: u64, limits: &ImportLimits) -> Result<u64, ImageError> {
    let virtual_size_bytes = match stated {
        Format::Qcow2 => header(input)?.virtual_size_bytes,
        Format::Raw if size_bytes == 0 => return Err(ImageError::Refused { reason: "the file is empty".to_owned() }),
        Format::Raw if !size_bytes.is_multiple_of(512) => {
            let reason = format!("a raw disk is a multiple of 512 bytes; this file has {size_bytes}");
            return Err(ImageError::Refused { reason });
        }
        Format::Raw => size_bytes,
    };
    if virtual_size_bytes > limits.max_virtual_size_bytes {
        let reason =
            format!("its disk has {virtual_size_bytes} bytes; at most {} are allowed", limits.max_virtual_size_bytes);
        return Err(ImageError::Refused { reason });
    }
    Ok(virtual_size_bytes)
}

fn header(path: &Path) -> Result<Qcow2Header, ImageError> {
    let file = File::open(path).map_err(ImageError::io(STEP, path))?;
    let size_bytes = file.metadata().map_err(ImageError::io(STEP, path))?.len();
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(ImageError::io(STEP, path))?;
    Ok(Qcow2Header::parse(&head, size_bytes)?)
}

/// Runs `qemu-img` in the work folder, which it reaches as its current one: the folders above may be closed
/// to the user that it runs as.
fn convert(work: &Path, stated: Format, virtual_size_bytes: u64, limits: &ImportLimits) -> Result<(), ImageError> {
    let root = geteuid().is_root();
    if root {
        for path in [work, &work.join(INPUT)] {
            let (uid, gid) = (Uid::from_raw(limits.uid), Gid::from_raw(limits.uid));
            chown(path, Some(uid), Some(gid)).map_err(|error| ImageError::io(STEP, path)(error.into()))?;
        }
        let readable = PermissionsExt::from_mode(0o400);
        std::fs::set_permissions(work.join(INPUT), readable).map_err(ImageError::io(STEP, work))?;
    }
    // Data, tables (well under a hundredth even with small clusters) and some room.
    let output_bytes = virtual_size_bytes + virtual_size_bytes / 64 + (64 << 20);
    let mut tool = Tool::new(STEP, "prlimit")?.folder(work).timeout(limits.timeout);
    tool = tool.arg(format!("--as={}", limits.memory_bytes)).arg(format!("--cpu={}", limits.cpu_s));
    tool = tool.arg(format!("--fsize={output_bytes}")).args(["--nofile=64", "--core=0"]);
    tool = tool.then(STEP, "unshare")?.args(["--net", "--ipc"]);
    if root {
        let (uid, gid) = (format!("--reuid={}", limits.uid), format!("--regid={}", limits.uid));
        tool = tool.then(STEP, "setpriv")?.args([&uid, &gid, "--clear-groups"]);
        tool = tool.args(["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]);
    } else {
        // Already without rights; a user namespace allows the empty network.
        tool = tool.arg("--map-root-user").then(STEP, "setpriv")?.args(["--no-new-privs", "--bounding-set=-all"]);
    }
    // One arena: the allocator reserves 64 to 128 MiB of addresses for each further one, which counts as used.
    let tool = tool.env("MALLOC_ARENA_MAX", "1");
    let tool = tool.then(STEP, "qemu-img")?.args(["convert", "-f", stated.name(), "-O", "qcow2"]);
    tool.args([INPUT, OUTPUT]).run().map(drop)
}

/// The file's own name in the characters that an image's name may have.
fn image_name(source: &Path) -> String {
    let stem = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = stem.chars().map(allowed).take(100).collect();
    let name = name.trim_matches(|letter| "._-".contains(letter));
    if name.len() < 3 { format!("imported-{name}").trim_end_matches('-').to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tame() {
        for (path, name) in [
            ("/x/Debian 12.qcow2", "Debian-12"),
            ("/x/../é.raw", "imported"),
            ("/x/a.img", "imported-a"),
            ("/x/.hidden.qcow2", "hidden"),
        ] {
            assert_eq!(image_name(Path::new(path)), name, "{path}");
        }
    }
}
