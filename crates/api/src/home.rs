//! Whose a thing is, kept apart from who asks for it.
//!
//! An ARN may name another account's secret, whose key its owner named by an alias of the owner's own. So names are resolved
//! with the owner's eyes, through a [`Home`], while conditions (`kms:CallerAccount`) look at who asks: that is the account of
//! the [`Demands`](crate::Demands), which no home can change. A home isn't a view, so that neither is taken for the other.

use landfall_cloud::{Tx, View};
use landfall_model::{AccountId, Scope};

/// The value with the eyes of whoever has a thing, in the region of the request.
#[derive(Clone, Copy)]
pub struct Home<'v>(View<'v>);

impl<'v> Home<'v> {
    /// That of whoever asks.
    pub fn own(asker: &View<'v>) -> Self {
        Self(*asker)
    }

    /// That of an account. What is in another region isn't reached from this one, whosever it is.
    pub fn of(asker: &View<'v>, owner: AccountId) -> Self {
        let scope = Scope { account: owner, region: asker.scope().region };
        Self(View::new(asker.tables(), scope, asker.now()))
    }

    /// The owner's view.
    pub fn view(&self) -> &View<'v> {
        &self.0
    }

    /// Where it is, and whose.
    pub fn scope(&self) -> Scope {
        self.0.scope()
    }

    /// The owner.
    pub fn owner(&self) -> AccountId {
        self.0.scope().account
    }
}

/// The same in a transaction.
pub fn at_home<'t, 'e>(tx: &'t mut Tx<'_, 'e>, owner: AccountId) -> Tx<'t, 'e> {
    let scope = Scope { account: owner, region: tx.scope().region };
    tx.scoped(scope)
}
