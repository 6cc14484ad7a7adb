//! Authentication: from a signature to the principal that it proves.
//!
//! Signing keys are derived once a day and key, and kept, because deriving one costs four times what verifying with it
//! does. The cache is bounded, and an entry is good only for the very row that it was made from: a key that was rotated
//! or switched off is noticed at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use landfall_cloud::{Cloud, identity};
use landfall_model::Principal;
use landfall_state::{RootKey, Sealed};
use landfall_wire::sigv4::{self, AuthError, Claim, Payload, SigningKey};
use landfall_wire::{Protocol, RequestParts};

use crate::error::ApiError;

/// The context that secrets of access keys are sealed under.
pub fn secret_context(access_key: &str) -> String {
    format!("access-key/{access_key}")
}

/// Verifies signatures.
pub struct Authenticator {
    root_key: RootKey,
    keys: Mutex<HashMap<CacheKey, CacheEntry>>,
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
    key: std::sync::Arc<SigningKey>,
}

/// Derived keys that are kept.
const CACHED: usize = 4096;

impl Authenticator {
    /// One that opens sealed secrets with that key.
    pub fn new(root_key: RootKey) -> Self {
        Self { root_key, keys: Mutex::new(HashMap::new()) }
    }

    /// The principal that signed the request.
    pub(crate) fn principal<'c>(
        &self,
        cloud: &'c Cloud,
        claim: &Claim,
        parts: &RequestParts<'_>,
        body: &[u8],
        now_ms: i64,
        protocol: Protocol,
    ) -> Result<&'c Principal, ApiError> {
        let refuse = |error: AuthError| ApiError::from(error.refusal(protocol));
        let unknown = || refuse(AuthError::UnknownAccessKey);
        let (row, principal) = identity::of_access_key(cloud, &claim.access_key_id).ok_or_else(unknown)?;
        // Keys of an account's own have no session; a token with one is another session's.
        if !row.active || claim.token.is_some() {
            return Err(unknown());
        }
        let key = self.signing_key(&row.id, &row.secret, claim)?;
        sigv4::verify(claim, parts, Payload::Bytes(body), &key, now_ms).map_err(refuse)?;
        Ok(principal)
    }

    fn signing_key(
        &self,
        access_key: &str,
        sealed: &str,
        claim: &Claim,
    ) -> Result<std::sync::Arc<SigningKey>, ApiError> {
        let scope = &claim.scope;
        let cache_key = CacheKey {
            access_key: access_key.to_owned(),
            date: scope.date.clone(),
            region: scope.region.clone(),
            service: scope.service.clone(),
        };
        let mut cache = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = cache.get(&cache_key).filter(|entry| entry.sealed == sealed) {
            return Ok(entry.key.clone());
        }
        let secret = self.open(access_key, sealed).map_err(|error| {
            tracing::error!(%error, access_key, "a secret can't be opened with the root key");
            ApiError::internal()
        })?;
        let key = std::sync::Arc::new(SigningKey::derive(&secret, &scope.date, &scope.region, &scope.service));
        // The dates, regions and services of requests that fail to verify are the sender's to choose.
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(cache_key, CacheEntry { sealed: sealed.to_owned(), key: key.clone() });
        Ok(key)
    }

    fn open(&self, access_key: &str, sealed: &str) -> Result<String, String> {
        let sealed: Sealed = sealed.parse().map_err(|_| "the sealed text is malformed".to_owned())?;
        let bytes = self.root_key.open(&secret_context(access_key), &sealed).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "the secret is no text".to_owned())
    }

    /// Seals the secret of an access key, for its row.
    pub fn seal(&self, access_key: &str, secret: &str) -> String {
        self.root_key.seal(&secret_context(access_key), secret.as_bytes()).to_string()
    }

    /// Whether a sealed secret is that one.
    pub fn opens_to(&self, access_key: &str, sealed: &str, secret: &str) -> bool {
        self.open(access_key, sealed).is_ok_and(|opened| opened == secret)
    }

    /// A key for something else that is to be told from forgeries, such as page tokens.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.root_key.derive(purpose)
    }
}
