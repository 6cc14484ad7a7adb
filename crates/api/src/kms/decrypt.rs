//! kms:Decrypt. Decrypts what Encrypt or GenerateDataKey encrypted. Ciphertexts of symmetric keys name their key; for those
//! of RSA keys the caller must.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::EncryptionAlgorithm;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::encryption;
use super::shape::data_key::EncryptionContext;
use super::shape::demand::{of_ciphertext, on_ciphertext, set_context};
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::check_algorithm;
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Decrypt {
    ciphertext_blob: Blob,
    #[serde(default)]
    encryption_context: EncryptionContext,
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
        let demand = on_ciphertext(view, demands, Self::ACTION, self.key_id.as_deref(), &self.ciphertext_blob.0);
        set_context(demand, &self.encryption_context);
        demand.with("kms:EncryptionAlgorithm", self.encryption_algorithm);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DecryptResponse<'v>, ApiError> {
        refuse_parameters!(self; recipient, dry_run_modifiers);
        check_tokens(&look.view, &self.grant_tokens)?;
        let (algorithm, context) = (self.encryption_algorithm, &self.encryption_context);
        let row = of_ciphertext(&look.view, self.key_id.as_deref(), &self.ciphertext_blob.0)?;
        check_algorithm(row, algorithm)?;
        let opened = encryption::decrypt(&look.outside.vault, row, algorithm, context, &self.ciphertext_blob.0)?;
        Ok(DecryptResponse {
            key_id: row.arn(),
            plaintext: opened.plaintext.into(),
            encryption_algorithm: algorithm,
            key_material_id: opened.material,
        })
    }
}
