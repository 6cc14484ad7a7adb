//! Access keys.

use std::sync::Arc;

use landfall_model::{AccessKey, KeyUse, Principal};

use super::fault::IdentityFault;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::{AccessKeys, Cloud};
use crate::view::View;

/// Access keys that a user or root may have. Source: the IAM User Guide, "IAM and AWS STS quotas".
pub const LIMIT: usize = 2;

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
        configured: false,
        last_used: None,
    });
}

/// Makes a further access key of a principal.
pub fn create(tx: &mut Tx<'_, '_>, principal: &Principal, id: &str, sealed_secret: String) -> Result<(), Fault> {
    if tx.access_keys.by_principal(&principal.id).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "AccessKeysPerUser", limit: LIMIT }.into());
    }
    put_access_key(tx, principal, id, sealed_secret);
    Ok(())
}

/// The keys of a principal.
pub fn of<'a>(view: &View<'a>, principal: &Principal) -> impl Iterator<Item = &'a AccessKey> + use<'a> {
    view.tables().access_keys.by_principal(&principal.id)
}

/// A key of a principal.
pub fn need<'a>(cloud: &'a Cloud, principal: &Principal, id: &str) -> Result<&'a AccessKey, Fault> {
    let row = cloud.access_keys.get(&id.to_owned()).filter(|row| row.principal == principal.id);
    row.ok_or_else(|| IdentityFault::NoSuch(format!("The Access Key with id {id} cannot be found.")).into())
}

/// A key of the account's, and whose it is.
pub fn find<'a>(view: &View<'a>, id: &str) -> Option<(&'a AccessKey, &'a Principal)> {
    let row = view.tables().access_keys.get(&id.to_owned()).filter(|row| row.account == view.scope().account)?;
    Some((row, view.tables().principals.get(&row.principal)?))
}

/// Writes when keys were last used. Those that are gone meanwhile are nobody's.
pub fn note_uses(tx: &mut Tx<'_, '_>, uses: impl IntoIterator<Item = (String, KeyUse)>) {
    for (id, used) in uses {
        if tx.access_keys.contains(&id) {
            tx.update::<AccessKeys, _>(&id, |row| row.last_used = Some(used));
        }
    }
}

/// Switches a key on or off.
pub fn set_active(tx: &mut Tx<'_, '_>, principal: &Principal, id: &str, active: bool) -> Result<(), Fault> {
    need(tx, principal, id)?;
    tx.update::<AccessKeys, _>(&id.to_owned(), |row| row.active = active);
    Ok(())
}

/// Deletes a key.
pub fn delete(tx: &mut Tx<'_, '_>, principal: &Principal, id: &str) -> Result<(), Fault> {
    need(tx, principal, id)?;
    tx.delete::<AccessKeys>(&id.to_owned());
    Ok(())
}

/// The principal that an access key speaks for, with the key.
pub fn of_access_key(cloud: &Cloud, id: &str) -> Option<(Arc<AccessKey>, Arc<Principal>)> {
    let key = cloud.access_keys.get_arc(&id.to_owned())?;
    let principal = cloud.principals.get_arc(&key.principal)?;
    Some((key, principal))
}
