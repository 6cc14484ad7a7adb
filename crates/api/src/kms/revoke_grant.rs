//! kms:RevokeGrant. Takes a grant back, whosever the key is.

use landfall_cloud::kms::grant;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::key::grantable;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RevokeGrant {
    key_id: String,
    grant_id: String,
}

impl Write for RevokeGrant {
    const ACTION: Action = Action::kms("RevokeGrant");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id).with("kms:GrantIsForAWSResource", false);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let key = grantable(&tx.view(), &self.key_id)?.clone();
        let id = grant::need(&tx.view(), &key, &self.grant_id)?.id.clone();
        grant::delete(tx, &key, &id)?;
        Ok(Nothing {})
    }
}
