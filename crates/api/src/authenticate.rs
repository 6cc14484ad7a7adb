//! Authentication: from a signature to the principal that it proves.
//!
//! Signing keys are derived once a day and key, and kept, because deriving one costs four times what verifying with it
//! does. The cache is bounded, and an entry is good only for the very row that it was made from: a key that was rotated
//! or switched off is noticed at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use landfall_cloud::{Cloud, identity};
use landfall_model::{Principal, Timestamp};
use landfall_state::Engine;
use landfall_wire::sigv4::{self, AuthError, Claim, Payload, SigningKey};
use landfall_wire::{Protocol, RequestParts};

use crate::error::ApiError;
use crate::gateway::HttpRequest;
use crate::session::Session;
use crate::throttle::{Attempts, Source};
use crate::vault::Vault;

/// The context that secrets of access keys are sealed under.
pub fn secret_context(access_key: &str) -> String {
    format!("access-key/{access_key}")
}

/// Verifies signatures.
pub struct Authenticator {
    vault: Vault,
    keys: Mutex<HashMap<CacheKey, CacheEntry>>,
    /// Sessions by their token.
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    attempts: Attempts,
}

/// Who signed a request.
pub(crate) struct Signer {
    /// The principal; that which the session stands on, where there is one.
    pub principal: Arc<Principal>,
    /// The session, where the credentials are temporary.
    pub session: Option<Arc<Session>>,
}

/// Credentials that a request claims to be signed with.
struct Claimed {
    signer: Signer,
    /// What the signing key is known by: the secret as it is stored, or the token.
    sealed: String,
}

#[derive(PartialEq, Eq, Hash)]
struct CacheKey {
    access_key: String,
    date: String,
    region: String,
    service: String,
}

struct CacheEntry {
    sealed: String,
    key: Arc<SigningKey>,
}

/// Derived keys that are kept.
const CACHED: usize = 4096;

impl Authenticator {
    /// One that opens sealed secrets with that vault.
    pub fn new(vault: Vault) -> Self {
        Self { vault, keys: Mutex::default(), sessions: Mutex::default(), attempts: Attempts::new() }
    }

    /// Who signed the request.
    pub(crate) fn signer(
        &self,
        engine: &Engine<Cloud>,
        claim: &Claim,
        request: &HttpRequest<'_>,
        now_ms: i64,
        protocol: Protocol,
    ) -> Result<Signer, ApiError> {
        let parts =
            RequestParts { method: request.method, path: request.path, query: request.query, headers: request.headers };
        let source = Source::of(request.origin.map(|origin| origin.vpc), request.source);
        let refuse = |error: AuthError| {
            if error.is_failed_proof() && self.attempts.failed(source, &claim.access_key_id, now_ms) {
                return ApiError::throttled(protocol);
            }
            ApiError::from(error.refusal(protocol))
        };
        let Claimed { signer, sealed } = match &claim.token {
            None => self.lasting(engine, claim).ok_or_else(|| refuse(AuthError::UnknownAccessKey))?,
            Some(token) => self.temporary(engine, claim, token, now_ms).map_err(refuse)?,
        };
        let scope = &claim.scope;
        let place = CacheKey {
            access_key: claim.access_key_id.clone(),
            date: scope.date.clone(),
            region: scope.region.clone(),
            service: scope.service.clone(),
        };
        let kept = self.keys().get(&place).filter(|entry| entry.sealed == sealed).map(|entry| entry.key.clone());
        let is_new = kept.is_none();
        let key = kept.map_or_else(|| self.signing_key(&signer, &sealed, claim), Ok)?;
        sigv4::verify(claim, &parts, Payload::Bytes(request.body), &key, now_ms).map_err(refuse)?;
        if is_new {
            // Only what verified is kept: dates, regions and services of other requests are their senders' to choose.
            let mut keys = self.keys();
            if keys.len() >= CACHED {
                keys.clear();
            }
            keys.insert(place, CacheEntry { sealed, key });
        }
        Ok(signer)
    }

    /// Credentials that last: an access key of a user or of root.
    fn lasting(&self, engine: &Engine<Cloud>, claim: &Claim) -> Option<Claimed> {
        let found = engine.look(|cloud| identity::of_access_key(cloud, &claim.access_key_id));
        let (row, principal) = found.filter(|(row, _)| row.active)?;
        Some(Claimed { signer: Signer { principal, session: None }, sealed: row.secret.clone() })
    }

    /// Credentials of a session. It ends with the principal that it stands on.
    fn temporary(&self, engine: &Engine<Cloud>, claim: &Claim, token: &str, now_ms: i64) -> Result<Claimed, AuthError> {
        let session = self.session(token).filter(|session| session.access_key == claim.access_key_id);
        let session = session.ok_or(AuthError::InvalidSessionToken)?;
        if session.expires_at <= Timestamp(now_ms) {
            return Err(AuthError::ExpiredSessionToken);
        }
        let principal = engine.look(|cloud| cloud.principals.get_arc(&session.principal));
        let principal = principal.ok_or(AuthError::InvalidSessionToken)?;
        Ok(Claimed { signer: Signer { principal, session: Some(session) }, sealed: token.to_owned() })
    }

    fn session(&self, token: &str) -> Option<Arc<Session>> {
        let lock = || self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = lock().get(token) {
            return Some(session.clone());
        }
        let session = Arc::new(Session::open(&self.vault, token)?);
        let mut sessions = lock();
        if sessions.len() >= CACHED {
            sessions.clear();
        }
        sessions.insert(token.to_owned(), session.clone());
        Some(session)
    }

    fn signing_key(&self, signer: &Signer, sealed: &str, claim: &Claim) -> Result<Arc<SigningKey>, ApiError> {
        let scope = &claim.scope;
        let derive = |secret: &str| SigningKey::derive(secret, &scope.date, &scope.region, &scope.service);
        if let Some(session) = &signer.session {
            return Ok(Arc::new(derive(&session.secret)));
        }
        let access_key = &claim.access_key_id;
        let secret = self.open(access_key, sealed).map_err(|error| {
            tracing::error!(%error, access_key, "a secret can't be opened with the root key");
            ApiError::internal()
        })?;
        Ok(Arc::new(derive(&secret)))
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<CacheKey, CacheEntry>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, access_key: &str, sealed: &str) -> Result<String, String> {
        self.vault.open(&secret_context(access_key), sealed)
    }

    /// Seals the secret of an access key, for its row.
    pub fn seal(&self, access_key: &str, secret: &str) -> String {
        self.vault.seal(&secret_context(access_key), secret)
    }

    /// Whether a sealed secret is that one.
    pub fn opens_to(&self, access_key: &str, sealed: &str, secret: &str) -> bool {
        let same = |opened: String| verify_slices_are_equal(opened.as_bytes(), secret.as_bytes()).is_ok();
        self.open(access_key, sealed).is_ok_and(same)
    }

    /// Whether a sealed secret was sealed with this root key.
    pub fn opens(&self, access_key: &str, sealed: &str) -> bool {
        self.open(access_key, sealed).is_ok()
    }

    /// A key for something else that is to be told from forgeries, such as page tokens.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.vault.derive(purpose)
    }
}
