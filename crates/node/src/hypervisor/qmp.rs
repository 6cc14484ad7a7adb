//! A client for QEMU's monitor protocol (QMP): small, tolerant and bounded.
//!
//! QEMU is confined because a guest may take it over; so what comes over its monitor is hostile. A line has a largest
//! length, a conversation has a deadline whatever is said in it, and only the last events are kept. On the other side it
//! has to live with QEMUs of other versions: unknown events and fields are passed over, and a line that is no JSON too.
//!
//! A monitor serves one client at a time: the next gets no greeting until the one before is gone. Connections are made
//! anew for each conversation (half a millisecond), so that no state of this process matters.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, sendmsg, socket,
};
use serde_json::{Value, json};

use crate::crash::crash_point;

#[cfg(test)]
mod tests;

/// The longest line that is read. The longest asked for is a piece of a console, below 100 KiB.
const LINE_LIMIT_BYTES: usize = 1 << 20;
/// How many events are kept for whoever asks for them.
const EVENTS_KEPT: usize = 64;
/// How often a monitor that refuses connections is tried again.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// Why a conversation with a monitor failed.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The monitor's socket can't be reached.
    #[error("the monitor can't be reached: {0}")]
    Connect(#[source] std::io::Error),
    /// Reading or writing failed.
    #[error("talking to the monitor failed: {0}")]
    Io(#[from] std::io::Error),
    /// QEMU closed the connection, mostly because it ended.
    #[error("the monitor closed the connection")]
    Closed,
    /// No answer in time.
    #[error("the monitor did not answer to {0} in time")]
    Timeout(String),
    /// A line was longer than any sound one.
    #[error("the monitor sent a line of more than {LINE_LIMIT_BYTES} bytes")]
    Oversized,
    /// QEMU refused a command.
    #[error("QEMU refused {command}: {message}")]
    Refused {
        /// Which.
        command: String,
        /// QEMU's class of error, such as `GenericError` or `DeviceNotFound`.
        class: String,
        /// QEMU's words.
        message: String,
    },
}

/// What a conversation yields.
pub type QmpResult<T> = Result<T, QmpError>;

/// Something that QEMU told without being asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name, such as `DEVICE_DELETED`.
    pub name: String,
    /// What it says, by event.
    pub data: Value,
}

/// A connection to a monitor, past its greeting.
#[derive(Debug)]
pub struct Qmp {
    stream: UnixStream,
    pending: Vec<u8>,
    /// How much of `pending` is known to have no end of line.
    scanned: usize,
    sent: u64,
    events: VecDeque<Event>,
    /// When the whole conversation ends, whatever single commands are given.
    until: Option<Instant>,
}

impl Qmp {
    /// Connects, waits for the greeting and enters command mode, all before the time is over.
    pub fn connect(path: &Path, timeout: Duration) -> QmpResult<Self> {
        let deadline = Instant::now() + timeout;
        let stream = reach(path, deadline)?;
        let mut qmp = Qmp { stream, pending: Vec::new(), scanned: 0, sent: 0, events: VecDeque::new(), until: None };
        loop {
            let message = qmp.next_message(deadline, "the connection")?;
            if message.get("QMP").is_some() {
                break;
            }
        }
        qmp.run("qmp_capabilities", json!({}), None, deadline)?;
        Ok(qmp)
    }

    /// Bounds the rest of the conversation as a whole, so that a monitor that is slow in each answer doesn't hold it.
    pub fn bounded(mut self, timeout: Duration) -> Self {
        self.until = Some(Instant::now() + timeout);
        self
    }

    /// Runs a command and returns what it returned.
    pub fn execute(&mut self, command: &str, arguments: Value, timeout: Duration) -> QmpResult<Value> {
        self.run(command, arguments, None, Instant::now() + timeout)
    }

    /// Hands a descriptor over under a name, for `netdev_add` and its like.
    pub fn getfd(&mut self, name: &str, fd: BorrowedFd<'_>, timeout: Duration) -> QmpResult<()> {
        self.run("getfd", json!({ "fdname": name }), Some(fd), Instant::now() + timeout).map(drop)
    }

    /// Hands a descriptor over as a new set, to be opened as `/dev/fdset/N`, with a note of what it is for. Returns N.
    pub fn add_fd(&mut self, fd: BorrowedFd<'_>, note: &str, timeout: Duration) -> QmpResult<u64> {
        let answer = self.run("add-fd", json!({ "opaque": note }), Some(fd), Instant::now() + timeout)?;
        answer.get("fdset-id").and_then(Value::as_u64).ok_or_else(|| QmpError::Refused {
            command: "add-fd".into(),
            class: "GenericError".into(),
            message: "the answer names no set".into(),
        })
    }

