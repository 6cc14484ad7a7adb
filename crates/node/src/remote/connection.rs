//! The agent's way to a control plane on another machine: a few connections, each for one call at a time.
//!
//! A connection that was idle may have ended meanwhile without a word; every call may be repeated, so one that fails on
//! such a connection is made once more on a new one. Everything else is an error, and the agent calls again later.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use landfall_model::HostId;
use landfall_model::agent::{AgentCall, AgentReply};
use landfall_model::link::{self, HEAD_BYTES, LinkCall, LinkReply, PIECE_BYTES, REPLY_BYTES, Terms};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::key::Key;
use super::tls::client_config;
use crate::agent::identity::{ensure_secret, hex};
use crate::agent::{ControlLink, LinkError};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long nothing may come, beyond what a call asks to wait.
const SILENCE: Duration = Duration::from_secs(30);
/// Connections that are kept.
const IDLE: usize = 4;
const SEAT_BYTES: usize = 16;

/// Where the control plane is, and which key is its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its name or address, and port.
    pub address: String,
    /// SHA-256 of its public key, in hexadecimal.
    pub key_sha256: String,
}

/// The way to a control plane on another machine.
pub struct RemoteLink {
    control: Control,
    config: Arc<ClientConfig>,
    seat: String,
    run: u64,
    idle: Mutex<Vec<Stream>>,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A part of an image's file.
pub(super) struct Piece {
    /// The file's whole length, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// The part.
    pub bytes: Vec<u8>,
}

/// The number of this machine, as long as it doesn't start anew: kept in a folder that a reboot clears, so that a copy of
/// an agent's files on another machine isn't taken for the same.
pub fn seat(runtime_dir: &Path) -> io::Result<String> {
    let bytes = ensure_secret(runtime_dir, "agent-seat", || {
        let mut bytes = [0; SEAT_BYTES];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no randomness"))?;
        Ok(hex(&bytes).into_bytes())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl RemoteLink {
    /// The way from the machine of that key and seat to a control plane. Connects with the first call.
    pub fn new(control: Control, own: &Key, seat: String) -> Result<Self, LinkError> {
        let config = client_config(own, &control.key_sha256).map_err(|error| LinkError(error.to_string()))?;
        let mut run = [0; 8];
        rand::fill(&mut run).map_err(|_| LinkError("the system gives no randomness".into()))?;
        let run = u64::from_ne_bytes(run);
        Ok(Self { control, config: Arc::new(config), seat, run, idle: Mutex::default() })
    }

    /// Joins by an invitation's secret. Joining again by the same key is no error. Where the control plane was reached and
    /// refuses, its reason is the inner error.
    pub fn join(&self, secret: &str) -> Result<Result<HostId, String>, LinkError> {
        match self.ask(&LinkCall::Join { secret: secret.to_owned() }, Duration::ZERO)?.0 {
            LinkReply::Joined { host } => Ok(Ok(host)),
            LinkReply::Refused { reason } => Ok(Err(reason)),
            other => Err(unexpected(other)),
        }
    }

    /// Asks for the terms of the cloud.
    pub fn terms(&self) -> Result<Terms, LinkError> {
        match self.ask(&LinkCall::Terms, Duration::ZERO)?.0 {
            LinkReply::Terms(terms) => Ok(terms),
            other => Err(unexpected(other)),
        }
    }

    /// A part of an image's file.
    pub(super) fn image(&self, file: &str, offset: u64) -> Result<Piece, LinkError> {
        match self.ask(&LinkCall::Image { file: file.to_owned(), offset }, Duration::ZERO)? {
            (LinkReply::Image { size_bytes, sha256 }, bytes) => Ok(Piece { size_bytes, sha256, bytes }),
            (other, _) => Err(unexpected(other)),
        }
    }

    /// What a connection of one's own is made with: where to, and how.
    pub fn control(&self) -> (&str, Arc<ClientConfig>) {
        (&self.control.address, self.config.clone())
    }

    /// The address of this machine that the control plane is reached from.
    pub fn own_address(&self) -> Result<SocketAddr, LinkError> {
        let stream = self.connect()?;
        let address = stream.sock.local_addr();
        self.keep(stream);
        address.map_err(|error| LinkError(error.to_string()))
    }

    /// Makes a call whose answer may take so long.
    fn ask(&self, call: &LinkCall, wait: Duration) -> Result<(LinkReply, Vec<u8>), LinkError> {
        let json = serde_json::to_vec(call).map_err(|error| LinkError(error.to_string()))?;
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut stream) = kept
            && let Ok(answer) = exchange(&mut stream, &json, wait)
        {
            self.keep(stream);
            return Ok(answer);
        }
        let mut stream = self.connect()?;
        let answer = exchange(&mut stream, &json, wait).map_err(|error| LinkError(error.to_string()))?;
        self.keep(stream);
        Ok(answer)
    }

    fn keep(&self, stream: Stream) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(stream);
        }
    }

    fn connect(&self) -> Result<Stream, LinkError> {
        let failed = |error: io::Error| LinkError(format!("{}: {error}", self.control.address));
        let mut last = io::Error::other("the name has no address");
        for address in self.control.address.to_socket_addrs().map_err(failed)? {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Err(error) => last = error,
                Ok(stream) => return self.secure(stream, address).map_err(failed),
            }
        }
        Err(failed(last))
    }

