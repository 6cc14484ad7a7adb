//! kms:DeleteImportedKeyMaterial. Takes away material that was imported. Until the same is imported again nothing can be
//! done with the key.

use landfall_cloud::kms::import;
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_model::kms::KeySpec;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::own;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteImportedKeyMaterial {
    key_id: String,
    key_material_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteImportedKeyMaterialResponse {
    key_id: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<String>,
}

impl Write for DeleteImportedKeyMaterial {
    const ACTION: Action = Action::kms("DeleteImportedKeyMaterial");
    type Output<'t> = DeleteImportedKeyMaterialResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteImportedKeyMaterialResponse, ApiError> {
        let key = own(&tx.view(), &self.key_id)?.clone();
        let deleted = import::delete(tx, &key, self.key_material_id.as_deref())?;
        let key_material_id = deleted.filter(|_| key.spec == KeySpec::SymmetricDefault);
        Ok(DeleteImportedKeyMaterialResponse { key_id: key.arn(), key_material_id })
    }
}
