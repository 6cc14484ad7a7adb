//! The dispatch: from a request's bytes to an answer's.
//!
//! Order: signature, protocol, operation, input, then authorisation on the same value that the operation sees. Before
//! the signature is verified nothing is decoded but what the verification needs.

mod service_call;
mod unsigned;

pub use service_call::Errand;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::hmac;
use http::HeaderMap;
use landfall_cloud::{Cloud, Entropy, Tx, View, network};
use landfall_model::{Origin, Region, Scope, Timestamp};
use landfall_state::{Engine, Head};
use landfall_wire::{Form, Protocol, RequestParts, Tree, Written, detect, sigv4};
use serde::Serialize;

use crate::audit::{self, Record, Recording, Spelling, TlsSpoken};
use crate::authenticate::Authenticator;
use crate::authorise::{Caller, Policies};
use crate::circumstances::Headers;
use crate::demand::Demands;
use crate::ebs;
use crate::efs;
use crate::encryption;
use crate::error::ApiError;
use crate::kms::shape::key::family;
use crate::operation::{Action, Call, Fetch, Inquire, Look, Object, Operation, Read, Reply, Write};
use crate::outside::Outside;
use crate::page::{self, Page};
use crate::prologue::{Bound, Prologue, bad_page, check_lists, more_name, next_token_name};
use crate::replay::Token;
use crate::routes;
use crate::s3;
use crate::standing;
use crate::terms;
use crate::throttle::{Throttle, Throttling};
use crate::through;
use crate::way;

/// A request as it came in.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as it was sent.
    pub path: &'a str,
    /// The query, as it was sent, without its question mark.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
    /// Where it came from.
    pub source: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
    /// How TLS was spoken, where that is known.
    pub tls: Option<TlsSpoken>,
    /// Where in a network it began, if it did: then the source is an address there.
    pub origin: Option<Origin>,
}

/// An answer as it goes out.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty where an object follows.
    pub body: Vec<u8>,
    /// The object whose bytes are the body.
    pub object: Option<ObjectBody>,
}

/// The bytes of an object, which are yet to be read.
#[derive(Debug)]
pub struct ObjectBody {
    /// Where they are, from where it stands.
    pub file: std::fs::File,
    /// How many of them.
    pub length_bytes: u64,
}

/// Which regions answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regions {
    /// That one.
    One(Region),
    /// Every one that AWS's tools know, each with its own state.
    Any,
}

/// What runs to a fixed point after each commit, before the next request: planners and simulated hosts.
pub trait Settle: Send + Sync {
    /// Runs transactions on the head until nothing is left to do.
    fn settle(&self, head: &mut Head<'_, Cloud>);
}

/// What a gateway is made of.
pub struct Options {
    /// Which regions answer.
    pub regions: Regions,
    /// What lies outside the value.
    pub outside: Outside,
    /// What settles each commit, where the simulation has no latency.
    pub settle: Option<Arc<dyn Settle>>,
    /// Where ids come from.
    pub entropy: Entropy,
    /// How often accounts may call.
    pub throttling: Throttling,
}

/// An operation, and how its input is spelt in records, once that is needed.
struct Known {
    operation: &'static Operation,
    spelling: OnceLock<Spelling>,
}

/// The front door of a cloud.
pub struct Gateway {
    engine: Engine<Cloud>,
    regions: Regions,
    authenticator: Authenticator,
    policies: Policies,
    outside: Outside,
    settle: Option<Arc<dyn Settle>>,
    entropy: Mutex<Entropy>,
    /// For the numbers of requests that come while a transaction has the other.
    spare: Mutex<Entropy>,
    page_key: hmac::Key,
    throttle: Throttle,
    known: Vec<Known>,
    /// Places in `known`.
    operations: HashMap<(&'static str, &'static str), usize>,
}

/// The version of EC2's API, the only one that has been since 2016.
const EC2_XMLNS: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// The name space of a query service's answers.
fn xmlns(service: &str) -> &'static str {
    match service {
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        // The provider's own operations.
        "landfall" => "urn:landfall:2026-11-22",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    }
}

/// Services whose resources have no region, whichever a request is signed for.
const GLOBAL: [&str; 1] = ["iam"];

