//! The agent's side: sees to it that the process runs, and feeds it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use landfall_model::delivery::RoleCredentials;
use landfall_model::{InstanceId, InterfaceId};

use super::control::{self, Call, Reply, receive, send};
use super::plan::{FORMAT, ServicePlan, difference};
use crate::crash::crash_point;
use crate::hypervisor::process::Process;

/// How long an answer is waited for. One that ended is noticed at once, so this is for machines that are slow.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one look at a process may last, and how long to wait where there is none.
const WATCH_FOR: Duration = Duration::from_secs(1);
const WATCH_AGAIN: Duration = Duration::from_millis(50);

/// Why the process couldn't be reached or didn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at its socket.
    #[error("the metadata process can't be reached at {0}: {1}")]
    Unreachable(PathBuf, io::Error),
    /// It couldn't be started.
    #[error("the metadata process can't be started: {0}")]
    Spawn(io::Error),
    /// It was started and doesn't answer.
    #[error("the metadata process was started and doesn't answer at {0}")]
    Silent(PathBuf),
    /// It was started and ended before it answered.
    #[error("the metadata process ended as soon as it was started")]
    Ended,
    /// It said no.
    #[error("the metadata process refused: {0}")]
    Refused(String),
    /// It answered something else than was asked.
    #[error("the metadata process answered out of turn")]
    OutOfTurn,
}

impl ClientError {
    /// Whether it is only that no answer came in time.
    fn is_late(&self) -> bool {
        use io::ErrorKind::{TimedOut, WouldBlock};
        matches!(self, Self::Unreachable(_, error) if matches!(error.kind(), TimedOut | WouldBlock))
    }
}

/// The way to the process that serves DHCP, DNS and metadata. Its methods block, for half a minute at most.
pub struct MetadataClient {
    socket: PathBuf,
    fed: Mutex<Option<(u64, ServicePlan)>>,
    /// What was lent, and to which process.
    lent: Mutex<Option<(u32, BTreeMap<InstanceId, RoleCredentials>)>>,
    children: Mutex<Vec<Child>>,
    /// Held while one is started: of two that start at the same time each would wait for its own in vain.
    starting: Mutex<()>,
}

