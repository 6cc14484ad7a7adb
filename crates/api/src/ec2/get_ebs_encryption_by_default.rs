//! ec2:GetEbsEncryptionByDefault. Shows whether new volumes are encrypted where it isn't said.

use landfall_cloud::ebs;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetEbsEncryptionByDefault {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetEbsEncryptionByDefaultResult {
    ebs_encryption_by_default: bool,
    sse_type: &'static str,
}

impl Read for GetEbsEncryptionByDefault {
    const ACTION: Action = Action::ec2("GetEbsEncryptionByDefault");
    type Output<'v> = GetEbsEncryptionByDefaultResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetEbsEncryptionByDefaultResult, ApiError> {
        let encrypted = ebs::defaults(&look.view).encrypted;
        let sse_type = if encrypted { "sse-kms" } else { "none" };
        Ok(GetEbsEncryptionByDefaultResult { ebs_encryption_by_default: encrypted, sse_type })
    }
}
