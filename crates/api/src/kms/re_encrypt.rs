//! kms:ReEncrypt. Decrypts with one key and encrypts with another, and never gives out what is between.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{EncryptionAlgorithm, KeyUsage};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::encryption;
use super::crypto::material::Secret;
use super::shape::data_key::EncryptionContext;
use super::shape::demand::{of_ciphertext, on_ciphertext, on_key, set_context};
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::{any, check_algorithm, usable};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReEncrypt {
    ciphertext_blob: Blob,
    #[serde(default)]
    source_encryption_context: EncryptionContext,
    source_key_id: Option<String>,
    destination_key_id: String,
    #[serde(default)]
    destination_encryption_context: EncryptionContext,
    #[serde(default)]
    source_encryption_algorithm: EncryptionAlgorithm,
    #[serde(default)]
    destination_encryption_algorithm: EncryptionAlgorithm,
    #[serde(default)]
    grant_tokens: GrantTokens,
    dry_run_modifiers: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptResponse<'v> {
    ciphertext_blob: Blob,
    source_key_id: Arn,
    key_id: Arn,
    source_encryption_algorithm: EncryptionAlgorithm,
    destination_encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_key_material_id: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_key_material_id: Option<&'v str>,
}

impl Read for ReEncrypt {
    const ACTION: Action = Action::kms("ReEncrypt");
    type Output<'v> = ReEncryptResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let source = of_ciphertext(view, self.source_key_id.as_deref(), &self.ciphertext_blob.0);
        let same = match (source, any(view, &self.destination_key_id)) {
            (Ok(source), Ok(destination)) => source.key() == destination.key(),
            _ => false,
        };
        let sides = [
            (
                "ReEncryptFrom",
                self.source_key_id.as_deref(),
                &self.source_encryption_context,
                self.source_encryption_algorithm,
            ),
            (
                "ReEncryptTo",
                Some(self.destination_key_id.as_str()),
                &self.destination_encryption_context,
                self.destination_encryption_algorithm,
            ),
        ];
        for (action, key, context, algorithm) in sides {
            let action = Action::kms(action);
            let demand = match key {
                Some(key) => on_key(view, demands, action, key),
                None => on_ciphertext(view, demands, action, None, &self.ciphertext_blob.0),
            };
            set_context(demand, context);
            demand.with("kms:EncryptionAlgorithm", algorithm).with("kms:ReEncryptOnSameKey", same);
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ReEncryptResponse<'v>, ApiError> {
        refuse_parameters!(self; dry_run_modifiers);
        check_tokens(&look.view, &self.grant_tokens)?;
        let vault = &look.outside.vault;
        let (from, to) = (self.source_encryption_algorithm, self.destination_encryption_algorithm);
        let source = of_ciphertext(&look.view, self.source_key_id.as_deref(), &self.ciphertext_blob.0)?;
        let destination = usable(&look.view, &self.destination_key_id, KeyUsage::EncryptDecrypt)?;
        check_algorithm(source, from)?;
        check_algorithm(destination, to)?;
        let opened =
            encryption::decrypt(vault, source, from, &self.source_encryption_context, &self.ciphertext_blob.0)?;
        let plaintext = Secret::new(opened.plaintext);
        let ciphertext =
            encryption::encrypt(vault, destination, to, &self.destination_encryption_context, plaintext.bytes())?;
        Ok(ReEncryptResponse {
            ciphertext_blob: ciphertext.into(),
            source_key_id: source.arn(),
            key_id: destination.arn(),
            source_encryption_algorithm: from,
            destination_encryption_algorithm: to,
            source_key_material_id: opened.material,
            destination_key_material_id: destination.material_id(),
        })
    }
}
