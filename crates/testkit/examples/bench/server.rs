//! Servers to measure: started as children, ended and cleaned up when they are dropped.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{ACCESS_KEY, Connection, REGION, SECRET_KEY, own};

/// An image that both kinds of server know.
pub const IMAGE: &str = "ami-12c6146b";
/// The longest that a server may take to start.
const START: Duration = Duration::from_secs(600);
/// Between two looks whether it answers: short against what is measured.
const LOOK: Duration = Duration::from_micros(200);

/// A server that runs.
pub struct Server {
    /// Where it answers.
    pub at: SocketAddr,
    /// From its start to the first answer.
    pub started_in: Duration,
    child: Child,
    reset: &'static str,
}

/// The binary to measure.
pub fn binary() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os("LANDFALL_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let beside = own.parent().and_then(Path::parent).ok_or("this example lies in no folder")?.join("landfall");
    if beside.exists() { Ok(beside) } else { Err(format!("build {} first", beside.display()).into()) }
}

impl Server {
    /// Landfall, simulated, with its state in a folder or in memory.
    pub fn landfall(state: Option<&Path>) -> Outcome<Self> {
        Self::landfall_of(&binary()?, state)
    }

    /// The same of that binary.
    pub fn landfall_of(binary: &Path, state: Option<&Path>) -> Outcome<Self> {
        let at = free_address()?;
        let mut command = Command::new(binary);
        command.args(["serve", "--simulate", "--image", IMAGE, "--region", REGION]);
        command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, "--listen", &at.to_string()]);
        command.arg("--state").arg(state.map_or(OsStr::new("memory"), Path::as_os_str));
        Self::start(command, at, "/_landfall/reset", |connection| {
            Ok(connection.call(&own(at, "GET", "/_landfall/health"))?.0 == 200)
        })
    }

    /// moto's server, where it is installed.
    pub fn moto() -> Outcome<Option<Self>> {
        let at = free_address()?;
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &at.port().to_string()]);
        if Command::new("moto_server").arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            return Ok(None);
        }
        let answers =
            |connection: &mut Connection| Ok(connection.call(&own(at, "GET", "/moto-api/data.json"))?.0 == 200);
        Self::start(command, at, "/moto-api/reset", answers).map(Some)
    }

    /// A server started by that command, once `answers`.
    pub fn start(
        mut command: Command,
        at: SocketAddr,
        reset: &'static str,
        answers: impl Fn(&mut Connection) -> Outcome<bool>,
    ) -> Outcome<Self> {
        // What it logs must not slow it down, and isn't what is measured.
        command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let mut server = Self { at, started_in: Duration::ZERO, child, reset };
        // A connection that is refused or reset is one made too early.
        while !answers(&mut Connection::new(at)).unwrap_or(false) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{} ended: {status}", command.get_program().display()).into());
            }
            if began.elapsed() > START {
                return Err(format!("{} doesn't answer", command.get_program().display()).into());
            }
            std::thread::sleep(LOOK);
        }
        server.started_in = began.elapsed();
        Ok(server)
    }

    /// Forgets everything that was made.
    pub fn reset(&self) -> Outcome<Duration> {
        let began = Instant::now();
        let mut connection = Connection::new(self.at);
        let (status, words) = connection.call(&own(self.at, "POST", self.reset))?;
        if status != 200 {
            return Err(format!("a reset was answered {status}: {}", String::from_utf8_lossy(words)).into());
        }
        Ok(began.elapsed())
    }

    /// Memory that it has resident, in MiB.
    pub fn resident_mib(&self) -> Outcome<f64> {
        resident_mib(self.child.id())
    }

    /// Processor time that it has taken so far, all threads together.
    pub fn processor_time(&self) -> Outcome<Duration> {
        let mut time = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // Nanoseconds on a processor come first. A thread may end meanwhile.
            let text = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            let nanos = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
            time += Duration::from_nanos(nanos);
        }
        Ok(time)
    }
}

/// Memory that a process has resident, in MiB.
pub fn resident_mib(pid: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is ours alone, and what it would say is of no interest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens at.
pub fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
