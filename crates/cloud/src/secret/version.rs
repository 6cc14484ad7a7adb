//! Versions of secrets, and the stages that say which of them counts. A stage is on one version at a time.
//!
//! Source: the Secrets Manager API Reference (PutSecretValue, UpdateSecretVersionStage), and its User Guide, "What's in a
//! Secrets Manager secret?".

use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Duration;

use landfall_model::{Secret, SecretVersion, Timestamp};

use super::fault::SecretFault;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::{SecretVersions, Secrets};
use crate::view::View;

/// The stage of the version that counts.
pub const CURRENT: &str = "AWSCURRENT";
/// The stage of the one that counted before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The stage of the one that is to count next.
pub const PENDING: &str = "AWSPENDING";
/// Versions of a secret.
const VERSIONS: usize = 100;
/// Versions that are younger than this stay, with stages or without.
const YOUNG: Duration = Duration::from_secs(24 * 3600);
/// Stages of all versions of a secret.
const STAGES: usize = 20;
/// The longest stage, in characters.
const STAGE_CHARS: usize = 256;

/// A version that is to be made.
#[derive(Clone)]
pub struct NewVersion {
    /// Its id.
    pub id: String,
    /// Its value, encrypted, in base64.
    pub value: String,
    /// Whether the value is bytes rather than text.
    pub is_binary: bool,
    /// The key that encrypted it, as the secret names it.
    pub kms_key: Option<String>,
    /// Its stages.
    pub stages: BTreeSet<String>,
}

/// The versions of a secret, by id.
pub fn all<'a>(view: &View<'a>, secret: &str) -> impl Iterator<Item = &'a SecretVersion> + use<'a> {
    let name = secret.to_owned();
    let from = Bound::Included(format!("{name}:"));
    view.from::<SecretVersions, String>(from).take_while(move |row| row.secret == name)
}

/// The version of that id.
pub fn find<'a>(view: &View<'a>, secret: &str, id: &str) -> Option<&'a SecretVersion> {
    view.find::<SecretVersions, _>(SecretVersion::id_of(secret, id))
}

/// The version that has that stage.
pub fn at_stage<'a>(view: &View<'a>, secret: &str, stage: &str) -> Option<&'a SecretVersion> {
    all(view, secret).find(|row| row.stages.contains(stage))
}

/// The version that a request means: by id, by stage, by both, or else the current one.
pub fn pick<'a>(
    view: &View<'a>,
    secret: &str,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<&'a SecretVersion, SecretFault> {
    let Some(id) = id else {
        let stage = stage.unwrap_or(CURRENT);
        let missing = || SecretFault::NoSuchValue(format!("staging label: {stage}"));
        return at_stage(view, secret, stage).ok_or_else(missing);
    };
    let row = find(view, secret, id).ok_or_else(|| SecretFault::NoSuchValue(format!("VersionId: {id}")))?;
    if stage.is_some_and(|stage| !row.stages.contains(stage)) {
        let message = "You provided a VersionStage that is not associated to the provided VersionId.";
        return Err(SecretFault::Request(message.into()));
    }
    Ok(row)
}

/// Makes a version, with its stages taken from whichever had them.
pub fn add(tx: &mut Tx<'_, '_>, secret: &Secret, new: NewVersion) -> Result<(), Fault> {
    check_stages(&new.stages)?;
    if find(&tx.view(), &secret.name, &new.id).is_some() {
        return Err(taken(secret, &new.id).into());
    }
    make_room(tx, &secret.name)?;
    let (scope, created_at) = (tx.scope(), tx.now());
    let row = SecretVersion {
        scope,
        secret: secret.name.clone(),
        id: new.id.clone(),
        value: new.value,
        is_binary: new.is_binary,
        kms_key: new.kms_key,
        stages: BTreeSet::new(),
        created_at,
        accessed_at: None,
    };
    tx.put::<SecretVersions>(row);
    // The first version counts, whatever it is said to be.
    let mut stages = new.stages;
    if at_stage(&tx.view(), &secret.name, CURRENT).is_none() {
        stages.insert(CURRENT.into());
    }
    for stage in &stages {
        place(tx, &secret.name, stage, Some(&new.id));
    }
    check_count(&tx.view(), &secret.name)?;
    changed(tx, secret);
    Ok(())
}

/// That an id is taken for another value.
pub fn taken(secret: &Secret, id: &str) -> SecretFault {
    SecretFault::Exists(format!(
        "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
        secret.arn()
    ))
}

