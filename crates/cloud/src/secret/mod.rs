//! Secrets: how they are named and found, what changes them, and how they go.
//!
//! Source: the Secrets Manager API Reference and its User Guide.

pub mod fault;
pub mod policy;
pub mod version;

use std::time::Duration;

use landfall_model::{Arn, Scope, Secret, SecretDeletion, SecretTime, SecretVersion, Timestamp};

pub use self::fault::SecretFault;
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{SecretVersions, Secrets};
use crate::view::View;

/// Secrets of an account in a region: "Secrets".
const LIMIT: usize = 500_000;
/// The longest name, in characters.
const NAME_CHARS: usize = 512;
/// The longest description.
const DESCRIPTION_CHARS: usize = 2048;
/// Characters that end an ARN.
pub const SUFFIX_CHARS: usize = 6;
/// How many secrets one transaction lets go, so that it stays short however many are due.
const BATCH: usize = 256;

/// That a secret can have that name.
pub fn check_name(name: &str) -> Result<(), SecretFault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@!-".contains(&byte);
    if name.is_empty() || name.len() > NAME_CHARS || !name.bytes().all(fits) {
        return Err(SecretFault::Name);
    }
    Ok(())
}

/// That a secret can have that description.
pub fn check_description(text: &str) -> Result<(), SecretFault> {
    if text.chars().count() > DESCRIPTION_CHARS {
        let message = format!("The description of a secret has at most {DESCRIPTION_CHARS} characters.");
        return Err(SecretFault::Invalid(message));
    }
    Ok(())
}

/// The id under which a secret's tags are kept. Other kinds' ids have no colon.
pub fn tag_id(name: &str) -> String {
    format!("secret:{name}")
}

/// Where a secret that is named by its ARN is: in another account, perhaps. None where it is named otherwise.
pub fn scope_of(id: &str) -> Option<Scope> {
    let arn: Arn = id.parse().ok()?;
    arn.resource().strip_prefix("secret:")?;
    let mut fields = id.split(':').skip(2);
    if fields.next() != Some("secretsmanager") {
        return None;
    }
    Some(Scope { region: fields.next()?.parse().ok()?, account: arn.account()? })
}

/// What secrets are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Their names.
    Name,
    /// A moment; those that hadn't got one come before all others, and equal ones by name.
    Time(SecretTime),
}

/// The view's secrets in an order, or the other way round. They begin where that moment and name would stand, or among those of
/// the same moment.
pub fn sorted<'a>(
    view: &View<'a>,
    order: Order,
    falls: bool,
    from: Option<(Option<Timestamp>, &str)>,
) -> Box<dyn Iterator<Item = &'a Secret> + 'a> {
    let (scope, table) = (view.scope(), &view.tables().secrets);
    match order {
        Order::Name => {
            let name = |name: &str| scope.key(name.to_owned());
            // No name has such a character.
            let (least, most) = (name(""), name("\u{10ffff}"));
            let from = from.map(|(_, text)| name(text));
            let (start, end) = if falls { (least, from.unwrap_or(most)) } else { (from.unwrap_or(least), most) };
            let rows = table.range(start..=end);
            if falls { Box::new(rows.rev()) } else { Box::new(rows) }
        }
        Order::Time(time) => {
            let place = |at: Option<Timestamp>| (scope, time, at);
            let (least, most) = (place(None), place(Some(Timestamp(i64::MAX))));
            let from = from.map(|(at, _)| place(at));
            let (start, end) = if falls { (least, from.unwrap_or(most)) } else { (from.unwrap_or(least), most) };
            let rows = table.by_time.range(start..=end).filter_map(|(_, key)| table.get(key));
            if falls { Box::new(rows.rev()) } else { Box::new(rows) }
        }
    }
}

/// The secret of a name, of an ARN, or of an ARN without the characters that end it, if the view has it.
pub fn find<'a>(view: &View<'a>, id: &str) -> Option<&'a Secret> {
    let by_name = |name: &str| view.find::<Secrets, _>(name.to_owned());
    let Some(scope) = scope_of(id) else { return by_name(id) };
    if scope != view.scope() {
        return None;
    }
    let rest = id.splitn(7, ':').nth(6)?;
    let whole = rest.rsplit_once('-').and_then(|(name, suffix)| by_name(name).filter(|row| row.suffix == suffix));
    whole.or_else(|| by_name(rest))
}

/// The secret of a name or ARN, or that there is none.
pub fn need<'a>(view: &View<'a>, id: &str) -> Result<&'a Secret, SecretFault> {
    if scope_of(id).is_none() {
        check_name(id)?;
    }
    find(view, id).ok_or(SecretFault::NoSuch)
}

