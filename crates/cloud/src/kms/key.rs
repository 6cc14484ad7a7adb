//! Keys: making them, and the states that they go through.

use landfall_model::TrustPolicy;
use landfall_model::kms::{
    KeyOrigin, KeySpec, KeyState, KeyUsage, KmsKey, KmsKeyId, MaterialVersion, Rotation, RotationCause, SealedMaterial,
};

use super::fault::KmsFault;
use crate::tx::Tx;
use crate::value::KmsKeys;
use crate::view::View;

/// Keys of an account in a region, those aside that AWS manages. Source: the KMS Developer Guide, "Resource quotas".
const LIMIT: usize = 100_000;
const DESCRIPTION_CHARS: usize = 8192;

/// What a key is made of.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for, in its owner's words.
    pub description: String,
    /// What it is made of.
    pub spec: KeySpec,
    /// What may be done with it.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// The service that it is made for.
    pub made_for: Option<String>,
    /// Its policy.
    pub policy: TrustPolicy,
    /// Its material, if it has any yet.
    pub material: Option<SealedMaterial>,
    /// The public half of an asymmetric key.
    pub public_key: Option<Vec<u8>>,
}

/// Makes a key.
pub fn create(tx: &mut Tx<'_, '_>, new: NewKey) -> Result<KmsKeyId, KmsFault> {
    check_description(&new.description)?;
    let scope = tx.scope();
    if new.made_for.is_none() && tx.kms_keys.by_scope.count(&scope) >= LIMIT {
        return Err(KmsFault::Limit(format!("You have reached the limit of {LIMIT} keys.")));
    }
    let id = KmsKeyId::from_random(tx.entropy().next_u128());
    let created_at = tx.now();
    let mut row = KmsKey {
        scope,
        id,
        description: new.description,
        spec: new.spec,
        usage: new.usage,
        origin: new.origin,
        made_for: new.made_for,
        enabled: true,
        deletes_at: None,
        policy: new.policy,
        material: new.material,
        public_key: new.public_key,
        versions: Vec::new(),
        rotation: None,
        imports: Vec::new(),
        created_at,
    };
    if row.made_for.is_some() {
        // AWS rotates its own keys once a year.
        let period_days = super::life::DEFAULT_PERIOD_DAYS;
        let next_at = created_at + std::time::Duration::from_secs(86_400) * period_days;
        row.rotation = Some(Rotation { period_days, next_at });
    }
    if row.material.is_some() && row.spec == KeySpec::SymmetricDefault {
        add_version(tx, &mut row, RotationCause::First);
    }
    tx.put::<KmsKeys>(row);
    Ok(id)
}

/// Adds the next version of a key's material, which is used from now on.
pub(super) fn add_version(tx: &mut Tx<'_, '_>, row: &mut KmsKey, cause: RotationCause) {
    let entropy = tx.entropy();
    let id = format!("{:032x}{:032x}", entropy.next_u128(), entropy.next_u128());
    let since = tx.now();
    row.versions.push(MaterialVersion { number: row.version() + 1, id, cause, since });
}

/// A description that can be one.
pub fn check_description(text: &str) -> Result<(), KmsFault> {
    if text.chars().count() <= DESCRIPTION_CHARS {
        return Ok(());
    }
    Err(KmsFault::Validation(format!(
        "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to {DESCRIPTION_CHARS}"
    )))
}

/// This account's keys, by id.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a KmsKey> + use<'a> {
    view.all::<KmsKeys, KmsKeyId>()
}

/// That a key can be used now.
pub fn check_usable(row: &KmsKey) -> Result<(), KmsFault> {
    match row.state() {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(KmsFault::Disabled(row.arn())),
        state => Err(KmsFault::State { arn: row.arn(), state }),
    }
}

/// That a key isn't about to go.
pub fn check_stays(row: &KmsKey) -> Result<(), KmsFault> {
    match row.state() {
        KeyState::PendingDeletion => Err(KmsFault::State { arn: row.arn(), state: KeyState::PendingDeletion }),
        _ => Ok(()),
    }
}

/// Says anew what a key is for.
pub fn set_description(tx: &mut Tx<'_, '_>, key: &KmsKey, text: &str) -> Result<(), KmsFault> {
    check_stays(key)?;
    check_description(text)?;
    tx.update::<KmsKeys, _>(&key.key(), |row| row.description = text.into());
    Ok(())
}

/// Gives a key another policy.
pub fn set_policy(tx: &mut Tx<'_, '_>, key: &KmsKey, document: &str) -> Result<(), KmsFault> {
    check_stays(key)?;
    let policy = super::policy::read(tx, document)?;
    tx.update::<KmsKeys, _>(&key.key(), |row| row.policy = policy);
    Ok(())
}
