//! ec2:GetEbsDefaultKmsKeyId. Shows under which key volumes are encrypted where none is named.

use landfall_cloud::ebs;
use serde::{Deserialize, Serialize};

use super::shape::ebs::default_key;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetEbsDefaultKmsKeyId {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetEbsDefaultKmsKeyIdResult {
    kms_key_id: String,
}

impl Read for GetEbsDefaultKmsKeyId {
    const ACTION: Action = Action::ec2("GetEbsDefaultKmsKeyId");
    type Output<'v> = GetEbsDefaultKmsKeyIdResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetEbsDefaultKmsKeyIdResult, ApiError> {
        Ok(GetEbsDefaultKmsKeyIdResult { kms_key_id: default_key(&ebs::defaults(&look.view)) })
    }
}
