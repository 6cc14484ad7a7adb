//! The front door: bounded before anything is known about who calls, and closed to pages in a browser.
//!
//! `Host` must be an address, `localhost`, a single label or a configured name, so that a name that is made to point here
//! isn't one; a foreign `Origin` is refused; the server's own paths want a header that no page may send, but for the
//! authority's certificate, which is for everybody. What comes in by a door within a network ([`super::inside`]) may use
//! the names that lead to such doors.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use landfall_api::{ApiError, HttpRequest};

use super::body::Body;
use super::entrance::{Peer, Stream};
use super::{Server, inside};

/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest body.
const MAX_BODY: usize = 1 << 20;
/// The largest head of a request.
const MAX_HEAD: usize = 64 * 1024;
/// Headers of a request.
const MAX_HEADERS: usize = 100;

type Answer = Response<Body>;

/// Answers what comes by a connection until it ends.
pub async fn converse(server: &Server, stream: Stream, peer: Peer) {
    let service = service_fn(|request| answer(server, peer, request));
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, peer = %peer.address, "a connection ended");
    }
}

async fn answer(server: &Server, peer: Peer, request: Request<Incoming>) -> Result<Answer, Infallible> {
    Ok(match try_answer(server, peer, request).await {
        Ok(answer) => answer,
        Err((status, words)) => plain(status, words),
    })
}

async fn try_answer(
    server: &Server,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Answer, (StatusCode, &'static str)> {
    let (head, body) = request.into_parts();
    let host = only_host(&head.headers)?;
    let is_known = is_known_host(host, &server.host_names)
        || peer.origin.is_some() && inside::is_name(&without_port(host), server.config.region);
    if !is_known {
        return Err((StatusCode::FORBIDDEN, "this is no name of this server"));
    }
    if head.headers.contains_key("origin") && !is_own_origin(&head.headers, peer.secure) {
        return Err((StatusCode::FORBIDDEN, "requests of web pages are not taken"));
    }
    let path = head.uri.path();
    if let Some(own) = path.strip_prefix("/_landfall/") {
        return own_path(server, peer, &head, own);
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await;
    let body = match body {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(ApiError::new("RequestEntityTooLarge", "The body is larger than 1 MiB.").with_status(413))
        }
        Ok(Err(_)) => Err(ApiError::new("IncompleteBody", "The body ended early, or its length is not what was said.")),
        Err(_) => Err(ApiError::new("RequestTimeout", "The body came too slowly.").with_status(408)),
    };
    let request = HttpRequest {
        method: head.method.as_str(),
        path,
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body: body.as_deref().unwrap_or_default(),
        source: peer.address.ip(),
        secure: peer.secure,
        tls: peer.tls,
        origin: peer.origin,
    };
    let answer = match &body {
        Ok(_) => server.gateway.handle(request).await,
        Err(error) => server.gateway.refuse(&request, error),
    };
    let mut response = Response::builder()
        .status(answer.status)
        .header("content-type", answer.content_type)
        .header("server", "landfall");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = answer.object.map_or_else(|| Body::whole(answer.body), Body::object);
    response.body(body).map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the answer has a bad header"))
}

fn plain(status: StatusCode, words: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Body::whole(words));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("text/plain"));
    response
}

/// The one `Host` that a request has.
fn only_host(headers: &hyper::HeaderMap) -> Result<&str, (StatusCode, &'static str)> {
    let mut hosts = headers.get_all("host").iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).ok_or((StatusCode::BAD_REQUEST, "a Host is needed"))?;
    if hosts.next().is_some() {
        return Err((StatusCode::BAD_REQUEST, "one Host is enough"));
    }
    Ok(host)
}

/// A host's name in lower case, without a port and without the dot of the root.
fn without_port(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a host is an address, local, or configured.
fn is_known_host(host: &str, names: &[String]) -> bool {
    if host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if bracketed.is_some_and(|inner| inner.parse::<IpAddr>().is_ok()) {
        return true;
    }
    let name = without_port(host);
    let is_label = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_label || name.ends_with(".localhost") || names.iter().any(|known| known.eq_ignore_ascii_case(&name))
}

/// Whether the page that sent this came from this very server.
fn is_own_origin(headers: &hyper::HeaderMap, secure: bool) -> bool {
    let scheme = if secure { "https://" } else { "http://" };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.strip_prefix(scheme).is_some_and(|rest| rest == host),
        _ => false,
    }
}

/// The server's own paths.
fn own_path(
    server: &Server,
    peer: Peer,
    head: &hyper::http::request::Parts,
    path: &str,
) -> Result<Answer, (StatusCode, &'static str)> {
    // What everybody may know, and has to before he can be sure of anything else.
    if let (&Method::GET, "ca.pem", Some(tls)) = (&head.method, path, &server.tls) {
        return Ok(plain(StatusCode::OK, tls.authority_pem()));
    }
    if head.headers.get("x-landfall").is_none_or(|value| value != "1") {
        return Err((StatusCode::FORBIDDEN, "this path wants the header X-Landfall: 1"));
    }
    if peer.origin.is_some() || !peer.is_here {
        return Err((StatusCode::FORBIDDEN, "this path is for this machine"));
    }
    let failed = |error: anyhow::Error| {
        tracing::error!(error = format!("{error:#}"), path, "one of the server's own paths failed");
        (StatusCode::INTERNAL_SERVER_ERROR, "it failed; the log says why")
    };
    match (&head.method, path) {
        (&Method::GET, "health") => Ok(plain(StatusCode::OK, "ok\n")),
        (&Method::GET, "settled") if server.is_settled() => Ok(plain(StatusCode::OK, "settled\n")),
        (&Method::GET, "settled") => Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "in transition\n")),
        (&Method::GET, "tls") => match &server.tls {
            Some(tls) => Ok(plain(StatusCode::OK, tls.describe().to_string())),
            None => Err((StatusCode::NOT_FOUND, "TLS is not spoken here")),
        },
        (&Method::POST, "reset") if server.simulation.is_none() => {
            Err((StatusCode::FORBIDDEN, "only a simulated cloud is reset"))
        }
        (&Method::POST, "reset") => server.reset().map(|()| plain(StatusCode::OK, "reset\n")).map_err(failed),
        (&Method::POST, "images") => server.plant().map(|()| plain(StatusCode::OK, "registered\n")).map_err(failed),
        _ => Err((StatusCode::NOT_FOUND, "there is no such path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_made_to_point_here_is_refused() {
        let names = ["cloud.example.org".to_owned()];
        for good in [
            "127.0.0.1:4566",
            "127.0.0.1",
            "[::1]:4566",
            "[::1]",
            "localhost:4566",
            "ec2.localhost",
            "landfall:80",
            "Cloud.Example.org:4566",
            "localhost.",
        ] {
            assert!(is_known_host(good, &names), "{good}");
        }
        for bad in
            ["evil.example.com", "evil.example.com:4566", "cloud.example.org.evil.com", "", ":4566", "127.0.0.1.nip.io"]
        {
            assert!(!is_known_host(bad, &names), "{bad}");
        }
    }
}
