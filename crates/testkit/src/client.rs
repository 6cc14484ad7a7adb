//! Somebody who signs requests and reads the answers, as a tool of AWS's does.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderValue};
use landfall_api::{Gateway, HttpAnswer, HttpRequest};
use landfall_model::{Region, Timestamp};
use landfall_wire::sigv4::SigningKey;
use landfall_wire::{Time, Tree, read_xml};

/// Parameters of a call, by name as the query protocol spells them.
pub type Params = Vec<(String, String)>;

/// Who calls, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The access key's id.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The region.
    pub region: Region,
}

/// A call that didn't go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status. One from 500 up says nothing of whether it was done.
    pub status: u16,
    /// The code.
    pub code: String,
    /// The message.
    pub message: String,
}

impl Refusal {
    /// Whether what was asked for may have been done all the same.
    pub fn is_unknown(&self) -> bool {
        self.status >= 500
    }
}

impl Client {
    /// Calls an EC2 action. The answer is a tree from inside its outermost element.
    pub async fn call(
        &self,
        gateway: &Gateway,
        now: Timestamp,
        action: &str,
        params: &[(String, String)],
    ) -> Result<Tree, Refusal> {
        let mut body = format!("Action={action}&Version=2016-11-15");
        for (name, value) in params {
            body.push_str(&format!("&{}={}", percent(name), percent(value)));
        }
        let answer = self.post(gateway, now, "ec2", body.as_bytes()).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != 200 {
            let part = |open: &str, close: &str| between(&text, open, close).unwrap_or_default().to_owned();
            let (code, message) = (part("<Code>", "</Code>"), part("<Message>", "</Message>"));
            return Err(Refusal { status: answer.status, code, message });
        }
        match read_xml(text.as_bytes()) {
            Ok(Tree::Map(mut members)) if members.len() == 1 => Ok(members.remove(0).1),
            other => panic!("the answer to {action} is not one element: {other:?}"),
        }
    }

    /// Signs a body and sends it to a service.
    pub async fn post(&self, gateway: &Gateway, now: Timestamp, service: &str, body: &[u8]) -> HttpAnswer {
        let host = format!("{service}.{}.amazonaws.com", self.region);
        let iso = Time(now.0).to_string();
        let stamp: String = iso[..19].chars().filter(|c| !"-:".contains(*c)).chain(['Z']).collect();
        let date = &stamp[..8];
        let scope = format!("{date}/{}/{service}/aws4_request", self.region);
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        let signed = "content-type;host;x-amz-date";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:{stamp}\n\n{signed}\n{}",
            sha256(body)
        );
        let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let key = SigningKey::derive(&self.secret, date, self.region.name(), service);
        let signature = hex(&key.sign(to_sign.as_bytes()));
        let credential = format!("{}/{scope}", self.access_key);
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}");
        let mut headers = HeaderMap::new();
        let all = [
            ("content-type", content_type),
            ("host", &host),
            ("x-amz-date", &stamp),
            ("authorization", &authorization),
        ];
        for (name, value) in all {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        let request = HttpRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body,
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            secure: false,
            tls: None,
            origin: None,
        };
        gateway.handle(request).await
    }
}

/// Parameters from pairs of anything that is text.
pub fn params<K: ToString, V: ToString>(pairs: impl IntoIterator<Item = (K, V)>) -> Params {
    pairs.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The text at a path of names such as `instance.instanceId`.
pub fn text<'t>(tree: &'t Tree, path: &str) -> Option<&'t str> {
    path.split('.').try_fold(tree, |tree, name| tree.field(name))?.as_text()
}

/// The elements of the list of that name: none where it is empty or absent.
pub fn list<'t>(tree: &'t Tree, name: &str) -> &'t [Tree] {
    match tree.field(name) {
        Some(Tree::List(list)) => list,
        _ => &[],
    }
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

fn percent(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn sha256(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
