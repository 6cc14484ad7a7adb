//! Aliases: other names of keys. Those that begin with `alias/aws/` are the services' own.

use landfall_model::{KmsAlias, KmsKey, KmsKeyId};

use super::fault::KmsFault;
use super::key::check_stays;
use crate::tx::Tx;
use crate::value::KmsAliases;
use crate::view::View;

/// Aliases of a key. Source: the KMS Developer Guide, "Resource quotas".
const LIMIT: usize = 50;
const MOST_CHARS: usize = 256;

/// This account's aliases, by name.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a KmsAlias> + use<'a> {
    view.all::<KmsAliases, String>()
}

/// The aliases that point at a key.
pub fn of_key<'a>(view: &View<'a>, key: &KmsKey) -> impl Iterator<Item = &'a KmsAlias> + use<'a> {
    let scope = key.scope;
    view.tables().kms_aliases.by_target(&key.id).filter(move |alias| alias.scope == scope)
}

/// The alias of that name, or that there is none.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<&'a KmsAlias, KmsFault> {
    let missing = || {
        let arn = landfall_model::Arn::new("kms", view.scope(), name);
        KmsFault::NotFound(format!("Alias {arn} is not found."))
    };
    view.find::<KmsAliases, _>(name.to_owned()).ok_or_else(missing)
}

/// Points a new name at a key.
pub fn create(tx: &mut Tx<'_, '_>, name: &str, key: &KmsKey) -> Result<(), KmsFault> {
    check_name(name)?;
    check_stays(key)?;
    if let Ok(there) = need(&tx.view(), name) {
        return Err(KmsFault::AliasExists(there.arn()));
    }
    check_room(tx, key)?;
    put_own(tx, name, key.id);
    Ok(())
}

/// Points a name at another key, which must be of the same kind.
pub fn update(tx: &mut Tx<'_, '_>, name: &str, key: &KmsKey) -> Result<(), KmsFault> {
    check_name(name)?;
    check_stays(key)?;
    let row = need(&tx.view(), name)?.clone();
    let old = tx.kms_keys.get(&row.scope.key(row.target));
    if old.is_some_and(|old| (old.spec.family(), old.usage) != (key.spec.family(), key.usage)) {
        let message = "The current and new keys must be of the same type and have the same key usage.";
        return Err(KmsFault::WrongState(message.into()));
    }
    if row.target != key.id {
        check_room(tx, key)?;
        let now = tx.now();
        tx.put::<KmsAliases>(KmsAlias { target: key.id, updated_at: now, ..row });
    }
    Ok(())
}

/// Takes a name from its key.
pub fn delete(tx: &mut Tx<'_, '_>, name: &str) -> Result<(), KmsFault> {
    check_name(name)?;
    let key = need(&tx.view(), name)?.key();
    tx.delete::<KmsAliases>(&key);
    Ok(())
}

/// Points a name of a service's own at a key.
pub fn put_own(tx: &mut Tx<'_, '_>, name: &str, target: KmsKeyId) {
    let (scope, now) = (tx.scope(), tx.now());
    tx.put::<KmsAliases>(KmsAlias { scope, name: name.into(), target, created_at: now, updated_at: now });
}

fn check_room(tx: &Tx<'_, '_>, key: &KmsKey) -> Result<(), KmsFault> {
    if tx.kms_aliases.by_target.count(&key.id) < LIMIT {
        return Ok(());
    }
    Err(KmsFault::Limit(format!("{} has {LIMIT} aliases, which is the limit.", key.arn())))
}

/// That a text can be a name that people give.
fn check_name(name: &str) -> Result<(), KmsFault> {
    let rest = name.strip_prefix("alias/").unwrap_or_default();
    let is_word = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte));
    if rest.is_empty() || name.len() > MOST_CHARS {
        let message = "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
        return Err(KmsFault::Validation(message.into()));
    }
    if !is_word {
        return Err(KmsFault::AliasName(format!("{name} contains invalid characters for an alias")));
    }
    if rest.starts_with("aws/") {
        return Err(KmsFault::AliasName("Alias name cannot begin with 'alias/aws/'".into()));
    }
    Ok(())
}
