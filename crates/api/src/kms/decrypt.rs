//! kms:Decrypt. Decrypts what Encrypt or GenerateDataKey encrypted; ciphertexts of symmetric keys name their key.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{Ciphertext, EncryptionAlgorithm, KeyUsage};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::{material, symmetric};
use super::shape::demand::{on_key, set_context};
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::{check_algorithm, usable};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read, encryption};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Decrypt {
    ciphertext_blob: Blob,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
    #[serde(default)]
    grant_tokens: GrantTokens,
    key_id: Option<String>,
    #[serde(default)]
    encryption_algorithm: EncryptionAlgorithm,
    recipient: Option<Unsupported>,
    dry_run_modifiers: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptResponse<'v> {
    key_id: Arn,
    plaintext: Blob,
    encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<&'v str>,
}

impl Read for Decrypt {
    const ACTION: Action = Action::kms("Decrypt");
    type Output<'v> = DecryptResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key());
        set_context(demand, &self.encryption_context);
        demand.with("kms:EncryptionAlgorithm", self.encryption_algorithm);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DecryptResponse<'v>, ApiError> {
        refuse_parameters!(self; recipient, dry_run_modifiers);
        check_tokens(&look.view, &self.grant_tokens)?;
        let invalid = || ApiError::new("InvalidCiphertextException", "");
        let ciphertext = Ciphertext::parse(&self.ciphertext_blob.0).map_err(|_| invalid())?;
        let row = usable(&look.view, &self.key(), KeyUsage::EncryptDecrypt)?;
        check_algorithm(row, self.encryption_algorithm)?;
        if (row.scope, row.id) != (ciphertext.scope, ciphertext.key) {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(ApiError::new("IncorrectKeyException", message));
        }
        let secret = material::open(&look.outside.vault, row)?;
        let version = ciphertext.version;
        let plaintext = symmetric::decrypt(&secret, ciphertext, &self.encryption_context).map_err(|_| invalid())?;
        let material = row.versions.iter().find(|made| made.number == version);
        Ok(DecryptResponse {
            key_id: row.arn(),
            plaintext: plaintext.into(),
            encryption_algorithm: self.encryption_algorithm,
            key_material_id: material.map(|made| made.id.as_str()),
        })
    }
}

impl Decrypt {
    /// The key that the request names, or else the ciphertext.
    fn key(&self) -> String {
        let named = || encryption::key_of(&self.ciphertext_blob.0).map(|arn| arn.to_string());
        self.key_id.clone().or_else(named).unwrap_or_default()
    }
}
