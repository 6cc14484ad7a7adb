//! landfall:PutAccountQuota. Sets a limit of an account, or gives it everybody's again. What it has beyond a lower one stays.

use landfall_cloud::{Tx, View, account};
use landfall_model::AccountId;
use serde::{Deserialize, Serialize};

use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutAccountQuota {
    account_id: AccountId,
    quota_name: String,
    /// The limit; everybody's if none is said.
    value: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutAccountQuotaResponse {
    quota_name: String,
    value: u64,
}

impl Write for PutAccountQuota {
    const ACTION: Action = Action::landfall("PutAccountQuota");
    type Output<'t> = PutAccountQuotaResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<PutAccountQuotaResponse, ApiError> {
        check_operator(&tx.view())?;
        account::put_quota(tx, self.account_id, &self.quota_name, self.value)?;
        let view = tx.view();
        let row = account::need(&view, self.account_id)?;
        let value = account::of_account(&view.provider().quotas, Some(&row)).limit(&self.quota_name);
        Ok(PutAccountQuotaResponse { quota_name: self.quota_name, value: value.unwrap_or_default() })
    }
}
