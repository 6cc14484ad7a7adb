//! Import of key material: which material a key takes, when it forgets it, and which it takes again.
//!
//! A key takes the same material again and no other, so that what it encrypted opens with it for ever. Symmetric keys take
//! further material, which is used once the key is rotated. Whatever is forgotten or exchanged has its wrapping key doomed.
//! Source: the KMS API Reference, ImportKeyMaterial, DeleteImportedKeyMaterial and RotateKeyOnDemand.

use std::time::Duration;

use landfall_model::Timestamp;
use landfall_model::kms::{
    Import, KeyOrigin, KeySpec, KeyState, KmsKey, MaterialVersion, RotationCause, SealedMaterial, WrappingAlgorithm,
    WrappingKeySpec,
};

use super::fault::KmsFault;
use super::key::check_stays;
use super::life::doom;
use crate::tx::Tx;
use crate::value::KmsKeys;

/// How long imported material may live. Source: ImportKeyMaterial, ValidTo.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Whether material is one that the key has had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// It is new to it.
    New,
    /// It has had it before.
    Existing,
}

/// What is asked of an import.
#[derive(Clone, Debug, Default)]
pub struct ImportAsked {
    /// Whether it is said to be new.
    pub kind: Option<ImportKind>,
    /// Which material it is said to be.
    pub material_id: Option<String>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// When it is to be forgotten.
    pub expires_at: Option<Timestamp>,
}

/// Material that came, sealed.
#[derive(Clone, Debug)]
pub struct Brought {
    /// Which.
    pub id: String,
    /// The material.
    pub material: SealedMaterial,
    /// The public half of an asymmetric key.
    pub public_key: Option<Vec<u8>>,
}

/// That a key's owner brings its material.
pub fn check_origin(key: &KmsKey) -> Result<(), KmsFault> {
    match key.origin {
        KeyOrigin::External => Ok(()),
        KeyOrigin::AwsKms => Err(KmsFault::Unsupported(format!(
            "{} origin is AWS_KMS which is not valid for this operation.",
            key.arn()
        ))),
    }
}

/// That material for that key may travel so.
pub fn check_wrapping(key: &KmsKey, algorithm: WrappingAlgorithm, spec: WrappingKeySpec) -> Result<(), KmsFault> {
    check_origin(key)?;
    check_stays(key)?;
    let too_large = match key.spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => true,
        KeySpec::EccNistP521 => spec == WrappingKeySpec::Rsa2048,
        _ => false,
    };
    if too_large && !algorithm.wraps_twice() {
        let message = format!(
            "The wrapping algorithm {algorithm} with the wrapping key spec {spec} can't wrap key material of the key spec {}.",
            key.spec
        );
        return Err(KmsFault::Unsupported(message));
    }
    Ok(())
}

/// That a key takes material as it is asked to, whatever material it is.
pub fn check_asked(key: &KmsKey, asked: &ImportAsked, now: Timestamp) -> Result<(), KmsFault> {
    check_origin(key)?;
    if !matches!(key.state(), KeyState::PendingImport | KeyState::Enabled) {
        return Err(KmsFault::State { arn: key.arn(), state: key.state() });
    }
    let for_symmetric = asked.kind.is_some() || asked.material_id.is_some() || asked.description.is_some();
    if key.spec != KeySpec::SymmetricDefault && for_symmetric {
        let message =
            "ImportType, KeyMaterialDescription and KeyMaterialId are supported for symmetric encryption keys only.";
        return Err(KmsFault::Unsupported(message.into()));
    }
    if asked.kind == Some(ImportKind::New) && asked.material_id.is_some() {
        let message = "You cannot specify KeyMaterialId with the ImportType NEW_KEY_MATERIAL.";
        return Err(KmsFault::Validation(message.into()));
    }
    match asked.expires_at {
        Some(at) if at <= now => Err(KmsFault::Validation("ValidTo must be in the future.".into())),
        Some(at) if at > now + LONGEST => {
            Err(KmsFault::Validation("ValidTo must be within 365 days of the request.".into()))
        }
        _ => Ok(()),
    }
}

