//! Where agents of other machines come in: TLS with bare keys, frames, and behind them the same protocol that the agent of
//! this machine speaks.
//!
//! Who somebody is has been proved before a byte of a call is read. Of a key that no host has, nothing is taken but a
//! short call to join. Everything is bounded: how many connect, how long a handshake, a call and a silence last, how long
//! a message is.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use landfall_control::agents::{Agents, Session};
use landfall_model::Origin;
use landfall_model::agent::{AgentCall, AgentReply};
use landfall_model::link::{self, CALL_BYTES, HEAD_BYTES, LinkCall, LinkReply, STRANGER_BYTES, Terms};
use landfall_node::remote::{Key, peer_sha256, server_config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::entrance::{self, Peer, Stream};
use super::shelf::Shelf;
use super::sources::{Entry, Sources};
use super::{Server, http, inside};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a call's bytes may take to come, and an answer's to be taken.
const TRANSFER: Duration = Duration::from_secs(120);
/// How long an agent's connection may be silent: it reports every minute.
const SILENCE: Duration = Duration::from_secs(180);
/// Connections of one address.
const MAX_CONNECTIONS: usize = 64;
/// Calls to join that fail, after which a connection ends.
const ATTEMPTS: u32 = 3;

/// What answers agents.
pub struct Door {
    agents: Arc<Agents>,
    terms: Terms,
    shelf: Shelf,
    sessions: Mutex<HashMap<String, (u64, Arc<Session>)>>,
    /// Who answers guests' calls.
    server: Option<Arc<Server>>,
}

/// The key that a control plane proves itself by, kept in its state folder.
pub fn key(state: &std::path::Path) -> Result<Key> {
    let folder = state.join("keys");
    super::make_private(&folder)?;
    Key::ensure(&folder, "agents.key").context("reading the key that agents know this control plane by")
}

impl Door {
    /// A door to those agents, with the images of that folder; calls of their guests are the server's to answer.
    pub fn new(agents: Arc<Agents>, terms: Terms, image_folder: PathBuf, server: Option<Arc<Server>>) -> Arc<Self> {
        Arc::new(Self { agents, terms, shelf: Shelf::new(image_folder), sessions: Mutex::default(), server })
    }

    /// Takes agents until the listener fails.
    pub async fn accept(self: Arc<Self>, listener: TcpListener, key: &Key) -> Result<()> {
        let acceptor = TlsAcceptor::from(Arc::new(server_config(key)?));
        let sources = Arc::new(Sources::of(MAX_CONNECTIONS));
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an agent's connection was not taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(entry) = sources.enter(None, peer.ip()) else { continue };
            let (door, acceptor) = (self.clone(), acceptor.clone());
            tokio::spawn(async move {
                if let Err(error) = door.serve(&acceptor, stream, peer, entry).await {
                    tracing::debug!(%error, %peer, "an agent's connection ended");
                }
            });
        }
    }

    /// Answers on a connection, which counts as its agent's until it is a guest's.
    async fn serve(&self, acceptor: &TlsAcceptor, stream: TcpStream, peer: SocketAddr, entry: Entry) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = timeout(HANDSHAKE, acceptor.accept(stream)).await??;
        let key = peer_sha256(stream.get_ref().1.peer_certificates()).context("it showed no key")?;
        let mut attempts = 0;
        loop {
            let known = self.agents.host_of(&key).is_some();
            let most = if known { CALL_BYTES } else { STRANGER_BYTES };
            let silence = if known { SILENCE } else { HANDSHAKE };
            let Some(call) = read_call(&mut stream, most, silence).await? else { return Ok(()) };
            if let LinkCall::Guest { origin, port, source } = call {
                let taken = self.take_guest(&key, origin, source);
                let reply = if taken.is_some() { LinkReply::Taken } else { refused("not from this host, or too many") };
                timeout(TRANSFER, write_reply(&mut stream, &reply, &[])).await??;
                if let Some((server, _guest)) = taken {
                    drop(entry);
                    let peer = Peer { address: source, origin: Some(origin), secure: false, tls: None, is_here: false };
                    return converse(server, stream, port, peer).await;
                }
                return Ok(());
            }
            let (reply, bytes) = self.answer(&key, call, peer).await;
            if !known && matches!(reply, LinkReply::Refused { .. }) {
                attempts += 1;
            }
            timeout(TRANSFER, write_reply(&mut stream, &reply, &bytes)).await??;
            if attempts >= ATTEMPTS {
                return Ok(());
            }
        }
    }

    async fn answer(&self, key: &str, call: LinkCall, peer: SocketAddr) -> (LinkReply, Vec<u8>) {
        let host = self.agents.host_of(key);
        let reply = match (call, host) {
            (LinkCall::Join { secret }, _) => self.join(key, &secret, peer).await,
            (_, None) => refused("no host has this key"),
            (LinkCall::Guest { .. }, Some(_)) => refused("a guest's connection is one of its own"),
            (LinkCall::Terms, Some(_)) => LinkReply::Terms(self.terms.clone()),
            (LinkCall::Agent { seat, run, call }, Some(_)) => LinkReply::Agent(self.call(key, seat, run, call).await),
            (LinkCall::Image { file, offset }, Some(host)) => {
                if !self.agents.needs_file(host, &file) {
                    return (refused("no volume of this host is of an image with this file"), Vec::new());
                }
                return match self.shelf.piece(file, offset).await {
                    Ok((size_bytes, sha256, bytes)) => (LinkReply::Image { size_bytes, sha256 }, bytes),
                    Err(error) => (refused(&format!("{error:#}")), Vec::new()),
                };
            }
        };
        (reply, Vec::new())
    }

    /// Takes a guest's connection, if the host has the place where it says that it came in, and there is room for it.
    fn take_guest(&self, key: &str, origin: Origin, source: SocketAddr) -> Option<(&Server, Entry)> {
        let host = self.agents.host_of(key)?;
        let server = self.server.as_deref().filter(|_| self.agents.has_origin(host, origin))?;
        let entry = server.guests.enter(Some(origin.vpc), source.ip())?;
        Some((server, entry))
    }

    async fn join(&self, key: &str, secret: &str, peer: SocketAddr) -> LinkReply {
        match self.agents.join(secret, key).await {
            Ok(Some(host)) => {
                tracing::info!(%host, %peer, key, "a host joined");
                LinkReply::Joined { host }
            }
            Ok(None) => {
                tracing::warn!(%peer, key, "somebody tried to join without a good invitation");
                refused("this invitation is spent, has expired, or never was")
            }
            Err(error) => refused(&error.to_string()),
        }
    }

    /// A call of the protocol. A hello begins a session; it takes the place of the one before once it is welcome.
    async fn call(&self, key: &str, seat: String, run: u64, call: AgentCall) -> AgentReply {
        let is_hello = matches!(call, AgentCall::Hello { .. });
        let session = if is_hello {
            Arc::new(self.agents.session_of(key.to_owned(), seat))
        } else {
            let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            match sessions.get(key) {
                Some((of, session)) if *of == run => session.clone(),
                _ => return AgentReply::Refused { reason: "say hello first".into() },
            }
        };
        let reply = session.call(call).await;
        if is_hello && matches!(reply, AgentReply::Welcome { .. }) {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.insert(key.to_owned(), (run, session));
        }
        reply
    }
}

