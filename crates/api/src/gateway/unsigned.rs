//! Requests that nobody signed. One action is called so: its token is proven in the place of a signature.

use std::sync::Arc;

use landfall_model::{Region, Scope};
use landfall_wire::sigv4::AuthError;
use landfall_wire::{Form, Protocol, RequestParts};

use super::{Gateway, HttpRequest, Regions};
use crate::audit::{Record, Spelling};
use crate::authorise::Caller;
use crate::circumstances::Headers;
use crate::error::ApiError;
use crate::operation::Reply;
use crate::throttle::Source;
use crate::{through, way, web_identity};

impl Gateway {
    /// Answers a request that nobody signed, if it shows an identity provider's token instead.
    pub(super) async fn handle_unsigned(
        &self,
        request: &HttpRequest<'_>,
        parts: &RequestParts<'_>,
        record: &mut Record<'_>,
        error: AuthError,
    ) -> Result<(Protocol, Reply), ApiError> {
        let shown = (error == AuthError::MissingToken).then(|| web_identity::decoded(parts, request.body));
        let Some(decoded) = shown.flatten() else { return Err(error.refusal(record.form.terms()).into()) };
        let (service, protocol) = ("sts", Protocol::Query);
        record.form = Form::Spoken(protocol);
        record.service = service.to_owned();
        way::check(request)?;
        way::check_version(service, decoded.version.as_deref())?;
        way::check_query(request, &decoded.action, decoded.version.as_deref())?;
        let snapshot = self.engine.read();
        let only = through::only_service(&snapshot, request.origin)?.filter(|only| *only != service);
        if let Some(only) = only {
            return Err(AuthError::WrongService(only.to_owned()).refusal(protocol).into());
        }
        record.hear_name(&decoded.action);
        let known = self.operation(service, &decoded.action, protocol)?;
        let operation = known.operation;
        record.operation = Some(operation);
        let input = decoded.input;
        let now_ms = self.engine.now_ms();
        let source = Source::of(request.origin.map(|origin| origin.vpc), request.source);
        self.throttle.admit_unsigned(source, now_ms, protocol)?;
        let region = match self.regions {
            Regions::Any => Region::DEFAULT,
            Regions::One(only) => only,
        };
        let (principal, vouched) = match web_identity::prove(&self.outside, &snapshot, &input, now_ms).await {
            Ok(proven) => proven,
            Err(error) => {
                // Whoever has the role learns that somebody tried, but nobody fills the disk by trying.
                if let Some((role, session)) = web_identity::asked_role(&snapshot, &input)
                    && self.throttle.admit_unproven(role.account, now_ms)
                {
                    record.hear_unproven(Scope { account: role.account, region }, &role.arn(), &session);
                }
                return Err(error);
            }
        };
        // Only now somebody has proven to have sent it.
        record.hear_input(known.spelling.get_or_init(|| Spelling::of(operation)), &input);
        let scope = Scope { account: principal.account, region };
        record.scope = Some(scope);
        record.region = Some(region);
        record.caller = Some(Caller {
            principal,
            session: None,
            service: None,
            vouched: Some(Arc::new(vouched)),
            access_key: String::new(),
            source: request.source,
            secure: request.secure,
            origin: request.origin,
            headers: Headers::of(request.headers),
        });
        self.serve(record, operation, (scope, protocol), input, now_ms).await
    }
}
