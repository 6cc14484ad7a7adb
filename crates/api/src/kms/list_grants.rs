//! kms:ListGrants. Lists the grants of a key, which may be another account's.

use landfall_cloud::View;
use landfall_cloud::kms::grant;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::grant::{GrantListEntry, entry};
use super::shape::key::grantable;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListGrants {
    key_id: String,
    grant_id: Option<String>,
    grantee_principal: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGrantsResponse<'v> {
    grants: Vec<GrantListEntry<'v>>,
}

impl Read for ListGrants {
    const ACTION: Action = Action::kms("ListGrants");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListGrantsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id).with("kms:GrantIsForAWSResource", false);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListGrantsResponse<'v>, ApiError> {
        look.page.bound(50);
        let view = look.view;
        let key = grantable(&view, &self.key_id)?;
        if let Some(id) = &self.grant_id {
            grant::need(&view, key, id)?;
        }
        let is_asked = |row: &&landfall_model::KmsGrant| {
            self.grant_id.as_ref().is_none_or(|id| row.id.to_string() == *id)
                && self.grantee_principal.as_ref().is_none_or(|arn| grant::shown(&view, &row.grantee) == *arn)
        };
        let rows = look.page.take(grant::of_key(&view, key).filter(is_asked), |row| row.id.clone())?;
        Ok(ListGrantsResponse { grants: rows.into_iter().map(|row| entry(&view, row)).collect() })
    }
}
