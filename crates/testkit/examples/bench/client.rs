//! A client that costs next to nothing: requests are signed before the clock runs, connections are raw and kept, and one
//! thread drives all of them in turn. What is measured is then the server, on whatever the client leaves of the machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue};
use landfall_wire::{RequestParts, sigv4};

use crate::Outcome;

/// The access key that all servers here know.
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret.
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// The region that requests are for.
pub const REGION: &str = "us-east-1";

/// The longest that an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A signed request for an EC2 action, with its parameters as they go over the wire.
pub fn ec2(at: SocketAddr, action: &str, parameters: &str) -> Outcome<Vec<u8>> {
    signed(at, REGION, "ec2", &format!("Action={action}&Version=2016-11-15{parameters}"))
}

/// Who signs a request.
#[derive(Clone, Copy)]
pub struct Signer<'k> {
    /// The access key.
    pub access_key: &'k str,
    /// Its secret.
    pub secret_key: &'k str,
}

/// The one that all servers here know.
pub const ROOT: Signer<'static> = Signer { access_key: ACCESS_KEY, secret_key: SECRET_KEY };

/// A signed request of a service.
pub fn signed(at: SocketAddr, region: &str, service: &str, body: &str) -> Outcome<Vec<u8>> {
    signed_by(&ROOT, at, (region, service), body)
}

/// The same of somebody's.
pub fn signed_by(signer: &Signer<'_>, at: SocketAddr, (region, service): (&str, &str), body: &str) -> Outcome<Vec<u8>> {
    let now_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let (host, date) = (at.to_string(), sigv4::amz_date(now_ms));
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_str(&host)?);
    headers.insert("x-amz-date", HeaderValue::from_str(&date)?);
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
    let signature =
        sigv4::sign(&parts, body.as_bytes(), signer.access_key, signer.secret_key, (region, service), now_ms)?;
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\nx-amz-date: {date}\r\nauthorization: {signature}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    );
    Ok([head.as_bytes(), body.as_bytes()].concat())
}

/// A plain request of a path of the server's own.
pub fn own(at: SocketAddr, method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: {at}\r\nx-landfall: 1\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// A connection, which is made again where the server closes it after each answer.
pub struct Connection {
    at: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// Room for one read: an answer of a thousand instances comes in few of them.
const CHUNK: usize = 256 * 1024;

impl Connection {
    /// A connection to be made with the first request.
    pub fn new(at: SocketAddr) -> Self {
        Self { at, stream: None, buffer: vec![0; CHUNK] }
    }

    /// Sends a request and reads its answer: the status and the body.
    pub fn call(&mut self, request: &[u8]) -> Outcome<(u16, &[u8])> {
        self.send(request)?;
        self.receive()
    }

    fn send(&mut self, request: &[u8]) -> Outcome<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.at)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream
            }
        };
        stream.write_all(request)?;
        self.stream = Some(stream);
        Ok(())
    }

    fn receive(&mut self) -> Outcome<(u16, &[u8])> {
        let stream = self.stream.as_mut().ok_or("nothing was sent")?;
        let mut filled = 0;
        let mut head: Option<Head> = None;
        loop {
            if let Some(length) = head.as_ref().and_then(|head| head.total)
                && filled >= length
            {
                break;
            }
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = stream.read(&mut self.buffer[filled..])?;
            filled += read;
            if head.is_none() {
                head = Head::parse(&self.buffer[..filled]);
            }
            if read == 0 {
                break;
            }
        }
        let head = head.ok_or("the server closed the connection without an answer")?;
        if head.closes {
            self.stream = None;
        }
        Ok((head.status, &self.buffer[head.body..filled]))
    }
}

struct Head {
    status: u16,
    body: usize,
    /// Bytes of the whole answer; not known where it ends with the connection.
    total: Option<usize>,
    closes: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let body = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let text = std::str::from_utf8(&bytes[..body]).ok()?;
        let mut lines = text.split("\r\n");
        let first = lines.next()?;
        let status = first.split(' ').nth(1)?.parse().ok()?;
        let value = |name: &str| {
            let mut lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let total = value("content-length").and_then(|length| length.parse::<usize>().ok()).map(|length| body + length);
        let closes = first.starts_with("HTTP/1.0") || value("connection").is_some_and(|word| word == "close");
        Some(Self { status, body, total, closes })
    }
}

/// Calls that were answered, and how long they took together.
#[derive(Clone, Copy)]
pub struct Spell {
    /// How many.
    pub calls: usize,
    /// From the first request to the last answer.
    pub took: Duration,
}

impl Spell {
    /// Calls a second.
    pub fn rate(self) -> f64 {
        self.calls as f64 / self.took.as_secs_f64()
    }
}

/// Sends requests, `width` of them at a time, until they are used up or the time is over; `again` starts over with the
/// first one. Any answer but 200 ends it.
pub fn spell(at: SocketAddr, requests: &[Vec<u8>], width: usize, time: Duration, again: bool) -> Outcome<Spell> {
    let mut connections: Vec<_> = (0..width).map(|_| Connection::new(at)).collect();
    let (mut sent, mut calls) = (0, 0);
    let began = Instant::now();
    let mut send = |connection: &mut Connection| -> Outcome<bool> {
        if (sent >= requests.len() && !again) || began.elapsed() > time {
            return Ok(false);
        }
        connection.send(&requests[sent % requests.len()])?;
        sent += 1;
        Ok(true)
    };
    let mut under_way = 0;
    for connection in &mut connections {
        under_way += usize::from(send(connection)?);
    }
    // Answers are taken in the order of the requests: none waits for long, since all requests are alike.
    while under_way > 0 {
        let connection = &mut connections[calls % width];
        let (status, body) = connection.receive()?;
        if status != 200 {
            return Err(format!("{at} answered {status}: {}", String::from_utf8_lossy(body)).into());
        }
        calls += 1;
        under_way -= 1;
        under_way += usize::from(send(connection)?);
    }
    Ok(Spell { calls, took: began.elapsed() })
}
