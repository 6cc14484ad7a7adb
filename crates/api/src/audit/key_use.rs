//! The records of keys that a service used for its caller: Secrets Manager and Parameter Store encrypt under keys of KMS, and
//! each use is an event of KMS's beside their own, so that whoever has a key sees who works with it.
//!
//! Source: the Secrets Manager User Guide, "Secret encryption and decryption", and the KMS Developer Guide, "How AWS Systems
//! Manager Parameter Store uses AWS KMS", whose examples these events follow. A use that failed, since it
//! was denied or the key is disabled, is told to the caller's account alone.

use std::collections::BTreeMap;

use landfall_model::{Region, Timestamp};
use landfall_state::BulkEntry;
use landfall_wire::write_json_string;

use super::event::{self, Text};
use super::identity::{self, second, user_name};
use super::{Keys, Record};
use crate::authorise::Caller;
use crate::error::ApiError;

const SOURCE: &str = "kms.amazonaws.com";
const KIND: &str = "AWS::KMS::Key";

/// A use of a key, or one that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyUse {
    /// `Decrypt`, `Encrypt` or `GenerateDataKey`.
    pub(super) action: &'static str,
    /// The key's ARN.
    pub(super) key: String,
    /// Whose key it is.
    pub(super) owner: String,
    /// The encryption context.
    pub(super) context: BTreeMap<String, String>,
    /// Why it failed.
    pub(super) fault: Option<ApiError>,
}

/// The records of a call's use of a key, for the caller's account and, unless it failed, the key's.
pub(super) fn entries(
    record: &Record<'_>,
    caller: &Caller,
    used: &KeyUse,
    number: usize,
    time_ms: i64,
) -> Vec<BulkEntry> {
    let own = caller.principal.account.to_string();
    // It was a request of the service's.
    let request_id = event::event_id(&record.request_id, time_ms, &format!("kms {number}"));
    let is_shared = used.owner != own && used.fault.is_none();
    let mut entries = vec![entry(record, caller, used, time_ms, (&request_id, &own, is_shared))];
    if is_shared {
        entries.push(entry(record, caller, used, time_ms, (&request_id, &used.owner, is_shared)));
    }
    entries
}

fn entry(
    record: &Record<'_>,
    caller: &Caller,
    used: &KeyUse,
    time_ms: i64,
    (request_id, recipient, is_shared): (&str, &str, bool),
) -> BulkEntry {
    let region = record.region.unwrap_or(Region::DEFAULT);
    let is_own = recipient == caller.principal.account.to_string();
    let service = event::source(&record.service);
    let mut out = Text::reused();
    out.raw(r#"{"eventVersion":"1.11","userIdentity":"#);
    if is_own {
        identity::write(&mut out.0, caller);
    } else {
        identity::write_foreign(&mut out.0, caller);
    }
    out.0.pop();
    out.text("invokedBy", &service);
    out.raw("}");
    out.text("eventTime", &second(Timestamp(time_ms)));
    out.text("eventSource", SOURCE);
    out.text("eventName", used.action);
    out.text("awsRegion", region.name());
    out.text("sourceIPAddress", &service);
    out.text("userAgent", &service);
    event::write_error(&mut out, "kms", used.fault.as_ref());
    out.raw(r#","requestParameters":{"#);
    parameters(&mut out, used);
    out.raw(r#"},"responseElements":null"#);
    out.text("requestID", request_id);
    out.text("eventID", &event::event_id(request_id, time_ms, recipient));
    out.raw(r#","readOnly":true,"resources":[{"accountId":"#);
    write_json_string(&mut out.0, &used.owner);
    out.text("type", KIND);
    out.text("ARN", &used.key);
    out.raw(r#"}],"eventType":"AwsApiCall","managementEvent":true"#);
    out.text("recipientAccountId", recipient);
    if is_shared {
        out.text("sharedEventID", &event::event_id(request_id, time_ms, "shared"));
    }
    out.raw(r#","eventCategory":"Management"}"#);
    let mut keys = Keys::of(recipient, region);
    for (attribute, value) in [
        ("EventName", used.action),
        ("EventSource", SOURCE),
        ("ReadOnly", "true"),
        ("ResourceType", KIND),
        ("ResourceName", &used.key),
    ] {
        keys.add(attribute, value);
    }
    if is_own {
        keys.add("Username", user_name(caller));
        keys.add("AccessKeyId", &caller.access_key);
    }
    keys.file(out, time_ms)
}

fn parameters(out: &mut Text, used: &KeyUse) {
    if used.action != "Decrypt" {
        out.raw(r#""keyId":"#);
        write_json_string(&mut out.0, &used.key);
        out.raw(",");
    }
    out.raw(if used.action == "GenerateDataKey" {
        r#""keySpec":"AES_256""#
    } else {
        r#""encryptionAlgorithm":"SYMMETRIC_DEFAULT""#
    });
    if used.context.is_empty() {
        return;
    }
    out.raw(r#","encryptionContext":{"#);
    for (number, (name, value)) in used.context.iter().enumerate() {
        if number > 0 {
            out.raw(",");
        }
        write_json_string(&mut out.0, name);
        out.raw(":");
        write_json_string(&mut out.0, value);
    }
    out.raw("}");
}
