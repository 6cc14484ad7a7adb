//! The audit: a record of every authenticated call, in CloudTrail's form, allowed or denied.
//!
//! Dispatch owns it, so that no operation can forget it. The record of a change goes into the same append as the change:
//! there is neither one without the other. That of everything else (looks, refusals, writes of what was so already) is
//! durable within a second; where it can't be taken, the call is refused, for nobody may act unseen. What nobody proved
//! to have sent is only logged, or anybody could fill the disk.
//!
//! Records are lines of the stream [`STREAM`], found by [`key`]s of what they are about. Source of their form: the
//! CloudTrail User Guide, "CloudTrail record contents".

mod common;
mod deeds;
mod delivery;
mod event;
mod identity;
mod key_use;
pub mod mask;
mod resources;
mod spelling;

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use landfall_cloud::Cloud;
use landfall_model::{AccountId, Arn, Region, Scope};
use landfall_state::{BulkEntry, Engine, bulk_key, bulk_key_after};
use landfall_wire::{Form, Tree};
use serde::Serialize;
use tracing::field;

use crate::authorise::{Caller, Denial};
use crate::demand::Demands;
use crate::error::ApiError;
use crate::gateway::HttpRequest;
use crate::operation::{Action, Operation, Shape};

use deeds::Deed;
pub(crate) use deeds::{Deeds, Part};
pub(crate) use delivery::taken;
pub use event::{parse_time, time_of};
pub use identity::user_name_of;
pub use resources::{Resource, resources};
pub use spelling::Spelling;

/// The stream of the records.
pub const STREAM: &str = "events";
/// Source: the table of record contents, which leaves out parameters and answers that are larger.
const PART_BYTES: usize = 100 << 10;
/// Longer names of actions aren't any.
const NAME_CHARACTERS: usize = 128;
/// The longest user agent and error message, by the same source.
const TEXT_BYTES: usize = 1 << 10;
/// A build that measures what the audit costs has none.
const IS_OFF: bool = cfg!(feature = "without-audit");

/// What the records of an account's events in a region are found by: all of them, or those of which an attribute has
/// that value.
pub fn key(account: &str, region: Region, attribute: Option<(&str, &str)>) -> u64 {
    match attribute {
        None => bulk_key(&[account, region.name()]),
        Some((name, value)) => bulk_key_after(key(account, region, None), &[name, value]),
    }
}

/// What a record is found by, as it is told.
#[derive(Clone)]
struct Keys {
    of_all: u64,
    keys: Vec<u64>,
}

impl Keys {
    /// Those of all records of an account's events in a region.
    fn of(account: &str, region: Region) -> Self {
        let of_all = key(account, region, None);
        let mut keys = Vec::with_capacity(12);
        keys.push(of_all);
        Self { of_all, keys }
    }

    /// Those of a record that isn't looked up.
    fn none() -> Self {
        Self { of_all: 0, keys: Vec::new() }
    }

    /// The record is found by that attribute's value, too.
    fn add(&mut self, attribute: &str, value: &str) {
        self.keys.push(bulk_key_after(self.of_all, &[attribute, value]));
    }

    /// The record of that text, which was told at that time.
    fn file(self, text: event::Text, time_ms: i64) -> BulkEntry {
        static THE_STREAM: LazyLock<Arc<str>> = LazyLock::new(|| STREAM.into());
        // The texts that it is made of are text.
        let record = std::str::from_utf8(&text.0).unwrap_or_default().into();
        text.give_back();
        BulkEntry { stream: THE_STREAM.clone(), time_ms, record, keys: self.keys }
    }
}

/// How TLS is spoken on a connection, in the words of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsSpoken {
    /// The version, such as `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite as OpenSSL calls it, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
}

/// What is known of a request, as it becomes known.
pub(crate) struct Record<'r> {
    pub(crate) request_id: String,
    pub(crate) form: Form,
    pub(crate) request: &'r HttpRequest<'r>,
    pub(crate) scope: Option<Scope>,
    pub(crate) caller: Option<Caller>,
    /// The service that it was signed for.
    pub(crate) service: String,
    /// The action that was asked for, whether there is one of that name or not.
    pub(crate) name: String,
    pub(crate) operation: Option<&'static Operation>,
    /// The region that its events are in.
    pub(crate) region: Option<Region>,
    /// Its parameters, as JSON.
    parameters: String,
    /// Whether a commit holds what was done, and its record.
    committed: AtomicBool,
    /// What was answered, as JSON.
    answer: OnceLock<String>,
    /// Resources of the service's whose own policies were asked, with their owners.
    owned: Mutex<Vec<(String, String)>>,
    /// What it did that has records of its own.
    pub(crate) deeds: Deeds,
    /// Another account that the call is about.
    concern: OnceLock<AccountId>,
}

