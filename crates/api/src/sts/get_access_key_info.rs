//! sts:GetAccessKeyInfo. Tells whose an access key is: the account, and nothing else.

use landfall_model::{AccountId, UniqueId};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetAccessKeyInfo {
    access_key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccessKeyInfoResult {
    account: AccountId,
}

impl Read for GetAccessKeyInfo {
    const ACTION: Action = Action::sts("GetAccessKeyInfo");
    type Output<'v> = GetAccessKeyInfoResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetAccessKeyInfoResult, ApiError> {
        let id = &self.access_key_id;
        let row = look.view.tables().access_keys.get(id).map(|row| row.account);
        // A key that was made at random says so itself, be it a session's or one that is gone.
        let said = || id.parse::<UniqueId>().ok().and_then(|id| id.account());
        let account = row.or_else(said).filter(|account| look.view.tables().accounts.contains(account));
        let invalid = || ApiError::new("ValidationError", format!("The access key id {id} is not valid."));
        Ok(GetAccessKeyInfoResult { account: account.ok_or_else(invalid)? })
    }
}
