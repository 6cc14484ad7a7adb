//! What becomes of keys: switched on and off, deleted after a waiting period, rotated, and what time does to them.

use std::time::Duration;

use landfall_model::kms::{
    KeyOrigin, KeySpec, KeyState, KmsKey, MaterialVersion, Rotation, RotationCause, SealedMaterial,
};
use landfall_model::{DoomedKey, KmsGrant, Timestamp};

use super::fault::KmsFault;
use super::key::{add_version, check_stays, check_usable};
use crate::tag;
use crate::tx::Tx;
use crate::value::{DoomedKeys, KmsAliases, KmsGrants, KmsKeys};

/// How long a key waits for its deletion, in days. Source: the KMS API Reference, ScheduleKeyDeletion.
pub const WAITING_DAYS: std::ops::RangeInclusive<u32> = 7..=30;
/// How often a key may rotate by itself, in days, and how often unless it is said. Source: EnableKeyRotation.
pub const PERIOD_DAYS: std::ops::RangeInclusive<u32> = 90..=2560;
/// See [`PERIOD_DAYS`].
pub const DEFAULT_PERIOD_DAYS: u32 = 365;
/// Rotations on demand of a key. Source: the KMS Developer Guide, "Resource quotas".
const ON_DEMAND: usize = 25;
const DAY: Duration = Duration::from_secs(86_400);

/// Switches a key on or off.
pub fn set_enabled(tx: &mut Tx<'_, '_>, key: &KmsKey, enabled: bool) -> Result<(), KmsFault> {
    check_stays(key)?;
    if key.state() == KeyState::PendingImport {
        return Err(KmsFault::State { arn: key.arn(), state: KeyState::PendingImport });
    }
    if key.enabled != enabled {
        tx.update::<KmsKeys, _>(&key.key(), |row| row.enabled = enabled);
    }
    Ok(())
}

/// Has a key be deleted after so many days. Until then nothing can be done with it, and it can be kept.
pub fn schedule_deletion(tx: &mut Tx<'_, '_>, key: &KmsKey, days: u32) -> Result<Timestamp, KmsFault> {
    check_stays(key)?;
    if !WAITING_DAYS.contains(&days) {
        return Err(out_of_range("pendingWindowInDays", days, &WAITING_DAYS));
    }
    let at = tx.now() + DAY * days;
    tx.update::<KmsKeys, _>(&key.key(), |row| row.deletes_at = Some(at));
    Ok(at)
}

/// Keeps a key that waited for its deletion. It is switched off.
pub fn cancel_deletion(tx: &mut Tx<'_, '_>, key: &KmsKey) -> Result<(), KmsFault> {
    if key.state() != KeyState::PendingDeletion {
        return Err(KmsFault::WrongState(format!("{} is not pending deletion.", key.arn())));
    }
    tx.update::<KmsKeys, _>(&key.key(), |row| {
        row.deletes_at = None;
        row.enabled = false;
    });
    Ok(())
}

/// That a key is of a kind that rotates, by itself or on demand.
pub fn check_rotates(key: &KmsKey) -> Result<(), KmsFault> {
    if key.spec == KeySpec::SymmetricDefault {
        return Ok(());
    }
    Err(KmsFault::Unsupported(format!("{} can't rotate: only symmetric encryption keys do.", key.arn())))
}

/// That a key is of a kind that rotates by itself.
fn check_rotates_itself(key: &KmsKey) -> Result<(), KmsFault> {
    check_rotates(key)?;
    if key.origin == KeyOrigin::AwsKms {
        return Ok(());
    }
    let message = format!("{} origin is EXTERNAL which is not valid for this operation.", key.arn());
    Err(KmsFault::Unsupported(message))
}

/// Has a key rotate by itself.
pub fn enable_rotation(tx: &mut Tx<'_, '_>, key: &KmsKey, period_days: u32) -> Result<(), KmsFault> {
    check_rotates_itself(key)?;
    check_usable(key)?;
    if !PERIOD_DAYS.contains(&period_days) {
        return Err(out_of_range("rotationPeriodInDays", period_days, &PERIOD_DAYS));
    }
    let next_at = tx.now() + DAY * period_days;
    let same = key.rotation.is_some_and(|rotation| rotation.period_days == period_days);
    if !same {
        tx.update::<KmsKeys, _>(&key.key(), |row| row.rotation = Some(Rotation { period_days, next_at }));
    }
    Ok(())
}

