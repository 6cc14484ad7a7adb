//! kms:Verify. Tells whether a signature is one that the key made.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{KeyUsage, SigningAlgorithm};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::asymmetric;
use super::shape::demand::on_key;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::usable;
use super::shape::signing::{MessageType, check_signing, signed};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Verify {
    key_id: String,
    message: Blob,
    #[serde(default)]
    message_type: MessageType,
    signature: Blob,
    signing_algorithm: SigningAlgorithm,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyResponse {
    key_id: Arn,
    signature_valid: bool,
    signing_algorithm: SigningAlgorithm,
}

impl Read for Verify {
    const ACTION: Action = Action::kms("Verify");
    type Output<'v> = VerifyResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:SigningAlgorithm", self.signing_algorithm).with("kms:MessageType", self.message_type);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<VerifyResponse, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        let algorithm = self.signing_algorithm;
        let signed = signed(algorithm, self.message_type, &self.message.0)?;
        let row = usable(&look.view, &self.key_id, KeyUsage::SignVerify)?;
        check_signing(row, algorithm)?;
        let public_key = row.public_key.as_deref().ok_or_else(ApiError::internal)?;
        if !asymmetric::verify(row.spec, public_key, algorithm, signed, &self.signature.0)? {
            return Err(ApiError::new("KMSInvalidSignatureException", ""));
        }
        Ok(VerifyResponse { key_id: row.arn(), signature_valid: true, signing_algorithm: algorithm })
    }
}