    fn secure(&self, mut tcp: TcpStream, address: SocketAddr) -> io::Result<Stream> {
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(CONNECT_TIMEOUT))?;
        tcp.set_write_timeout(Some(SILENCE))?;
        // The name is asked by nobody: the key decides.
        let name = ServerName::IpAddress(address.ip().into());
        let mut tls = ClientConnection::new(self.config.clone(), name).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        Ok(StreamOwned::new(tls, tcp))
    }
}

impl ControlLink for RemoteLink {
    fn call(&self, call: AgentCall) -> Result<AgentReply, LinkError> {
        let wait = match &call {
            AgentCall::Poll { wait_ms, .. } => Duration::from_millis(*wait_ms),
            _ => Duration::ZERO,
        };
        let call = LinkCall::Agent { seat: self.seat.clone(), run: self.run, call };
        match self.ask(&call, wait)?.0 {
            LinkReply::Agent(reply) => Ok(reply),
            // A host that was removed, or a control plane that lost it: as when the protocol itself refuses.
            LinkReply::Refused { reason } => Ok(AgentReply::Refused { reason }),
            other => Err(unexpected(other)),
        }
    }
}

impl ControlLink for Arc<RemoteLink> {
    fn call(&self, call: AgentCall) -> Result<AgentReply, LinkError> {
        RemoteLink::call(self, call)
    }
}

fn unexpected(reply: LinkReply) -> LinkError {
    match reply {
        LinkReply::Refused { reason } => LinkError(reason),
        _ => LinkError("the control plane gave an answer to another question".into()),
    }
}

/// Says one thing and hears the answer.
fn exchange(stream: &mut Stream, json: &[u8], wait: Duration) -> io::Result<(LinkReply, Vec<u8>)> {
    stream.sock.set_read_timeout(Some(wait + SILENCE))?;
    let head = link::head(json.len(), 0).ok_or(io::ErrorKind::InvalidInput)?;
    stream.write_all(&head)?;
    stream.write_all(json)?;
    stream.flush()?;
    let mut head = [0; HEAD_BYTES];
    stream.read_exact(&mut head)?;
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, "an answer that is too long");
    let (json, bytes) = link::lengths(head, REPLY_BYTES, PIECE_BYTES).ok_or_else(too_long)?;
    let reply = serde_json::from_slice(&take(stream, json)?)?;
    Ok((reply, take(stream, bytes)?))
}

/// Reads so many bytes; memory grows with what really comes.
fn take(stream: &mut Stream, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = stream.take(u64::from(length)).read_to_end(&mut bytes)?;
    if read < usize::try_from(length).unwrap_or(usize::MAX) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
