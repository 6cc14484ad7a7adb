//! ec2:ModifyEbsDefaultKmsKeyId. Has volumes be encrypted under that key where none is named.

use landfall_cloud::{Tx, View, ebs};
use landfall_model::kms::{KeySpec, KeyState};
use serde::{Deserialize, Serialize};

use super::shape::ebs::default_key;
use crate::kms::shape::key::any;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyEbsDefaultKmsKeyId {
    kms_key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyEbsDefaultKmsKeyIdResult {
    kms_key_id: String,
}

impl Write for ModifyEbsDefaultKmsKeyId {
    const ACTION: Action = Action::ec2("ModifyEbsDefaultKmsKeyId");
    type Output<'t> = ModifyEbsDefaultKmsKeyIdResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ModifyEbsDefaultKmsKeyIdResult, ApiError> {
        let missing = || {
            let message = format!("The given key ID {} is not accessible", self.kms_key_id);
            ApiError::new("InvalidKmsKeyId.NotFound", message)
        };
        let key = any(&tx.view(), &self.kms_key_id).ok().filter(|key| key.scope == tx.scope()).ok_or_else(missing)?;
        if key.spec != KeySpec::SymmetricDefault || key.state() != KeyState::Enabled {
            let message = format!(
                "The key {} can't encrypt volumes: it must be this account's, symmetric and enabled.",
                key.arn()
            );
            return Err(ApiError::new("InvalidKmsKeyId.InvalidState", message));
        }
        let arn = key.arn();
        ebs::set_key(tx, Some(arn));
        Ok(ModifyEbsDefaultKmsKeyIdResult { kms_key_id: default_key(&ebs::defaults(&tx.view())) })
    }
}
