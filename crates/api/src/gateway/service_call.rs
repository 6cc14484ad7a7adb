//! Calls that a service of the cloud makes in a role's name: authorised by the role's policies, throttled as the account's own
//! calls are, and on record, as if the service had come by the front door.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::HeaderMap;
use landfall_model::{Principal, Scope, Timestamp, UniqueKind};
use landfall_wire::{Form, Protocol};

use super::{Gateway, HttpRequest};
use crate::audit::{self, Record, Recording, Spelling};
use crate::authorise::Caller;
use crate::circumstances::Headers;
use crate::error::ApiError;
use crate::session::{NewSession, Session, SessionKind};
use crate::sts::shape::SECRET_CHARS;
use crate::terms;

/// How long a session that a service takes lasts, in seconds: an errand is done in less.
const DURATION_S: u32 = 3_600;

/// A service that acts in a role's name.
pub struct Errand {
    caller: Caller,
    scope: Scope,
}

impl Gateway {
    /// Takes a role for a service (`dlm.amazonaws.com`), in a session of that name, on record. Whether the role trusts the
    /// service was looked at before.
    pub fn take_role(
        &self,
        service: &'static str,
        scope: Scope,
        role: &Principal,
        name: &str,
    ) -> Result<Errand, ApiError> {
        let vault = &self.outside.vault;
        let new = NewSession {
            kind: SessionKind::Role(name.to_owned()),
            access_key: vault.make_id(UniqueKind::SessionKey, role.account)?,
            secret: vault.make(SECRET_CHARS)?,
            issued_at: Timestamp(self.engine.record_ms()),
            duration_s: DURATION_S,
        };
        let session = Session::new(role, new);
        let bits = {
            let mut entropy = self.spare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            entropy.next_u128()
        };
        if let Some(record) = audit::taken(service, scope, role, name, &session, bits) {
            self.engine.append_entry(record).map_err(|refused| {
                tracing::error!(%refused, service, "that a service took a role can't be recorded");
                ApiError::new("ServiceUnavailable", "The call can't be recorded.").with_status(503)
            })?;
        }
        let caller = Caller {
            principal: Arc::new(role.clone()),
            access_key: session.access_key.clone(),
            session: Some(Arc::new(session)),
            vouched: None,
            service: Some(service),
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            secure: true,
            origin: None,
            headers: Headers::default(),
        };
        Ok(Errand { caller, scope })
    }

    /// Calls an operation of EC2's on an errand, whose parameters are those of the query protocol. What it made is found in the
    /// value.
    pub async fn call_on_errand(
        &self,
        errand: &Errand,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<(), ApiError> {
        let headers = HeaderMap::new();
        let request = HttpRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: b"",
            source: errand.caller.source,
            secure: false,
            tls: None,
            origin: None,
        };
        let mut record = Recording::new(&self.engine, Record::new(&request, self.request_id()));
        let answer = self.try_errand(errand, action, parameters, &mut record).await;
        let answer = answer.map_err(|error| terms::of_service(Some(&record.service), error));
        record.finish(answer.as_ref().err())?;
        answer
    }

    async fn try_errand(
        &self,
        errand: &Errand,
        action: &str,
        parameters: &[(String, String)],
        record: &mut Record<'_>,
    ) -> Result<(), ApiError> {
        let (service, protocol) = ("ec2", Protocol::Ec2Query);
        record.form = Form::Spoken(protocol);
        record.service = service.to_owned();
        record.scope = Some(errand.scope);
        record.region = Some(errand.scope.region);
        record.caller = Some(errand.caller.clone());
        record.hear_name(action);
        let pairs = parameters.iter().map(|(name, value)| format!("&{}={}", encoded(name), encoded(value)));
        let body = format!("Action={action}{}", pairs.collect::<String>());
        let decoded = landfall_wire::decode_query(body.as_bytes()).map_err(|error| error.refusal(protocol))?;
        let known = self.operation(service, action, protocol)?;
        let operation = known.operation;
        record.operation = Some(operation);
        record.hear_input(known.spelling.get_or_init(|| Spelling::of(operation)), &decoded.input);
        let now_ms = self.engine.now_ms();
        self.serve(record, operation, (errand.scope, protocol), decoded.input, now_ms).await.map(|_| ())
    }
}

/// A text as a form has it.
fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    bytes.collect()
}
