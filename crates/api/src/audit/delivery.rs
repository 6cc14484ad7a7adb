//! The record of credentials that a service took: that EC2 took an instance's role, or another service that which it acts by.
//!
//! AWS records nothing of what a guest asks its metadata service for, but each role that EC2 takes for it. Source: the
//! CloudTrail User Guide, "CloudTrail userIdentity element", on services that call.

use landfall_model::{Arn, Principal, Scope, Timestamp};
use landfall_state::BulkEntry;
use landfall_wire::{Time, write_json_string};
use serde::Serialize;

use super::event::{self, Text};
use super::identity::second;
use super::{IS_OFF, Keys};
use crate::operation::Action;
use crate::session::Session;
use crate::uuid;

const SOURCE: &str = "sts.amazonaws.com";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Given<'s> {
    credentials: Credentials<'s>,
    assumed_role_user: AssumedRoleUser,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'s> {
    access_key_id: &'s str,
    expiration: Time,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
    arn: Arn,
}

/// The record that a service (`ec2.amazonaws.com`) took a role for something of that scope, in a session of that name:
/// nothing in a build without an audit. `bits` are the request's number, which nobody asked by.
pub(crate) fn taken(
    service: &str,
    scope: Scope,
    role: &Principal,
    name: &str,
    session: &Session,
    bits: u128,
) -> Option<BulkEntry> {
    if IS_OFF {
        return None;
    }
    let (recipient, request_id) = (role.account.to_string(), uuid::random(bits));
    let time_ms = session.issued_at.as_millis();
    let given = Given {
        credentials: Credentials {
            access_key_id: &session.access_key,
            expiration: Time(session.expires_at.as_millis()),
        },
        assumed_role_user: AssumedRoleUser { assumed_role_id: session.user_id(), arn: session.arn(role) },
    };
    let answer = event::answer(Action::sts("AssumeRole"), &given, &request_id);
    let arn = role.arn();
    let mut out = Text::reused();
    out.raw(r#"{"eventVersion":"1.11","userIdentity":{"type":"AWSService""#);
    out.text("invokedBy", service);
    out.raw("}");
    out.text("eventTime", &second(Timestamp(time_ms)));
    out.text("eventSource", SOURCE);
    out.text("eventName", "AssumeRole");
    out.text("awsRegion", scope.region.name());
    out.text("sourceIPAddress", service);
    out.text("userAgent", service);
    out.raw(r#","requestParameters":{"roleArn":"#);
    write_json_string(&mut out.0, arn.as_str());
    out.text("roleSessionName", name);
    out.raw("}");
    out.json("responseElements", &answer);
    out.text("requestID", &request_id);
    out.text("eventID", &event::event_id(&request_id, time_ms, &recipient));
    out.json("readOnly", "true");
    out.raw(r#","resources":[{"accountId":"#);
    write_json_string(&mut out.0, &recipient);
    out.text("type", "AWS::IAM::Role");
    out.text("ARN", arn.as_str());
    out.raw(r#"}],"eventType":"AwsApiCall","managementEvent":true"#);
    out.text("recipientAccountId", &recipient);
    out.text("sharedEventID", &event::event_id(&request_id, time_ms, "shared"));
    out.raw(r#","eventCategory":"Management"}"#);
    let mut keys = Keys::of(&recipient, scope.region);
    for (attribute, value) in [("EventName", "AssumeRole"), ("EventSource", SOURCE), ("ReadOnly", "true")] {
        keys.add(attribute, value);
    }
    Some(keys.file(out, time_ms))
}