impl Gateway {
    /// The gateway of an engine's cloud.
    pub fn new(engine: Engine<Cloud>, options: Options) -> Self {
        let authenticator = Authenticator::new(options.outside.vault.clone());
        let known: Vec<_> =
            crate::operations().map(|operation| Known { operation, spelling: OnceLock::new() }).collect();
        let place = |(at, known): (usize, &Known)| ((known.operation.action.service, known.operation.action.name), at);
        let operations = known.iter().enumerate().map(place).collect();
        let page_key = hmac::Key::new(hmac::HMAC_SHA256, &authenticator.derive("page tokens"));
        Self {
            engine,
            regions: options.regions,
            authenticator,
            policies: Policies::new(options.outside.vault.clone()),
            outside: options.outside,
            settle: options.settle,
            entropy: Mutex::new(options.entropy),
            spare: Mutex::new(Entropy::from_system()),
            page_key,
            throttle: Throttle::new(options.throttling),
            known,
            operations,
        }
    }

    /// The engine under it.
    pub fn engine(&self) -> &Engine<Cloud> {
        &self.engine
    }

    /// Seals secrets of access keys.
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Writes when access keys were last used.
    pub async fn write_key_uses(&self) -> Result<(), landfall_state::Refused> {
        let scope = Scope { account: landfall_model::AccountId::PROVIDER, region: Region::DEFAULT };
        self.outside.key_uses.write(&self.engine, scope).await
    }

    /// Answers a request.
    pub async fn handle(&self, request: HttpRequest<'_>) -> HttpAnswer {
        let request_id = self.request_id();
        let mut record = Recording::new(&self.engine, Record::new(&request, request_id.clone()));
        let answer = self.try_handle(&request, &mut record).await;
        let answer = answer.map_err(|error| terms::of_service(Some(&record.service), error));
        let recorded = record.finish(answer.as_ref().err());
        match recorded.and(answer) {
            Ok((protocol, Reply::Document(written))) => HttpAnswer {
                status: written.status.unwrap_or(200),
                content_type: written.content_type.unwrap_or(protocol.content_type()),
                headers: [("x-amzn-requestid", request_id)].into_iter().chain(written.headers).collect(),
                body: written.body,
                object: None,
            },
            Ok((_, Reply::Object(Object { status, content_type, mut headers, file, length_bytes }))) => {
                headers.push(("x-amzn-requestid", request_id));
                let object = Some(ObjectBody { file, length_bytes });
                HttpAnswer { status, content_type, headers, body: Vec::new(), object }
            }
            Err(error) => refused(record.form, &error, &request_id),
        }
    }

    /// Answers a request whose body couldn't be taken, in the form that its sender reads.
    pub fn refuse(&self, request: &HttpRequest<'_>, error: &ApiError) -> HttpAnswer {
        let parts =
            RequestParts { method: request.method, path: request.path, query: request.query, headers: request.headers };
        let service = sigv4::parse(&parts).ok().map(|claim| claim.scope.service);
        refused(Form::of(&parts, service.as_deref()), error, &self.request_id())
    }

    async fn try_handle(
        &self,
        request: &HttpRequest<'_>,
        record: &mut Record<'_>,
    ) -> Result<(Protocol, Reply), ApiError> {
        let parts =
            RequestParts { method: request.method, path: request.path, query: request.query, headers: request.headers };
        // Without a signature nobody knows the service; the form of the body is the best guess for an error's envelope.
        record.form = Form::of(&parts, None);
        let claim = match sigv4::parse(&parts) {
            Ok(claim) => claim,
            Err(error) => return self.handle_unsigned(request, &parts, record, error).await,
        };
        record.form = Form::of(&parts, Some(&claim.scope.service));
        record.service.clone_from(&claim.scope.service);
        let terms = record.form.terms();
        let now_ms = self.engine.now_ms();
        if request.origin.is_some()
            && let Some(only) = through::only_service(&self.engine.read(), request.origin)?
            && only != claim.scope.service
        {
            // Whoever answers there speaks as that service does, whatever it was taken for.
            record.form = Form::of(&parts, Some(only));
            return Err(sigv4::AuthError::WrongService(only.to_owned()).refusal(record.form.terms()).into());
        }
        let signer = self.authenticator.signer(&self.engine, &claim, request, now_ms, terms)?;
        let caller = Caller {
            principal: signer.principal,
            session: signer.session,
            vouched: None,
            service: None,
            access_key: claim.access_key_id.clone(),
            source: request.source,
            secure: request.secure,
            origin: request.origin,
            headers: Headers::of(request.headers),
        };
        let is_global = GLOBAL.contains(&claim.scope.service.as_str());
        let region = if is_global { Region::DEFAULT } else { self.region(&claim.scope.region, terms)? };
        let scope = Scope { account: caller.principal.account, region };
        record.scope = Some(scope);
        if caller.session.is_none() {
            let (key, at) = (&claim.access_key_id, Timestamp(now_ms));
            self.outside.key_uses.note(key, at, &claim.scope.region, &claim.scope.service);
        }
        record.region = Some(self.event_region(scope.region, is_global));
        record.caller = Some(caller);
        let read = read_request(record.form, request, &parts, &claim.scope.service);
        // What can't be read has a name all the same, by which it stands in the record.
        let (protocol, decoded) = read.inspect_err(|_| record.hear_name(&way::name(request)))?;
        record.hear_name(&decoded.action);
        let known = self.operation(&claim.scope.service, &decoded.action, protocol)?;
        let operation = known.operation;
        record.operation = Some(operation);
        record.hear_input(known.spelling.get_or_init(|| Spelling::of(operation)), &decoded.input);
        self.serve(record, operation, (scope, protocol), decoded.input, now_ms).await
    }

