//! The text of a record.

use landfall_model::{AccountId, Region, Timestamp};
use landfall_state::BulkEntry;
use landfall_wire::{Record as Form, write_json_string, write_record};
use serde::Serialize;

use super::identity::{self, second, user_name};
use super::mask::mask;
use super::{Keys, PART_BYTES, Record, TEXT_BYTES, is_read_only, resources};
use crate::authorise::Caller;
use crate::error::ApiError;
use crate::operation::Action;

/// In which account's events a record is.
pub(super) struct Copy {
    /// Whose events they are.
    pub(super) recipient: AccountId,
    /// Whether other accounts have the same event.
    pub(super) is_shared: bool,
}

/// What stands for a part that is too large.
pub(super) fn omitted(part: &str, size_bytes: usize) -> String {
    format!(r#"{{"omitted":true,"originalSize":{size_bytes},"reason":"{part} too large"}}"#)
}

/// An answer as JSON: `null` where it says nothing.
pub(super) fn answer<T: Serialize + ?Sized>(action: Action, output: &T, request_id: &str) -> String {
    let mut out = Vec::with_capacity(512);
    let is_ec2 = action.service == "ec2";
    let hide = |name: &str| mask(action.service, name);
    let written = write_record(&mut out, Form { is_ec2, mask: &hide }, output);
    let has_any = match written {
        Ok(has_any) => has_any,
        Err(error) => {
            tracing::error!(%error, action = action.name, "an answer can't be recorded");
            return "null".into();
        }
    };
    if is_ec2 {
        // EC2 tells the request's id among the rest.
        let id = format!(r#""requestId":"{request_id}"{}"#, if has_any { "," } else { "" });
        out.splice(1..1, id.into_bytes());
    } else if !has_any {
        return "null".into();
    }
    if out.len() > PART_BYTES {
        return omitted("responseElements", out.len());
    }
    String::from_utf8(out).unwrap_or_default()
}

/// The record of a call for one account, with what it is found by.
pub(super) fn entry(
    record: &Record<'_>,
    caller: &Caller,
    error: Option<&ApiError>,
    time_ms: i64,
    copy: &Copy,
) -> BulkEntry {
    let action = record.operation.map(|operation| (operation.action, operation.shape));
    let read_only = action.is_some_and(|(action, shape)| is_read_only(action, shape));
    let region = record.region.unwrap_or(Region::DEFAULT);
    let parameters = if record.parameters.is_empty() { "null" } else { record.parameters.as_str() };
    let answer = record.answer.get().filter(|_| error.is_none()).map_or("null", String::as_str);
    let source = source(&record.service);
    let recipient = copy.recipient.to_string();
    let mut out = Text(Vec::with_capacity(1_024 + parameters.len() + answer.len()));
    out.raw(r#"{"eventVersion":"1.11","userIdentity":"#);
    if copy.recipient == caller.principal.account {
        identity::write(&mut out.0, caller);
    } else {
        identity::write_foreign(&mut out.0, caller);
    }
    out.text("eventTime", &second(Timestamp(time_ms)));
    out.text("eventSource", &source);
    out.text("eventName", &record.name);
    out.text("awsRegion", region.name());
    out.text("sourceIPAddress", &caller.source.to_string());
    let agent = record.request.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
    if let Some(agent) = agent {
        out.text("userAgent", bounded(agent));
    }
    if let Some(error) = error {
        out.text("errorCode", &error_code(&record.service, error));
        out.text("errorMessage", bounded(&error.message));
    }
    out.json("requestParameters", parameters);
    out.json("responseElements", answer);
    if let Some(origin) = caller.origin.filter(|origin| origin.endpoint.is_none()) {
        out.raw(&format!(r#","additionalEventData":{{"vpcId":"{}"}}"#, origin.vpc));
    }
    out.text("requestID", &record.request_id);
    out.text("eventID", &event_id(&record.request_id, time_ms, &recipient));
    out.json("readOnly", if read_only { "true" } else { "false" });
    write_owned(&mut out, record);
    out.raw(r#","eventType":"AwsApiCall","managementEvent":true"#);
    out.text("recipientAccountId", &recipient);
    if copy.is_shared {
        out.text("sharedEventID", &event_id(&record.request_id, time_ms, "shared"));
    }
    if let Some(endpoint) = caller.origin.and_then(|origin| origin.endpoint) {
        out.text("vpcEndpointId", &endpoint.to_string());
    }
    out.raw(r#","eventCategory":"Management""#);
    if caller.secure {
        let host = record.request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        out.raw(r#","tlsDetails":{"#);
        if let Some(tls) = record.request.tls {
            out.raw(&format!(r#""tlsVersion":"{}","cipherSuite":"{}","#, tls.version, tls.cipher));
        }
        out.raw(r#""clientProvidedHostHeader":"#);
        write_json_string(&mut out.0, bounded(host));
        out.raw("}");
    }
    out.raw("}");
    let mut keys = Keys::of(&recipient, region);
    keys.add("EventName", &record.name);
    keys.add("EventSource", &source);
    keys.add("ReadOnly", if read_only { "true" } else { "false" });
    if copy.recipient == caller.principal.account {
        keys.add("Username", user_name(caller));
        keys.add("AccessKeyId", &caller.access_key);
    }
    // What only looks tells what it gave out, if anything: whose role was taken.
    if !read_only || answer != "null" {
        for resource in resources(&record.service, &[parameters, answer]) {
            keys.add("ResourceType", resource.kind);
            keys.add("ResourceName", &resource.name);
        }
    }
    keys.file(out, time_ms)
}

/// The resources whose owners were asked.
fn write_owned(out: &mut Text, record: &Record<'_>) {
    let owned = record.owned();
    let kind = match record.service.as_str() {
        "sts" => "AWS::IAM::Role",
        "kms" => "AWS::KMS::Key",
        "secretsmanager" => "AWS::SecretsManager::Secret",
        _ => return,
    };
    if owned.is_empty() {
        return;
    }
    out.raw(r#","resources":["#);
    for (number, (arn, owner)) in owned.iter().enumerate() {
        out.raw(if number == 0 { r#"{"accountId":"# } else { r#",{"accountId":"# });
        write_json_string(&mut out.0, owner);
        out.text("type", kind);
        out.text("ARN", arn);
        out.raw("}");
    }
    out.raw("]");
}

/// Members that are being written, after the first.
pub(super) struct Text(pub(super) Vec<u8>);

impl Text {
    pub(super) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.json(name, "");
        write_json_string(&mut self.0, value);
    }

    pub(super) fn json(&mut self, name: &str, value: &str) {
        for part in [",\"", name, "\":", value] {
            self.raw(part);
        }
    }
}

/// The service's name in events. Those that sign under another name than their own are none of ours.
pub(super) fn source(service: &str) -> String {
    [service, ".amazonaws.com"].concat()
}

/// The code of an error as events have it: EC2's say whose fault it is, IAM's and STS's are the names of exceptions.
fn error_code(service: &str, error: &ApiError) -> String {
    const EXCEPTIONS: [&str; 8] = [
        "DeleteConflict",
        "EntityAlreadyExists",
        "InvalidInput",
        "LimitExceeded",
        "MalformedPolicyDocument",
        "NoSuchEntity",
        "PasswordPolicyViolation",
        "UnmodifiableEntity",
    ];
    match service {
        "ec2" => format!("{}.{}", if error.status < 500 { "Client" } else { "Server" }, error.code),
        "iam" if EXCEPTIONS.contains(&error.code.as_ref()) => format!("{}Exception", error.code),
        _ => error.code.to_string(),
    }
}

/// As much of a text as a record has room for.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The event's id: a UUID of version 7 (RFC 9562), which tells the time, so that an event is found by its id alone.
pub(super) fn event_id(request_id: &str, time_ms: i64, whose: &str) -> String {
    // Both parts are as random as the request's id, and differ from account to account.
    let bits = landfall_state::bulk_key(&[request_id, whose]);
    let more = landfall_state::bulk_key(&[whose, request_id]);
    crate::uuid::timed(time_ms, u128::from(bits >> 52) << 64 | u128::from(more >> 2))
}

/// When the event of that id was recorded; `None` where it is no id of an event.
pub fn time_of(event_id: &str) -> Option<i64> {
    let digits: String = event_id.chars().filter(|c| *c != '-').collect();
    let is_id = event_id.len() == 36 && digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| i64::from_str_radix(&digits[..12], 16).ok()).flatten()
}

/// Reads a moment that a record tells, in milliseconds since 1970.
pub fn parse_time(text: &str) -> Option<i64> {
    landfall_wire::Time::parse(text).ok().map(|time| time.0)
}
