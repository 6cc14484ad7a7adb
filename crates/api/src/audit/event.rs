//! The text of a record.

use std::cell::Cell;
use std::collections::BTreeSet;

use landfall_model::{AccountId, Region, Timestamp};
use landfall_state::BulkEntry;
use landfall_wire::{Record as Form, write_json_string, write_record};
use serde::Serialize;

use super::common::Which;
use super::identity::second;
use super::mask::mask;
use super::{Keys, PART_BYTES, Part, Record, TEXT_BYTES, resources};
use crate::error::ApiError;
use crate::gateway::HttpRequest;
use crate::operation::Action;

/// What a record tells of a call, besides who made it and how.
pub(super) struct Told<'a> {
    /// Which deed of a call it is, where it is none by itself.
    pub(super) part: Option<usize>,
    /// The action.
    pub(super) name: &'a str,
    pub(super) read_only: bool,
    /// As JSON, as is the answer.
    pub(super) parameters: &'a str,
    pub(super) answer: &'a str,
    /// Resources whose own policies were asked, with their owners.
    pub(super) owned: &'a [(String, String)],
    pub(super) error: Option<&'a ApiError>,
}

/// In which account's events a record is.
struct Copy {
    /// Whose events they are.
    recipient: AccountId,
    /// Whether that is the account that made the call.
    is_own: bool,
    /// Whether other accounts have the same event.
    is_shared: bool,
}

/// The records of a call: for the account that made it, and where it went through for the owners of its resources and the
/// account that it is about.
pub(super) fn entries(
    record: &Record<'_>,
    account: AccountId,
    told: &Told<'_>,
    concern: Option<AccountId>,
    time_ms: i64,
) -> Vec<BulkEntry> {
    if told.owned.is_empty() && concern.is_none() {
        return vec![entry(record, told, time_ms, &Copy { recipient: account, is_own: true, is_shared: false })];
    }
    let owners = told.owned.iter().filter(|_| told.error.is_none()).filter_map(|(_, owner)| owner.parse().ok());
    let others: BTreeSet<AccountId> = concern.into_iter().chain(owners).collect();
    let others: Vec<_> = others.into_iter().filter(|other| *other != account).collect();
    let is_shared = !others.is_empty();
    let copies = [account].into_iter().chain(others);
    let copies = copies.map(|recipient| Copy { recipient, is_own: recipient == account, is_shared });
    copies.map(|copy| entry(record, told, time_ms, &copy)).collect()
}

