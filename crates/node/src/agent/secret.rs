//! Secrets of the chunk store, from the control plane: they are in no plan, and are asked for whenever one is needed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_model::AccountId;
use landfall_model::agent::{AgentCall, AgentReply};

use super::Shared;
use crate::driver::{DriverError, DriverResult};

impl Shared {
    /// The secret of an account's part of the chunk store.
    pub(super) fn chunk_secret(&self, domain: AccountId) -> DriverResult<[u8; 32]> {
        let secret = match self.link.call(AgentCall::ChunkSecret { domain }) {
            Ok(AgentReply::ChunkSecret { secret }) => secret,
            Ok(_) => None,
            Err(error) => return Err(DriverError::Later(error.to_string())),
        };
        let bytes = secret.and_then(|secret| STANDARD.decode(secret.0).ok()?.try_into().ok());
        bytes.ok_or_else(|| DriverError::Later(format!("the control plane doesn't give the secret of {domain} now")))
    }
}
