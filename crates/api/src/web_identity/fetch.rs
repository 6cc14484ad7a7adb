//! Asks issuers for their keys. An issuer's address is a tenant's to choose, and the machine stands where tenants don't:
//! so only addresses of the open internet are asked, but for issuers that the operator names; no answer leads elsewhere;
//! and everything is bounded.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use landfall_model::address::is_public;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::certificate::Trust;

/// How long an answer may take altogether, and how long it may be.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES: usize = 256 * 1024;

/// Why an issuer didn't answer, for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(String);

impl FetchError {
    /// For that reason.
    pub fn new(why: &str) -> Self {
        Self(why.to_owned())
    }
}

pub(super) fn failed(why: impl std::fmt::Display) -> FetchError {
    FetchError(why.to_string())
}

/// Where an issuer's addresses may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the open internet, over TLS.
    Open,
    /// Also to the hosts that the operator names.
    Near,
}

/// Asks issuers.
#[derive(Clone, Default)]
pub struct Fetcher {
    /// Hosts, with or without a port, that may be anywhere and need no TLS.
    near: Arc<BTreeSet<String>>,
    trust: Arc<Trust>,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("near", &self.near).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// One that also asks these hosts, wherever they are.
    pub fn with_near(near: impl IntoIterator<Item = String>) -> Self {
        Self { near: Arc::new(near.into_iter().collect()), trust: Arc::default() }
    }

    /// How far a tenant's issuer leads.
    pub fn reach(&self, issuer: &str) -> Reach {
        let uri: Option<Uri> = issuer.parse().ok();
        let authority = uri.as_ref().and_then(Uri::authority);
        if authority.is_some_and(|authority| self.is_near(authority)) { Reach::Near } else { Reach::Open }
    }

    fn is_near(&self, authority: &Authority) -> bool {
        self.near.contains(authority.host()) || self.near.contains(authority.as_str())
    }

    /// The body of an answer to a plain request. A server whose certificate the machine doesn't trust is believed where one of
    /// these thumbprints is that of the certificate that its chain ends in.
    pub async fn fetch(&self, url: &str, thumbprints: &[String], reach: Reach) -> Result<Bytes, FetchError> {
        let asked = tokio::time::timeout(PATIENCE, self.ask(url, thumbprints, reach)).await;
        asked.map_err(|_| failed("the issuer didn't answer in time"))?
    }

    async fn ask(&self, url: &str, thumbprints: &[String], reach: Reach) -> Result<Bytes, FetchError> {
        let uri: Uri = url.parse().map_err(|_| failed("the issuer's address is malformed"))?;
        let authority = uri.authority().ok_or_else(|| failed("the issuer's address has no host"))?.clone();
        let host = authority.host();
        let is_near = reach == Reach::Near && self.is_near(&authority);
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_near => false,
            _ => return Err(failed("issuers are asked over TLS")),
        };
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = connect(host, port, is_near).await?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path)
            .header(header::HOST, authority.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, "landfall")
            .body(Empty::<Bytes>::new())
            .map_err(failed)?;
        if !secure {
            return exchange(stream, request).await;
        }
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| failed("the issuer's name is malformed"))?;
        let stream = TlsConnector::from(self.trust.config(thumbprints)?).connect(name, stream).await.map_err(failed)?;
        exchange(stream, request).await
    }
}

/// A connection to a host at an address that may be asked. The address that was looked at is the one that is used.
async fn connect(host: &str, port: u16, is_near: bool) -> Result<TcpStream, FetchError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((host, port)).await.map_err(failed)?;
    let open: Vec<SocketAddr> = found.filter(|address| is_near || is_public(address.ip())).take(4).collect();
    let mut last = failed("the issuer has no address on the open internet");
    for address in open {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = failed(error),
        }
    }
    Err(last)
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Empty<Bytes>>,
) -> Result<Bytes, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(failed)?;
    // An answer that leads elsewhere is none.
    if answer.status() != StatusCode::OK {
        return Err(failed(format_args!("the issuer answered {}", answer.status())));
    }
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
    connection.abort();
    body.map(|body| body.to_bytes()).map_err(|_| failed("the issuer's answer is too long or broke off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_else_is_asked() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fetch = |fetcher: &Fetcher, url: &str| {
            runtime.block_on(fetcher.fetch(url, &[], Reach::Near)).unwrap_err().to_string()
        };
        let fetcher = Fetcher::default();
        assert_eq!(fetch(&fetcher, "http://example.com/"), "issuers are asked over TLS");
        assert_eq!(fetch(&fetcher, "http://127.0.0.1:1/"), "issuers are asked over TLS");
        assert_eq!(fetch(&fetcher, "https://127.0.0.1:1/"), "the issuer has no address on the open internet");
        assert_eq!(fetch(&fetcher, "https://[::1]:1/"), "the issuer has no address on the open internet");
        assert_eq!(fetch(&fetcher, "nonsense"), "issuers are asked over TLS");
    }

    #[test]
    fn only_issuers_that_are_near_lead_to_what_is() {
        let fetcher = Fetcher::with_near(["127.0.0.1:1".to_owned(), "inside".to_owned()]);
        for (issuer, reach) in [
            ("http://127.0.0.1:1", Reach::Near),
            ("https://inside/realms/one", Reach::Near),
            ("http://127.0.0.1:2", Reach::Open),
            ("https://issuer.example.com", Reach::Open),
            ("https://issuer.example.com/127.0.0.1:1", Reach::Open),
            ("nonsense", Reach::Open),
        ] {
            assert_eq!(fetcher.reach(issuer), reach, "{issuer}");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fetch = |url: &str| {
            let fetched = fetcher.fetch(url, &[], fetcher.reach("https://issuer.example.com"));
            runtime.block_on(fetched).unwrap_err().to_string()
        };
        assert_eq!(fetch("http://127.0.0.1:1/keys"), "issuers are asked over TLS");
        assert_eq!(fetch("https://127.0.0.1:1/keys"), "the issuer has no address on the open internet");
    }
}
