//! sts:DecodeAuthorizationMessage. Opens the details of a denied call.

use serde::{Deserialize, Serialize};

use crate::authorise::MESSAGES;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DecodeAuthorizationMessage {
    encoded_message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecodeAuthorizationMessageResult {
    decoded_message: String,
}

impl Read for DecodeAuthorizationMessage {
    const ACTION: Action = Action::sts("DecodeAuthorizationMessage");
    type Output<'v> = DecodeAuthorizationMessageResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DecodeAuthorizationMessageResult, ApiError> {
        // Only the account whose call was denied may know why.
        let account = look.view.scope().account.to_string();
        let opened = look.outside.vault.redeem(MESSAGES, &account, &self.encoded_message);
        let opened = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        let invalid = || ApiError::new("InvalidAuthorizationMessageException", "Invalid authorization message");
        Ok(DecodeAuthorizationMessageResult { decoded_message: opened.ok_or_else(invalid)? })
    }
}
