//! ec2:GetManagedPrefixListAssociations. Lists what refers to a prefix list.

use landfall_cloud::{View, prefix_list};
use landfall_model::{AccountId, PrefixListId};
use serde::{Deserialize, Serialize};

use super::shape::prefix_list::demand;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetManagedPrefixListAssociations {
    prefix_list_id: PrefixListId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetManagedPrefixListAssociationsResult {
    prefix_list_association_set: Vec<Association>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    resource_id: String,
    resource_owner: AccountId,
}

impl Read for GetManagedPrefixListAssociations {
    const ACTION: Action = Action::ec2("GetManagedPrefixListAssociations");
    const PAGE_LIMIT: usize = 255;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = GetManagedPrefixListAssociationsResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.prefix_list_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetManagedPrefixListAssociationsResult, ApiError> {
        let view = look.view;
        let row = view.prefix_list(self.prefix_list_id)?;
        let page = look.page.take(prefix_list::associations(&view, row.id), String::clone)?;
        let resource_owner = view.scope().account;
        let associations = page.into_iter().map(|resource_id| Association { resource_id, resource_owner });
        Ok(GetManagedPrefixListAssociationsResult { prefix_list_association_set: associations.collect() })
    }
}
