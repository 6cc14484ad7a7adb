//! Encrypted volumes: qcow2 files whose data QEMU keeps in LUKS.
//!
//! The passphrase is a random key, so it needs no slowing down: QEMU is told to derive as fast as it may. It reaches a tool
//! through a pipe, never by its command line or a file.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, setrlimit};
use serde_json::{Value, json};

use super::key::{DiskKey, SECRET};

/// How long a tool may compute, in seconds: deriving a key takes a few.
const MOST_CPU_S: u64 = 300;
/// How much memory it may have for its data.
const MOST_MEMORY_BYTES: u64 = 1 << 30;

/// Makes a file that is there an empty encrypted disk, on top of a qcow2 file if one is named.
pub(super) fn create(file: &Path, size_bytes: u64, backing: Option<&str>, key: &DiskKey) -> io::Result<()> {
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-u", "-f", "qcow2"]);
    command.arg("-o").arg(format!("encrypt.format=luks,encrypt.key-secret={SECRET},encrypt.iter-time=10"));
    if let Some(backing) = backing {
        command.arg("-b").arg(backing).args(["-F", "qcow2"]);
    }
    command.arg("--object").arg(from_stdin()).arg(file).arg(size_bytes.to_string());
    run(command, Some(key)).map(drop)
}

/// What says to a tool that the passphrase comes by its standard input.
pub(super) fn from_stdin() -> String {
    format!("secret,id={SECRET},file=/proc/self/fd/0")
}

/// What says of a qcow2 that it is encrypted, with the passphrase of that name.
pub fn options(secret: &str) -> Value {
    json!({ "format": "luks", "key-secret": secret })
}

/// What a tool may take: it has the key in its memory, which must not be dumped, and reads what a guest's QEMU wrote.
fn bounded() -> io::Result<()> {
    for (resource, most) in
        [(Resource::RLIMIT_CORE, 0), (Resource::RLIMIT_CPU, MOST_CPU_S), (Resource::RLIMIT_DATA, MOST_MEMORY_BYTES)]
    {
        setrlimit(resource, most, most)?;
    }
    Ok(())
}

/// Runs a tool to its end, with a passphrase for it to read. Its answer; what it says of a failure is the error's text.
pub(super) fn run(mut command: Command, key: Option<&DiskKey>) -> io::Result<Vec<u8>> {
    command.env("LC_ALL", "C").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if key.is_some() { Stdio::piped() } else { Stdio::null() });
    // SAFETY: only system calls are made between fork and exec.
    unsafe { command.pre_exec(bounded) };
    let mut child = command.spawn()?;
    let said = match (child.stdin.take(), key) {
        // Far less than a pipe holds: nobody is waited for.
        (Some(mut stdin), Some(key)) => stdin.write_all(key.passphrase().as_bytes()),
        _ => Ok(()),
    };
    let output = child.wait_with_output()?;
    if output.status.success() {
        return said.map(|()| output.stdout);
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
