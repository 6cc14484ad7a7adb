//! Public keys of users. What is one, the dialect reads; here is who has which.

use landfall_model::{Principal, PrincipalKind, SshPublicKey, UniqueId, UniqueKind};

use super::fault::IdentityFault;
use super::new_unique_id;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Principals;

/// Public keys of a user. Source: the IAM User Guide, "IAM and AWS STS quotas".
const LIMIT: usize = 5;

/// A user's public keys.
pub fn all(user: &Principal) -> &[SshPublicKey] {
    user.user().map_or(&[], |user| &user.ssh_keys)
}

/// A public key of a user, or that it has none of that id.
pub fn need<'a>(user: &'a Principal, id: &str) -> Result<&'a SshPublicKey, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("The Public Key with id {id} cannot be found."));
    Ok(all(user).iter().find(|key| key.id.as_str() == id).ok_or_else(no_such)?)
}

/// Gives a user a public key, which it doesn't have yet. Returns the key's id.
pub fn add(tx: &mut Tx<'_, '_>, user: &UniqueId, body: String, fingerprint: String) -> Result<UniqueId, Fault> {
    if let Some(row) = tx.principals.get(user) {
        if all(row).iter().any(|key| key.fingerprint == fingerprint) {
            let message = "The public key is already associated with the user.";
            return Err(Fault::Taken { code: "DuplicateSSHPublicKey", message: message.into() });
        }
        if all(row).len() >= LIMIT {
            return Err(IdentityFault::Limit { quota: "SSHPublicKeysPerUser", limit: LIMIT }.into());
        }
    }
    let (id, uploaded_at) = (new_unique_id(tx, UniqueKind::PublicKey), tx.now());
    let key = SshPublicKey { id: id.clone(), body, fingerprint, active: true, uploaded_at };
    change(tx, user, |keys| keys.push(key));
    Ok(id)
}

/// Switches a public key on or off.
pub fn set_active(tx: &mut Tx<'_, '_>, user: &Principal, id: &str, active: bool) -> Result<(), Fault> {
    need(user, id)?;
    change(tx, &user.id, |keys| {
        keys.iter_mut().filter(|key| key.id.as_str() == id).for_each(|key| key.active = active);
    });
    Ok(())
}

/// Takes a public key from a user.
pub fn delete(tx: &mut Tx<'_, '_>, user: &Principal, id: &str) -> Result<(), Fault> {
    need(user, id)?;
    change(tx, &user.id, |keys| keys.retain(|key| key.id.as_str() != id));
    Ok(())
}

fn change(tx: &mut Tx<'_, '_>, id: &UniqueId, change: impl FnOnce(&mut Vec<SshPublicKey>)) {
    tx.update::<Principals, _>(id, |row| {
        if let PrincipalKind::User(user) = &mut row.kind {
            change(&mut user.ssh_keys);
        }
    });
}