impl<'r> Record<'r> {
    pub(crate) fn new(request: &'r HttpRequest<'r>, request_id: String) -> Self {
        Self {
            request_id,
            form: Form::default(),
            request,
            scope: None,
            caller: None,
            service: String::new(),
            name: String::new(),
            operation: None,
            region: None,
            parameters: String::new(),
            committed: AtomicBool::new(false),
            answer: OnceLock::new(),
            owned: Mutex::default(),
            deeds: Deeds::default(),
            concern: OnceLock::new(),
        }
    }

    /// Hears what the action is called, by whom it may have been made up.
    pub(crate) fn hear_name(&mut self, name: &str) {
        self.name.clear();
        self.name.reserve(name.len().min(NAME_CHARACTERS));
        self.name.extend(name.chars().filter(char::is_ascii_graphic).take(NAME_CHARACTERS));
    }

    /// Hears that nobody is proven to call, and for whose role: that account is told of it. Of the parameters no more is kept
    /// than says which role was asked for, since anybody could have sent them.
    pub(crate) fn hear_unproven(&mut self, scope: Scope, role: &Arn, session: &str) {
        let session: String = session.chars().take(NAME_CHARACTERS).collect();
        self.parameters = serde_json::json!({ "roleArn": role, "roleSessionName": session }).to_string();
        (self.scope, self.region) = (Some(scope), Some(scope.region));
    }

    /// Hears the parameters, before anything is taken out of them.
    pub(crate) fn hear_input(&mut self, spelling: &Spelling, input: &Tree) {
        if !IS_OFF {
            self.parameters = spelling.show(input);
        }
    }

    /// Hears what was demanded: resources with policies of their own may be another account's. A call may ask for the same more
    /// than once, and for its parts one after the other.
    pub(crate) fn hear_demands(&self, heard: Heard) {
        let mut all = lock(&self.owned);
        for one in heard.owned {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }

    /// Hears which demand was denied. Where it was that a service may use a key, KMS tells of it, too; KMS's own calls are
    /// told by themselves.
    pub(crate) fn hear_denial(&self, denial: &Denial) {
        if let Some(demand) = denial.demand.as_deref().filter(|_| self.service != "kms") {
            self.deeds.add_denied(demand, &denial.error);
        }
    }

    /// Resources of the service's whose own policies were asked, with their owners.
    fn owned(&self) -> Vec<(String, String)> {
        lock(&self.owned).clone()
    }

    /// Hears which other account the call is about.
    pub(crate) fn hear_concern(&self, account: Option<AccountId>) {
        if let Some(account) = account {
            self.concern.get_or_init(|| account);
        }
    }

    /// Hears the answer of what changes something, or gives credentials out.
    pub(crate) fn hear_answer<T: Serialize + ?Sized>(&self, action: Action, output: &T) {
        let is_shown = self.operation.is_some_and(|operation| shows_answer(operation.action, operation.shape));
        if is_shown && !IS_OFF {
            let answer = event::answer(action, output, &self.request_id);
            self.answer.get_or_init(|| answer);
        }
    }

    /// The records of a call that ended at that time, to be written with what it changed.
    pub(crate) fn entries(&self, error: Option<&ApiError>, time_ms: i64) -> Vec<BulkEntry> {
        // A call of which only the account is known was made by somebody who proved nothing.
        let Some(Scope { account, .. }) = self.scope.filter(|_| !IS_OFF) else { return Vec::new() };
        let owned = self.owned();
        let told = event::Told {
            part: None,
            name: &self.name,
            read_only: self.operation.is_some_and(|operation| is_read_only(operation.action, operation.shape)),
            parameters: if self.parameters.is_empty() { "null" } else { &self.parameters },
            answer: self.answer.get().filter(|_| error.is_none()).map_or("null", String::as_str),
            owned: &owned,
            error,
        };
        let concern = self.concern.get().copied().filter(|_| error.is_none());
        let mut entries = event::entries(self, account, &told, concern, time_ms);
        let Some(caller) = &self.caller else { return entries };
        for (number, deed) in self.deeds.list().iter().enumerate() {
            entries.extend(match deed {
                Deed::Key(used) => key_use::entries(self, caller, used, number, time_ms),
                Deed::Part(part) => event::part(self, account, part, number, time_ms),
            });
        }
        entries
    }

    /// That a commit holds the change and its record.
    pub(crate) fn is_committed(&self) {
        self.committed.store(true, Ordering::Relaxed);
    }

    /// Logs the call, and writes its record unless a commit holds it.
    pub(crate) fn finish(
        &self,
        engine: &Engine<Cloud>,
        error: Option<&ApiError>,
        started: Instant,
    ) -> Result<(), ApiError> {
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let account = self.scope.map(|scope| field::display(scope.account));
        let code = error.map(|error| error.code.as_ref());
        let action = self.operation.map_or("", |operation| operation.action.name);
        tracing::debug!(request = self.request_id, account, action, code, took_us, revision = engine.read().revision);
        if error.is_none() && self.committed.load(Ordering::Relaxed) {
            return Ok(());
        }
        for entry in self.entries(error, engine.record_ms()) {
            if let Err(refused) = engine.append_entry(entry) {
                tracing::error!(%refused, request = self.request_id, "a call can't be recorded");
                let message = "The call can't be recorded; please try again shortly.";
                return Err(ApiError::new("ServiceUnavailable", message).with_status(503));
            }
        }
        Ok(())
    }
}

/// What of a call's demands its record tells.
pub(crate) struct Heard {
    owned: Vec<(String, String)>,
}

/// What is told of a call of that service by its demands. Those of its parts are told by these.
pub(crate) fn heard(service: &str, demands: &Demands) -> Heard {
    let is_own = |action: &str| action.split_once(':').is_some_and(|(of, _)| of == service);
    let owned = demands.whole().iter().filter(|demand| is_own(&demand.action)).filter_map(|demand| {
        let owner = &demand.owned.as_ref()?.owner;
        Some((demand.resource.clone(), owner.clone()))
    });
    Heard { owned: owned.collect() }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A record that is written in any case: also where nobody waits for the answer any more, so that the call ends in the middle.
pub(crate) struct Recording<'e, 'r> {
    record: Record<'r>,
    engine: &'e Engine<Cloud>,
    started: Instant,
    is_finished: bool,
}

impl<'e, 'r> Recording<'e, 'r> {
    /// Begins with what is known.
    pub(crate) fn new(engine: &'e Engine<Cloud>, record: Record<'r>) -> Self {
        Self { record, engine, started: Instant::now(), is_finished: false }
    }

    /// Ends with what was answered.
    pub(crate) fn finish(&mut self, error: Option<&ApiError>) -> Result<(), ApiError> {
        self.is_finished = true;
        self.record.finish(self.engine, error, self.started)
    }
}

impl<'r> Deref for Recording<'_, 'r> {
    type Target = Record<'r>;

    fn deref(&self) -> &Record<'r> {
        &self.record
    }
}