/// The records of a part of a call that was a call by itself.
pub(super) fn part(
    record: &Record<'_>,
    account: AccountId,
    part: &Part,
    number: usize,
    time_ms: i64,
) -> Vec<BulkEntry> {
    let owned: Vec<_> = part.resource.iter().map(|(arn, owner)| (arn.to_string(), owner.to_string())).collect();
    let told = Told {
        part: Some(number),
        name: part.action.name,
        read_only: true,
        parameters: &part.parameters.to_string(),
        answer: "null",
        owned: &owned,
        error: part.fault.as_ref(),
    };
    entries(record, account, &told, None, time_ms)
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

/// Calls on data: recorded as all are, but neither looked up nor delivered, as long as no trail can ask for them. Source:
/// the CloudTrail User Guide, "Logging data events".
const DATA: [(&str, &str); 5] = [
    ("ebs", "GetSnapshotBlock"),
    ("ebs", "ListChangedBlocks"),
    ("ebs", "ListSnapshotBlocks"),
    ("s3", "GetObject"),
    ("s3", "ListObjects"),
];
const DATA_EVENT: &str = r#","eventType":"AwsApiCall","managementEvent":false"#;
const MANAGEMENT_EVENT: &str = r#","eventType":"AwsApiCall","managementEvent":true"#;

/// The record of a call for one account, with what it is found by.
fn entry(record: &Record<'_>, told: &Told<'_>, time_ms: i64, copy: &Copy) -> BulkEntry {
    let request = record.request;
    let which = Which {
        caller: record.caller.as_ref(),
        from: request.source,
        region: record.region.unwrap_or(Region::DEFAULT),
        service: &record.service,
        name: told.name,
        read_only: told.read_only,
        recipient: copy.recipient,
        is_own: copy.is_own,
    };
    let common = which.common();
    // Each of a call's records has an id of its own.
    let id_for = |whose: &str| match told.part {
        None => event_id(&record.request_id, time_ms, whose),
        Some(number) => event_id(&record.request_id, time_ms, &format!("{number} {whose}")),
    };
    let mut out = Text::reused();
    out.0.extend_from_slice(&common.who.0);
    out.text("eventTime", &second(Timestamp(time_ms)));
    out.0.extend_from_slice(&common.what.0);
    let service = which.caller.and_then(|caller| caller.service);
    let agent = request.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
    if let Some(agent) = service.or(agent) {
        out.text("userAgent", bounded(agent));
    }
    write_error(&mut out, &record.service, told.error);
    out.json("requestParameters", told.parameters);
    out.json("responseElements", told.answer);
    if let Some(origin) = request.origin.filter(|origin| origin.endpoint.is_none()) {
        out.raw(&format!(r#","additionalEventData":{{"vpcId":"{}"}}"#, origin.vpc));
    }
    out.text("requestID", &record.request_id);
    out.text("eventID", &id_for(&common.recipient));
    out.json("readOnly", if told.read_only { "true" } else { "false" });
    write_owned(&mut out, &record.service, told.owned);
    let is_data = DATA.contains(&(record.service.as_str(), told.name));
    out.raw(if is_data { DATA_EVENT } else { MANAGEMENT_EVENT });
    out.text("recipientAccountId", &common.recipient);
    if copy.is_shared {
        out.text("sharedEventID", &id_for("shared"));
    }
    if let Some(endpoint) = request.origin.and_then(|origin| origin.endpoint) {
        out.text("vpcEndpointId", &endpoint.to_string());
    }
    out.raw(if is_data { r#","eventCategory":"Data""# } else { r#","eventCategory":"Management""# });
    if request.secure {
        write_tls(&mut out, request);
    }
    out.raw("}");
    if is_data {
        // There may be millions, which nobody who looks events up is to read past.
        return Keys::none().file(out, time_ms);
    }
    let mut keys = common.keys.clone();
    add_resources(&mut keys, &record.service, told);
    keys.file(out, time_ms)
}

/// The error of a call that didn't go through.
pub(super) fn write_error(out: &mut Text, service: &str, error: Option<&ApiError>) {
    if let Some(error) = error {
        out.text("errorCode", &error_code(service, error));
        out.text("errorMessage", bounded(&error.message));
    }
}

/// How the call came over TLS.
fn write_tls(out: &mut Text, request: &HttpRequest<'_>) {
    let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    out.raw(r#","tlsDetails":{"#);
    if let Some(tls) = request.tls {
        out.raw(&format!(r#""tlsVersion":"{}","cipherSuite":"{}","#, tls.version, tls.cipher));
    }
    out.raw(r#""clientProvidedHostHeader":"#);
    write_json_string(&mut out.0, bounded(host));
    out.raw("}");
}

/// The record is found by the resources that it tells of. What only looks tells of those whose owners were asked, and of
/// what it gave out, if anything: whose role was taken.
fn add_resources(keys: &mut Keys, service: &str, told: &Told<'_>) {
    let named = if told.read_only && told.answer == "null" {
        Vec::new()
    } else {
        resources::resources(service, &[told.parameters, told.answer])
    };
    let asked =
        resources::owned_kind(service).into_iter().flat_map(|kind| told.owned.iter().map(move |(arn, _)| (kind, arn)));
    let more = asked.filter(|(kind, arn)| !named.iter().any(|it| it.kind == *kind && it.name == **arn));
    for (kind, name) in more.chain(named.iter().map(|it| (it.kind, &it.name))) {
        keys.add("ResourceType", kind);
        keys.add("ResourceName", name);
    }
}

/// The resources whose owners were asked.
fn write_owned(out: &mut Text, service: &str, owned: &[(String, String)]) {
    let Some(kind) = resources::owned_kind(service).filter(|_| !owned.is_empty()) else { return };
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

thread_local! {
    static USED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Members that are being written, after the first.
#[derive(Default)]
pub(super) struct Text(pub(super) Vec<u8>);

impl Text {
    /// An empty one, with the room of the one that this thread gave back last.
    pub(super) fn reused() -> Self {
        let mut room = USED.take();
        room.clear();
        Self(room)
    }

    /// Gives its room back, unless it is more than most need.
    pub(super) fn give_back(self) {
        if self.0.capacity() <= PART_BYTES {
            USED.set(self.0);
        }
    }

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