/// That a key takes that material; whether it is new to it.
pub fn check_material(key: &KmsKey, id: &str, asked: &ImportAsked) -> Result<ImportKind, KmsFault> {
    let wrong = |message: String| Err(KmsFault::Material(message));
    if asked.material_id.as_ref().is_some_and(|named| named != id) {
        return wrong("The key material is not that of the KeyMaterialId in the request.".into());
    }
    let unsaid = if key.imports.is_empty() { ImportKind::New } else { ImportKind::Existing };
    let kind = asked.kind.unwrap_or(unsaid);
    match (kind, key.import(id)) {
        (ImportKind::New, Some(_)) => wrong(format!("The key material is already associated with {}.", key.arn())),
        (ImportKind::New, None) if key.waiting_import().is_some() => {
            Err(KmsFault::WrongState(format!("{} already has imported key material pending rotation.", key.arn())))
        }
        (ImportKind::Existing, None) => wrong(format!(
            "The key material is not the same key material that was previously imported into {}.",
            key.arn()
        )),
        _ => Ok(kind),
    }
}

/// Gives a key material that its owner brought. What it had of the same is destroyed.
pub fn import(tx: &mut Tx<'_, '_>, key: &KmsKey, brought: Brought, asked: ImportAsked) -> Result<(), KmsFault> {
    check_asked(key, &asked, tx.now())?;
    let kind = check_material(key, &brought.id, &asked)?;
    let mut row = key.clone();
    if row.state() == KeyState::PendingImport {
        row.enabled = true;
    }
    match kind {
        ImportKind::New => {
            if row.spec == KeySpec::SymmetricDefault && row.versions.is_empty() {
                let (id, cause, since) = (brought.id.clone(), RotationCause::First, tx.now());
                row.versions.push(MaterialVersion { number: 1, id, cause, since });
            }
            row.public_key = brought.public_key;
            let (material, expires_at) = (Some(brought.material), asked.expires_at);
            row.imports.push(Import { id: brought.id, material, expires_at, description: asked.description });
        }
        ImportKind::Existing => {
            let had = row.imports.iter_mut().find(|import| import.id == brought.id);
            if let Some(import) = had {
                let before = import.material.replace(brought.material);
                import.expires_at = asked.expires_at;
                import.description = asked.description.or(import.description.take());
                before.into_iter().for_each(|material| doom(tx, material));
            }
        }
    }
    tx.put::<KmsKeys>(row);
    Ok(())
}

/// Takes imported material away from a key: that of the id, or else that which is used. Gives its id.
pub fn delete(tx: &mut Tx<'_, '_>, key: &KmsKey, id: Option<&str>) -> Result<Option<String>, KmsFault> {
    check_origin(key)?;
    if id.is_some() && key.spec != KeySpec::SymmetricDefault {
        let message = "KeyMaterialId is supported for symmetric encryption keys only.";
        return Err(KmsFault::Unsupported(message.into()));
    }
    let import = match id {
        Some(id) => key.import(id).ok_or_else(|| KmsFault::NotFound(format!("Key material {id} is not found.")))?,
        None => match key.current_import() {
            Some(import) => import,
            None => return Ok(None),
        },
    };
    let id = import.id.clone();
    let mut row = key.clone();
    forget(tx, &mut row, |import| import.id == id);
    tx.put::<KmsKeys>(row);
    Ok(Some(id))
}

/// Takes away what has had its time.
pub(super) fn forget_expired(tx: &mut Tx<'_, '_>, row: &mut KmsKey, is_due: impl Fn(Timestamp) -> bool) {
    forget(tx, row, |import| import.material.is_some() && import.expires_at.is_some_and(&is_due));
}

/// Takes the material of imports away. One that the key has never used goes wholly, and leaves its place to another.
fn forget(tx: &mut Tx<'_, '_>, row: &mut KmsKey, which: impl Fn(&Import) -> bool) {
    let waiting = row.waiting_import().map(|import| import.id.clone());
    for import in row.imports.iter_mut().filter(|import| which(import)) {
        import.material.take().into_iter().for_each(|material| doom(tx, material));
        import.expires_at = None;
    }
    row.imports.retain(|import| import.material.is_some() || waiting.as_ref() != Some(&import.id));
}