/// Has a key not rotate by itself any more.
pub fn disable_rotation(tx: &mut Tx<'_, '_>, key: &KmsKey) -> Result<(), KmsFault> {
    check_rotates_itself(key)?;
    check_usable(key)?;
    if key.rotation.is_some() {
        tx.update::<KmsKeys, _>(&key.key(), |row| row.rotation = None);
    }
    Ok(())
}

/// Gives a key new material now, which for one whose owner brings it must have been imported before. What was encrypted
/// before stays readable.
pub fn rotate(tx: &mut Tx<'_, '_>, key: &KmsKey) -> Result<(), KmsFault> {
    check_rotates(key)?;
    check_usable(key)?;
    let demanded = key.versions.iter().filter(|version| version.cause == RotationCause::OnDemand).count();
    if demanded >= ON_DEMAND {
        let message = format!("{} has been rotated on demand {ON_DEMAND} times, which is the limit.", key.arn());
        return Err(KmsFault::Limit(message));
    }
    let mut row = key.clone();
    if key.origin == KeyOrigin::External {
        let none = || KmsFault::WrongState(format!("{} has no imported key material pending rotation.", key.arn()));
        let id = key.waiting_import().ok_or_else(none)?.id.clone();
        let (number, cause, since) = (row.version() + 1, RotationCause::OnDemand, tx.now());
        row.versions.push(MaterialVersion { number, id, cause, since });
    } else {
        add_version(tx, &mut row, RotationCause::OnDemand);
    }
    tx.put::<KmsKeys>(row);
    Ok(())
}

fn out_of_range(name: &str, value: u32, range: &std::ops::RangeInclusive<u32>) -> KmsFault {
    KmsFault::Validation(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value between {} and {}",
        range.start(),
        range.end()
    ))
}

/// Does what is due by then: deletes keys, forgets material that was imported for a time, rotates. Returns whether there
/// may be more.
pub(crate) fn pass(tx: &mut Tx<'_, '_>, until: i64, batch: usize) -> bool {
    let due: Vec<KmsKey> = tx.kms_keys.due_until(until).take(batch).cloned().collect();
    let is_due = |at: Timestamp| at.as_millis() <= until;
    for key in &due {
        let mut tx = tx.scoped(key.scope);
        if key.deletes_at.is_some_and(is_due) {
            delete(&mut tx, key);
            continue;
        }
        let mut row = key.clone();
        super::import::forget_expired(&mut tx, &mut row, is_due);
        if let Some(rotation) =
            row.rotation.filter(|rotation| row.enabled && row.deletes_at.is_none() && is_due(rotation.next_at))
        {
            add_version(&mut tx, &mut row, RotationCause::Automatic);
            // A key that was long switched off rotates once, not once for each period that it missed.
            let next_at = tx.now() + DAY * rotation.period_days;
            row.rotation = Some(Rotation { next_at, ..rotation });
        }
        tx.put::<KmsKeys>(row);
    }
    due.len() == batch
}

/// Deletes a key with all that hangs on it. Its wrapping keys are doomed.
fn delete(tx: &mut Tx<'_, '_>, key: &KmsKey) {
    let scope = key.scope;
    let aliases: Vec<_> = super::alias::of_key(&tx.view(), key).map(|alias| alias.key()).collect();
    for alias in &aliases {
        tx.delete::<KmsAliases>(alias);
    }
    let of_key = tx.kms_grants.by_key(&key.id).filter(|row| row.scope == scope);
    let grants: Vec<_> = of_key.map(KmsGrant::row_key).collect();
    for grant in &grants {
        tx.delete::<KmsGrants>(grant);
    }
    tag::forget(tx, &format!("key/{}", key.id));
    tx.delete::<KmsKeys>(&key.key());
    key.materials().for_each(|material| doom(tx, material.clone()));
}

/// Sees to it that nothing opens what that wrapping key has sealed: its file goes once this is durable.
pub(super) fn doom(tx: &mut Tx<'_, '_>, material: SealedMaterial) {
    let since = tx.now();
    tx.put::<DoomedKeys>(DoomedKey { name: material.wrapping, since });
}
