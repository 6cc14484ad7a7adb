//! kms:Sign. Signs a message, or its digest, with the private half of a key.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{KeyUsage, SigningAlgorithm};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::{asymmetric, material};
use super::shape::demand::on_key;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::usable;
use super::shape::signing::{MessageType, check_signing, signed};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Sign {
    key_id: String,
    message: Blob,
    #[serde(default)]
    message_type: MessageType,
    #[serde(default)]
    grant_tokens: GrantTokens,
    signing_algorithm: SigningAlgorithm,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignResponse {
    key_id: Arn,
    signature: Blob,
    signing_algorithm: SigningAlgorithm,
}

impl Read for Sign {
    const ACTION: Action = Action::kms("Sign");
    type Output<'v> = SignResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:SigningAlgorithm", self.signing_algorithm).with("kms:MessageType", self.message_type);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<SignResponse, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        let algorithm = self.signing_algorithm;
        let signed = signed(algorithm, self.message_type, &self.message.0)?;
        let row = usable(&look.view, &self.key_id, KeyUsage::SignVerify)?;
        check_signing(row, algorithm)?;
        let secret = material::open(&look.outside.vault, row)?;
        let signature = asymmetric::sign(row.spec, &secret, algorithm, signed)?;
        Ok(SignResponse { key_id: row.arn(), signature: signature.into(), signing_algorithm: algorithm })
    }
}
