//! iam:CreateAccessKey. Makes an access key of a user: of the caller, if none is named. Its secret is shown this once.

use landfall_cloud::identity::access_key;
use landfall_cloud::{Tx, View};
use landfall_model::{UniqueId, UniqueKind};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::whom_demand;
use super::shape::time;
use super::shape::user::whom;
use crate::authenticate::secret_context;
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

/// Characters of a secret, as AWS has them.
const SECRET_CHARS: usize = 40;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAccessKey {
    user_name: Option<String>,
    #[serde(skip)]
    caller: Option<UniqueId>,
}

/// A key under way: the row gets the sealed secret, the caller the plain one.
pub struct Made {
    id: String,
    secret: String,
    sealed: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAccessKeyResult {
    access_key: KeyShape,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyShape {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    secret_access_key: String,
    create_date: Time,
}

impl Call for CreateAccessKey {
    const ACTION: Action = Action::iam("CreateAccessKey");
    type Made = Made;
    type Output<'t> = CreateAccessKeyResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.principal.id.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        whom_demand(view, demands, Self::ACTION, self.user_name.as_deref(), self.caller.as_ref());
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        let id = outside.vault.make_id(UniqueKind::AccessKey, view.scope().account)?;
        let secret = outside.vault.make(SECRET_CHARS)?;
        let sealed = outside.vault.seal(&secret_context(&id), &secret);
        Ok(Made { id, secret, sealed })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<CreateAccessKeyResult, ApiError> {
        let row = whom(&tx.view(), self.user_name.as_deref(), self.caller.as_ref())?.clone();
        access_key::create(tx, &row, &made.id, made.sealed)?;
        let access_key = KeyShape {
            user_name: row.name,
            access_key_id: made.id,
            status: "Active",
            secret_access_key: made.secret,
            create_date: time(tx.now()),
        };
        Ok(CreateAccessKeyResult { access_key })
    }
}
