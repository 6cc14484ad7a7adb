//! The keys of issuers, kept for a while. A key that isn't known has them asked again, but not at anybody's pace: whoever
//! makes up tokens makes up names of keys, too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_model::OidcProvider;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::fetch::{FetchError, Fetcher};
use super::refusal;
use super::token::{Claimed, Identity, Jwk, read_keys};
use crate::error::ApiError;

/// How long keys are good without asking, and how soon they are asked again for a key that isn't known, in milliseconds.
const GOOD_MS: i64 = 3600 * 1000;
const PAUSE_MS: i64 = 30 * 1000;
/// Issuers whose keys are kept, and keys of each.
const ISSUERS: usize = 256;
const KEYS: usize = 100;
/// Issuers that are asked at once.
const AT_ONCE: usize = 8;

#[derive(Clone)]
struct Kept {
    /// The keys, and when they came; none where they never did.
    keys: Option<(Arc<Vec<Jwk>>, i64)>,
    /// When they were last asked for.
    asked_ms: i64,
}

/// Knows the keys of issuers.
#[derive(Clone)]
pub struct Issuers {
    fetcher: Fetcher,
    kept: Arc<Mutex<HashMap<String, Kept>>>,
    turns: Arc<Semaphore>,
}

impl Default for Issuers {
    fn default() -> Self {
        Self::new(Fetcher::default())
    }
}

impl Issuers {
    /// Keys that come that way.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, kept: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whom a token proves somebody to be, by the keys of its issuer.
    pub async fn prove(
        &self,
        claimed: &Claimed<'_>,
        provider: &OidcProvider,
        now_ms: i64,
    ) -> Result<Identity, ApiError> {
        let clients = &provider.client_ids;
        let kept = self.lock().get(&place(provider)).cloned();
        let may_ask = kept.as_ref().is_none_or(|kept| now_ms - kept.asked_ms >= PAUSE_MS);
        let good = kept.and_then(|kept| kept.keys).filter(|(_, came_ms)| now_ms - came_ms < GOOD_MS);
        let keys = match good {
            Some((keys, _)) if !may_ask || keys.iter().any(|key| key.fits(claimed)) => keys,
            _ if may_ask => self.ask(provider, now_ms).await?,
            _ => return Err(unavailable("it was asked a moment ago")),
        };
        claimed.prove(&keys, clients, now_ms.div_euclid(1000)).map_err(refusal)
    }

    async fn ask(&self, provider: &OidcProvider, now_ms: i64) -> Result<Arc<Vec<Jwk>>, ApiError> {
        let (issuer, place) = (&provider.issuer, place(provider));
        let _turn = self.turns.acquire().await.map_err(|_| ApiError::internal())?;
        let asked = self.keys_of(issuer, &provider.thumbprints).await.map(Arc::new);
        let mut kept = self.lock();
        if kept.len() >= ISSUERS && !kept.contains_key(&place) {
            kept.clear();
        }
        let entry = kept.entry(place).or_insert(Kept { keys: None, asked_ms: now_ms });
        entry.asked_ms = now_ms;
        match asked {
            Ok(keys) => {
                entry.keys = Some((keys.clone(), now_ms));
                Ok(keys)
            }
            Err(error) => {
                tracing::info!(%error, issuer, "an issuer's keys can't be had");
                Err(unavailable(&error.to_string()))
            }
        }
    }

    /// The keys as the issuer publishes them. Source: OpenID Connect Discovery 1.0.
    async fn keys_of(&self, issuer: &str, thumbprints: &[String]) -> Result<Vec<Jwk>, FetchError> {
        #[derive(Deserialize)]
        struct Configuration {
            issuer: String,
            jwks_uri: String,
        }
        let body = self.fetcher.fetch(&format!("{issuer}/.well-known/openid-configuration"), thumbprints).await?;
        let read: Option<Configuration> = serde_json::from_slice(&body).ok();
        // Whoever answers must say that it is the one that was asked.
        let own = read.filter(|read| read.issuer.trim_end_matches('/') == issuer.trim_end_matches('/'));
        let own = own.ok_or_else(|| FetchError::new("the issuer's configuration is another's or can't be read"))?;
        let body = self.fetcher.fetch(&own.jwks_uri, thumbprints).await?;
        let mut keys = read_keys(&body).ok_or_else(|| FetchError::new("the issuer's keys can't be read"))?;
        keys.truncate(KEYS);
        Ok(keys)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a provider's keys are kept. Whose certificate nobody else vouches for is proven by the account's own thumbprints, so
/// what was believed for one account says nothing to another with others.
fn place(provider: &OidcProvider) -> String {
    let mut prints = provider.thumbprints.clone();
    prints.sort_unstable();
    format!("{}\n{}", provider.issuer, prints.join("\n"))
}

/// That keys can't be had, in AWS's words.
fn unavailable(why: &str) -> ApiError {
    let message = "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements";
    ApiError::new("InvalidIdentityToken", format!("{message} ({why})"))
}
