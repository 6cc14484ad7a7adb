//! What is shown of a key.

use landfall_model::kms::{
    EncryptionAlgorithm, Import, KeyOrigin, KeySpec, KeyState, KeyUsage, KmsKey, MacAlgorithm, SigningAlgorithm,
    encryption_algorithms, mac_algorithms, signing_algorithms,
};
use landfall_model::{AccountId, Arn, KmsKeyId};
use landfall_wire::Time;
use serde::Serialize;

use super::time;

/// What is shown of a key.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata<'v> {
    #[serde(rename = "AWSAccountId")]
    account: AccountId,
    key_id: KmsKeyId,
    arn: Arn,
    creation_date: Time,
    enabled: bool,
    description: &'v str,
    key_usage: KeyUsage,
    key_state: KeyState,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Time>,
    origin: KeyOrigin,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<&'static str>,
    key_manager: &'static str,
    customer_master_key_spec: KeySpec,
    key_spec: KeySpec,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encryption_algorithms: &'static [EncryptionAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signing_algorithms: &'static [SigningAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    key_agreement_algorithms: &'static [&'static str],
    multi_region: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mac_algorithms: &'static [MacAlgorithm],
    #[serde(skip_serializing_if = "Option::is_none")]
    current_key_material_id: Option<&'v str>,
}

/// What is shown of a key.
pub fn metadata(row: &KmsKey) -> KeyMetadata<'_> {
    let state = row.state();
    let import = row.current_import().filter(|import| import.material.is_some());
    let expires_at = import.and_then(|import| import.expires_at);
    KeyMetadata {
        account: row.scope.account,
        key_id: row.id,
        arn: row.arn(),
        creation_date: time(row.created_at),
        enabled: state == KeyState::Enabled,
        description: &row.description,
        key_usage: row.usage,
        key_state: state,
        deletion_date: row.deletes_at.map(time),
        valid_to: expires_at.map(time),
        origin: row.origin,
        expiration_model: import.map(Import::expiration_model),
        key_manager: if row.made_for.is_some() { "AWS" } else { "CUSTOMER" },
        customer_master_key_spec: row.spec,
        key_spec: row.spec,
        encryption_algorithms: encryption_algorithms(row.spec, row.usage),
        signing_algorithms: signing_algorithms(row.spec, row.usage),
        key_agreement_algorithms: if row.usage == KeyUsage::KeyAgreement { &["ECDH"] } else { &[] },
        multi_region: false,
        mac_algorithms: mac_algorithms(row.spec),
        current_key_material_id: row.material_id(),
    }
}
