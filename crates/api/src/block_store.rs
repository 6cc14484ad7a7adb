//! The chunk store as the API reads it, for snapshots whose blocks are asked for.
//!
//! It reads on threads that may wait, a few at a time: a block is half a MiB, and a client may ask for thousands at once.

use std::fmt;
use std::sync::Arc;

use landfall_chunks::{Domain, Error, Keys, Objects, Store};
use landfall_model::AccountId;
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::outside;
use crate::vault::Vault;

/// How many calls read at once: what they have in memory is bounded by that.
const READERS: usize = 16;

/// Where the blocks of snapshots are.
#[derive(Clone)]
pub struct BlockStore {
    place: Place,
    readers: Arc<Semaphore>,
}

#[derive(Clone)]
enum Place {
    /// Nowhere: simulated machines write nothing, so that their snapshots are empty.
    Simulated,
    /// In a store that can't be opened.
    OutOfReach,
    There(Arc<dyn Objects>),
}

impl BlockStore {
    /// Of simulated machines, whose snapshots have nothing.
    pub fn simulated() -> Self {
        Self::of(Place::Simulated)
    }

    /// One that can't be opened: whoever asks for a block is told so.
    pub fn out_of_reach() -> Self {
        Self::of(Place::OutOfReach)
    }

    /// Those objects.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self::of(Place::There(objects))
    }

    fn of(place: Place) -> Self {
        Self { place, readers: Arc::new(Semaphore::new(READERS)) }
    }

    /// An account's part; nothing where there is nothing in any.
    pub fn domain(&self, vault: &Vault, account: AccountId) -> Result<Option<Store>, ApiError> {
        let objects = match &self.place {
            Place::Simulated => return Ok(None),
            Place::OutOfReach => return Err(ApiError::internal()),
            Place::There(objects) => objects.clone(),
        };
        let domain: Domain = account.to_string().parse().map_err(|error| failed(&error))?;
        Ok(Some(Store::new(objects, domain, Keys::open(&vault.chunk_secret(account)))))
    }

    /// Does what reads the store, where waiting is allowed.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = self.readers.clone().acquire_owned().await.map_err(|_| ApiError::internal())?;
        // The work goes on also where nobody waits for it any more, and has its place for so long.
        let work = move || {
            let _permit = permit;
            work()
        };
        outside::waiting(work).await?.map_err(|error| failed(&error))
    }
}

/// What can't be read is ours to mend, and its client may try again. What it was is in the log.
fn failed(error: &Error) -> ApiError {
    tracing::error!(%error, "the blocks of a snapshot can't be read");
    ApiError::internal()
}

impl fmt::Debug for BlockStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockStore")
    }
}