/// Speaks with a guest in the language of the port that it called.
async fn converse(server: &Server, stream: TlsStream<TcpStream>, port: u16, peer: Peer) -> Result<()> {
    let (stream, peer): (Stream, Peer) = match inside::language(server, port)? {
        Some(acceptor) => {
            let stream = timeout(HANDSHAKE, acceptor.accept(stream)).await??;
            let tls = entrance::spoken(stream.get_ref().1);
            (Box::new(stream), Peer { secure: true, tls, ..peer })
        }
        None => (Box::new(stream), peer),
    };
    http::converse(server, stream, peer).await;
    Ok(())
}

fn refused(reason: &str) -> LinkReply {
    LinkReply::Refused { reason: reason.to_owned() }
}

/// The next call; `None` where the agent has closed the connection.
async fn read_call(stream: &mut TlsStream<TcpStream>, most: u32, silence: Duration) -> Result<Option<LinkCall>> {
    let mut head = [0; HEAD_BYTES];
    match timeout(silence, stream.read_exact(&mut head)).await? {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let (json, _) = link::lengths(head, most, 0).context("a call that is too long")?;
    let mut bytes = Vec::new();
    let read = timeout(TRANSFER, stream.take(u64::from(json)).read_to_end(&mut bytes)).await??;
    anyhow::ensure!(read == usize::try_from(json)?, "a call that was cut off");
    Ok(Some(serde_json::from_slice(&bytes).context("a call that makes no sense")?))
}

#[cfg(test)]
mod tests;

async fn write_reply(stream: &mut TlsStream<TcpStream>, reply: &LinkReply, bytes: &[u8]) -> Result<()> {
    let json = serde_json::to_vec(reply)?;
    let head = link::head(json.len(), bytes.len()).context("an answer that is too long")?;
    stream.write_all(&head).await?;
    stream.write_all(&json).await?;
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}
