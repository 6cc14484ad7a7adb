//! ec2:EnableEbsEncryptionByDefault. Has new volumes be encrypted where it isn't said.

use landfall_cloud::{Tx, View, ebs};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableEbsEncryptionByDefault {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnableEbsEncryptionByDefaultResult {
    ebs_encryption_by_default: bool,
}

impl Write for EnableEbsEncryptionByDefault {
    const ACTION: Action = Action::ec2("EnableEbsEncryptionByDefault");
    type Output<'t> = EnableEbsEncryptionByDefaultResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<EnableEbsEncryptionByDefaultResult, ApiError> {
        ebs::set_encrypted(tx, true);
        Ok(EnableEbsEncryptionByDefaultResult { ebs_encryption_by_default: true })
    }
}
