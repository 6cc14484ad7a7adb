//! kms:Encrypt. Encrypts up to 4 KiB under a key.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{EncryptionAlgorithm, KeyUsage};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::{material, symmetric};
use super::shape::demand::{on_key, set_context};
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::{check_algorithm, usable};
use crate::{Action, ApiError, Demands, Look, Read};

/// The most bytes that are encrypted at once.
const MOST_BYTES: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Encrypt {
    key_id: String,
    plaintext: Blob,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
    #[serde(default)]
    grant_tokens: GrantTokens,
    #[serde(default)]
    encryption_algorithm: EncryptionAlgorithm,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptResponse {
    ciphertext_blob: Blob,
    key_id: Arn,
    encryption_algorithm: EncryptionAlgorithm,
}

impl Read for Encrypt {
    const ACTION: Action = Action::kms("Encrypt");
    type Output<'v> = EncryptResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        set_context(demand, &self.encryption_context);
        demand.with("kms:EncryptionAlgorithm", self.encryption_algorithm);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<EncryptResponse, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        if !(1..=MOST_BYTES).contains(&self.plaintext.0.len()) {
            let message = format!(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and {MOST_BYTES}"
            );
            return Err(ApiError::new("ValidationException", message));
        }
        let row = usable(&look.view, &self.key_id, KeyUsage::EncryptDecrypt)?;
        check_algorithm(row, self.encryption_algorithm)?;
        let secret = material::open(&look.outside.vault, row)?;
        let ciphertext = symmetric::encrypt(row, &secret, &self.encryption_context, &self.plaintext.0)?;
        Ok(EncryptResponse {
            ciphertext_blob: ciphertext.into(),
            key_id: row.arn(),
            encryption_algorithm: self.encryption_algorithm,
        })
    }
}
