//! iam:ListAccessKeys. Lists the access keys of a user: of the caller, if none is named.

use landfall_cloud::View;
use landfall_cloud::identity::access_key;
use landfall_model::UniqueId;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::time;
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAccessKeys {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccessKeysResult<'v> {
    access_key_metadata: Vec<KeyMetadata<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'v str>,
    access_key_id: &'v str,
    status: &'static str,
    create_date: Time,
}

impl Read for ListAccessKeys {
    const ACTION: Action = Action::iam("ListAccessKeys");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListAccessKeysResult<'v>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListAccessKeysResult<'v>, ApiError> {
        let view = look.view;
        let row = whom(&view, self.user_name.as_deref(), self.caller.as_ref())?;
        let keys = look.page.take(access_key::of(&view, row), |key| key.id.clone())?;
        let shown = keys.into_iter().map(|key| KeyMetadata {
            user_name: Some(row.name.as_str()).filter(|name| !name.is_empty()),
            access_key_id: &key.id,
            status: if key.active { "Active" } else { "Inactive" },
            create_date: time(key.created_at),
        });
        Ok(ListAccessKeysResult { access_key_metadata: shown.collect() })
    }
}
