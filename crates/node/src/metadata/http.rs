//! The instance metadata service's answers: a pure function of who asks, what, and when.
//!
//! Behaviour after AWS's user guide, "Use the Instance Metadata Service to access instance metadata": version 2 with
//! session tokens always, version 1 unless the instance's options require tokens, every folder readable with and without
//! its final slash. A connection carries one request, as EC2's does: that bounds what a guest can hold open.

use super::directory::Caller;
use super::role::Asking;
use super::token::{MAX_TTL_SECONDS, SinceBoot, TokenKey};
use super::tree::{self, Entry, VERSIONS};

/// The largest head of a request, in bytes.
pub const MAX_HEAD_BYTES: usize = 8192;
const MAX_HEADERS: usize = 64;

/// A request, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target as it was sent.
    pub path: String,
    /// `X-aws-ec2-metadata-token`.
    pub token: Option<String>,
    /// `X-aws-ec2-metadata-token-ttl-seconds`.
    pub ttl_seconds: Option<String>,
    /// Whether `X-Forwarded-For` is there: it came through a proxy that was talked into it.
    pub forwarded: bool,
}

/// What the first bytes of a connection are.
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    /// Not yet a whole head.
    Partial,
    /// No request, or too large a one.
    Malformed,
    /// A request.
    Whole(Request),
}

/// Reads the head of a request.
pub fn parse(bytes: &[u8]) -> Head {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD_BYTES => return Head::Partial,
        Ok(httparse::Status::Partial) | Err(_) => return Head::Malformed,
    }
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    for header in parsed.headers.iter() {
        let value = || Some(String::from_utf8_lossy(header.value).trim().to_owned());
        if header.name.eq_ignore_ascii_case("x-aws-ec2-metadata-token") {
            request.token = value();
        } else if header.name.eq_ignore_ascii_case("x-aws-ec2-metadata-token-ttl-seconds") {
            request.ttl_seconds = value();
        } else if header.name.eq_ignore_ascii_case("x-forwarded-for") {
            request.forwarded = true;
        }
    }
    Head::Whole(request)
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// Headers besides those that every answer has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The time to live of the packets that carry it, where it must not travel far.
    pub hop_limit: Option<u8>,
    /// Whether the body is left away because only the head was asked for.
    pub head_only: bool,
}

const TTL_HEADER: &str = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds";

impl Response {
    fn of(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, headers: vec![], body, hop_limit: None, head_only: false }
    }

    /// A page that says only its status, in EC2's words.
    pub fn status(status: u16) -> Self {
        let title = format!("{status} - {}", reason(status));
        let page = format!(
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
             <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\
             \t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
             <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n \
             <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
        );
        Self::of(status, "text/html", page.into_bytes())
    }

    fn not_allowed(allow: &str) -> Self {
        Self { headers: vec![("Allow", allow.to_owned())], ..Self::of(405, "text/plain", vec![]) }
    }

    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nAccept-Ranges: none\r\nContent-Length: {}\r\nServer: EC2ws\r\nConnection: close\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if !self.head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        _ => "Service Unavailable",
    }
}

/// Answers a guest.
pub fn answer(caller: &Caller<'_>, request: &Request, key: &TokenKey, now: SinceBoot) -> Response {
    let options = &caller.instance.metadata.options;
    if !options.enabled {
        return Response::status(403);
    }
    let Some(path) = Path::parse(&request.path) else { return Response::status(400) };
    if path.is_token() {
        return match request.method.as_str() {
            "PUT" => issue(caller, request, key, now),
            "OPTIONS" => {
                Response { headers: vec![("Allow", TOKEN_METHODS.into())], ..Response::of(200, "text/plain", vec![]) }
            }
            _ => Response::not_allowed(TOKEN_METHODS),
        };
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Response::not_allowed("GET, HEAD");
    }
    let left = match &request.token {
        Some(token) => match key.remaining_seconds(caller.id, now, token) {
            Some(left) => Some(left),
            None => return Response::status(401),
        },
        None if options.tokens_required => return Response::status(401),
        None => None,
    };
    let asking = if left.is_some() { Asking::WithToken } else { Asking::Plainly };
    let mut response = read(caller, &path, asking);
    response.headers.extend(left.map(|left| (TTL_HEADER, left.to_string())));
    response.head_only = request.method == "HEAD";
    response
}

const TOKEN_METHODS: &str = "OPTIONS, PUT";

fn issue(caller: &Caller<'_>, request: &Request, key: &TokenKey, now: SinceBoot) -> Response {
    if request.forwarded {
        return Response::status(403);
    }
    let ttl = request.ttl_seconds.as_deref().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let ttl = ttl.and_then(|text| text.parse().ok()).filter(|ttl| (1..=MAX_TTL_SECONDS).contains(ttl));
    let Some(ttl) = ttl else { return Response::status(400) };
    Response {
        headers: vec![(TTL_HEADER, ttl.to_string())],
        hop_limit: Some(caller.instance.metadata.options.hop_limit.clamp(1, 64)),
        ..Response::of(200, "text/plain", key.issue(caller.id, now, ttl).into_bytes())
    }
}

fn read(caller: &Caller<'_>, path: &Path, asking: Asking) -> Response {
    let text = |text: String| Response::of(200, "text/plain", text.into_bytes());
    let Some((version, rest)) = path.segments.split_first() else { return text(VERSIONS.join("\n")) };
    if !VERSIONS.contains(&version.as_str()) {
        return Response::status(404);
    }
    match tree::tree(caller, asking).find(rest) {
        Some(Entry::Folder(folder)) => text(folder.listing()),
        Some(_) if path.slash => Response::status(404),
        Some(Entry::Text(leaf)) => text(leaf),
        Some(Entry::Bytes(bytes)) => Response::of(200, "application/octet-stream", bytes),
        None => Response::status(404),
    }
}

/// A target taken apart. Empty segments are passed over, the query is ignored, as EC2 does.
struct Path {
    segments: Vec<String>,
    slash: bool,
}

impl Path {
    fn parse(target: &str) -> Option<Self> {
        // A client that believes in proxies sends the whole address.
        let target = target.strip_prefix("http://").map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
        let path = target.split(['?', '#']).next().filter(|path| path.starts_with('/'))?;
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(unescape).collect::<Option<_>>()?;
        Some(Self { segments, slash: path.ends_with('/') })
    }

    fn is_token(&self) -> bool {
        matches!(self.segments.as_slice(), [version, api, token]
            if VERSIONS.contains(&version.as_str()) && api == "api" && token == "token")
    }
}

fn unescape(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok().filter(|digits| !digits.starts_with('+'))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
