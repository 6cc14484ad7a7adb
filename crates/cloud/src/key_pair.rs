//! Key pairs: their names, and that only public halves are kept.

use landfall_model::{KeyKind, KeyPair, KeyPairId};

use crate::fault::{ExistsKind, Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::KeyPairs;

const NAME_CHARS: usize = 255;

/// A public key that is to have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeyPair {
    /// Its name.
    pub name: String,
    /// Its algorithm.
    pub kind: KeyKind,
    /// Its fingerprint, in the form that its kind and origin have.
    pub fingerprint: String,
    /// The public half, in OpenSSH's form.
    pub public_key: String,
}

/// Keeps a public key under its name.
pub fn create(tx: &mut Tx<'_, '_>, new: NewKeyPair) -> Result<KeyPairId, Fault> {
    check_name(&new.name)?;
    let scope = tx.scope();
    if tx.view().key_pair(&new.name).is_some() {
        return Err(Fault::Exists { kind: ExistsKind::KeyPair, what: new.name });
    }
    let limit = tx.quotas().key_pairs;
    if tx.key_pairs.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::KeyPairs, u64::from(limit)));
    }
    let (id, created_at) = (tx.new_id(), tx.now());
    let NewKeyPair { name, kind, fingerprint, public_key } = new;
    tx.put::<KeyPairs>(KeyPair { scope, id, name, kind, fingerprint, public_key, created_at });
    Ok(id)
}

/// Whether a name is one that a key pair can have: ASCII, no blanks around it.
pub fn check_name(name: &str) -> Result<(), Fault> {
    let good = !name.is_empty() && name.len() <= NAME_CHARS && name.trim() == name;
    if good && name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Ok(());
    }
    let why = "A name has up to 255 ASCII characters, and no blanks at its ends.".to_owned();
    Err(Fault::Invalid { name: "KeyName", value: name.into(), why })
}

/// Forgets a key pair. Instances that were launched with it keep its public half.
pub fn delete(tx: &mut Tx<'_, '_>, id: KeyPairId) {
    let key = tx.scope().key(id);
    if tx.delete::<KeyPairs>(&key) {
        crate::tag::forget(tx, &id.to_string());
    }
}
