//! iam:GetAccessKeyLastUsed. Says when, where and for what an access key was last used.

use landfall_cloud::View;
use landfall_cloud::identity::access_key;
use landfall_model::{Arn, KeyUse, Principal};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::time;
use crate::{Action, ApiError, Demands, Look, Read};

/// What AWS says where there is nothing to say.
const NOTHING: &str = "N/A";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetAccessKeyLastUsed {
    access_key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccessKeyLastUsedResult<'v> {
    #[serde(skip_serializing_if = "str::is_empty")]
    user_name: &'v str,
    access_key_last_used: UseShape,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UseShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_date: Option<Time>,
    service_name: String,
    region: String,
}

impl Read for GetAccessKeyLastUsed {
    const ACTION: Action = Action::iam("GetAccessKeyLastUsed");
    type Output<'v> = GetAccessKeyLastUsedResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match access_key::find(view, &self.access_key_id) {
            Some((_, owner)) => whom_demand(view, demands, Self::ACTION, None, Some(&owner.id)),
            None => demands.resource(Self::ACTION, Arn::iam(demands.account(), "user/*")),
        };
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetAccessKeyLastUsedResult<'v>, ApiError> {
        let id = &self.access_key_id;
        let no_such = || {
            let message = format!("The Access Key with id {id} cannot be found.");
            ApiError::new("NoSuchEntity", message).with_status(404)
        };
        let (row, owner): (_, &Principal) = access_key::find(&look.view, id).ok_or_else(no_such)?;
        let used: Option<KeyUse> = look.outside.key_uses.of(id).or_else(|| row.last_used.clone());
        let access_key_last_used = match used {
            Some(used) => {
                UseShape { last_used_date: Some(time(used.at)), service_name: used.service, region: used.region }
            }
            None => UseShape { last_used_date: None, service_name: NOTHING.into(), region: NOTHING.into() },
        };
        Ok(GetAccessKeyLastUsedResult { user_name: &owner.name, access_key_last_used })
    }
}
