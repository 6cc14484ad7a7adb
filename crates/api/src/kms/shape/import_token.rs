//! Tokens of imports. A token carries the private half of the key that its material is wrapped with, sealed, so that none
//! is kept here; it is good for one key and a day.

use landfall_cloud::View;
use landfall_model::kms::{WrappingAlgorithm, WrappingKeySpec};
use landfall_model::{KmsKey, Timestamp};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::kms::crypto::material::Secret;
use crate::vault::Vault;

/// What tokens are sealed for.
const TOKENS: &str = "kms import tokens";

/// What a token says.
#[derive(Serialize, Deserialize)]
pub struct ImportToken {
    /// The ARN of the key.
    key: String,
    /// How material is wrapped.
    pub algorithm: WrappingAlgorithm,
    /// With what kind of key.
    pub spec: WrappingKeySpec,
    /// Until when it is good.
    until: Timestamp,
    /// The private half of the key that wraps.
    private: Blob,
}

impl ImportToken {
    /// A token for a key.
    pub fn new(
        key: &KmsKey,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
        until: Timestamp,
        private: Vec<u8>,
    ) -> Self {
        Self { key: key.arn().to_string(), algorithm, spec, until, private: Blob(private) }
    }

    /// The token as it is given out.
    pub fn seal(&self, vault: &Vault) -> Result<Blob, ApiError> {
        let text = serde_json::to_vec(self).map_err(|_| ApiError::internal())?;
        Ok(Blob(vault.issue(TOKENS, "", &text).into_bytes()))
    }

    /// A token that was given out for that key and is good yet.
    pub fn open(vault: &Vault, view: &View<'_>, key: &KmsKey, token: &Blob) -> Result<Self, ApiError> {
        let invalid = || ApiError::new("InvalidImportTokenException", "");
        let text =
            std::str::from_utf8(&token.0).ok().and_then(|token| vault.redeem(TOKENS, "", token)).ok_or_else(invalid)?;
        let token: Self = serde_json::from_slice(&text).map_err(|_| invalid())?;
        if token.key != key.arn().to_string() {
            return Err(invalid());
        }
        if token.until <= view.now() {
            return Err(ApiError::new("ExpiredImportTokenException", ""));
        }
        Ok(token)
    }

    /// The private half of the key that wraps.
    pub fn into_private(self) -> Secret {
        Secret::new(self.private.0)
    }
}
