//! ec2:CreateKeyPair. Makes a key pair and gives out its private half, which is kept nowhere.

use landfall_cloud::{Tx, View, key_pair};
use landfall_model::{KeyKind, KeyPairId};
use serde::{Deserialize, Serialize};

use super::key_material::{self, MadeKey};
use super::shape::key_pair::{demand_new, keep};
use super::shape::{Tag, TagSpecifications, tag_set};
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateKeyPair {
    key_name: String,
    key_type: Option<KeyKind>,
    key_format: Option<KeyFormat>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyFormat {
    Pem,
    Ppk,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateKeyPairResult<'t> {
    key_pair_id: KeyPairId,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'t>>>,
    key_name: String,
    key_fingerprint: String,
    key_material: String,
}

impl Call for CreateKeyPair {
    const ACTION: Action = Action::ec2("CreateKeyPair");
    type Made = MadeKey;
    type Output<'t> = CreateKeyPairResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand_new(view, demands, Self::ACTION, &self.key_name, &self.tag_specification);
        demand.with("ec2:KeyPairType", kind_name(self.kind()));
    }

    async fn effect<'a>(&'a self, _: &'a Outside, view: View<'a>) -> Result<MadeKey, ApiError> {
        if self.key_format == Some(KeyFormat::Ppk) {
            return Err(ApiError::unsupported("KeyFormat ppk"));
        }
        // What is sure to be refused needs no key.
        key_pair::check_name(&self.key_name)?;
        if view.key_pair(&self.key_name).is_some() {
            return Err(ApiError::new("InvalidKeyPair.Duplicate", "The keypair already exists"));
        }
        let kind = self.kind();
        let made = tokio::task::spawn_blocking(move || key_material::make(kind)).await;
        match made {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(error)) => {
                tracing::error!(%error, "making a key pair");
                Err(ApiError::internal())
            }
            Err(error) => {
                tracing::error!(%error, "making a key pair");
                Err(ApiError::internal())
            }
        }
    }

    fn run<'t>(self, made: MadeKey, tx: &'t mut Tx<'_, '_>) -> Result<CreateKeyPairResult<'t>, ApiError> {
        let id = keep(tx, &self.key_name, &made.public, &made.fingerprint, &self.tag_specification)?;
        Ok(CreateKeyPairResult {
            key_pair_id: id,
            tag_set: tag_set(&tx.view(), &id.to_string()),
            key_name: self.key_name,
            key_fingerprint: made.fingerprint,
            key_material: made.private_pem,
        })
    }
}

impl CreateKeyPair {
    fn kind(&self) -> KeyKind {
        self.key_type.unwrap_or(KeyKind::Rsa)
    }
}

fn kind_name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "rsa",
        KeyKind::Ed25519 => "ed25519",
    }
}
