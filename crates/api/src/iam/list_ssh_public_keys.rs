//! iam:ListSSHPublicKeys. Lists a user's public keys: the caller's, if none is named.

use landfall_cloud::View;
use landfall_cloud::identity::ssh_public_key;
use landfall_model::UniqueId;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::ssh_public_key::{KeyShape, listed};
use super::shape::user::whom;
use crate::{Action, ApiError, Caller, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListSSHPublicKeys {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

#[derive(Serialize)]
pub struct ListSSHPublicKeysResult<'v> {
    #[serde(rename = "SSHPublicKeys")]
    keys: Vec<KeyShape<'v>>,
}

impl Read for ListSSHPublicKeys {
    const ACTION: Action = Action::iam("ListSSHPublicKeys");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListSSHPublicKeysResult<'v>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListSSHPublicKeysResult<'v>, ApiError> {
        let row = whom(&look.view, self.user_name.as_deref(), self.caller.as_ref())?;
        // By their ids, which pages go on after.
        let mut keys: Vec<_> = ssh_public_key::all(row).iter().collect();
        keys.sort_by_key(|key| &key.id);
        let keys = look.page.take(keys, |key| key.id.to_string())?;
        Ok(ListSSHPublicKeysResult { keys: keys.into_iter().map(|key| listed(row, key)).collect() })
    }
}
