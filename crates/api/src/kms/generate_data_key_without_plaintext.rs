//! kms:GenerateDataKeyWithoutPlaintext. Makes a key for use outside, encrypted under a key: for whoever will open it later.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::data_key::{DataKeySpec, EncryptionContext, length, make};
use super::shape::demand::on_use;
use super::shape::grant_token::{GrantTokens, check_tokens};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateDataKeyWithoutPlaintext {
    key_id: String,
    #[serde(default)]
    encryption_context: EncryptionContext,
    key_spec: Option<DataKeySpec>,
    number_of_bytes: Option<usize>,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyWithoutPlaintextResponse<'v> {
    ciphertext_blob: Blob,
    key_id: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<&'v str>,
}

impl Read for GenerateDataKeyWithoutPlaintext {
    const ACTION: Action = Action::kms("GenerateDataKeyWithoutPlaintext");
    type Output<'v> = GenerateDataKeyWithoutPlaintextResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_use(view, demands, Self::ACTION, &self.key_id, &self.encryption_context);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GenerateDataKeyWithoutPlaintextResponse<'v>, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        let length = length(self.number_of_bytes, self.key_spec)?;
        let made = make(look, &self.key_id, &self.encryption_context, length)?;
        Ok(GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: made.ciphertext.into(),
            key_id: made.key.arn(),
            key_material_id: made.key.material_id(),
        })
    }
}
