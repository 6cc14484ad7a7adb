//! A client of our own for the commands: signs a query request, and reads what comes back. One connection a request.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use http::{HeaderMap, HeaderValue};
use landfall_wire::{RequestParts, Tree, read_xml, sigv4};

use crate::credentials::Credentials;
use crate::record::Record;

/// The longest that an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Calls an EC2 action of a running server. The answer's members are below the tree's root.
pub fn ec2(record: &Record, action: &str, parameters: &[(&str, &str)]) -> Result<Tree> {
    query(record, ("ec2", "2016-11-15"), action, parameters)
}

/// Calls an action of the provider's own service.
pub fn own_service(record: &Record, action: &str, parameters: &[(&str, &str)]) -> Result<Tree> {
    query(record, ("landfall", "2026-11-22"), action, parameters)
}

/// The rows of an action of the provider's own service, by the name of their list, of one page after the other.
pub fn own_rows(
    record: &Record,
    action: &str,
    parameters: &[(&str, &str)],
    list: &str,
    mut each: impl FnMut(&Tree),
) -> Result<()> {
    let mut marker: Option<String> = None;
    loop {
        let marked = marker.iter().map(|marker| ("Marker", marker.as_str()));
        let answer = own_service(record, action, &parameters.iter().copied().chain(marked).collect::<Vec<_>>())?;
        rows(&answer, list).iter().for_each(&mut each);
        marker = text(&answer, "Marker");
        if marker.is_none() {
            return Ok(());
        }
    }
}

/// A machine of the cloud.
pub struct Host {
    /// What it is called.
    pub name: String,
    /// `registered`, `connected`, `lost` or `unknown`.
    pub state: String,
    /// The zone that it serves; all of them if none.
    pub zone: Option<String>,
    /// Its address among the hosts.
    pub address: Option<String>,
    /// What runs its guests.
    pub hypervisor: String,
    /// How many instances are on it.
    pub instances: u64,
    /// Whether it takes new ones.
    pub schedulable: bool,
    /// Memory that instances may have, in MiB.
    pub memory_mib: u64,
    /// Memory that they have.
    pub used_memory_mib: u64,
}

/// The machines of the cloud.
pub fn hosts(record: &Record) -> Result<Vec<Host>> {
    let answer = own_service(record, "ListHosts", &[])?;
    let host = |row: &Tree| {
        let number = |name: &str| text(row, name).and_then(|text| text.parse().ok()).unwrap_or(0);
        Host {
            name: text(row, "HostName").unwrap_or_default(),
            state: text(row, "State").unwrap_or_default(),
            zone: text(row, "AvailabilityZone"),
            address: text(row, "UnderlayAddress"),
            hypervisor: text(row, "Hypervisor").unwrap_or_default(),
            instances: number("Instances"),
            schedulable: text(row, "Schedulable").is_some_and(|text| text == "true"),
            memory_mib: number("MemoryMib"),
            used_memory_mib: number("UsedMemoryMib"),
        }
    };
    Ok(rows(&answer, "Hosts").iter().map(host).collect())
}

fn query(record: &Record, (service, version): (&str, &str), action: &str, parameters: &[(&str, &str)]) -> Result<Tree> {
    let mut body = format!("Action={action}&Version={version}");
    for (name, value) in parameters {
        body.push('&');
        body.push_str(name);
        body.push('=');
        escape(&mut body, value);
    }
    let headers = [("content-type", FORM)];
    let (status, answer) = signed(record.listen, &record.credentials, (&record.region, service), &headers, &body)?;
    let tree = read_xml(&answer).with_context(|| format!("{action}: the answer is no XML"))?;
    if status == 200 {
        return Ok(tree);
    }
    let error = find(&tree, "Error");
    let text = |name: &str| error.and_then(|error| find(error, name)).and_then(Tree::as_text).unwrap_or("?");
    bail!("{action}: {} ({})", text("Message"), text("Code"))
}

/// Calls an action of a service that speaks JSON, by its name and what its targets begin with, in a region.
pub fn json(
    record: &Record,
    region: &str,
    (service, target): (&str, &str),
    action: &str,
    body: &str,
) -> Result<Vec<u8>> {
    let target = format!("{target}.{action}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    let (status, answer) = signed(record.listen, &record.credentials, (region, service), &headers, body)?;
    anyhow::ensure!(status == 200, "{action}: {}", String::from_utf8_lossy(&answer));
    Ok(answer)
}

/// The first member of that name, however deep.
pub fn find<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    match tree {
        Tree::Map(fields) => {
            let own = fields.iter().find(|(field, _)| **field == *name).map(|(_, value)| value);
            own.or_else(|| fields.iter().find_map(|(_, value)| find(value, name)))
        }
        Tree::List(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

/// The elements of the first list of that name; none where there is no such list.
pub fn rows<'t>(tree: &'t Tree, name: &str) -> &'t [Tree] {
    match find(tree, name) {
        Some(Tree::List(rows)) => rows,
        _ => &[],
    }
}

/// The text of the first member of that name.
pub fn text(tree: &Tree, name: &str) -> Option<String> {
    find(tree, name).and_then(Tree::as_text).map(str::to_owned)
}

/// What query requests are sent as.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

fn signed(
    at: SocketAddr,
    keys: &Credentials,
    (region, service): (&str, &str),
    more: &[(&'static str, &str)],
    body: &str,
) -> Result<(u16, Vec<u8>)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    let now_ms = i64::try_from(now.as_millis()).context("the clock is far off")?;
    let mut headers = HeaderMap::new();
    let date = sigv4::amz_date(now_ms);
    headers.insert("host", HeaderValue::from_str(&at.to_string())?);
    headers.insert("x-amz-date", HeaderValue::from_str(&date)?);
    for (name, value) in more {
        headers.insert(*name, HeaderValue::from_str(value)?);
    }
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
    let signature =
        sigv4::sign(&parts, body.as_bytes(), &keys.access_key, &keys.secret_key, (region, service), now_ms)?;
    let mut extra = format!("x-amz-date: {date}\r\nauthorization: {signature}\r\n");
    for (name, value) in more {
        extra.push_str(&format!("{name}: {value}\r\n"));
    }
    request(at, "POST", "/", &extra, body.as_bytes())
}

/// Calls one of the server's own paths.
pub fn own(at: SocketAddr, method: &str, path: &str) -> Result<(u16, Vec<u8>)> {
    request(at, method, path, "x-landfall: 1\r\n", b"")
}

fn request(at: SocketAddr, method: &str, path: &str, extra: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&at, TIMEOUT).with_context(|| format!("connecting to {at}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-length: {}\r\n{extra}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("reading the answer of {at}"))?;
    let end =
        answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer has no end of its headers")?;
    let status = std::str::from_utf8(&answer[..end]).ok().and_then(|head| head.split(' ').nth(1)?.parse().ok());
    Ok((status.context("the answer has no status")?, answer.split_off(end + 4)))
}

fn escape(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
