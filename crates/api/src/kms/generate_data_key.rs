//! kms:GenerateDataKey. Makes a key for use outside, plain and encrypted under a key.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::data_key::{DataKeySpec, EncryptionContext, length, make};
use super::shape::demand::on_use;
use super::shape::grant_token::{GrantTokens, check_tokens};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateDataKey {
    key_id: String,
    #[serde(default)]
    encryption_context: EncryptionContext,
    number_of_bytes: Option<usize>,
    key_spec: Option<DataKeySpec>,
    #[serde(default)]
    grant_tokens: GrantTokens,
    recipient: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyResponse<'v> {
    ciphertext_blob: Blob,
    plaintext: Blob,
    key_id: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<&'v str>,
}

impl Read for GenerateDataKey {
    const ACTION: Action = Action::kms("GenerateDataKey");
    type Output<'v> = GenerateDataKeyResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_use(view, demands, Self::ACTION, &self.key_id, &self.encryption_context);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GenerateDataKeyResponse<'v>, ApiError> {
        refuse_parameters!(self; recipient);
        check_tokens(&look.view, &self.grant_tokens)?;
        let length = length(self.number_of_bytes, self.key_spec)?;
        let made = make(look, &self.key_id, &self.encryption_context, length)?;
        Ok(GenerateDataKeyResponse {
            ciphertext_blob: made.ciphertext.into(),
            plaintext: made.plaintext.into(),
            key_id: made.key.arn(),
            key_material_id: made.key.material_id(),
        })
    }
}
