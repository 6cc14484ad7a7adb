//! The way to the API for guests of a machine that joined: what they say at the doors of its networks is handed on to the
//! control plane, over connections like those of the agent.
//!
//! Each connection of a guest's has one of its own there. It begins with a call that says where in the networks it came in
//! and who made it, which the control plane believes only of places that this host has. From then on bytes go both ways as
//! they come: what is said, TLS of their own included, is between the guest and the API.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use landfall_model::Origin;
use landfall_model::link::{self, HEAD_BYTES, LinkCall, LinkReply};
use landfall_node::door::Reception;
use landfall_node::remote::RemoteLink;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::serve::{Sources, Task};

/// How long a connection to the control plane may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Connections to the control plane that may be coming about at once.
const CONNECTING: usize = 16;
/// The longest answer to the call that a connection begins with, in bytes.
const ANSWER_BYTES: u32 = 16 << 10;

/// Hands guests' connections on.
pub struct Relay {
    link: Arc<RemoteLink>,
    runtime: Handle,
    guests: Guests,
}

/// What bounds guests' connections: how many there are, and how many are just coming about, so that the agent itself
/// always finds the control plane's door open.
#[derive(Clone)]
struct Guests {
    sources: Arc<Sources>,
    connecting: Arc<Semaphore>,
}

impl Relay {
    /// A relay to the control plane of that link, on that runtime.
    pub fn new(link: &Arc<RemoteLink>, runtime: Handle) -> Self {
        let guests = Guests { sources: Arc::default(), connecting: Arc::new(Semaphore::new(CONNECTING)) };
        Self { link: link.clone(), runtime, guests }
    }
}

impl Reception for Relay {
    fn receive(&self, listener: TcpListener, origin: Origin) -> Box<dyn Send> {
        let (link, guests) = (self.link.clone(), self.guests.clone());
        let accept = async move {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => accept(listener, link, guests, origin).await,
                Err(error) => tracing::error!(%error, vpc = %origin.vpc, "the API isn't reached from within a network"),
            }
        };
        Box::new(Task(self.runtime.spawn(accept)))
    }
}

/// Takes connections for ever. Where there are too many already, another is closed at once, before the control plane is
/// troubled.
async fn accept(listener: tokio::net::TcpListener, link: Arc<RemoteLink>, guests: Guests, origin: Origin) {
    loop {
        let (guest, source) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a guest's connection was not taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(entry) = guests.sources.enter(Some(origin.vpc), source.ip()) else { continue };
        let (link, connecting) = (link.clone(), guests.connecting.clone());
        tokio::spawn(async move {
            let _entry = entry;
            if let Err(error) = hand_on(guest, &link, &connecting, origin, source).await {
                tracing::debug!(%error, %source, vpc = %origin.vpc, "a guest's call wasn't handed on");
            }
        });
    }
}

async fn hand_on(
    mut guest: TcpStream,
    link: &RemoteLink,
    connecting: &Semaphore,
    origin: Origin,
    source: SocketAddr,
) -> io::Result<()> {
    let call = LinkCall::Guest { origin, port: guest.local_addr()?.port(), source };
    let one_more = timeout(CONNECT, connecting.acquire()).await?.map_err(io::Error::other)?;
    let mut control = timeout(CONNECT, connect(link)).await??;
    timeout(CONNECT, introduce(&mut control, &call)).await??;
    drop(one_more);
    tokio::io::copy_bidirectional(&mut guest, &mut control).await?;
    Ok(())
}

async fn connect(link: &RemoteLink) -> io::Result<TlsStream<TcpStream>> {
    let (address, config) = link.control();
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    // The name is asked by nobody: the key decides.
    let name = ServerName::IpAddress(tcp.peer_addr()?.ip().into());
    TlsConnector::from(config).connect(name, tcp).await
}

/// Says who calls, and hears whether that is believed.
async fn introduce(control: &mut TlsStream<TcpStream>, call: &LinkCall) -> io::Result<()> {
    let call = serde_json::to_vec(call)?;
    let head = link::head(call.len(), 0).ok_or(io::ErrorKind::InvalidInput)?;
    control.write_all(&head).await?;
    control.write_all(&call).await?;
    control.flush().await?;
    let mut head = [0; HEAD_BYTES];
    control.read_exact(&mut head).await?;
    let (length, _) = link::lengths(head, ANSWER_BYTES, 0).ok_or(io::ErrorKind::InvalidData)?;
    let mut answer = Vec::new();
    control.take(u64::from(length)).read_to_end(&mut answer).await?;
    match serde_json::from_slice(&answer)? {
        LinkReply::Taken => Ok(()),
        LinkReply::Refused { reason } => Err(io::Error::other(reason)),
        _ => Err(io::Error::other("the control plane gave an answer to another question")),
    }
}
