//! Whom images and snapshots are shared with: accounts, or everybody.

use std::collections::BTreeSet;

use landfall_model::{AccountId, AccountState};

use crate::value::Cloud;

/// How that is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Accounts to share it with.
    pub add: BTreeSet<AccountId>,
    /// Accounts to share it with no more.
    pub remove: BTreeSet<AccountId>,
    /// Whether it is to be everybody's.
    pub public: Option<bool>,
}

impl Sharing {
    /// Changes whom something is shared with.
    pub(crate) fn apply(&self, accounts: &mut BTreeSet<AccountId>, is_public: &mut bool) {
        accounts.extend(&self.add);
        accounts.retain(|account| !self.remove.contains(account));
        *is_public = self.public.unwrap_or(*is_public);
    }
}

/// Whether what an account shares is still there for others: what a closed one has is nobody's, though it is kept for a
/// while in case that the account is resumed.
pub(crate) fn shares(cloud: &Cloud, owner: AccountId) -> bool {
    let state = cloud.accounts.get(&owner).map(|row| row.standing.state);
    !matches!(state, Some(AccountState::PendingClosure | AccountState::Closed))
}
