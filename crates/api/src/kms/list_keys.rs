//! kms:ListKeys. Lists this account's keys.

use landfall_cloud::kms::key;
use landfall_model::{Arn, KmsKeyId};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

/// How many keys a page has, if it isn't said.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListKeys {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeysResponse {
    keys: Vec<KeyListEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyListEntry {
    key_id: KmsKeyId,
    key_arn: Arn,
}

impl Read for ListKeys {
    const ACTION: Action = Action::kms("ListKeys");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListKeysResponse;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListKeysResponse, ApiError> {
        look.page.bound(PAGE);
        let rows = look.page.take(key::all(&look.view), |row| row.id)?;
        Ok(ListKeysResponse {
            keys: rows.into_iter().map(|row| KeyListEntry { key_id: row.id, key_arn: row.arn() }).collect(),
        })
    }
}
