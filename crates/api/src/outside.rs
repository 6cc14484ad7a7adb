//! What operations reach outside the value: hosts, which answer requests beside their plans, and the vault, whose key is
//! kept apart from the log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use landfall_model::HostId;
use landfall_model::agent::{Answer, Ask};

use crate::audit::Deeds;
use crate::block_store::BlockStore;
use crate::error::ApiError;
use crate::key_uses::KeyUses;
use crate::password::Hasher;
use crate::s3::Folders;
use crate::second_factor::Guesses;
use crate::vault::Vault;
use crate::web_identity::{Fetcher, Issuers};

/// Hosts that can be asked. The control plane's side of the agents' protocol.
pub trait Hosts: Send + Sync {
    /// Asks a host, and waits until it answers or the time is up. The error is a sentence for a person.
    fn ask(&self, host: HostId, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Answer, String>> + Send + '_>>;

    /// Whether a host's agent is heard. One that is simulated always is.
    fn presence(&self, host: HostId) -> HostPresence {
        let _ = host;
        HostPresence::Connected
    }
}

/// Whether a host's agent is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPresence {
    /// Its lease holds.
    Connected,
    /// Its lease has lapsed. What runs on it may still run.
    Lost,
    /// The control plane has just begun, and it may come yet.
    Unknown,
}

/// What lies outside the value.
#[derive(Clone)]
pub struct Outside {
    /// The hosts.
    pub hosts: Arc<dyn Hosts>,
    /// Seals what rows keep secret, and opens it.
    pub vault: Vault,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// How often second factors were guessed at.
    pub guesses: Guesses,
    /// The keys of identity providers.
    pub issuers: Issuers,
    /// When access keys were last used.
    pub key_uses: KeyUses,
    /// The folders that stand for buckets.
    pub folders: Arc<Folders>,
    /// The blocks of snapshots.
    pub blocks: BlockStore,
    /// What the call at hand did that has records of its own.
    pub(crate) deeds: Deeds,
}

impl Outside {
    /// What those hosts and that vault are, with nothing in memory yet. Hosts are simulated unless it is said otherwise.
    pub fn new(hosts: Arc<dyn Hosts>, vault: Vault) -> Self {
        Self {
            hosts,
            vault,
            hasher: Hasher::default(),
            guesses: Guesses::default(),
            issuers: Issuers::default(),
            key_uses: KeyUses::default(),
            folders: Arc::default(),
            blocks: BlockStore::simulated(),
            deeds: Deeds::default(),
        }
    }

    /// The same for one call, whose record is to tell what it did.
    pub(crate) fn of_call(&self, deeds: &Deeds) -> Self {
        Self { deeds: deeds.clone(), ..self.clone() }
    }

    /// The same where those folders stand for buckets.
    #[must_use]
    pub fn with_folders(mut self, folders: Folders) -> Self {
        self.folders = Arc::new(folders);
        self
    }

    /// The same where the keys of issuers come that way.
    #[must_use]
    pub fn with_issuers(mut self, fetcher: Fetcher) -> Self {
        self.issuers = Issuers::new(fetcher);
        self
    }

    /// The same where the blocks of snapshots are there.
    #[must_use]
    pub fn with_blocks(self, blocks: BlockStore) -> Self {
        Self { blocks, ..self }
    }

    /// Asks a host; one that doesn't answer is an error that a client may repeat.
    pub async fn ask(&self, host: HostId, ask: Ask) -> Result<Answer, ApiError> {
        self.hosts.ask(host, ask).await.map_err(|why| ApiError::new("ServiceUnavailable", why).with_status(503))
    }
}

/// Does what waits for a disk, on a thread that may.
pub(crate) async fn waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "what waits for a disk ended unexpectedly");
        ApiError::internal()
    })
}
