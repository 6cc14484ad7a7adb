//! Who may speak plainly, who is counted, and who is let go.

use std::net::IpAddr;

use landfall_model::VpcId;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::*;
use crate::serve::tls::{Authority, Certificates, Place, now_ms};

/// An entrance that says how it sees who comes.
struct Opened {
    address: SocketAddr,
    trusted: String,
}

async fn open(origin: Option<Origin>, sources: Sources, with_tls: bool) -> Opened {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let authority = Authority::volatile(now_ms()).unwrap();
    let region = "us-east-1".parse().unwrap();
    let place = Place { listen: IpAddr::from([127, 0, 0, 1]), host_names: Vec::new(), region };
    let certificates = Certificates::new(authority, place, None, now_ms()).unwrap();
    let trusted = certificates.authority_pem();
    let tls = with_tls.then(|| certificates.outside().unwrap());
    let entrance = Entrance { listener, origin, tls, sources: Arc::new(sources) };
    tokio::spawn(entrance.accept(|mut stream, peer| async move {
        let mut asked = [0; 5];
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(format!("{} {}", peer.secure, peer.is_here).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }));
    Opened { address, trusted }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map(drop).unwrap_or_default();
    answer
}

impl Opened {
    async fn plain(&self) -> String {
        ask(TcpStream::connect(self.address).await.unwrap()).await
    }

    async fn tls(&self) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.trusted.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()));
        let stream = TcpStream::connect(self.address).await.unwrap();
        ask(client.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()).await
    }
}

#[tokio::test]
async fn this_machine_may_speak_either_and_a_network_tls_alone() {
    let outside = open(None, Sources::default(), true).await;
    assert_eq!(outside.plain().await, "false true");
    assert_eq!(outside.tls().await, "true true");
    let origin = Some(Origin { vpc: VpcId::from_random(1), endpoint: None });
    let inside = open(origin, Sources::default(), true).await;
    assert_eq!(inside.tls().await, "true true");
    let refused = inside.plain().await;
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains("TLS only"), "{refused}");
    let plain = open(origin, Sources::default(), false).await;
    assert_eq!(plain.plain().await, "false true");
}

#[tokio::test]
async fn who_only_holds_connections_open_counts_from_the_first_byte_on() {
    let outside = open(None, Sources::of(2), true).await;
    let connect = || TcpStream::connect(outside.address);
    // One that says nothing, and one that begins a handshake and doesn't go on with it.
    let silent = connect().await.unwrap();
    let mut slow = connect().await.unwrap();
    slow.write_all(&[TLS, 3, 1, 2, 0]).await.unwrap();
    let mut third = connect().await.unwrap();
    assert_eq!(third.read(&mut [0]).await.unwrap_or(0), 0, "there is no room for a third");
    drop(silent);
    drop(slow);
    // The room is free again once the server has seen them go.
    loop {
        let mut next = connect().await.unwrap();
        next.write_all(b"hello").await.unwrap();
        let mut answer = String::new();
        if next.read_to_string(&mut answer).await.is_ok() && answer == "false true" {
            break;
        }
    }
}
