//! Shapes that several of the provider's operations on accounts share.

use landfall_model::{Account, AccountId, AccountState};
use landfall_wire::Time;
use serde::Serialize;

/// An account as the provider sees it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountShape {
    account_id: AccountId,
    #[serde(skip_serializing_if = "String::is_empty")]
    account_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_alias: Option<String>,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.
    state: &'static str,
    state_since: Time,
    /// When what a closed one has is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
    created_at: Time,
}

impl From<&Account> for AccountShape {
    fn from(row: &Account) -> Self {
        // Of one that is closed it says when it is looked at again, which is nobody's business.
        let ends_at = row.standing.ends_at.filter(|_| row.standing.state != AccountState::Closed);
        Self {
            account_id: row.id,
            account_name: row.name.clone(),
            email: row.email.clone(),
            account_alias: row.alias.clone(),
            state: row.standing.state.name(),
            state_since: Time(row.standing.since.as_millis()),
            ends_at: ends_at.map(|at| Time(at.as_millis())),
            created_at: Time(row.created_at.as_millis()),
        }
    }
}

/// The answer of what changes an account.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Changed {
    pub account: AccountShape,
}
