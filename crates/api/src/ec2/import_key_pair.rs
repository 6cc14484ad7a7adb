//! ec2:ImportKeyPair. Keeps a public key that somebody has the private half of.

use landfall_cloud::{Tx, View};
use landfall_model::KeyPairId;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::key_material::PublicKey;
use super::shape::key_pair::{demand_new, keep};
use super::shape::{Tag, TagSpecifications, tag_set};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImportKeyPair {
    key_name: String,
    public_key_material: Blob,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportKeyPairResult<'t> {
    key_fingerprint: String,
    key_name: String,
    key_pair_id: KeyPairId,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'t>>>,
}

impl Write for ImportKeyPair {
    const ACTION: Action = Action::ec2("ImportKeyPair");
    type Output<'t> = ImportKeyPairResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_new(view, demands, Self::ACTION, &self.key_name, &self.tag_specification);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<ImportKeyPairResult<'t>, ApiError> {
        let public = PublicKey::parse(&self.public_key_material.0)
            .ok_or_else(|| ApiError::new("InvalidKey.Format", "Key is not in valid OpenSSH public key format"))?;
        let fingerprint = public.fingerprint();
        let id = keep(tx, &self.key_name, &public, &fingerprint, &self.tag_specification)?;
        Ok(ImportKeyPairResult {
            key_fingerprint: fingerprint,
            key_name: self.key_name,
            key_pair_id: id,
            tag_set: tag_set(&tx.view(), &id.to_string()),
        })
    }
}
