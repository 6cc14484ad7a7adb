//! Asking an address for a disk. The address is a tenant's to choose, and the machine stands where tenants don't: so only
//! addresses of the open internet are asked, but for hosts that the operator names, and only over TLS. Wherever an answer
//! leads is looked at anew. The address that was looked at is the one that is connected to.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use landfall_model::address::is_public;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::invalid;
use crate::driver::{DriverError, DriverResult, Watch};

/// How long a connection, and the next bytes, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the head of an answer may take, however steadily it drips.
const HEAD_PATIENCE: Duration = Duration::from_secs(60);
/// How often an answer may lead elsewhere.
const MOST_HOPS: usize = 5;
/// The longest head of an answer.
const HEAD_BYTES: usize = 16 << 10;
const MOST_HEADERS: usize = 64;
/// How many addresses of a name are tried.
const ADDRESSES: usize = 4;

/// An answer with a disk.
pub(super) struct Answer {
    /// How long it says that it is, in bytes.
    pub(super) size_bytes: Option<u64>,
    /// Its bytes.
    pub(super) body: Box<dyn Read>,
}

/// The parts of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url {
    authority: String,
    host: String,
    port: u16,
    path: String,
}

/// Asks for what is at an address.
pub(super) fn open(url: &str, near: &BTreeSet<String>, watch: &Watch<'_>) -> DriverResult<Answer> {
    let mut url = parse(url)?;
    for _ in 0..=MOST_HOPS {
        if !(watch.is_wanted)() {
            return Err(DriverError::Retry("the import was canceled".into()));
        }
        match ask(&url, near)? {
            Found::Here(answer) => return Ok(answer),
            Found::Elsewhere(location) => url = leads(&url, &location)?,
        }
    }
    Err(invalid("the address leads on and on"))
}

/// Reads an address. What could be read in two ways is refused.
fn parse(text: &str) -> DriverResult<Url> {
    let rest = text.strip_prefix("https://").ok_or_else(|| invalid("disks are fetched over TLS (https://)"))?;
    let rest = rest.split('#').next().unwrap_or_default();
    let cut = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(cut);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let malformed = || invalid("the address is malformed");
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if authority.is_empty() || authority.contains(['@', '\\']) || !is_plain(authority) || !is_plain(&path) {
        return Err(malformed());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(malformed)?;
            (host, rest.strip_prefix(':'))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(443), |port| port.parse().map_err(|_| malformed()))?;
    Ok(Url { authority: authority.to_owned(), host: host.to_owned(), port, path })
}

/// Where an answer leads to from an address.
fn leads(from: &Url, location: &str) -> DriverResult<Url> {
    if location.starts_with('/') && !location.starts_with("//") {
        return parse(&format!("https://{}{location}", from.authority));
    }
    parse(location)
}

enum Found {
    Here(Answer),
    Elsewhere(String),
}

fn ask(url: &Url, near: &BTreeSet<String>) -> DriverResult<Found> {
    let failed =
        |error: &dyn std::fmt::Display| DriverError::Retry(format!("{} can't be asked: {error}", url.authority));
    let stream = connect(url, near.contains(&url.host) || near.contains(&url.authority))?;
    let name = ServerName::try_from(url.host.clone()).map_err(|_| invalid("the host's name is malformed"))?;
    let connection = ClientConnection::new(trust()?, name).map_err(|error| failed(&error))?;
    let mut stream = StreamOwned::new(connection, stream);
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: landfall\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
        url.path, url.authority
    );
    stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
    let (head, rest) = read_head(&mut stream).map_err(|error| failed(&error))?;
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(&head).map_err(|error| failed(&error))?;
    let header = |name: &str| {
        let found = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok().map(str::trim)
    };
    match answer.code {
        Some(200) if header("transfer-encoding").is_none_or(|coding| coding == "identity") => {
            let size_bytes = header("content-length").and_then(|length| length.parse().ok());
            let length = size_bytes.ok_or_else(|| invalid("the server doesn't say how long the disk is"))?;
            let body = Box::new(io::Cursor::new(rest).chain(stream).take(length));
            Ok(Found::Here(Answer { size_bytes, body }))
        }
        Some(200) => Err(invalid("the server doesn't say how long the disk is")),
        Some(301 | 302 | 303 | 307 | 308) => {
            let location = header("location").ok_or_else(|| invalid("the server's answer leads nowhere"))?;
            Ok(Found::Elsewhere(location.to_owned()))
        }
        Some(code @ 500..=599) => Err(failed(&format_args!("it answered {code}"))),
        code => Err(invalid(format!("{} answered {}", url.authority, code.unwrap_or_default()))),
    }
}

/// A connection to a host, at an address that may be asked.
fn connect(url: &Url, is_near: bool) -> DriverResult<TcpStream> {
    let failed = |error: io::Error| DriverError::Retry(format!("{} can't be reached: {error}", url.authority));
    let found = (url.host.as_str(), url.port).to_socket_addrs().map_err(failed)?;
    let open: Vec<_> = found.filter(|address| is_near || is_public(address.ip())).take(ADDRESSES).collect();
    let mut last = invalid(format!("{} has no address on the open internet", url.host));
    for address in open {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
                stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
                return Ok(stream);
            }
            Err(error) => last = failed(error),
        }
    }
    Err(last)
}

/// What the machine trusts.
fn trust() -> DriverResult<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| DriverError::Retry(format!("TLS can't be spoken: {error}")))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// The head of an answer, and what came with it of the body.
fn read_head(from: &mut impl Read) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    let begun = Instant::now();
    loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = head.split_off(end + 4);
            return Ok((head, rest));
        }
        let length = from.read(&mut buffer)?;
        if length == 0 || head.len() > HEAD_BYTES {
            return Err(io::Error::other("its answer is no HTTP"));
        }
        if begun.elapsed() > HEAD_PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        head.extend_from_slice(&buffer[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(url: &str) -> String {
        let watch = Watch { tell: &|_| {}, is_wanted: &|| true };
        match open(url, &BTreeSet::new(), &watch) {
            Err(DriverError::Final(words)) => words,
            Err(error) => panic!("{url}: {error:?}"),
            Ok(_) => panic!("{url} was asked"),
        }
    }

    #[test]
    fn only_the_open_internet_is_asked_and_only_over_tls() {
        for url in
            ["https://127.0.0.1:1/", "https://[::1]/", "https://169.254.169.254/x", "https://10.0.0.1/", "https://0/"]
        {
            assert!(words(url).ends_with("has no address on the open internet"), "{url}");
        }
        for url in ["http://example.com/", "ftp://x", "file:///etc/passwd", "nonsense"] {
            assert!(words(url).contains("over TLS"), "{url}");
        }
        for url in ["https://", "https://a@b/", "https://a\\b/", "https://a b/", "https://[::1/", "https://a:99999/"] {
            assert!(words(url).contains("malformed"), "{url}");
        }
    }

    #[test]
    fn where_an_answer_leads_is_looked_at_as_any_address() {
        let from = parse("https://example.com:8443/a?b#c").unwrap();
        assert_eq!((from.host.as_str(), from.port, from.path.as_str()), ("example.com", 8443, "/a?b"));
        assert_eq!(leads(&from, "/d").unwrap().authority, "example.com:8443");
        assert_eq!(leads(&from, "https://[2001:db8::1]:1/x").unwrap().host, "2001:db8::1");
        for location in ["http://example.com/", "//elsewhere/", "d", "file:///etc/passwd"] {
            assert!(leads(&from, location).is_err(), "{location}");
        }
    }
}