    /// Serves a call of which it is known by now who makes it, however that was proven: by a signature, or by a token.
    async fn serve(
        &self,
        record: &Record<'_>,
        operation: &'static Operation,
        (scope, protocol): (Scope, Protocol),
        mut input: Tree,
        now_ms: i64,
    ) -> Result<(Protocol, Reply), ApiError> {
        let action = operation.action;
        let caller = record.caller.as_ref().ok_or_else(ApiError::internal)?;
        let family = |key: &str| self.engine.look(|cloud| family(&View::new(cloud, scope, Timestamp(now_ms)), key));
        self.throttle.admit(scope, action, &input, &family, now_ms, protocol)?;
        self.engine.look(|cloud| standing::check(cloud, caller, action.service))?;
        caller.check_session(action)?;
        let prologue = Prologue::take(operation, &mut input)?;
        if action.service == "ec2" {
            self.ensure_network(scope, now_ms).await?;
        }
        let turn = Turn { gateway: self, caller, scope, protocol, input, prologue, record, action, now_ms };
        let written = (operation.answer)(turn).await?;
        Ok((protocol, written))
    }

    fn region(&self, name: &str, protocol: Protocol) -> Result<Region, ApiError> {
        let wrong = || ApiError::from(sigv4::AuthError::WrongRegion.refusal(protocol));
        let region: Region = name.parse().map_err(|_| wrong())?;
        match self.regions {
            Regions::Any => Ok(region),
            Regions::One(only) if only == region => Ok(region),
            Regions::One(only) => {
                let mut error = wrong();
                error.message.push_str(&format!(" This cloud's region is {only}, not {region}."));
                Err(error)
            }
        }
    }

    /// The region that an event shows in. What belongs to no region shows in the first of them, as with AWS; where only
    /// one answers, there, or nobody could look it up.
    fn event_region(&self, region: Region, is_global: bool) -> Region {
        match self.regions {
            Regions::One(only) if is_global => only,
            _ => region,
        }
    }

