//! landfall:CreateAccount. Makes an account, and what its owner begins with: an access key of its root, or a role that the
//! operator's account may take. A secret is shown this once.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::identity::role::{self, NewRole};
use landfall_cloud::identity::{access_key, home};
use landfall_cloud::{Tx, View, account};
use landfall_model::{AccountId, Arn, UniqueId, UniqueKind};
use serde::{Deserialize, Serialize};

use super::shape::AccountShape;
use super::{check_operator, demand_account};
use crate::authenticate::secret_context;
use crate::sts::shape::SECRET_CHARS;
use crate::{Action, ApiError, Call, Demands, Outside};

/// What the role is called unless that is said.
const ROLE: &str = "LandfallAdministrator";
/// What the role's sessions last at most, in seconds.
const SESSION_S: u32 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAccount {
    /// Twelve digits; made up unless they are said.
    account_id: Option<AccountId>,
    account_name: String,
    email: String,
    #[serde(default)]
    access: Access,
    /// What the role is called, where it is to be one.
    role_name: Option<String>,
}

/// What an account's owner begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Access {
    /// An access key of its root.
    #[default]
    RootAccessKey,
    /// A role with the policy AdministratorAccess, which the operator's account may take.
    AdministratorRole,
}

/// The account's number, and its root's key under way.
pub struct Made {
    account: AccountId,
    key: String,
    secret: String,
    sealed: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAccountResponse {
    account: AccountShape,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key: Option<KeyShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<Arn>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyShape {
    access_key_id: String,
    secret_access_key: String,
}

impl Call for CreateAccount {
    const ACTION: Action = Action::landfall("CreateAccount");
    type Made = Made;
    type Output<'t> = CreateAccountResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, self.account_id);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        check_operator(&view)?;
        let account = match self.account_id {
            Some(id) => id,
            None => free_number(&view)?,
        };
        let key = outside.vault.make_id(UniqueKind::AccessKey, account)?;
        let secret = outside.vault.make(SECRET_CHARS)?;
        let sealed = outside.vault.seal(&secret_context(&key), &secret);
        Ok(Made { account, key, secret, sealed })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<CreateAccountResponse, ApiError> {
        check_operator(&tx.view())?;
        let operator = tx.scope().account;
        account::create(tx, made.account, &self.account_name, &self.email)?;
        let mut own = tx.scoped(home(made.account));
        let (access_key, role_arn) = match self.access {
            Access::RootAccessKey if self.role_name.is_some() => {
                return Err(ApiError::combination("RoleName is for Access=AdministratorRole"));
            }
            Access::RootAccessKey => {
                let root = own.principals.get(&UniqueId::root(made.account)).cloned().ok_or_else(ApiError::internal)?;
                access_key::create(&mut own, &root, &made.key, made.sealed)?;
                (Some(KeyShape { access_key_id: made.key, secret_access_key: made.secret }), None)
            }
            Access::AdministratorRole => {
                let name = self.role_name.as_deref().unwrap_or(ROLE);
                (None, Some(make_role(&mut own, operator, name)?))
            }
        };
        let row = account::need(&tx.view(), made.account)?;
        Ok(CreateAccountResponse { account: (&row).into(), access_key, role_arn })
    }
}

/// A number that no account has.
fn free_number(view: &View<'_>) -> Result<AccountId, ApiError> {
    const SMALLEST: u64 = 100_000_000_000;
    const COUNT: u64 = 900_000_000_000;
    loop {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::internal())?;
        let id = AccountId::new(SMALLEST + u64::from_le_bytes(bytes) % COUNT).ok_or_else(ApiError::internal)?;
        if !view.tables().accounts.contains(&id) {
            return Ok(id);
        }
    }
}

/// The role by which the operator's account administers the new one.
fn make_role(tx: &mut Tx<'_, '_>, operator: AccountId, name: &str) -> Result<Arn, ApiError> {
    let trust = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{operator}:root") },
            "Action": "sts:AssumeRole",
        }],
    });
    let (path, description, boundary) = ("/", "Administers this account for the operator", None);
    let trust = trust.to_string();
    let id = role::create(tx, NewRole { name, path, trust: &trust, description, max_session_s: SESSION_S, boundary })?;
    holder::attach(tx, HolderKind::Role, name, &Arn::provided_policy("/", "AdministratorAccess"))?;
    tx.principals.get(&id).map(|row| row.arn()).ok_or_else(ApiError::internal)
}