impl MetadataClient {
    /// The way that leads over that control socket.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            fed: Mutex::default(),
            lent: Mutex::default(),
            children: Mutex::default(),
            starting: Mutex::default(),
        }
    }

    /// Starts the process if it doesn't run, or if the one that runs is of another binary: then the new one takes over
    /// from it. It outlives the caller.
    pub fn ensure_running(&self, spawn: impl Fn() -> Command) -> Result<(), ClientError> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        self.reap();
        match self.build() {
            Ok(build) if build == control::build() => Ok(()),
            // It is there and has no time: another one could only wait for it too.
            Err(error) if error.is_late() => Err(error),
            Ok(_) | Err(ClientError::Unreachable(..) | ClientError::Refused(_)) => self.replace(spawn),
            Err(error) => Err(error),
        }
    }

    /// Starts a process, which takes over from the one that runs, and waits until it answers.
    pub fn replace(&self, spawn: impl Fn() -> Command) -> Result<(), ClientError> {
        let mut command = spawn();
        // SAFETY: between fork and exec the child calls only setsid, which is safe there: it takes no lock.
        unsafe {
            command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(io::Error::from));
        }
        crash_point!("metadata:spawn");
        let child = command.spawn().map_err(ClientError::Spawn)?;
        crash_point!("metadata:spawned");
        let pid = child.id();
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if matches!(self.call(&Call::Hello { format: FORMAT }), Ok(Reply::Hello { pid: seen, .. }) if seen == pid) {
                crash_point!("metadata:running");
                return Ok(());
            }
            // Nobody is waited for who can't come any more: the next one is started at once.
            if !self.lives(pid) {
                return Err(ClientError::Ended);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(ClientError::Silent(self.socket.clone()))
    }

    /// Starts another process as soon as the one that runs has ended, for as long as this client lives. It does nothing
    /// before the first was fed.
    pub fn watch(self: &Arc<Self>, spawn: impl Fn() -> Command + Send + 'static) {
        let client = Arc::downgrade(self);
        let watch = move || {
            while let Some(client) = client.upgrade() {
                let pid = client.pid();
                let gone = matches!(&pid, Err(error @ ClientError::Unreachable(..)) if !error.is_late());
                if gone && client.has_fed() {
                    // The new one serves what the old one kept, and is fed with the next change.
                    tracing::warn!("the metadata process is gone; another is started");
                    if let Err(error) = client.ensure_running(&spawn) {
                        tracing::warn!(%error, "guests get no addresses, names and metadata");
                    }
                }
                drop(client);
                match pid {
                    Ok(pid) => wait_for_end(pid, WATCH_FOR),
                    Err(_) => std::thread::sleep(WATCH_AGAIN),
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("metadata-watch".into()).spawn(watch) {
            tracing::warn!(%error, "the metadata process isn't watched");
        }
    }

    /// The process id of the one that runs.
    pub fn pid(&self) -> Result<u32, ClientError> {
        match self.call(&Call::Hello { format: FORMAT })? {
            Reply::Hello { pid, .. } => Ok(pid),
            other => Err(unexpected(other)),
        }
    }

    /// Has that served and nothing else. Sends only what changed since the last time, where the process still has that.
    /// Returns what can't be served yet, such as a port whose device isn't there; it is tried again by itself.
    pub fn feed(&self, plan: &ServicePlan) -> Result<Vec<String>, ClientError> {
        let mut fed = self.fed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, mut old)) = fed.take() {
            crash_point!("metadata:change");
            let change = old.change_to(plan);
            let reply = self.call(&Call::Change { from, change: change.clone() });
            crash_point!("metadata:fed");
            match reply {
                Ok(Reply::Taken { generation, missing }) => {
                    // What it has now differs from what it had by the change alone, so nothing else is copied.
                    old.apply(change);
                    *fed = Some((generation, old));
                    return Ok(missing);
                }
                Ok(Reply::Stale) => {}
                Ok(other) => return Err(unexpected(other)),
                Err(error) => {
                    *fed = Some((from, old));
                    return Err(error);
                }
            }
        }
        crash_point!("metadata:feed");
        let reply = self.call(&Call::Feed { plan: plan.clone() })?;
        crash_point!("metadata:fed");
        match reply {
            Reply::Taken { generation, missing } => {
                *fed = Some((generation, plan.clone()));
                Ok(missing)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Has guests given those credentials of their roles and no others. Sends only what changed since the last time, where
    /// the process is still the same.
    pub fn lend(&self, all: &BTreeMap<InstanceId, RoleCredentials>) -> Result<(), ClientError> {
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() && lent.is_none() {
            return Ok(());
        }
        let pid = self.pid()?;
        let before = lent.take().filter(|(to, _)| *to == pid).map(|(_, before)| before);
        let whole = before.is_none();
        let credentials = difference(&before.unwrap_or_default(), all);
        if whole || !credentials.is_empty() {
            crash_point!("metadata:lend");
            match self.call(&Call::Lend { whole, credentials })? {
                Reply::Lent => {}
                other => return Err(unexpected(other)),
            }
        }
        *lent = Some((pid, all.clone()));
        Ok(())
    }

    /// Whether it was fed since this client was made.
    pub fn has_fed(&self) -> bool {
        self.fed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The ports that were heard since they were forgotten last.
    pub fn heard(&self) -> Result<BTreeSet<InterfaceId>, ClientError> {
        match self.call(&Call::Heard)? {
            Reply::Heard { ports } => Ok(ports.into_iter().collect()),
            other => Err(unexpected(other)),
        }
    }

    /// Forgets that a port was heard.
    pub fn forget(&self, port: InterfaceId) -> Result<(), ClientError> {
        crash_point!("metadata:forget");
        match self.call(&Call::Forget { port })? {
            Reply::Forgotten => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    fn build(&self) -> Result<String, ClientError> {
        match self.call(&Call::Hello { format: FORMAT })? {
            Reply::Hello { build, .. } => Ok(build),
            other => Err(unexpected(other)),
        }
    }

    fn call(&self, call: &Call) -> Result<Reply, ClientError> {
        let talk = || {
            let mut stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            send(&mut stream, call)?;
            receive(&mut stream)
        };
        talk().map_err(|error| ClientError::Unreachable(self.socket.clone(), error))
    }

    /// Whether that child still runs.
    fn lives(&self, pid: u32) -> bool {
        self.reap();
        self.children.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|child| child.id() == pid)
    }

    /// Collects children that have ended, so that none is left as a zombie.
    fn reap(&self) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

/// Waits until that process has ended, but no longer than that.
fn wait_for_end(pid: u32, at_most: Duration) {
    let process = i32::try_from(pid).ok().and_then(Process::with_pid);
    if process.is_none_or(|process| process.wait(at_most).is_err()) {
        std::thread::sleep(WATCH_AGAIN);
    }
}

fn unexpected(reply: Reply) -> ClientError {
    match reply {
        Reply::Refused { reason } => ClientError::Refused(reason),
        _ => ClientError::OutOfTurn,
    }
}
