//! ec2:DisableEbsEncryptionByDefault. Has new volumes be plain where it isn't said.

use landfall_cloud::{Tx, View, ebs};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableEbsEncryptionByDefault {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DisableEbsEncryptionByDefaultResult {
    ebs_encryption_by_default: bool,
}

impl Write for DisableEbsEncryptionByDefault {
    const ACTION: Action = Action::ec2("DisableEbsEncryptionByDefault");
    type Output<'t> = DisableEbsEncryptionByDefaultResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DisableEbsEncryptionByDefaultResult, ApiError> {
        ebs::set_encrypted(tx, false);
        Ok(DisableEbsEncryptionByDefaultResult { ebs_encryption_by_default: false })
    }
}
