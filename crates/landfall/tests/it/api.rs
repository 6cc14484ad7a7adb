//! A client of the control plane, signed as any is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue};
use landfall_wire::{RequestParts, Tree, read_xml, sigv4};

/// Who calls, and where.
pub struct Api {
    pub at: SocketAddr,
    pub access_key: String,
    pub secret_key: String,
    /// The namespace that it is called from, if not the test's own.
    pub from: Option<String>,
}

impl Api {
    /// Calls an action of EC2. The error is AWS's code.
    pub fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Tree, String> {
        let mut body = format!("Action={action}&Version=2016-11-15");
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={}", value.replace('/', "%2F").replace(':', "%3A")));
        }
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let date = sigv4::amz_date(now_ms);
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&self.at.to_string()).unwrap());
        headers.insert("x-amz-date", HeaderValue::from_str(&date).unwrap());
        let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
        let (key, secret) = (&self.access_key, &self.secret_key);
        let signature = sigv4::sign(&parts, body.as_bytes(), key, secret, ("us-east-1", "ec2"), now_ms).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-date: {date}\r\nauthorization: {signature}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.at,
            body.len()
        );
        let connect = || TcpStream::connect_timeout(&self.at, Duration::from_secs(60));
        let stream = match &self.from {
            Some(name) => landfall_node::network::namespace::within(name, connect),
            None => connect(),
        };
        let mut stream = stream.map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(head.as_bytes()).map_err(|error| error.to_string())?;
        stream.write_all(body.as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")?;
        let tree = read_xml(&answer[end + 4..]).map_err(|error| error.to_string())?;
        if answer.starts_with(b"HTTP/1.1 200") { Ok(tree) } else { Err(text(&tree, "Code")) }
    }

    /// The same where it must go through.
    pub fn ok(&self, action: &str, parameters: &[(&str, &str)]) -> Tree {
        self.call(action, parameters).unwrap_or_else(|code| panic!("{action}: {code}"))
    }
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

/// The text of the first member of that name.
pub fn text(tree: &Tree, name: &str) -> String {
    find(tree, name).and_then(Tree::as_text).unwrap_or_default().to_owned()
}
