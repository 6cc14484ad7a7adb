//! ec2:ResetEbsDefaultKmsKeyId. Has volumes be encrypted under the service's own key where none is named.

use landfall_cloud::{Tx, View, ebs};
use serde::{Deserialize, Serialize};

use super::shape::ebs::default_key;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResetEbsDefaultKmsKeyId {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetEbsDefaultKmsKeyIdResult {
    kms_key_id: String,
}

impl Write for ResetEbsDefaultKmsKeyId {
    const ACTION: Action = Action::ec2("ResetEbsDefaultKmsKeyId");
    type Output<'t> = ResetEbsDefaultKmsKeyIdResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ResetEbsDefaultKmsKeyIdResult, ApiError> {
        ebs::set_key(tx, None);
        Ok(ResetEbsDefaultKmsKeyIdResult { kms_key_id: default_key(&ebs::defaults(&tx.view())) })
    }
}
