//! landfall:DescribeAccount. Shows an account and how much it has of what: of one that was closed, what is left.

use landfall_cloud::account;
use landfall_model::AccountId;
use serde::{Deserialize, Serialize};

use super::shape::AccountShape;
use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAccount {
    account_id: AccountId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAccountResponse {
    account: AccountShape,
    resources: Vec<ResourceCount>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceCount {
    resource_type: &'static str,
    count: usize,
}

impl Read for DescribeAccount {
    const ACTION: Action = Action::landfall("DescribeAccount");
    type Output<'v> = DescribeAccountResponse;

    fn demands(&self, view: &landfall_cloud::View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeAccountResponse, ApiError> {
        check_operator(&look.view)?;
        let row = account::need(&look.view, self.account_id)?;
        let left = account::left(&look.view, self.account_id);
        let resources = left.into_iter().map(|(resource_type, count)| ResourceCount { resource_type, count });
        Ok(DescribeAccountResponse { account: (&row).into(), resources: resources.collect() })
    }
}
