//! A qcow2 file served over NBD by a `qemu-nbd` of ours, as long as somebody reads or writes it.
//!
//! What is served was written by a guest's QEMU, which a guest may have taken over. So no name that stands in a file is
//! followed: what lies below is said by us, also where it is nothing, and a file whose header tells of another file is
//! refused before. And the server is confined: a user of its own, no network, none of the machine's files but those that
//! it serves. (An agent that isn't root can't confine; what it starts has its own few rights.)
//!
//! QEMU's own locks keep it apart from guests: a file that a guest writes isn't served, and a guest gets no file that is
//! served until that is over. The server ends by itself when its one client goes, and with the agent's thread.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::key::{DiskKey, SECRET};
use super::luks;
use super::nbd::{ALLOCATION, EXPORT, Nbd};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult};
use crate::hypervisor::confine::{self, Confinement, Show, ShowKind, ThisHost};

/// What folders of servers begin with. Those that an agent left behind that was killed go when the next one starts.
pub(super) const PREFIX: &str = ".nbd-";
/// How long a server may take until it is there.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end once nobody is connected.
const END: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
/// The pipe by which a server gets the passphrase, in its folder.
const PIPE: &str = "key";
/// The user that a server is: nobody's.
const USER: u32 = 65534;
/// How much memory one may have for its data. Most of it is the cache of the file's tables.
const MEMORY_BYTES: u64 = 1 << 30;
/// Where a confined server sees its folder, the file, and what lies below it.
const OWN: &str = "/own";
const TOP: &str = "/top";
const BASE: &str = "/base";

/// How long the server of a file that a stranger made may compute, in seconds: some TiB that are compressed.
const FOREIGN_CPU_S: u64 = 6 * 3600;

/// What is served, and how.
#[derive(Clone, Copy)]
struct Served<'a> {
    file: &'a Path,
    base: Option<&'a Path>,
    keyed: bool,
    writable: bool,
    most_cpu_s: Option<u64>,
}

/// A served disk.
pub struct Export {
    nbd: Option<Nbd>,
    server: Child,
    folder: tempfile::TempDir,
}

impl Export {
    /// Serves a file, with what lies below it. What the server needs meanwhile is in a folder in that one. What is encrypted is
    /// served in clear: to us alone, who have the key.
    pub fn open(
        within: &Path,
        file: &Path,
        base: Option<&Path>,
        key: Option<&DiskKey>,
        writable: bool,
    ) -> DriverResult<Self> {
        let keyed = key.is_some();
        let what = Served { file, base, keyed, writable, most_cpu_s: None };
        Self::serve(within, &what, key, |top, below| disk(top, below, keyed))
    }

    /// Serves a file that a stranger made, to be read, as QEMU is told of it where the server sees it by a name.
    pub fn foreign(within: &Path, file: &Path, node: impl FnOnce(&str) -> Value) -> DriverResult<Self> {
        let what = Served { file, base: None, keyed: false, writable: false, most_cpu_s: Some(FOREIGN_CPU_S) };
        let served = Self::serve(within, &what, None, |top, _| format!("json:{}", node(&top.to_string_lossy())).into());
        // What isn't of its form is found when it is opened.
        served.map_err(|error| match error {
            DriverError::Retry(words) if words.contains("can't be served: ") => {
                let why = words.split("can't be served: ").nth(1).unwrap_or_default();
                DriverError::Final(format!("Disk validation failed: {why}"))
            }
            error => error,
        })
    }