    /// Waits for an event, among those already received or to come; others are kept, up to a bound.
    pub fn wait_event(&mut self, wanted: impl Fn(&Event) -> bool, timeout: Duration) -> QmpResult<Event> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(at) = self.events.iter().position(&wanted)
                && let Some(event) = self.events.remove(at)
            {
                return Ok(event);
            }
            let message = self.next_message(deadline, "an event")?;
            self.keep(message);
        }
    }

    fn run(
        &mut self,
        command: &str,
        arguments: Value,
        fd: Option<BorrowedFd<'_>>,
        deadline: Instant,
    ) -> QmpResult<Value> {
        let deadline = self.until.map_or(deadline, |until| until.min(deadline));
        self.sent += 1;
        let id = self.sent;
        let mut line = json!({ "execute": command, "arguments": arguments, "id": id }).to_string();
        line.push('\n');
        crash_point!("qmp:{command}:send");
        self.send(line.as_bytes(), fd, deadline, command)?;
        crash_point!("qmp:{command}:sent");
        loop {
            let mut message = self.next_message(deadline, command)?;
            if message.get("id").and_then(Value::as_u64) != Some(id) {
                self.keep(message);
                continue;
            }
            if let Some(answer) = message.get_mut("return") {
                crash_point!("qmp:{command}:answered");
                return Ok(answer.take());
            }
            if let Some(error) = message.get("error") {
                let text = |key| error.get(key).and_then(Value::as_str).unwrap_or("no reason given").to_owned();
                return Err(QmpError::Refused { command: command.into(), class: text("class"), message: text("desc") });
            }
        }
    }

    fn keep(&mut self, mut message: Value) {
        let Some(name) = message.get("event").and_then(Value::as_str).map(str::to_owned) else { return };
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
        }
        let data = message.get_mut("data").map(Value::take).unwrap_or_default();
        self.events.push_back(Event { name, data });
    }

    fn send(&mut self, mut bytes: &[u8], fd: Option<BorrowedFd<'_>>, deadline: Instant, what: &str) -> QmpResult<()> {
        let raw = fd.map(|fd| [fd.as_raw_fd()]);
        let mut rights: Vec<ControlMessage<'_>> = raw.iter().map(|fds| ControlMessage::ScmRights(fds)).collect();
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline, what)?))?;
            let parts = [IoSlice::new(bytes)];
            match sendmsg::<()>(self.stream.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None) {
                Ok(length) => {
                    rights.clear();
                    bytes = &bytes[length..];
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(QmpError::Timeout(what.into())),
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(QmpError::Closed),
                Err(errno) => return Err(QmpError::Io(errno.into())),
            }
        }
        Ok(())
    }

    /// The next line that is a JSON object.
    fn next_message(&mut self, deadline: Instant, what: &str) -> QmpResult<Value> {
        loop {
            let line = self.next_line(deadline, what)?;
            match serde_json::from_slice::<Value>(&line) {
                Ok(message @ Value::Object(_)) => return Ok(message),
                _ if line.iter().all(u8::is_ascii_whitespace) => {}
                _ => tracing::debug!(bytes = line.len(), "a monitor sent a line that is no JSON object; passed over"),
            }
            // Garbage without end must not outlast the deadline only because it comes fast.
            left(deadline, what)?;
        }
    }

    fn next_line(&mut self, deadline: Instant, what: &str) -> QmpResult<Vec<u8>> {
        let mut chunk = [0; 16 << 10];
        loop {
            if let Some(end) = self.pending[self.scanned..].iter().position(|byte| *byte == b'\n') {
                let rest = self.pending.split_off(self.scanned + end + 1);
                self.scanned = 0;
                return Ok(std::mem::replace(&mut self.pending, rest));
            }
            self.scanned = self.pending.len();
            if self.scanned > LINE_LIMIT_BYTES {
                return Err(QmpError::Oversized);
            }
            self.stream.set_read_timeout(Some(left(deadline, what)?))?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(QmpError::Closed),
                Ok(length) => self.pending.extend_from_slice(&chunk[..length]),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err(QmpError::Timeout(what.into())),
                    ErrorKind::ConnectionReset => return Err(QmpError::Closed),
                    _ => return Err(QmpError::Io(error)),
                },
            }
        }
    }
}

/// The time that is left, at least a millisecond, for zero would mean without end.
fn left(deadline: Instant, what: &str) -> QmpResult<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(QmpError::Timeout(what.into())) } else { Ok(left.max(Duration::from_millis(1))) }
}

/// Connects without blocking: a monitor whose queue of clients is full would hold a blocking call for ever.
fn reach(path: &Path, deadline: Instant) -> QmpResult<UnixStream> {
    let failed = |errno: Errno| QmpError::Connect(errno.into());
    let address = UnixAddr::new(path).map_err(failed)?;
    loop {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(failed)?;
        match connect(fd.as_raw_fd(), &address) {
            Ok(()) => {
                let stream = UnixStream::from(fd);
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {
                left(deadline, "the connection")?;
                std::thread::sleep(CONNECT_PAUSE);
            }
            Err(errno) => return Err(failed(errno)),
        }
    }
}
