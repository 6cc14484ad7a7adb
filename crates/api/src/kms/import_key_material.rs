//! kms:ImportKeyMaterial. Gives a key material that its owner brings. It is sealed, and the wrapping key that seals it
//! durable, before the key has it.

use landfall_cloud::kms::KmsFault;
use landfall_cloud::kms::import::{self, Brought, ImportAsked, ImportKind};
use landfall_cloud::{Tx, View};
use landfall_model::kms::KeySpec;
use landfall_model::{Arn, Timestamp};
use landfall_wire::{Blob, Time};
use serde::{Deserialize, Serialize};

use super::crypto::encryption::invalid;
use super::crypto::material;
use super::crypto::{self};
use super::shape::demand::on_key;
use super::shape::import_token::ImportToken;
use super::shape::key::own;
use crate::{Action, ApiError, Call, Demands, Outside};

/// The most characters of a description of material.
const MOST_CHARS: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImportKeyMaterial {
    key_id: String,
    import_token: Blob,
    encrypted_key_material: Blob,
    valid_to: Option<Time>,
    #[serde(default)]
    expiration_model: ExpirationModel,
    import_type: Option<ImportType>,
    key_material_description: Option<String>,
    key_material_id: Option<String>,
}

/// Whether material is forgotten by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum ExpirationModel {
    #[default]
    #[serde(rename = "KEY_MATERIAL_EXPIRES")]
    Expires,
    #[serde(rename = "KEY_MATERIAL_DOES_NOT_EXPIRE")]
    Stays,
}

impl std::fmt::Display for ExpirationModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// Whether the key has had that material before.
#[derive(Clone, Copy, Debug, Deserialize)]
enum ImportType {
    #[serde(rename = "NEW_KEY_MATERIAL")]
    New,
    #[serde(rename = "EXISTING_KEY_MATERIAL")]
    Existing,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportKeyMaterialResponse {
    key_id: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<String>,
}

impl Call for ImportKeyMaterial {
    const ACTION: Action = Action::kms("ImportKeyMaterial");
    type Made = Brought;
    type Output<'t> = ImportKeyMaterialResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:ExpirationModel", self.expiration_model);
        if let Some(Time(ms)) = self.valid_to {
            demand.with("kms:ValidTo", Timestamp(ms));
        }
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Brought, ApiError> {
        let asked = self.asked()?;
        let key = own(&view, &self.key_id)?;
        import::check_asked(key, &asked, view.now())?;
        let token = ImportToken::open(&outside.vault, &view, key, &self.import_token)?;
        let (vault, key, wrapped) = (outside.vault.clone(), key.clone(), self.encrypted_key_material.0.clone());
        let brought = material::aside(move || {
            let (algorithm, spec) = (token.algorithm, token.spec);
            let secret = crypto::import::unwrap(&token.into_private(), spec, algorithm, &wrapped);
            let secret = secret.map_err(|_| invalid())?;
            let wrong = |_| KmsFault::Material(format!("The key material is none for the key spec {}.", key.spec));
            let made = crypto::import::read(key.spec, &secret).map_err(wrong)?;
            let id = crypto::import::id(&vault, &key, &made);
            // Known before a wrapping key is made for nothing.
            import::check_material(&key, &id, &asked)?;
            let (material, public_key) = material::seal(&vault, made)?;
            Ok(Brought { id, material, public_key })
        });
        brought.await
    }

    fn run(self, made: Brought, tx: &mut Tx<'_, '_>) -> Result<ImportKeyMaterialResponse, ApiError> {
        let asked = self.asked()?;
        let key = own(&tx.view(), &self.key_id)?.clone();
        let id = made.id.clone();
        import::import(tx, &key, made, asked)?;
        let key_material_id = (key.spec == KeySpec::SymmetricDefault).then_some(id);
        Ok(ImportKeyMaterialResponse { key_id: key.arn(), key_material_id })
    }
}

impl ImportKeyMaterial {
    fn asked(&self) -> Result<ImportAsked, KmsFault> {
        let kind = self.import_type.map(|kind| match kind {
            ImportType::New => ImportKind::New,
            ImportType::Existing => ImportKind::Existing,
        });
        let refuse = |message: &str| Err(KmsFault::Validation(message.into()));
        match (self.expiration_model, self.valid_to) {
            (ExpirationModel::Expires, None) => {
                return refuse("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES");
            }
            (ExpirationModel::Stays, Some(_)) => {
                return refuse("A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE");
            }
            _ => {}
        }
        let is_plain =
            |letter: char| letter.is_ascii_alphanumeric() || letter.is_whitespace() || ":/_.-".contains(letter);
        let description = self.key_material_description.as_deref().unwrap_or_default();
        if description.chars().count() > MOST_CHARS || !description.chars().all(is_plain) {
            return refuse(
                "1 validation error detected: Value at 'keyMaterialDescription' failed to satisfy constraint: Member must have length less than or equal to 256 and satisfy regular expression pattern: ^[a-zA-Z0-9:/_\\s.-]+$",
            );
        }
        Ok(ImportAsked {
            kind,
            material_id: self.key_material_id.clone(),
            description: self.key_material_description.clone(),
            expires_at: self.valid_to.map(|Time(ms)| Timestamp(ms)),
        })
    }
}