/// The same, unless it waits for its deletion.
pub fn need_alive<'a>(view: &View<'a>, id: &str) -> Result<&'a Secret, SecretFault> {
    let row = need(view, id)?;
    if row.deletion.is_some() { Err(SecretFault::marked()) } else { Ok(row) }
}

/// That the name is free.
pub fn check_free(view: &View<'_>, name: &str) -> Result<(), SecretFault> {
    match view.find::<Secrets, _>(name.to_owned()) {
        None => Ok(()),
        Some(row) if row.deletion.is_some() => Err(SecretFault::Request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.".into(),
        )),
        Some(_) => Err(SecretFault::Exists(format!("The operation failed because the secret {name} already exists."))),
    }
}

/// Makes a secret that has no value yet.
pub fn create(
    tx: &mut Tx<'_, '_>,
    name: &str,
    suffix: String,
    description: Option<String>,
    kms_key: Option<String>,
) -> Result<Secret, Fault> {
    check_name(name)?;
    check_description(description.as_deref().unwrap_or_default())?;
    check_free(&tx.view(), name)?;
    let scope = tx.scope();
    if tx.secrets.by_scope.count(&scope) >= LIMIT {
        return Err(SecretFault::Limit(format!("An account has at most {LIMIT} secrets in a Region.")).into());
    }
    let now = tx.now();
    let row = Secret {
        scope,
        name: name.into(),
        suffix,
        description: description.filter(|text| !text.is_empty()),
        kms_key,
        policy: None,
        created_at: now,
        changed_at: now,
        accessed_at: None,
        deletion: None,
    };
    tx.put::<Secrets>(row.clone());
    Ok(row)
}

/// Changes a secret's row, and notes that it has changed.
pub fn update(tx: &mut Tx<'_, '_>, secret: &Secret, change: impl FnOnce(&mut Secret)) {
    let now = tx.now();
    tx.update::<Secrets, _>(&secret.key(), |row| {
        change(row);
        row.changed_at = now;
    });
}

/// Marks a secret for its deletion after that time.
pub fn mark(tx: &mut Tx<'_, '_>, secret: &Secret, window: Duration) -> Result<SecretDeletion, Fault> {
    if secret.deletion.is_some() {
        let message = "You can't perform this operation on the secret because it was already scheduled for deletion.";
        return Err(SecretFault::Request(message.into()).into());
    }
    let asked_at = tx.now();
    let deletion = SecretDeletion { asked_at, due_at: asked_at + window };
    update(tx, secret, |row| row.deletion = Some(deletion));
    Ok(deletion)
}

/// Takes back a deletion.
pub fn restore(tx: &mut Tx<'_, '_>, secret: &Secret) {
    if secret.deletion.is_some() {
        update(tx, secret, |row| row.deletion = None);
    }
}

/// Forgets a secret, with all its versions and its tags.
pub fn delete(tx: &mut Tx<'_, '_>, secret: &Secret) {
    let keys: Vec<_> = version::all(&tx.view(), &secret.name).map(SecretVersion::key).collect();
    for key in &keys {
        tx.delete::<SecretVersions>(key);
    }
    tx.delete::<Secrets>(&secret.key());
    tag::forget(tx, &tag_id(&secret.name));
}

/// Forgets the secrets whose time has come, at most a batch. Returns whether there may be more.
pub(crate) fn expire(tx: &mut Tx<'_, '_>, until: i64) -> bool {
    let over: Vec<_> = tx.secrets.due_until(until).take(BATCH).cloned().collect();
    for row in &over {
        delete(&mut tx.scoped(row.scope), row);
    }
    over.len() == BATCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_letters_digits_and_some_signs() {
        for good in ["db", "prod/db", "Valid/_+=.@-Name", "a!b"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "Inv Name", "Inv*Name?", "a:b", "ü"] {
            assert_eq!(check_name(bad), Err(SecretFault::Name), "{bad}");
        }
        assert!(check_name(&"x".repeat(513)).is_err());
    }

    #[test]
    fn an_arn_says_where_a_secret_is() {
        let scope = scope_of("arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf").unwrap();
        assert_eq!(scope.to_string(), "111122223333/eu-west-1");
        for other in
            ["db", "arn:aws:ssm:eu-west-1:111122223333:parameter/x", "arn:aws:secretsmanager:eu-west-1::secret:x"]
        {
            assert_eq!(scope_of(other), None, "{other}");
        }
    }
}
