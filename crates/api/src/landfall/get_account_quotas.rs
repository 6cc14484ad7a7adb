//! landfall:GetAccountQuotas. Shows the limits of an account, and which of them are its own.

use landfall_cloud::{View, account};
use landfall_model::{AccountId, Quotas};
use serde::{Deserialize, Serialize};

use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetAccountQuotas {
    account_id: AccountId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountQuotasResponse {
    quotas: Vec<QuotaShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QuotaShape {
    quota_name: &'static str,
    value: u64,
    /// Everybody's.
    default_value: u64,
    /// Whether the provider has set it for this account.
    is_own: bool,
}

impl Read for GetAccountQuotas {
    const ACTION: Action = Action::landfall("GetAccountQuotas");
    type Output<'v> = GetAccountQuotasResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetAccountQuotasResponse, ApiError> {
        check_operator(&look.view)?;
        let row = account::need(&look.view, self.account_id)?;
        let defaults = &look.view.provider().quotas;
        let own = account::of_account(defaults, Some(&row));
        let shape = |name: &&'static str| QuotaShape {
            quota_name: name,
            value: own.limit(name).unwrap_or_default(),
            default_value: defaults.limit(name).unwrap_or_default(),
            is_own: row.quotas.contains_key(*name),
        };
        Ok(GetAccountQuotasResponse { quotas: Quotas::NAMES.iter().map(shape).collect() })
    }
}
