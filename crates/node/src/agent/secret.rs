//! Secrets of the chunk store and keys of volumes, from the control plane: they are in no plan, and are asked for whenever one
//! is needed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_model::agent::{AgentCall, AgentReply, NoKeys, Secret};
use landfall_model::{AccountId, VolumeId};

use super::Shared;
use crate::driver::{DriverError, DriverResult};
use crate::volume::key::{DiskKey, DiskKeys};

impl Shared {
    /// The secret of an account's part of the chunk store.
    pub(super) fn chunk_secret(&self, domain: AccountId) -> DriverResult<[u8; 32]> {
        let secret = match self.link.call(AgentCall::ChunkSecret { domain }) {
            Ok(AgentReply::ChunkSecret { secret }) => secret,
            Ok(_) => None,
            Err(error) => return Err(DriverError::Later(error.to_string())),
        };
        let bytes = secret.and_then(|secret| bytes_of(&secret));
        bytes.ok_or_else(|| DriverError::Later(format!("the control plane doesn't give the secret of {domain} now")))
    }

    /// The keys of an encrypted volume. Where its KMS key can't be used, what needs them fails for good, in EC2's words.
    pub(super) fn volume_keys(&self, volume: VolumeId) -> DriverResult<DiskKeys> {
        let later = || DriverError::Later(format!("the control plane doesn't give the keys of {volume} now"));
        let keys = match self.link.call(AgentCall::VolumeKeys { volume }) {
            Ok(AgentReply::VolumeKeys { keys: Ok(keys) }) => keys,
            Ok(AgentReply::VolumeKeys { keys: Err(NoKeys::Unusable) }) => {
                return Err(DriverError::Final(UNUSABLE.to_owned()));
            }
            Ok(_) => return Err(later()),
            Err(error) => return Err(DriverError::Later(error.to_string())),
        };
        let key = |secret: &Secret| bytes_of(secret).map(DiskKey::new).ok_or_else(later);
        Ok(DiskKeys { own: key(&keys.own)?, source: keys.source.as_ref().map(key).transpose()? })
    }
}

/// What EC2 says of an instance that has a volume whose KMS key can't be used.
const UNUSABLE: &str = "Client.InternalError: Client error on launch";

fn bytes_of(secret: &Secret) -> Option<[u8; 32]> {
    STANDARD.decode(&secret.0).ok()?.try_into().ok()
}
