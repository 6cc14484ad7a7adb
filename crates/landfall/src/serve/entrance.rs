//! Taking connections: counted before a byte is read, and greeted in the language of the place.
//!
//! Off loopback the endpoint speaks TLS. A connection says with its first byte which of the two it speaks: what comes from
//! this very machine may be plain HTTP on the same port, what comes over a wire may not and is told so. Whoever says nothing
//! is let go after a while, and that while covers the whole handshake, however slowly its bytes come.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use landfall_api::TlsSpoken;
use landfall_model::Origin;
use rustls::{CipherSuite, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::sources::Sources;

/// How long a client may take until both sides can speak.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The first byte of TLS: a record of its handshake.
const TLS: u8 = 0x16;
/// How long somebody who spoke in plain gets to hear why not, and how much of what he says meanwhile is passed over.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 64 * 1024;

/// Who is at the other end of a connection: an address, within a network or outside.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address.
    pub address: SocketAddr,
    /// Where in a network it is, if it is in one.
    pub origin: Option<Origin>,
    /// Whether nobody on the way can read or change what is said.
    pub secure: bool,
    /// How TLS is spoken, where it is.
    pub tls: Option<TlsSpoken>,
    /// Whether it is on this machine.
    pub is_here: bool,
}

/// A connection on which both sides can speak.
pub type Stream = Box<dyn Duplex>;

/// What is read from and written to.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A place where connections are taken.
pub struct Entrance {
    /// What listens there.
    pub listener: TcpListener,
    /// Where in a network it is, if it is in one.
    pub origin: Option<Origin>,
    /// What speaks TLS there; without it all is plain.
    pub tls: Option<TlsAcceptor>,
    /// The connections that there are already.
    pub sources: Arc<Sources>,
}

impl Entrance {
    /// Takes connections for ever, each answered by a task of its own.
    pub async fn accept<F, R>(self, answer: F)
    where
        F: Fn(Stream, Peer) -> R,
        R: Future<Output = ()> + Send + 'static,
        F: Clone + Send + 'static,
    {
        let network = self.origin.map(|origin| origin.vpc);
        loop {
            let (stream, address) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or the client went away: both pass.
                    tracing::warn!(%error, "a connection was not taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(entry) = self.sources.enter(network, address.ip()) else { continue };
            let peer =
                Peer { address, origin: self.origin, secure: false, tls: None, is_here: is_here(&stream, address) };
            let (tls, answer) = (self.tls.clone(), answer.clone());
            tokio::spawn(async move {
                let _entry = entry;
                match timeout(HANDSHAKE, greet(tls, stream, peer)).await {
                    Ok(Ok(Some((stream, peer)))) => answer(stream, peer).await,
                    Ok(Ok(None)) | Err(_) => {}
                    Ok(Err(error)) => tracing::debug!(%error, peer = %peer.address, "a connection was not begun"),
                }
            });
        }
    }
}

/// Whether who connects is on this machine: by loopback, or from the very address that it connects to, which the kernel
/// takes from nobody outside.
fn is_here(stream: &TcpStream, peer: SocketAddr) -> bool {
    let peer = peer.ip().to_canonical();
    peer.is_loopback() || stream.local_addr().is_ok_and(|local| local.ip().to_canonical() == peer)
}

/// Gets to the point at which both sides can speak; nothing where that wasn't to be.
async fn greet(tls: Option<TlsAcceptor>, stream: TcpStream, peer: Peer) -> std::io::Result<Option<(Stream, Peer)>> {
    stream.set_nodelay(true)?;
    let Some(acceptor) = tls else { return Ok(Some((Box::new(stream), peer))) };
    let mut first = [0];
    match (stream.peek(&mut first).await?, first) {
        (0, _) => Ok(None),
        (_, [TLS]) => {
            let stream = acceptor.accept(stream).await?;
            let tls = spoken(stream.get_ref().1);
            Ok(Some((Box::new(stream), Peer { secure: true, tls, ..peer })))
        }
        _ if peer.is_here && peer.origin.is_none() => Ok(Some((Box::new(stream), peer))),
        _ => refuse_plain(stream).await.map(|()| None),
    }
}

/// How TLS is spoken, once both sides have agreed.
pub fn spoken(connection: &rustls::ServerConnection) -> Option<TlsSpoken> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => return None,
    };
    let cipher = match connection.negotiated_cipher_suite()?.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => return None,
    };
    Some(TlsSpoken { version, cipher })
}

/// Says that TLS is spoken here, and waits a moment until that is read: closing at once would take it back.
async fn refuse_plain(mut stream: TcpStream) -> std::io::Result<()> {
    const WORDS: &str = "this is spoken to over TLS only: call it by https\n";
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{WORDS}",
        WORDS.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(FAREWELL_BYTES);
    let mut nowhere = tokio::io::sink();
    timeout(FAREWELL, tokio::io::copy(&mut rest, &mut nowhere)).await.unwrap_or(Ok(0)).map(drop)
}

#[cfg(test)]
mod tests;
