//! Accounts, principals and access keys: who may speak, and for whom.

use std::sync::Arc;

use landfall_model::{AccessKey, Account, AccountId, Principal, PrincipalKind};

use crate::tx::Tx;
use crate::value::{AccessKeys, Accounts, Cloud, Principals};

/// Makes an account with its root principal, if it isn't there.
pub fn ensure_account(tx: &mut Tx<'_, '_>, id: AccountId) {
    if tx.accounts.contains(&id) {
        return;
    }
    let created_at = tx.now();
    tx.put::<Accounts>(Account { id, created_at });
    tx.put::<Principals>(Principal {
        account: id,
        id: id.to_string(),
        kind: PrincipalKind::Root,
        name: String::new(),
        policies: std::collections::BTreeMap::new(),
    });
}

/// Makes an access key of a principal, or gives the key of that id another secret. The secret comes sealed.
pub fn put_access_key(tx: &mut Tx<'_, '_>, principal: &Principal, id: &str, sealed_secret: String) {
    let created_at = tx.now();
    tx.put::<AccessKeys>(AccessKey {
        id: id.into(),
        account: principal.account,
        principal: principal.id.clone(),
        secret: sealed_secret,
        active: true,
        created_at,
    });
}

/// The principal that an access key speaks for, with the key.
pub fn of_access_key(cloud: &Cloud, id: &str) -> Option<(Arc<AccessKey>, Arc<Principal>)> {
    let key = cloud.access_keys.get_arc(&id.to_owned())?;
    let principal = cloud.principals.get_arc(&key.principal)?;
    Some((key, principal))
}