    fn operation(&self, service: &str, action: &str, protocol: Protocol) -> Result<&Known, ApiError> {
        if let Some(place) = self.operations.get(&(service, action)) {
            return Ok(&self.known[*place]);
        }
        if let Some((_, _, what)) = REFUSED.iter().find(|(of, name, _)| (*of, *name) == (service, action)) {
            return Err(ApiError::unsupported(what));
        }
        let mut message = format!("The action {action} is not valid for this web service.");
        if !self.operations.keys().any(|(known, _)| *known == service) {
            message.push_str(&format!(" Landfall does not have the service {service} yet."));
        }
        Err(match protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                ApiError::new("UnknownOperationException", message)
            }
            Protocol::RestXml => {
                let message = format!("Landfall does not have the operation {action} of {service}.");
                ApiError::new("MethodNotAllowed", message).with_status(405)
            }
            _ => ApiError::new("InvalidAction", message),
        })
    }

    /// The first authenticated use of a region by an account makes its default network, in a transaction of its own.
    async fn ensure_network(&self, scope: Scope, now_ms: i64) -> Result<(), ApiError> {
        let lacks = |cloud: &Cloud| network::lacks_default(&View::new(cloud, scope, Timestamp(now_ms)));
        if !self.engine.look(lacks) {
            return Ok(());
        }
        let pending = self.engine.commit(|head| {
            let result = head.transact(now_ms, None, |tx| {
                let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
                network::ensure_default(&mut Tx::new(tx, scope, &mut entropy))
            });
            self.settle(head);
            result
        });
        pending.await?.map_err(ApiError::from)
    }

    /// The first use of a service's own key makes it, in a transaction of its own.
    async fn ensure_default_key(
        &self,
        scope: Scope,
        service: encryption::DefaultKey,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let lacks = |cloud: &Cloud| encryption::lacks(&View::new(cloud, scope, Timestamp(now_ms)), service);
        if !self.engine.look(lacks) {
            return Ok(());
        }
        let new = encryption::make_default(&self.outside.vault, service)?;
        let pending = self.engine.commit(|head| {
            let result = head.transact(now_ms, None, |tx| {
                let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
                encryption::put_default(&mut Tx::new(tx, scope, &mut entropy), service, new)
            });
            self.settle(head);
            result
        });
        pending.await?
    }

    fn settle(&self, head: &mut Head<'_, Cloud>) {
        if let Some(settle) = &self.settle {
            settle.settle(head);
        }
    }

    /// A number for a request, which waits for no transaction.
    fn request_id(&self) -> String {
        let bits = match self.entropy.try_lock() {
            Ok(mut entropy) => entropy.next_u128(),
            Err(_) => self.spare.lock().unwrap_or_else(PoisonError::into_inner).next_u128(),
        };
        crate::uuid::random(bits)
    }
}

fn refused(form: Form, error: &ApiError, request_id: &str) -> HttpAnswer {
    let reason = error.reason.map(|reason| ("Reason", reason));
    let further = error.members.iter().map(|(name, value)| (*name, value.as_str()));
    let members: Vec<_> = reason.into_iter().chain(further).collect();
    let written = form.error_body(&error.code, &error.message, &members, error.status < 500, request_id);
    HttpAnswer {
        status: error.status,
        content_type: written.content_type,
        headers: written.headers,
        body: written.body,
        object: None,
    }
}

/// Reads what a request to a service asks for, if the service is there and the request came the way that it goes.
fn read_request(
    form: Form,
    request: &HttpRequest<'_>,
    parts: &RequestParts<'_>,
    service: &str,
) -> Result<(Protocol, landfall_wire::Request), ApiError> {
    let Form::Spoken(protocol) = form else { return Err(absent_service(service, form)) };
    if !protocol.has_paths() {
        way::check(request)?;
    }
    detect(parts, service).map_err(|error| error.refusal())?;
    let decoded = decode(protocol, service, parts, request.body).map_err(|error| error.refusal(protocol))?;
    if protocol.is_typed() {
        way::check_target(service, decoded.version.as_deref())?;
    } else {
        way::check_version(service, decoded.version.as_deref())?;
        if !protocol.has_paths() {
            way::check_query(request, &decoded.action, decoded.version.as_deref())?;
        }
    }
    Ok((protocol, decoded))
}

/// The action and the input of a request, from wherever its protocol has them.
fn decode(
    protocol: Protocol,
    service: &str,
    parts: &RequestParts<'_>,
    body: &[u8],
) -> Result<landfall_wire::Request, landfall_wire::DecodeError> {
    match protocol {
        Protocol::Json10 | Protocol::Json11 => landfall_wire::decode_json(parts.target().unwrap_or_default(), body),
        Protocol::RestXml => s3::route::decode(parts),
        Protocol::RestJson => landfall_wire::decode_rest_json(parts, body, routes::of(service)),
        _ if body.is_empty() => landfall_wire::decode_query_string(parts.query),
        _ => landfall_wire::decode_query(body),
    }
}

/// Actions of AWS's that are refused by name: people know them and ought to read that they aren't there, not that there is
/// no such thing.
const REFUSED: &[(&str, &str, &str)] = &[
    ("ebs", "CompleteSnapshot", "the writing of snapshots by blocks"),
    ("ebs", "PutSnapshotBlock", "the writing of snapshots by blocks"),
    ("ebs", "StartSnapshot", "the writing of snapshots by blocks"),
    ("elasticfilesystem", "CreateReplicationConfiguration", "the replication of file systems"),
    ("elasticfilesystem", "DeleteReplicationConfiguration", "the replication of file systems"),
    ("elasticfilesystem", "DescribeReplicationConfigurations", "the replication of file systems"),
    ("secretsmanager", "CancelRotateSecret", "the rotation of secrets"),
    ("secretsmanager", "RemoveRegionsFromReplication", "the replication of secrets to other regions"),
    ("secretsmanager", "ReplicateSecretToRegions", "the replication of secrets to other regions"),
    ("secretsmanager", "RotateSecret", "the rotation of secrets"),
    ("secretsmanager", "StopReplicationToReplica", "the replication of secrets to other regions"),
];

