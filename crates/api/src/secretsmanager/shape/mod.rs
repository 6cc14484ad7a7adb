//! What several operations of Secrets Manager share: where a secret is, what is demanded, and its value.

pub mod filter;
pub mod plain;
pub mod shown;

use landfall_cloud::secret::{self, SecretFault};
use landfall_cloud::{Tx, View};
use landfall_model::{AccountId, Arn, Scope, Secret, Timestamp, TrustPolicy};
use landfall_wire::Time;
use serde::Serialize;

use crate::demand::{Demand, Owned, Veil};
use crate::home::{self, Home};
use crate::{Action, ApiError, Demands};

/// The service, as encryption through it is told.
pub const SERVICE: &str = "secretsmanager";
/// The key that encrypts secrets unless another is asked for.
pub const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
/// What ends the ARN of a secret that isn't there: a policy for any ending matches it.
const ANY_SUFFIX: &str = "??????";
/// The policy of whoever has none: it lets nobody of another account in.
const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;

/// The answer of operations that say nothing.
#[derive(Serialize)]
pub struct Nothing {}

/// The answer of operations that say only which secret it was.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: String,
}

impl Named {
    /// That secret.
    pub fn of(row: &Secret) -> Self {
        Self { arn: row.arn(), name: row.name.clone() }
    }
}

/// A time as JSON has it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}

/// The value with the eyes of whoever has a secret: an ARN may name another account's, which its policy has to open. One of
/// another region names nothing here.
pub fn home<'v>(view: &View<'v>, id: &str) -> Home<'v> {
    Home::of(view, owner_of(view.scope(), id))
}

/// The same in a transaction.
pub fn at_home<'t, 'e>(tx: &'t mut Tx<'_, 'e>, id: &str) -> Tx<'t, 'e> {
    let owner = owner_of(tx.scope(), id);
    home::at_home(tx, owner)
}

fn owner_of(asker: Scope, id: &str) -> AccountId {
    let named = secret::scope_of(id).filter(|scope| scope.region == asker.region);
    named.unwrap_or(asker).account
}

/// The demand of an action on a secret, with its tags and its policy.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: &str) -> &'d mut Demand {
    let home = home(view, id);
    let row = secret::find(home.view(), id);
    let arn = match row {
        Some(row) => row.arn().to_string(),
        None if secret::scope_of(id).is_some() => id.to_owned(),
        None => Secret::arn_of(view.scope(), id, ANY_SUFFIX).to_string(),
    };
    let is_foreign = home.owner() != demands.account();
    let demand = demands.resource(action, arn);
    demand.with("secretsmanager:SecretId", id).with("secretsmanager:SecretPrimaryRegion", home.scope().region);
    let tags = row.and_then(|row| home.view().tags(&secret::tag_id(&row.name)));
    for (key, value) in tags.into_iter().flatten() {
        demand.with(&format!("aws:ResourceTag/{key}"), value);
        demand.with(&format!("secretsmanager:ResourceTag/{key}"), value);
    }
    let policy = row.and_then(|row| row.policy.clone());
    // Nobody else is told what ends the ARN of a secret whose name he guessed, or that it is there.
    demand.veil = is_foreign.then(|| Veil::Named(id.to_owned()));
    if policy.is_some() || is_foreign {
        let policy = policy.unwrap_or_else(|| TrustPolicy::of(NOBODY));
        demand.owned = Some(Owned { policy, owner: home.owner().to_string(), required: false });
    }
    demand
}

/// The token of a request that makes a version: its id.
pub fn token(token: Option<&str>) -> Result<&str, ApiError> {
    let missing = || {
        let message = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
        SecretFault::Request(message.into())
    };
    let token = token.ok_or_else(missing)?;
    // A colon parts a secret from its versions.
    let fits = token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if !(32..=64).contains(&token.len()) || !fits {
        let message = "ClientRequestToken must be 32-64 characters long.";
        return Err(SecretFault::Invalid(message.into()).into());
    }
    Ok(token)
}
