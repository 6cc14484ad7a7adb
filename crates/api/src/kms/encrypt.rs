//! kms:Encrypt. Encrypts up to 4 KiB under a key, or as much as an RSA key takes.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{EncryptionAlgorithm, KeyUsage};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::encryption;
use super::shape::data_key::EncryptionContext;
use super::shape::demand::{on_key, set_context};
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::{check_algorithm, usable};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Encrypt {
    key_id: String,
    plaintext: Blob,
    #[serde(default)]
    encryption_context: EncryptionContext,
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
        let (algorithm, context) = (self.encryption_algorithm, &self.encryption_context);
        let row = usable(&look.view, &self.key_id, KeyUsage::EncryptDecrypt)?;
        check_algorithm(row, algorithm)?;
        let ciphertext = encryption::encrypt(&look.outside.vault, row, algorithm, context, &self.plaintext.0)?;
        Ok(EncryptResponse { ciphertext_blob: ciphertext.into(), key_id: row.arn(), encryption_algorithm: algorithm })
    }
}