/// The refusal of a request in a protocol that no service of ours speaks. Its action is in its path, which isn't read.
fn absent_service(service: &str, form: Form) -> ApiError {
    let message = format!("Landfall does not have the service {service} yet.");
    match form {
        Form::RestXml => ApiError::new("MethodNotAllowed", message).with_status(405),
        _ => ApiError::new("UnknownOperationException", message),
    }
}

/// One operation's turn: everything that dispatch knows of a request by then.
pub struct Turn<'a> {
    gateway: &'a Gateway,
    caller: &'a Caller,
    scope: Scope,
    protocol: Protocol,
    input: Tree,
    prologue: Prologue,
    record: &'a Record<'a>,
    action: Action,
    now_ms: i64,
}

impl Turn<'_> {
    fn parse<O: serde::de::DeserializeOwned>(&self) -> Result<O, ApiError> {
        let parsed = if self.protocol.is_typed() {
            landfall_wire::from_typed_tree(&self.input)
        } else {
            landfall_wire::from_tree(&self.input)
        };
        parsed.map_err(|error| error.refusal(self.protocol).into())
    }

    fn authorise(&self, view: &View<'_>, gather: impl FnOnce(&View<'_>, &mut Demands)) -> Result<(), ApiError> {
        self.ask(view, gather, true)
    }

    /// The same of a part that a call may go on without: what is denied of it is told nobody else.
    fn authorise_part(&self, view: &View<'_>, gather: impl FnOnce(&View<'_>, &mut Demands)) -> Result<(), ApiError> {
        self.ask(view, gather, false)
    }

    fn ask(
        &self,
        view: &View<'_>,
        gather: impl FnOnce(&View<'_>, &mut Demands),
        is_whole: bool,
    ) -> Result<(), ApiError> {
        let mut demands = Demands::new(self.scope);
        gather(view, &mut demands);
        let heard = audit::heard(self.action.service, &demands);
        let gate = through::gate(view, self.caller.origin)?;
        let asked = self.gateway.policies.authorise(self.caller, self.action, view, demands, gate.as_ref());
        if is_whole || asked.is_ok() {
            self.record.hear_demands(heard);
        }
        if let Err(denial) = asked {
            self.record.hear_denial(&denial);
            return Err(denial.error);
        }
        if self.prologue.dry_run { Err(ApiError::dry_run()) } else { Ok(()) }
    }

    pub(crate) async fn read<O: Read>(self) -> Result<Written, ApiError> {
        let mut operation: O = self.parse()?;
        operation.hear_caller(self.caller);
        operation.check()?;
        let snapshot = self.gateway.engine.read();
        let view = View::new(&snapshot, self.scope, Timestamp(self.now_ms.max(snapshot.time_ms)));
        let context = format!("{}:{}/{}", O::ACTION.service, O::ACTION.name, self.scope);
        // A token that isn't one is told only to whom the operation is allowed.
        let after = self.prologue.next_token.as_ref().map(|token| page::open(&self.gateway.page_key, &context, token));
        let after = after.transpose();
        // "This number is automatically set to 100": EFS gives so many at most, however many are asked for. Source: the
        // EFS API Reference on DescribeFileSystems.
        let max_results = match self.prologue.max_results {
            Some(limit) if O::ACTION.service == crate::efs::SERVICE => Some(limit.min(O::PAGE_LIMIT)),
            asked => asked,
        };
        let page = Page::new(after.as_ref().ok().cloned().flatten(), max_results);
        self.authorise(&view, |view, demands| {
            operation.demands(view, demands);
            operation.demands_of_page(view, &page, demands);
        })?;
        after?;
        match max_results {
            Some(limit) if limit > O::PAGE_LIMIT => {
                return Err(bad_page(O::ACTION, limit, Bound::Most(O::PAGE_LIMIT)));
            }
            Some(limit) if limit < O::PAGE_LEAST => {
                return Err(bad_page(O::ACTION, limit, Bound::Least(O::PAGE_LEAST)));
            }
            _ => {}
        }
        let outside = self.gateway.outside.of_call(&self.record.deeds);
        let mut look = Look {
            view,
            page,
            caller: self.caller,
            regions: self.gateway.regions,
            outside: &outside,
            engine: &self.gateway.engine,
        };
        let output = operation.run(&mut look)?;
        let token = look.page.next().map(|next| page::seal(&self.gateway.page_key, &context, next));
        let mut extra: Vec<_> = token.iter().map(|token| (next_token_name(O::ACTION), token.as_str())).collect();
        let mut flags = Vec::new();
        if let Some(name) = more_name(O::ACTION.service).filter(|_| O::PAGE_LIMIT > 0) {
            if self.protocol.is_typed() {
                flags.push((name, token.is_some()));
            } else {
                extra.push((name, if token.is_some() { "true" } else { "false" }));
            }
        }
        self.encode(O::ACTION, &output, &extra, &flags)
    }

    pub(crate) async fn inquire<O: Inquire>(self) -> Result<Written, ApiError> {
        let mut operation: O = self.parse()?;
        operation.hear_caller(self.caller);
        check_lists(&self.input)?;
        operation.check()?;
        let snapshot = self.gateway.engine.read();
        let view = View::new(&snapshot, self.scope, Timestamp(self.now_ms.max(snapshot.time_ms)));
        self.authorise(&view, |view, demands| operation.demands(view, demands))?;
        let outside = self.gateway.outside.of_call(&self.record.deeds);
        let output = operation.inquire(&outside, view).await?;
        self.encode(O::ACTION, &output, &[], &[])
    }

    pub(crate) async fn fetch<O: Fetch>(self) -> Result<Object, ApiError> {
        let operation: O = self.parse()?;
        let snapshot = self.gateway.engine.read();
        let view = View::new(&snapshot, self.scope, Timestamp(self.now_ms.max(snapshot.time_ms)));
        self.authorise(&view, |view, demands| operation.demands(view, demands))?;
        let may_miss = self.authorise_part(&view, |view, demands| operation.demands_to_miss(view, demands)).is_ok();
        let outside = self.gateway.outside.of_call(&self.record.deeds);
        operation.fetch(&outside, view, may_miss).await
    }

    pub(crate) async fn write<O: Write>(self) -> Result<Written, ApiError> {
        let mut operation: O = self.parse()?;
        operation.hear_input(&self.input);
        operation.hear_caller(self.caller);
        check_lists(&self.input)?;
        operation.check()?;
        let token = match &self.prologue.client_token {
            Some(token) => {
                operation.hear_client_token(token);
                Some(Token::new(O::ACTION, token, &self.input)?)
            }
            None => None,
        };
        let key = {
            let snapshot = self.gateway.engine.read();
            let view = View::new(&snapshot, self.scope, Timestamp(self.now_ms.max(snapshot.time_ms)));
            let lacking = operation.default_key(&view).filter(|key| encryption::lacks(&view, *key));
            if lacking.is_some() {
                self.authorise(&view, |view, demands| operation.demands(view, demands))?;
            }
            lacking
        };
        if let Some(service) = key {
            self.gateway.ensure_default_key(self.scope, service, self.now_ms).await?;
        }
        self.transact(
            O::FREES,
            |view, demands, operation: &O| operation.demands(view, demands),
            operation,
            |operation, tx| {
                if let Some(token) = token {
                    if let Some(answer) = token.recall(tx, &self.record.request_id)? {
                        return Ok(answer.into());
                    }
                    let answer = self.encode(O::ACTION, &operation.run(tx)?, &[], &[])?;
                    token.remember(tx, &answer.body);
                    return Ok(answer);
                }
                let output = operation.run(tx)?;
                self.encode(O::ACTION, &output, &[], &[])
            },
        )
        .await
    }

    pub(crate) async fn call<O: Call>(self) -> Result<Written, ApiError> {
        let mut operation: O = self.parse()?;
        operation.hear_caller(self.caller);
        check_lists(&self.input)?;
        operation.check()?;
        self.record.hear_concern(operation.concerns());
        let key = {
            let snapshot = self.gateway.engine.read();
            let view = View::new(&snapshot, self.scope, Timestamp(self.now_ms.max(snapshot.time_ms)));
            operation.hear_proof(&self.gateway.outside, &view)?;
            self.authorise(&view, |view, demands| operation.demands(view, demands))?;
            for part in operation.parts(&view) {
                let asked = self.authorise_part(&view, |view, demands| {
                    demands.begin_parts();
                    operation.demand_part(view, &part, demands);
                });
                if let Err(denied) = asked {
                    operation.hear_denied(part, denied);
                }
            }
            operation.default_key(&view)
        };
        if let Some(service) = key {
            self.gateway.ensure_default_key(self.scope, service, self.now_ms).await?;
        }
        let made = {
            let snapshot = self.gateway.engine.read();
            let view = View::new(&snapshot, self.scope, Timestamp(self.now_ms.max(snapshot.time_ms)));
            operation.effect(&self.gateway.outside.of_call(&self.record.deeds), view).await?
        };
        self.transact(
            false,
            |view, demands, operation: &O| {
                operation.demands(view, demands);
                demands.begin_parts();
                operation.parts(view).iter().for_each(|part| operation.demand_part(view, part, demands));
            },
            operation,
            |operation, tx| {
                let output = operation.run(made, tx)?;
                self.encode(O::ACTION, &output, &[], &[])
            },
        )
        .await
    }

    /// Runs an authorised transaction, lets the simulation settle, and waits until the answer is durable.
    async fn transact<O>(
        &self,
        frees: bool,
        demands: impl FnOnce(&View<'_>, &mut Demands, &O),
        operation: O,
        run: impl FnOnce(O, &mut Tx<'_, '_>) -> Result<Written, ApiError>,
    ) -> Result<Written, ApiError> {
        let gateway = self.gateway;
        let work = |head: &mut Head<'_, Cloud>| {
            let revision = head.revision();
            // Its record comes after those that are there.
            let now_ms = self.now_ms.max(gateway.engine.recorded_ms());
            let result = head.transact(now_ms, None, |tx| {
                let mut entropy = gateway.entropy.lock().unwrap_or_else(PoisonError::into_inner);
                let mut tx = Tx::new(tx, self.scope, &mut entropy);
                if self.caller.service.is_some() {
                    tx = tx.of_service();
                }
                self.authorise(&tx.view(), |view, list| demands(view, list, &operation))?;
                let answer = run(operation, &mut tx)?;
                if tx.is_changed() {
                    let now_ms = tx.now_ms();
                    self.record.entries(None, now_ms).into_iter().for_each(|entry| tx.record(entry));
                }
                Ok(answer)
            });
            if head.revision() > revision {
                self.record.is_committed();
                gateway.settle(head);
            }
            result
        };
        let pending = if frees { gateway.engine.commit_essential(work) } else { gateway.engine.commit(work) };
        pending.await?
    }

    fn encode<T: Serialize>(
        &self,
        action: Action,
        output: &T,
        extra: &[(&str, &str)],
        flags: &[(&str, bool)],
    ) -> Result<Written, ApiError> {
        let request_id = self.record.request_id.as_str();
        self.record.hear_answer(action, output);
        if let Some(status) = efs::status(action) {
            let body = if status == 204 { Ok(Vec::new()) } else { landfall_wire::encode_json(output, extra, flags) };
            let written = body.map(|body| Written { status: Some(status), body, ..Written::default() });
            return written.map_err(|error| unwritten(&error, action, request_id));
        }
        if self.protocol == Protocol::RestJson
            && action.service == "ebs"
            && let Some(payload) = ebs::payload(action.name)
        {
            let written = landfall_wire::encode_payload(payload, output);
            return written.map_err(|error| unwritten(&error, action, request_id));
        }
        let encoded = match self.protocol {
            Protocol::Ec2Query => landfall_wire::encode_ec2(action.name, request_id, EC2_XMLNS, output, extra),
            Protocol::Query => {
                landfall_wire::encode_query(action.name, request_id, xmlns(action.service), output, extra)
            }
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                landfall_wire::encode_json(output, extra, flags)
            }
            Protocol::RestXml => landfall_wire::encode_rest_xml(s3::root(action.name), s3::XMLNS, output, extra),
        };
        encoded.map(Written::from).map_err(|error| unwritten(&error, action, request_id))
    }
}

/// An answer that can't be encoded: a defect of ours.
fn unwritten(error: &landfall_wire::EncodeError, action: Action, request: &str) -> ApiError {
    tracing::error!(%error, action = action.name, request, "an answer can't be encoded");
    ApiError::internal()
}
