//! kms:RetireGrant. Gives a grant back: for whom it names as retiring, for its grantee if it says so, and for whomever the
//! key's policy lets.

use landfall_cloud::kms::{KmsFault, grant};
use landfall_cloud::value::KmsGrants;
use landfall_cloud::{Tx, View};
use landfall_model::KmsGrant;
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::on_key;
use super::shape::grant::key_arn;
use super::shape::key::any;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RetireGrant {
    grant_token: Option<String>,
    key_id: Option<String>,
    grant_id: Option<String>,
}

impl Write for RetireGrant {
    const ACTION: Action = Action::kms("RetireGrant");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let Ok(row) = self.row(view) else {
            on_key(view, demands, Self::ACTION, self.key_id.as_deref().unwrap_or_default());
            return;
        };
        let demand = on_key(view, demands, Self::ACTION, key_arn(row.scope, row.key).as_str());
        if let Some(asked) = demand.grantable.as_mut() {
            asked.retires = Some(row.id.clone());
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let row = self.row(&tx.view())?.row_key();
        tx.delete::<KmsGrants>(&row);
        Ok(Nothing {})
    }
}

impl RetireGrant {
    fn row<'v>(&self, view: &View<'v>) -> Result<&'v KmsGrant, ApiError> {
        match (&self.grant_token, &self.key_id, &self.grant_id) {
            (Some(token), None, None) => Ok(grant::of_token(view, token)?),
            (None, Some(key), Some(id)) => Ok(grant::need(view, any(view, key)?, id)?),
            _ => {
                let message = "Give either GrantToken, or KeyId and GrantId.";
                Err(KmsFault::Validation(message.into()).into())
            }
        }
    }
}
