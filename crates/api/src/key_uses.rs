//! When access keys were last used. Each request notes it in memory; what was noted is written in batches, since a commit
//! a request would cost more than the request. A crash loses what was noted in the last while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_cloud::identity::access_key;
use landfall_cloud::{Cloud, Entropy, Tx};
use landfall_model::{KeyUse, Scope, Timestamp};
use landfall_state::{Engine, Refused};

/// What was noted and is yet to be written, by access key.
#[derive(Clone, Debug, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<String, KeyUse>>>);

impl KeyUses {
    /// Notes that a key was used. Only keys that verified come here, so that there are no more than rows.
    pub fn note(&self, key: &str, at: Timestamp, region: &str, service: &str) {
        let mut all = self.lock();
        if let Some(known) = all.get_mut(key).filter(|known| known.region == region && known.service == service) {
            known.at = at;
            return;
        }
        all.insert(key.to_owned(), KeyUse { at, region: region.to_owned(), service: service.to_owned() });
    }

    /// The last use of a key that is yet to be written.
    pub fn of(&self, key: &str) -> Option<KeyUse> {
        self.lock().get(key).cloned()
    }

    /// Writes what was noted.
    pub async fn write(&self, engine: &Engine<Cloud>, scope: Scope) -> Result<(), Refused> {
        let noted = std::mem::take(&mut *self.lock());
        if noted.is_empty() {
            return Ok(());
        }
        let now_ms = engine.now_ms();
        let written = noted.clone();
        let pending = engine.commit(|head| {
            // Nothing here is drawn.
            let mut entropy = Entropy::seeded(0);
            let done: Result<(), std::convert::Infallible> = head.transact(now_ms, None, |tx| {
                access_key::note_uses(&mut Tx::new(tx, scope, &mut entropy), written);
                Ok(())
            });
            let Ok(()) = done;
        });
        let result = pending.await;
        if result.is_err() {
            // What couldn't be written is noted again, but for what was used since.
            let mut all = self.lock();
            noted.into_iter().for_each(|(key, used)| {
                all.entry(key).or_insert(used);
            });
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, KeyUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
