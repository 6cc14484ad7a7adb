//! Identity: accounts, principals and their access keys; groups, policies and instance profiles. Who may speak, for whom,
//! and what their policies say.
//!
//! What is here belongs to an account and to no region. Names are found through indexes that begin with the account, so
//! that another account's are never met.

pub mod access_key;
pub mod account;
pub mod fault;
pub mod group;
pub mod holder;
pub mod instance_profile;
pub mod login;
pub mod managed_policy;
pub mod mfa;
pub mod naming;
pub mod oidc_provider;
pub mod password_policy;
pub mod provided;
pub mod role;
pub mod service_role;
pub mod speaking;
pub mod ssh_public_key;
pub mod tag;
pub mod user;

use landfall_model::{Account, AccountId, Principal, PrincipalKind, Region, Scope, UniqueId, UniqueKind};

use crate::tx::Tx;
use crate::value::{Accounts, Principals};

pub use access_key::{of_access_key, put_access_key};
pub use fault::IdentityFault;

/// Where the tags of what has no region are kept: AWS serves IAM from there, too.
pub const fn home(account: AccountId) -> Scope {
    Scope { account, region: Region::DEFAULT }
}

/// Makes an account with its root principal, if it isn't there.
pub fn ensure_account(tx: &mut Tx<'_, '_>, id: AccountId) {
    if tx.accounts.contains(&id) {
        return;
    }
    let created_at = tx.now();
    tx.put::<Accounts>(Account::new(id, created_at));
    tx.put::<Principals>(Principal {
        account: id,
        id: UniqueId::root(id),
        kind: PrincipalKind::Root,
        name: String::new(),
        path: "/".into(),
        created_at,
        policies: Default::default(),
        attached: Default::default(),
        boundary: None,
    });
}

/// A new id of that kind.
fn new_unique_id(tx: &mut Tx<'_, '_>, kind: UniqueKind) -> UniqueId {
    UniqueId::from_random(kind, tx.entropy().next_u128())
}
