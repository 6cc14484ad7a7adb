//! kms:GetPublicKey. Gives out the public half of a key.

use landfall_cloud::View;
use landfall_cloud::kms::{KmsFault, key};
use landfall_model::Arn;
use landfall_model::kms::{
    EncryptionAlgorithm, KeySpec, KeyUsage, SigningAlgorithm, encryption_algorithms, signing_algorithms,
};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::any;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetPublicKey {
    key_id: String,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPublicKeyResponse {
    key_id: Arn,
    public_key: Blob,
    customer_master_key_spec: KeySpec,
    key_spec: KeySpec,
    key_usage: KeyUsage,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encryption_algorithms: &'static [EncryptionAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signing_algorithms: &'static [SigningAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    key_agreement_algorithms: &'static [&'static str],
}

impl Read for GetPublicKey {
    const ACTION: Action = Action::kms("GetPublicKey");
    type Output<'v> = GetPublicKeyResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetPublicKeyResponse, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        let row = any(&look.view, &self.key_id)?;
        key::check_usable(row)?;
        let none = || KmsFault::Unsupported(format!("{} is symmetric and has no public key.", row.arn()));
        let public_key = row.public_key.clone().ok_or_else(none)?;
        Ok(GetPublicKeyResponse {
            key_id: row.arn(),
            public_key: public_key.into(),
            customer_master_key_spec: row.spec,
            key_spec: row.spec,
            key_usage: row.usage,
            encryption_algorithms: encryption_algorithms(row.spec, row.usage),
            signing_algorithms: signing_algorithms(row.spec, row.usage),
            key_agreement_algorithms: if row.usage == KeyUsage::KeyAgreement { &["ECDH"] } else { &[] },
        })
    }
}
