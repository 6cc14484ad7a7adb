//! kms:ListRetirableGrants. Lists the grants that somebody of this account may retire, whosever their keys are.

use landfall_cloud::View;
use landfall_cloud::kms::{KmsFault, grant};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::grant::{GrantListEntry, entry};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListRetirableGrants {
    retiring_principal: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRetirableGrantsResponse<'v> {
    grants: Vec<GrantListEntry<'v>>,
}

impl Read for ListRetirableGrants {
    const ACTION: Action = Action::kms("ListRetirableGrants");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListRetirableGrantsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION).with("kms:CallerAccount", view.scope().account);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListRetirableGrantsResponse<'v>, ApiError> {
        look.page.bound(50);
        let invalid = |_| KmsFault::Arn(format!("{} is no ARN of a principal.", self.retiring_principal));
        let retirer: Arn = self.retiring_principal.parse().map_err(invalid)?;
        let rows = look.page.take(grant::of_retirer(&look.view, &retirer)?, |row| row.row_key())?;
        Ok(ListRetirableGrantsResponse { grants: rows.into_iter().map(|row| entry(&look.view, row)).collect() })
    }
}
