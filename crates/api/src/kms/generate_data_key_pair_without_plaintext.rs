//! kms:GenerateDataKeyPairWithoutPlaintext. Makes a pair of keys for use outside, the private half encrypted under a key: for
//! whoever will open it later.

use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::data_key::EncryptionContext;
use super::shape::demand::{on_key, set_context};
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::any;
use super::shape::key_pair::{DataKeyPair, PairSpec, make};
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateDataKeyPairWithoutPlaintext {
    #[serde(default)]
    encryption_context: EncryptionContext,
    key_id: String,
    key_pair_spec: PairSpec,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairWithoutPlaintextResponse<'t> {
    private_key_ciphertext_blob: Blob,
    public_key: Blob,
    key_id: Arn,
    key_pair_spec: PairSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<&'t str>,
}

impl Call for GenerateDataKeyPairWithoutPlaintext {
    const ACTION: Action = Action::kms("GenerateDataKeyPairWithoutPlaintext");
    type Made = DataKeyPair;
    type Output<'t> = GenerateDataKeyPairWithoutPlaintextResponse<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        set_context(demand, &self.encryption_context);
        let algorithm = "SYMMETRIC_DEFAULT";
        demand.with("kms:DataKeyPairSpec", self.key_pair_spec.spec()).with("kms:EncryptionAlgorithm", algorithm);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<DataKeyPair, ApiError> {
        check_tokens(&view, &self.grant_tokens)?;
        make(outside, view, &self.key_id, &self.encryption_context, self.key_pair_spec).await
    }

    fn run<'t>(
        self,
        made: DataKeyPair,
        tx: &'t mut Tx<'_, '_>,
    ) -> Result<GenerateDataKeyPairWithoutPlaintextResponse<'t>, ApiError> {
        let row = any(&tx.view(), &self.key_id)?;
        Ok(GenerateDataKeyPairWithoutPlaintextResponse {
            private_key_ciphertext_blob: made.ciphertext.into(),
            public_key: made.public.into(),
            key_id: row.arn(),
            key_pair_spec: self.key_pair_spec,
            key_material_id: row.material_id(),
        })
    }
}