impl DerefMut for Recording<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.record
    }
}

impl Drop for Recording<'_, '_> {
    fn drop(&mut self) {
        // What is committed has its record there.
        if !self.is_finished && !self.record.committed.load(Ordering::Relaxed) {
            let gone = ApiError::new("RequestCanceled", "The client went away before the call was answered.");
            // That it can't be written is logged, and there is nobody to tell.
            self.record.finish(self.engine, Some(&gone), self.started).ok();
        }
    }
}

/// Beginnings of the names of actions that only look, whatever they do for it.
const LOOKS: [&str; 9] = ["Describe", "Get", "List", "Lookup", "Search", "Simulate", "Decode", "Export", "Verify"];
/// Further actions that change nothing that is kept, for CloudTrail.
const CHANGES_NOTHING: [(&str, &str); 14] = [
    ("kms", "Decrypt"),
    ("kms", "Encrypt"),
    ("kms", "GenerateDataKey"),
    ("kms", "GenerateDataKeyPair"),
    ("kms", "GenerateDataKeyPairWithoutPlaintext"),
    ("kms", "GenerateDataKeyWithoutPlaintext"),
    ("kms", "GenerateMac"),
    ("kms", "GenerateRandom"),
    ("kms", "ReEncrypt"),
    ("kms", "Sign"),
    ("kms", "VerifyMac"),
    ("kms", "DeriveSharedSecret"),
    ("sts", "AssumeRole"),
    ("sts", "AssumeRoleWithWebIdentity"),
];
/// Those that look and still show what they answered: whom credentials were given to.
const GIVES_CREDENTIALS: [(&str, &str); 4] = [
    ("sts", "AssumeRole"),
    ("sts", "AssumeRoleWithWebIdentity"),
    ("sts", "GetFederationToken"),
    ("sts", "GetSessionToken"),
];

/// Whether an action only looks, as its events tell.
pub(crate) fn is_read_only(action: Action, shape: Shape) -> bool {
    shape == Shape::Read
        || LOOKS.iter().any(|begin| action.name.starts_with(begin))
        || CHANGES_NOTHING.contains(&(action.service, action.name))
}

fn shows_answer(action: Action, shape: Shape) -> bool {
    !is_read_only(action, shape) || GIVES_CREDENTIALS.contains(&(action.service, action.name))
}
