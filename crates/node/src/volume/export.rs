//! A qcow2 file served over NBD by a `qemu-nbd` of ours, as long as somebody reads or writes it.
//!
//! QEMU's own locks keep it apart from guests: a file that a guest writes isn't served, and a guest gets no file that is
//! served until that is over. The server ends by itself when its one client goes.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::nbd::{EXPORT, Nbd};
use crate::driver::{DriverError, DriverResult};

/// How long a server may take until it is there.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end once nobody is connected.
const END: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// A served disk.
pub struct Export {
    nbd: Option<Nbd>,
    server: Child,
    _folder: tempfile::TempDir,
}

impl Export {
    /// Serves a file, with what lies below it.
    pub fn open(file: &Path, base: Option<&Path>, writable: bool) -> DriverResult<Self> {
        let failed = |error: io::Error| DriverError::Retry(format!("qemu-nbd can't be started: {error}"));
        let folder = tempfile::Builder::new().prefix("landfall-nbd-").tempdir().map_err(failed)?;
        let socket = folder.path().join("s");
        let words = File::create(folder.path().join("words")).map_err(failed)?;
        let mut command = Command::new("qemu-nbd");
        command.arg("--socket").arg(&socket).args(["--export-name", EXPORT, "--shared", "1"]);
        if !writable {
            command.arg("--read-only");
        }
        command.args(["--cache", "writeback", "--discard", "unmap", "--image-opts"]).arg(options(file, base));
        command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
        let mut server = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DriverError::Retry(
                "qemu-nbd isn't installed: `apt-get install --no-install-recommends qemu-utils`".into(),
            ),
            _ => failed(error),
        })?;
        let began = Instant::now();
        let stream = loop {
            if let Ok(stream) = UnixStream::connect(&socket) {
                break stream;
            }
            if server.try_wait().map_err(failed)?.is_some() {
                let mut words = String::new();
                let read =
                    File::open(folder.path().join("words")).and_then(|file| file.take(4096).read_to_string(&mut words));
                read.map_err(failed)?;
                return Err(DriverError::Retry(format!("{} can't be served: {}", file.display(), words.trim())));
            }
            if began.elapsed() > START {
                end(&mut server);
                return Err(DriverError::Retry(format!("{} isn't served in time", file.display())));
            }
            std::thread::sleep(PAUSE);
        };
        let mut export = Self { nbd: None, server, _folder: folder };
        let connected = Nbd::connect(stream);
        export.nbd = Some(connected.map_err(|error| DriverError::Retry(format!("{}: {error}", file.display())))?);
        Ok(export)
    }

    /// The connection.
    pub fn nbd(&mut self) -> &mut Nbd {
        // Only a drop takes it.
        self.nbd.as_mut().expect("a served disk is connected")
    }

    /// Ends it, and says whether the server ended as it should: with everything written.
    pub fn close(mut self) -> io::Result<()> {
        self.nbd = None;
        let began = Instant::now();
        loop {
            match self.server.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(io::Error::other(format!("qemu-nbd ended with {status}"))),
                None if began.elapsed() > END => return Err(io::Error::other("qemu-nbd doesn't end")),
                None => std::thread::sleep(PAUSE),
            }
        }
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.nbd = None;
        end(&mut self.server);
    }
}

/// Ends a server that is still there.
fn end(server: &mut Child) {
    if matches!(server.try_wait(), Ok(None)) {
        // It may end meanwhile.
        let _ = server.kill();
        let _ = server.wait();
    }
}

/// What QEMU is told of a file and of what lies below it, so that it opens nothing by a name that stands in the file.
fn options(file: &Path, base: Option<&Path>) -> String {
    // A comma stands for itself where it is doubled.
    let name = |path: &Path| path.to_string_lossy().replace(',', ",,");
    let top = format!("driver=qcow2,file.driver=file,file.filename={}", name(file));
    match base {
        Some(base) => {
            format!("{top},backing.driver=qcow2,backing.file.driver=file,backing.file.filename={}", name(base))
        }
        None => top,
    }
}