    fn serve(
        within: &Path,
        what: &Served<'_>,
        key: Option<&DiskKey>,
        node: impl FnOnce(&Path, Option<&Path>) -> OsString,
    ) -> DriverResult<Self> {
        let file = what.file;
        let failed = |error: io::Error| DriverError::Retry(format!("qemu-nbd can't be started: {error}"));
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(within).map_err(failed)?;
        let server = start(folder.path(), what, node).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DriverError::Retry(
                "qemu-nbd isn't installed: `apt-get install --no-install-recommends qemu-utils`".into(),
            ),
            _ => failed(error),
        })?;
        // From here on it is ended whatever happens.
        let mut export = Self { nbd: None, server, folder };
        crash_point!("volume:served");
        if let Some(key) = key {
            export.unlock(file, key)?;
        }
        let stream = export.wait(file)?;
        let connected = Nbd::connect(stream, EXPORT, ALLOCATION);
        export.nbd = Some(connected.map_err(|error| DriverError::Retry(format!("{}: {error}", file.display())))?);
        Ok(export)
    }

    /// Hands the passphrase over, by a pipe with a name: the server sees no descriptor of ours. Nothing of it is on the disk.
    fn unlock(&mut self, file: &Path, key: &DiskKey) -> DriverResult<()> {
        let failed = |error: io::Error| DriverError::Retry(format!("qemu-nbd gets no key: {error}"));
        let path = self.folder.path().join(PIPE);
        let began = Instant::now();
        loop {
            // Without a reader it can't be opened so, and what is written before is lost.
            let pipe = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(&path);
            match pipe {
                Ok(mut pipe) => return pipe.write_all(key.passphrase().as_bytes()).map_err(failed),
                Err(error) if error.raw_os_error() != Some(libc::ENXIO) => return Err(failed(error)),
                Err(_) => self.check_time(file, began)?,
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// That the server is still there, and still has time.
    fn check_time(&mut self, file: &Path, began: Instant) -> DriverResult<()> {
        let failed = |error: io::Error| DriverError::Retry(format!("qemu-nbd can't be waited for: {error}"));
        if self.server.try_wait().map_err(failed)?.is_some() {
            let mut words = String::new();
            let path = self.folder.path().join("words");
            File::open(path).and_then(|file| file.take(4096).read_to_string(&mut words)).map_err(failed)?;
            return Err(DriverError::Retry(format!("{} can't be served: {}", file.display(), words.trim())));
        }
        if began.elapsed() > START {
            return Err(DriverError::Retry(format!("{} isn't served in time", file.display())));
        }
        Ok(())
    }

    /// Waits until the server is there.
    fn wait(&mut self, file: &Path) -> DriverResult<UnixStream> {
        let failed = |error: io::Error| DriverError::Retry(format!("qemu-nbd can't be waited for: {error}"));
        // By its descriptor, because the name of a socket has few bytes.
        let folder = File::open(self.folder.path()).map_err(failed)?;
        let socket = format!("/proc/self/fd/{}/s", folder.as_raw_fd());
        let began = Instant::now();
        loop {
            if let Ok(stream) = UnixStream::connect(&socket) {
                return Ok(stream);
            }
            self.check_time(file, began)?;
            std::thread::sleep(PAUSE);
        }
    }

    /// The connection.
    pub fn nbd(&mut self) -> &mut Nbd {
        // Only a drop takes it.
        self.nbd.as_mut().expect("a served disk is connected")
    }

    /// The server's process.
    #[cfg(test)]
    pub fn pid(&self) -> u32 {
        self.server.id()
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

/// Starts a server for a file.
fn start(folder: &Path, what: &Served<'_>, node: impl FnOnce(&Path, Option<&Path>) -> OsString) -> io::Result<Child> {
    let Served { file, base, keyed, writable, most_cpu_s } = *what;
    let words = File::create(folder.join("words"))?;
    let confined = nix::unistd::geteuid().is_root();
    let (own, top, below) =
        if confined { (Path::new(OWN), Path::new(TOP), base.map(|_| Path::new(BASE))) } else { (folder, file, base) };
    let program = program("qemu-nbd").ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(&program);
    command.arg("--socket").arg(own.join("s")).args(["--export-name", EXPORT, "--shared", "1"]);
    if !writable {
        command.arg("--read-only");
    }
    if keyed {
        nix::unistd::mkfifo(&folder.join(PIPE), nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR)?;
        let pipe = own.join(PIPE);
        command.arg("--object").arg(format!("secret,id={SECRET},file={}", pipe.display()));
    }
    command.args(["--cache", "writeback", "--discard", "unmap"]).arg(node(top, below));
    command.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
    let parent = nix::unistd::getpid().as_raw();
    if !confined {
        // SAFETY: only system calls are made between fork and exec.
        unsafe { command.pre_exec(move || confine::end_with(parent)) };
        return command.spawn();
    }
    fs::DirBuilder::new().mode(0o700).create(folder.join("tree"))?;
    let kind = if writable { ShowKind::OwnFile } else { ShowKind::File };
    let mut shows = vec![Show { from: file.to_owned(), to: TOP.into(), kind }];
    shows.extend(base.map(|base| Show { from: base.to_owned(), to: BASE.into(), kind: ShowKind::File }));
    let tree = Confinement::of_tool(USER, &program, folder, OWN, shows, &ThisHost).prepare_tree()?;
    // SAFETY: only system calls are made between fork and exec, on memory made before.
    unsafe {
        command.pre_exec(move || {
            let namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
            if libc::unshare(namespaces) < 0 {
                return Err(io::Error::last_os_error());
            }
            tree.enter()?;
            if let Some(most) = most_cpu_s {
                nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CPU, most, most)?;
            }
            confine::become_tool(USER, parent, MEMORY_BYTES)
        });
    }
    command.spawn()
}

/// Where a program is, if it is installed.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// What QEMU is told of a file and of what lies below it, so that it opens nothing by a name that stands in the file.
pub(super) fn disk(file: &Path, base: Option<&Path>, keyed: bool) -> OsString {
    let node = |path: &Path, below: Value| json!({"driver": "qcow2", "file": {"driver": "file", "filename": path.to_string_lossy()}, "backing": below});
    let below = base.map_or(Value::Null, |base| node(base, Value::Null));
    let mut top = node(file, below);
    if keyed {
        top["encrypt"] = luks::options(SECRET);
    }
    format!("json:{top}").into()
}
