//! Passwords of users. They come hashed: a hash takes long on purpose, so that none is made in a transaction.

use landfall_model::{LoginProfile, Principal, PrincipalKind, UniqueId};

use super::fault::IdentityFault;
use super::password_policy;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Principals;

/// Hashes of earlier passwords that are kept: as many as a policy may ask about.
const EARLIER: usize = 24;

/// A user's password, or that it has none.
pub fn need(user: &Principal) -> Result<&LoginProfile, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("Login Profile for User {} cannot be found.", user.name));
    Ok(user.user().and_then(|user| user.login.as_ref()).ok_or_else(no_such)?)
}

/// That a user has no password yet.
pub fn check_absent(user: &Principal) -> Result<(), Fault> {
    if user.user().is_some_and(|user| user.login.is_some()) {
        let message = format!("Login Profile for user {} already exists.", user.name);
        return Err(IdentityFault::Exists(message).into());
    }
    Ok(())
}

/// Gives a user its first password.
pub fn create(tx: &mut Tx<'_, '_>, id: &UniqueId, hash: String, must_change: bool) -> Result<(), Fault> {
    if let Some(user) = tx.principals.get(id) {
        check_absent(user)?;
    }
    let created_at = tx.now();
    set(tx, id, Some(LoginProfile { password: hash, must_change, created_at, earlier: Vec::new() }));
    Ok(())
}

/// Gives a user another password in place of `before`, which was looked at when the hash was made, or only says whether
/// it must be changed.
pub fn change(
    tx: &mut Tx<'_, '_>,
    id: &UniqueId,
    before: &LoginProfile,
    hash: Option<String>,
    must_change: Option<bool>,
) -> Result<(), Fault> {
    let now = tx.principals.get(id).and_then(Principal::user).and_then(|user| user.login.as_ref());
    if now != Some(before) {
        let message = "The password was changed at the same time. Try again.";
        return Err(IdentityFault::Changing(message.into()).into());
    }
    let mut login = before.clone();
    if let Some(hash) = hash {
        login.earlier.insert(0, std::mem::replace(&mut login.password, hash));
        login.earlier.truncate(EARLIER);
    }
    login.must_change = must_change.unwrap_or(login.must_change);
    set(tx, id, Some(login));
    Ok(())
}

/// Takes a user's password away.
pub fn delete(tx: &mut Tx<'_, '_>, user: &UniqueId) -> Result<(), Fault> {
    if let Some(row) = tx.principals.get(user) {
        need(row)?;
    }
    set(tx, user, None);
    Ok(())
}

/// The hashes that a new password may not have made: those of the present one and of as many earlier ones as the
/// account's policy says.
pub fn barred<'a>(view: &crate::View<'_>, before: &'a LoginProfile) -> impl Iterator<Item = &'a str> + use<'a> {
    let count = password_policy::find(view).and_then(|policy| policy.reuse_prevention).unwrap_or(0);
    std::iter::once(&before.password).chain(&before.earlier).map(String::as_str).take(count as usize)
}

fn set(tx: &mut Tx<'_, '_>, id: &UniqueId, login: Option<LoginProfile>) {
    tx.update::<Principals, _>(id, |row| {
        if let PrincipalKind::User(user) = &mut row.kind {
            user.login = login;
        }
    });
}
