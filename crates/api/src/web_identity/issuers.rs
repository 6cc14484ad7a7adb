//! The keys of issuers, kept for a while. A key that isn't known has them asked again, but not at anybody's pace: whoever
//! makes up tokens makes up names of keys, too. An issuer is asked by one at a time, and all who want its keys meanwhile get
//! that answer. Whose issuers don't answer keeps nobody else's waiting: each account may have a few asked at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_model::{AccountId, OidcProvider};
use serde::Deserialize;
use tokio::sync::watch;

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
/// Issuers that are asked at once, in all and for one account. Nobody waits for a turn: who comes on top of that is refused,
/// and may try again.
const AT_ONCE: usize = 64;
const OF_ACCOUNT: usize = 4;

/// What came of asking, once it did.
type Asked = Option<Result<Arc<Vec<Jwk>>, FetchError>>;

struct Kept {
    /// The keys, and when they came; none where they never did.
    keys: Option<(Arc<Vec<Jwk>>, i64)>,
    /// When they were last asked for.
    asked_ms: i64,
}

/// What is known, and what is being asked.
#[derive(Default)]
struct Known {
    kept: HashMap<String, Kept>,
    asking: HashMap<String, (AccountId, watch::Receiver<Asked>)>,
}

/// Knows the keys of issuers.
#[derive(Clone)]
pub struct Issuers {
    fetcher: Fetcher,
    known: Arc<Mutex<Known>>,
}

impl Default for Issuers {
    fn default() -> Self {
        Self::new(Fetcher::default())
    }
}

/// Keys, or where they will come.
enum Keys {
    Here(Arc<Vec<Jwk>>),
    Coming(watch::Receiver<Asked>),
}

impl Issuers {
    /// Keys that come that way.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, known: Arc::default() }
    }

    /// Whom a token proves somebody to be, by the keys of its issuer, whom that account trusts.
    pub async fn prove(
        &self,
        claimed: &Claimed<'_>,
        provider: &OidcProvider,
        now_ms: i64,
    ) -> Result<Identity, ApiError> {
        let keys = match self.find(claimed, provider, now_ms)? {
            Keys::Here(keys) => keys,
            Keys::Coming(mut coming) => {
                let came = coming.wait_for(Option::is_some).await.map_err(|_| ApiError::internal())?;
                let came = came.clone().ok_or_else(ApiError::internal)?;
                came.map_err(|error| unavailable(&error.to_string()))?
            }
        };
        claimed.prove(&keys, &provider.client_ids, now_ms.div_euclid(1000)).map_err(refusal)
    }

    /// The keys that are kept, if they are good; else those that are, or now will be, on their way.
    fn find(&self, claimed: &Claimed<'_>, provider: &OidcProvider, now_ms: i64) -> Result<Keys, ApiError> {
        let (account, place) = (provider.account, place(provider));
        let mut known = self.lock();
        let kept = known.kept.get(&place);
        let may_ask = kept.is_none_or(|kept| now_ms - kept.asked_ms >= PAUSE_MS);
        let good = kept.and_then(|kept| kept.keys.as_ref()).filter(|(_, came_ms)| now_ms - came_ms < GOOD_MS);
        let good = good.map(|(keys, _)| keys.clone());
        if let Some(keys) = good.as_ref().filter(|keys| keys.iter().any(|key| key.fits(claimed))) {
            return Ok(Keys::Here(keys.clone()));
        }
        // Whoever asks always tells: one that doesn't any more has come to grief.
        if let Some((_, coming)) = known.asking.get(&place).filter(|(_, coming)| coming.has_changed().is_ok()) {
            return Ok(Keys::Coming(coming.clone()));
        }
        if !may_ask {
            return good.map(Keys::Here).ok_or_else(|| unavailable("it was asked a moment ago"));
        }
        let own = known.asking.values().filter(|(whose, _)| *whose == account).count();
        if own >= OF_ACCOUNT || known.asking.len() >= AT_ONCE {
            return Err(busy());
        }
        known.note(&place, now_ms, None);
        let (tell, coming) = watch::channel(None);
        known.asking.insert(place.clone(), (account, coming.clone()));
        drop(known);
        // By itself: the answer is others' too, and must come though whoever asked first hangs up.
        let (issuers, provider) = (self.clone(), provider.clone());
        tokio::spawn(async move {
            let asked = issuers.keys_of(&provider.issuer, &provider.thumbprints).await.map(Arc::new);
            if let Err(error) = &asked {
                tracing::info!(%error, issuer = provider.issuer, "an issuer's keys can't be had");
            }
            let mut known = issuers.lock();
            known.asking.remove(&place);
            if let Ok(keys) = &asked {
                known.note(&place, now_ms, Some(keys.clone()));
            }
            tell.send_replace(Some(asked));
        });
        Ok(Keys::Coming(coming))
    }

    /// The keys as the issuer publishes them. Source: OpenID Connect Discovery 1.0.
    async fn keys_of(&self, issuer: &str, thumbprints: &[String]) -> Result<Vec<Jwk>, FetchError> {
        #[derive(Deserialize)]
        struct Configuration {
            issuer: String,
            jwks_uri: String,
        }
        // What lies near is the operator's: only an issuer that does itself leads there.
        let reach = self.fetcher.reach(issuer);
        let configuration = format!("{issuer}/.well-known/openid-configuration");
        let body = self.fetcher.fetch(&configuration, thumbprints, reach).await?;
        let read: Option<Configuration> = serde_json::from_slice(&body).ok();
        // Whoever answers must say that it is the one that was asked.
        let own = read.filter(|read| read.issuer.trim_end_matches('/') == issuer.trim_end_matches('/'));
        let own = own.ok_or_else(|| FetchError::new("the issuer's configuration is another's or can't be read"))?;
        let body = self.fetcher.fetch(&own.jwks_uri, thumbprints, reach).await?;
        let mut keys = read_keys(&body).ok_or_else(|| FetchError::new("the issuer's keys can't be read"))?;
        keys.truncate(KEYS);
        Ok(keys)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a provider's keys are kept. Whose certificate nobody else vouches for is proven by the account's own thumbprints, so
/// what was believed for one account says nothing to another with others.
fn place(provider: &OidcProvider) -> String {
    let mut prints = provider.thumbprints.clone();
    prints.sort_unstable();
    format!("{}\n{}", provider.issuer, prints.join("\n"))
}

impl Known {
    /// Takes down that an issuer was asked, and what came.
    fn note(&mut self, place: &str, now_ms: i64, keys: Option<Arc<Vec<Jwk>>>) {
        if self.kept.len() >= ISSUERS && !self.kept.contains_key(place) {
            // The one that was asked longest ago goes.
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.asked_ms).map(|(place, _)| place.clone());
            oldest.and_then(|oldest| self.kept.remove(&oldest));
        }
        let entry = self.kept.entry(place.to_owned()).or_insert(Kept { keys: None, asked_ms: now_ms });
        entry.asked_ms = now_ms;
        if let Some(keys) = keys {
            entry.keys = Some((keys, now_ms));
        }
    }
}

/// That too many issuers are being asked.
fn busy() -> ApiError {
    let message = "Too many identity providers are being asked for their keys; please try again shortly.";
    ApiError::new("IDPCommunicationError", message)
}

/// That keys can't be had, in AWS's words.
fn unavailable(why: &str) -> ApiError {
    let message = "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements";
    ApiError::new("InvalidIdentityToken", format!("{message} ({why})"))
}
