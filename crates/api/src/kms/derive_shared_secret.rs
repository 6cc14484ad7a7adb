//! kms:DeriveSharedSecret. Derives the secret that a key shares with another pair of the same curve (ECDH; NIST SP 800-56A,
//! 5.7.1.2).

use landfall_cloud::View;
use landfall_cloud::kms::KmsFault;
use landfall_model::Arn;
use landfall_model::kms::{KeyOrigin, KeyUsage};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::{asymmetric, material};
use super::shape::demand::on_key;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::usable;
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeriveSharedSecret {
    key_id: String,
    key_agreement_algorithm: KeyAgreementAlgorithm,
    public_key: Blob,
    #[serde(default)]
    grant_tokens: GrantTokens,
    recipient: Option<Unsupported>,
}

/// How a secret is agreed on.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum KeyAgreementAlgorithm {
    #[serde(rename = "ECDH")]
    Ecdh,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeriveSharedSecretResponse {
    key_id: Arn,
    shared_secret: Blob,
    key_agreement_algorithm: KeyAgreementAlgorithm,
    key_origin: KeyOrigin,
}

impl Read for DeriveSharedSecret {
    const ACTION: Action = Action::kms("DeriveSharedSecret");
    type Output<'v> = DeriveSharedSecretResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id).with("kms:KeyAgreementAlgorithm", "ECDH");
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DeriveSharedSecretResponse, ApiError> {
        refuse_parameters!(self; recipient);
        check_tokens(&look.view, &self.grant_tokens)?;
        let row = usable(&look.view, &self.key_id, KeyUsage::KeyAgreement)?;
        let secret = material::open(&look.outside.vault, row)?;
        let invalid =
            |_| KmsFault::Validation(format!("PublicKey is no public key of the key spec {} in DER.", row.spec));
        let shared = asymmetric::agree(row.spec, &secret, &self.public_key.0).map_err(invalid)?;
        Ok(DeriveSharedSecretResponse {
            key_id: row.arn(),
            shared_secret: shared.into(),
            key_agreement_algorithm: self.key_agreement_algorithm,
            key_origin: row.origin,
        })
    }
}
