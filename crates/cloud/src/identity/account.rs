//! An account's own settings.

use super::fault::IdentityFault;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Accounts;
use crate::view::View;

/// How long an account's name is. Source: the IAM API Reference on CreateAccountAlias.
const ALIAS_CHARS: std::ops::RangeInclusive<usize> = 3..=63;

/// The account's name.
pub fn alias<'a>(view: &View<'a>) -> Option<&'a str> {
    view.tables().accounts.get(&view.scope().account)?.alias.as_deref()
}

/// Gives the account a name, which no other one may have.
pub fn name(tx: &mut Tx<'_, '_>, alias: &str) -> Result<(), Fault> {
    check(alias)?;
    let account = tx.scope().account;
    if tx.accounts.by_alias(&alias.to_owned()).any(|row| row.id != account) {
        let message = format!("The account alias {alias} already exists.");
        return Err(IdentityFault::Exists(message).into());
    }
    tx.update::<Accounts, _>(&account, |row| row.alias = Some(alias.into()));
    Ok(())
}

/// Takes the account's name away.
pub fn unname(tx: &mut Tx<'_, '_>, alias: &str) -> Result<(), Fault> {
    check(alias)?;
    let account = tx.scope().account;
    if tx.accounts.get(&account).is_none_or(|row| row.alias.as_deref() != Some(alias)) {
        return Err(IdentityFault::NoSuch(format!("The account alias with name {alias} cannot be found.")).into());
    }
    tx.update::<Accounts, _>(&account, |row| row.alias = None);
    Ok(())
}

fn check(alias: &str) -> Result<(), IdentityFault> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = alias.starts_with('-') || alias.ends_with('-') || alias.contains("--");
    if ALIAS_CHARS.contains(&alias.len()) && alias.bytes().all(fits) && !ends {
        return Ok(());
    }
    let shown: String = alias.chars().take(128).collect();
    Err(IdentityFault::Validation(format!(
        "1 validation error detected: Value '{shown}' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){{1,61}}[a-z0-9]$"
    )))
}
