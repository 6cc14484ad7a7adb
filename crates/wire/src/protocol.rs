//! Which protocol a request speaks, and the parts of a request that this crate looks at.

use http::HeaderMap;

use crate::Refusal;

/// A wire protocol of AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// EC2's own form of the query protocol: flat lists in, `item` lists out.
    Ec2Query,
    /// The query protocol of IAM, STS and others: `member` lists both ways.
    Query,
    /// JSON over one address with an `X-Amz-Target` header, version 1.0.
    Json10,
    /// The same, version 1.1.
    Json11,
    /// REST-XML as S3 speaks it: the method and the path name the operation.
    RestXml,
    /// REST-JSON: the method and the path name the operation.
    RestJson,
}

impl Protocol {
    /// Whether all leaves come with types (JSON), or some or all as text (query, and what stands in a path).
    pub fn is_typed(self) -> bool {
        matches!(self, Self::Json10 | Self::Json11)
    }

    /// Whether answers and errors are JSON.
    pub fn is_json(self) -> bool {
        self.is_typed() || self == Self::RestJson
    }

    /// Whether the method and the path name the operation; otherwise everything goes to `/`.
    pub fn has_paths(self) -> bool {
        matches!(self, Self::RestXml | Self::RestJson)
    }

    /// The protocol in which a service hears about an error when its request doesn't tell one.
    pub fn of_service(service: &str) -> Self {
        match service {
            "ec2" => Self::Ec2Query,
            "cloudtrail" | "kms" | "secretsmanager" | "ssm" => Self::Json11,
            "dlm" | "ebs" | "elasticfilesystem" => Self::RestJson,
            "s3" => Self::RestXml,
            _ => Self::Query,
        }
    }

    /// The content type of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Ec2Query => "text/xml;charset=UTF-8",
            Self::Query => "text/xml",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::RestXml => "application/xml",
            Self::RestJson => "application/json",
        }
    }
}

/// A request without its body, as it came over the wire: nothing decoded, nothing normalised.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path with its percent-escapes, such as `/`.
    pub path: &'a str,
    /// The query string without its question mark, empty where there is none.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
}

impl<'a> RequestParts<'a> {
    /// The one value of a header. `None` where it is absent, repeated or not plain ASCII.
    pub(crate) fn sole_header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        if values.next().is_some() {
            return None;
        }
        first.to_str().ok()
    }

    /// The content type without its parameters, empty where there is none.
    pub(crate) fn media(&self) -> &'a str {
        self.sole_header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
    }

    /// The value of `X-Amz-Target`, which [`crate::decode_json`] wants.
    pub fn target(&self) -> Option<&'a str> {
        self.sole_header("x-amz-target")
    }
}

/// A request whose protocol can't be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// The content type belongs to no protocol that is spoken here.
    #[error("the content type {0} is not supported")]
    UnsupportedContentType(String),
    /// A JSON request without a target names no operation.
    #[error("the header X-Amz-Target is missing")]
    MissingTarget,
}

impl DetectError {
    /// What the client is told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::UnsupportedContentType(_) => Refusal::new("UnsupportedProtocol", self.to_string()),
            Self::MissingTarget => Refusal::new("UnknownOperationException", self.to_string()),
        }
    }
}

/// Tells the protocol of a request for `service`, the service of its credential scope.
///
/// JSON is told by its content type or target, everything in form encoding is the service's query protocol. What goes to
/// a path may have any content type: it may be that of an object.
///
/// # Errors
/// When the content type belongs to neither, or a JSON request names no operation.
pub fn detect(parts: &RequestParts<'_>, service: &str) -> Result<Protocol, DetectError> {
    let protocol = Protocol::of_service(service);
    if protocol.has_paths() {
        return Ok(protocol);
    }
    let media = parts.media();
    if media.eq_ignore_ascii_case("application/x-amz-json-1.1")
        || media.eq_ignore_ascii_case("application/x-amz-json-1.0")
    {
        parts.target().ok_or(DetectError::MissingTarget)?;
        return Ok(if media.ends_with('0') { Protocol::Json10 } else { Protocol::Json11 });
    }
    let is_get = parts.method.eq_ignore_ascii_case("GET");
    if media.eq_ignore_ascii_case("application/x-www-form-urlencoded") || media.is_empty() || is_get {
        if protocol.is_typed() {
            parts.target().ok_or(DetectError::MissingTarget)?;
        }
        return Ok(protocol);
    }
    Err(DetectError::UnsupportedContentType(media.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(headers: &[(&'static str, &'static str)], service: &str) -> Result<Protocol, DetectError> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(k, v)| (http::HeaderName::from_static(k), http::HeaderValue::from_static(v)))
            .collect();
        detect(&RequestParts { method: "POST", path: "/", query: "", headers: &headers }, service)
    }

    #[test]
    fn the_content_type_and_the_service_tell() {
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(detected(&[form], "ec2"), Ok(Protocol::Ec2Query));
        assert_eq!(detected(&[form], "sts"), Ok(Protocol::Query));
        assert_eq!(detected(&[], "ec2"), Ok(Protocol::Ec2Query));
        let target = ("x-amz-target", "TrentService.ListKeys");
        assert_eq!(detected(&[target, ("content-type", "application/x-amz-json-1.1")], "kms"), Ok(Protocol::Json11));
        assert_eq!(detected(&[target, ("content-type", "Application/X-Amz-Json-1.0")], "kms"), Ok(Protocol::Json10));
        assert_eq!(detected(&[("content-type", "application/x-amz-json-1.1")], "kms"), Err(DetectError::MissingTarget));
        assert_eq!(detected(&[form], "kms"), Err(DetectError::MissingTarget));
        assert_eq!(detected(&[("content-type", "text/html")], "s3"), Ok(Protocol::RestXml));
        assert_eq!(detected(&[("content-type", "application/octet-stream")], "ebs"), Ok(Protocol::RestJson));
        assert_eq!(
            detected(&[("content-type", "text/html")], "ec2"),
            Err(DetectError::UnsupportedContentType("text/html".to_owned()))
        );
    }
}