/// Moves a stage from one version to another, or takes it away.
pub fn move_stage(
    tx: &mut Tx<'_, '_>,
    secret: &Secret,
    stage: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(), Fault> {
    check_stages(&BTreeSet::from([stage.to_owned()]))?;
    let view = tx.view();
    let holder = at_stage(&view, &secret.name, stage).map(|row| row.id.clone());
    for id in [from, to].into_iter().flatten() {
        if find(&view, &secret.name, id).is_none() {
            return Err(SecretFault::NoSuchValue(format!("VersionId: {id}")).into());
        }
    }
    if from.is_none() && to.is_none() {
        let message = "You must provide either RemoveFromVersionId or MoveToVersionId.";
        return Err(SecretFault::Invalid(message.into()).into());
    }
    if let Some(from) = from
        && holder.as_deref() != Some(from)
    {
        let message = format!("The staging label {stage} isn't attached to the version {from}.");
        return Err(SecretFault::Invalid(message).into());
    }
    if from.is_none() && holder.as_deref().is_some_and(|holder| Some(holder) != to) {
        let holder = holder.unwrap_or_default();
        let message = format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        );
        return Err(SecretFault::Invalid(message).into());
    }
    if stage == CURRENT && to.is_none() {
        let message = format!(
            "You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        );
        return Err(SecretFault::Invalid(message).into());
    }
    place(tx, &secret.name, stage, to);
    check_count(&tx.view(), &secret.name)?;
    changed(tx, secret);
    Ok(())
}

/// Puts a stage on a version and takes it from the one that had it. The version that counted becomes the previous one;
/// what was pending on it has come to pass.
fn place(tx: &mut Tx<'_, '_>, secret: &str, stage: &str, to: Option<&str>) {
    let holder = at_stage(&tx.view(), secret, stage).map(SecretVersion::key);
    let to = to.and_then(|id| find(&tx.view(), secret, id)).map(SecretVersion::key);
    if holder == to {
        return;
    }
    if let Some(key) = &holder {
        tx.update::<SecretVersions, _>(key, |row| {
            row.stages.remove(stage);
            if stage == CURRENT {
                row.stages.remove(PENDING);
            }
        });
    }
    if let Some(key) = &to {
        tx.update::<SecretVersions, _>(key, |row| {
            row.stages.insert(stage.to_owned());
        });
    }
    if let Some(key) = holder.filter(|_| stage == CURRENT) {
        let id = key.id.rsplit_once(':').map(|(_, id)| id.to_owned()).unwrap_or_default();
        place(tx, secret, PREVIOUS, Some(&id));
    }
}

fn check_stages(stages: &BTreeSet<String>) -> Result<(), SecretFault> {
    let fits = |stage: &String| !stage.is_empty() && stage.chars().count() <= STAGE_CHARS;
    if stages.len() > STAGES || !stages.iter().all(fits) {
        let message = format!("A version has up to {STAGES} staging labels of up to {STAGE_CHARS} characters each.");
        return Err(SecretFault::Invalid(message));
    }
    Ok(())
}

fn check_count(view: &View<'_>, secret: &str) -> Result<(), SecretFault> {
    let count: usize = all(view, secret).map(|row| row.stages.len()).sum();
    if count > STAGES {
        return Err(SecretFault::Limit(format!(
            "A secret has at most {STAGES} staging labels across all its versions."
        )));
    }
    Ok(())
}

/// Forgets versions without stages, the oldest first, where there are as many as there may be; not those of the last day.
fn make_room(tx: &mut Tx<'_, '_>, secret: &str) -> Result<(), Fault> {
    let now = tx.now();
    let view = tx.view();
    let count = all(&view, secret).count();
    if count < VERSIONS {
        return Ok(());
    }
    let is_over = |row: &&SecretVersion| row.stages.is_empty() && row.created_at + YOUNG <= now;
    let mut over: Vec<_> = all(&view, secret).filter(is_over).map(|row| (row.created_at, row.key())).collect();
    over.sort();
    over.truncate(count - VERSIONS + 1);
    let left = count - over.len();
    for (_, key) in &over {
        tx.delete::<SecretVersions>(key);
    }
    if left >= VERSIONS {
        let message = format!("A secret has at most {VERSIONS} versions, and those of the last 24 hours are kept.");
        return Err(SecretFault::Limit(message).into());
    }
    Ok(())
}

/// Notes that a version's value was read: by the day.
pub fn touch(tx: &mut Tx<'_, '_>, secret: &str, id: &str) {
    let day = day_of(tx.now());
    let key = tx.scope().key(SecretVersion::id_of(secret, id));
    if tx.secret_versions.get(&key).is_some_and(|row| row.accessed_at != Some(day)) {
        tx.update::<SecretVersions, _>(&key, |row| row.accessed_at = Some(day));
    }
    let key = tx.scope().key(secret.to_owned());
    if tx.secrets.get(&key).is_some_and(|row| row.accessed_at != Some(day)) {
        tx.update::<Secrets, _>(&key, |row| row.accessed_at = Some(day));
    }
}

/// The day of a moment, in UTC.
fn day_of(at: Timestamp) -> Timestamp {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    Timestamp(at.as_millis().div_euclid(DAY_MS) * DAY_MS)
}

/// Notes that something of a secret has changed.
pub(super) fn changed(tx: &mut Tx<'_, '_>, secret: &Secret) {
    let now = tx.now();
    tx.update::<Secrets, _>(&secret.key(), |row| row.changed_at = now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(day_of(Timestamp(1_795_341_600_000)).to_string(), "2026-11-22T00:00:00.000Z");
    }
}
