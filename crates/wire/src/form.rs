//! The form in which a client reads an error: that of the protocol it speaks, also where nobody answers in that protocol.
//!
//! A client of a service that isn't there must still be able to read that it isn't: an error in another protocol's
//! envelope shows as the bare number of its status.

use crate::envelope::{ErrorBody, error_body};
use crate::protocol::{Protocol, RequestParts, detect};

/// What a request's sender expects an error to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// As that protocol has it.
    Spoken(Protocol),
    /// REST-JSON of a service that isn't there: as JSON, whatever the path.
    RestJson,
    /// REST-XML of the services beside S3: CloudFront, Route 53.
    RestXml,
    /// RPC-v2-CBOR.
    Cbor,
}

/// The services that speak REST-XML, but for S3, by their signing names. Source: botocore's models.
const REST_XML: [&str; 5] = ["cloudfront", "route53", "s3-object-lambda", "s3-outposts", "s3express"];

impl Default for Form {
    fn default() -> Self {
        Self::Spoken(Protocol::Ec2Query)
    }
}

impl Form {
    /// The form for a request to that service, where its signature says which.
    pub fn of(parts: &RequestParts<'_>, service: Option<&str>) -> Self {
        if parts.sole_header("smithy-protocol") == Some("rpc-v2-cbor") {
            return Self::Cbor;
        }
        if let Some(protocol) = service.map(Protocol::of_service).filter(|protocol| protocol.has_paths()) {
            return Self::Spoken(protocol);
        }
        let media = parts.media().to_ascii_lowercase();
        match media.as_str() {
            "application/x-amz-json-1.0" => return Self::Spoken(Protocol::Json10),
            "application/x-amz-json-1.1" => return Self::Spoken(Protocol::Json11),
            "application/json" => return Self::RestJson,
            _ => {}
        }
        let Some(service) = service else {
            return Self::Spoken(detect(parts, "ec2").unwrap_or(Protocol::Ec2Query));
        };
        if REST_XML.contains(&service) {
            return Self::RestXml;
        }
        let protocol = Protocol::of_service(service);
        if protocol.is_typed() {
            return Self::Spoken(protocol);
        }
        let is_query = media == "application/x-www-form-urlencoded"
            || matches!(service, "ec2" | "sts" | "iam")
            || parts.query.split('&').any(|pair| pair.starts_with("Action="));
        if is_query { Self::Spoken(protocol) } else { Self::RestJson }
    }

    /// The protocol whose codes and words for common errors this form shares.
    pub fn terms(self) -> Protocol {
        match self {
            Self::Spoken(protocol) => protocol,
            Self::RestJson | Self::Cbor => Protocol::Json11,
            Self::RestXml => Protocol::Query,
        }
    }

    /// Writes an error. `sender_fault` tells whether it is the client's (4xx) or ours (5xx). Its further
    /// members are those that some services have beside the code.
    pub fn error_body(
        self,
        code: &str,
        message: &str,
        members: &[(&str, &str)],
        sender_fault: bool,
        request_id: &str,
    ) -> ErrorBody {
        let mut written = error_body(self.terms(), code, message, members, sender_fault, request_id);
        match self {
            Self::Spoken(_) => {}
            Self::RestJson => written.content_type = "application/json",
            Self::RestXml => written.content_type = "application/xml",
            Self::Cbor => {
                written.content_type = "application/cbor";
                written.headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
                written.body = cbor_error(code, message);
            }
        }
        written
    }
}

/// A map of two texts. Source: RFC 8949, sections 3.1 and 4.2.1.
fn cbor_error(code: &str, message: &str) -> Vec<u8> {
    let mut out = vec![0xa2];
    for text in ["__type", code, "message", message] {
        match text.len() {
            short @ 0..24 => out.push(0x60 | u8::try_from(short).unwrap_or_default()),
            long => {
                out.push(0x7a);
                out.extend_from_slice(&u32::try_from(long).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn form(method: &str, query: &str, headers: &[(&'static str, &'static str)], service: Option<&str>) -> Form {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect();
        Form::of(&RequestParts { method, path: "/", query, headers: &headers }, service)
    }

    #[test]
    fn every_client_reads_errors_in_its_own_form() {
        let urlencoded = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let json = ("content-type", "application/json");
        let cbor = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
        let amz_json = ("content-type", "application/x-amz-json-1.0");
        assert_eq!(form("POST", "", &[urlencoded], Some("ec2")), Form::Spoken(Protocol::Ec2Query));
        assert_eq!(form("POST", "", &[urlencoded], Some("rds")), Form::Spoken(Protocol::Query));
        assert_eq!(form("GET", "Action=ListUsers", &[], Some("iam")), Form::Spoken(Protocol::Query));
        assert_eq!(form("GET", "", &[], Some("iam")), Form::Spoken(Protocol::Query));
        assert_eq!(form("POST", "", &[json], Some("lambda")), Form::RestJson);
        assert_eq!(form("GET", "", &[], Some("lambda")), Form::RestJson);
        assert_eq!(form("GET", "", &[], Some("s3")), Form::Spoken(Protocol::RestXml));
        assert_eq!(form("PUT", "", &[json], Some("s3")), Form::Spoken(Protocol::RestXml));
        assert_eq!(form("GET", "", &[], Some("ebs")), Form::Spoken(Protocol::RestJson));
        assert_eq!(form("PUT", "", &[urlencoded], Some("ebs")), Form::Spoken(Protocol::RestJson));
        assert_eq!(form("GET", "", &[], Some("route53")), Form::RestXml);
        assert_eq!(form("POST", "", &[], Some("kms")), Form::Spoken(Protocol::Json11));
        assert_eq!(form("POST", "", &cbor, Some("monitoring")), Form::Cbor);
        assert_eq!(form("POST", "", &[amz_json], Some("dynamodb")), Form::Spoken(Protocol::Json10));
        assert_eq!(form("POST", "", &[json], None), Form::RestJson);
        assert_eq!(form("POST", "", &[], None), Form::Spoken(Protocol::Ec2Query));
    }

    #[test]
    fn an_error_in_cbor_is_a_map_of_two_texts() {
        let error = Form::Cbor.error_body("Code", &"m".repeat(300), &[], true, "r");
        assert_eq!(&error.body[..17], b"\xa2\x66__type\x64Code\x67mes");
        assert_eq!(&error.body[20..27], b"e\x7a\x00\x00\x01\x2cm"[..7].as_ref());
        assert_eq!(error.body.len(), 326);
        assert_eq!(error.content_type, "application/cbor");
    }

    #[test]
    fn an_error_in_json_names_its_code_in_the_body_and_in_a_header() {
        let error = Form::RestJson.error_body("Code", "words", &[], true, "r");
        assert_eq!(error.body, br#"{"__type":"Code","message":"words"}"#);
        assert!(error.headers.contains(&("x-amzn-errortype", "Code".to_owned())));
        assert_eq!(error.content_type, "application/json");
        let error = Form::Spoken(Protocol::RestJson).error_body("Code", "words", &[("Reason", "WORD")], true, "r");
        assert_eq!(error.body, br#"{"__type":"Code","Message":"words","Reason":"WORD"}"#);
        assert_eq!(error.content_type, "application/json");
    }
}
