//! Tags: what may be one, and where they are kept.

use std::collections::BTreeMap;

use landfall_model::TagSet;

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::Tags;

/// Tags that a resource may have.
pub const LIMIT: usize = 50;
/// Source: the EC2 User Guide on tags, "Tag restrictions".
const KEY_CHARS: usize = 128;
const VALUE_CHARS: usize = 256;

/// Adds tags to a resource, or changes those that it has.
pub fn put(tx: &mut Tx<'_, '_>, kind: &str, resource: &str, tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.is_empty() {
        return Ok(());
    }
    for (key, value) in tags {
        check(key, value, tx.is_of_service())?;
    }
    let mut all = tx.view().tags(resource).cloned().unwrap_or_default();
    all.extend(tags.clone());
    let own = all.keys().filter(|key| !key.starts_with("aws:")).count();
    if own > LIMIT {
        return Err(Fault::Quota(QuotaKind::Tags, LIMIT as u64));
    }
    let scope = tx.scope();
    tx.put::<Tags>(TagSet { scope, resource: resource.into(), kind: kind.into(), tags: all });
    Ok(())
}

/// Adds tags whose keys begin with `aws:`: the cloud's own, which nobody changes and no limit counts.
pub fn put_own(tx: &mut Tx<'_, '_>, kind: &str, resource: &str, tags: impl IntoIterator<Item = (String, String)>) {
    let mut all = tx.view().tags(resource).cloned().unwrap_or_default();
    all.extend(tags);
    let scope = tx.scope();
    tx.put::<Tags>(TagSet { scope, resource: resource.into(), kind: kind.into(), tags: all });
}

/// Removes tags of a resource: all, those of a key, or that of a key if it has that value.
pub fn remove(tx: &mut Tx<'_, '_>, resource: &str, which: &[(String, Option<String>)]) {
    let key = tx.scope().key(resource.to_owned());
    let Some(mut row) = tx.view().find::<Tags, _>(resource.to_owned()).cloned() else { return };
    if which.is_empty() {
        row.tags.retain(|key, _| key.starts_with("aws:"));
    }
    for (name, value) in which {
        if value.as_ref().is_none_or(|value| row.tags.get(name) == Some(value)) {
            row.tags.remove(name);
        }
    }
    if row.tags.is_empty() {
        tx.delete::<Tags>(&key);
    } else {
        tx.put::<Tags>(row);
    }
}

/// Removes the row of a resource that is gone.
pub fn forget(tx: &mut Tx<'_, '_>, resource: &str) {
    let key = tx.scope().key(resource.to_owned());
    if tx.tags.contains(&key) {
        tx.delete::<Tags>(&key);
    }
}

/// Removes the rows of an image or a snapshot that is gone: its owner's, and those of whom it was shared with.
pub fn forget_all(tx: &mut Tx<'_, '_>, resource: &str) {
    let keys: Vec<_> = tx.tags.by_shared(&resource.to_owned()).map(TagSet::key).collect();
    for key in &keys {
        tx.delete::<Tags>(key);
    }
}

/// Services of the cloud may set tags of the cloud's own.
fn check(key: &str, value: &str, is_of_service: bool) -> Result<(), Fault> {
    let invalid = |what: &str, why: &str| Err(Fault::Invalid { name: "tag", value: what.into(), why: why.into() });
    if key.is_empty() || key.chars().count() > KEY_CHARS {
        return invalid(key, "Tag keys must be between 1 and 128 characters");
    }
    if value.chars().count() > VALUE_CHARS {
        return invalid(value, "Tag values must be at most 256 characters");
    }
    // AWS refuses the prefix in any case of its letters.
    if !is_of_service && key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return invalid(key, "Tag keys starting with 'aws:' are reserved for internal use");
    }
    Ok(())
}
