//! How volumes are encrypted: what holds for an account in a region unless it is said otherwise, and which key a new volume or
//! snapshot gets. Source: the EBS User Guide, "How Amazon EBS encryption works".
//!
//! A volume has a key of its own, which comes from a KMS key. What is made of something encrypted is encrypted, under the same
//! key unless another KMS key is asked for; there is no way back.

use landfall_model::kms::KeySpec;
use landfall_model::{Arn, DataKey, EbsDefaults, HostId, KmsKey};

use crate::fault::Fault;
use crate::kms::{KeyRef, key};
use crate::tx::Tx;
use crate::value::EbsDefaultsTable;
use crate::view::View;

/// The key that encrypts volumes unless another is asked for.
pub const OWN_KEY: &str = "alias/aws/ebs";
/// The first format of plans whose hosts encrypt volumes. An earlier one would pass over that they are to be.
const ENCRYPTING_FORMAT: u32 = 2;

/// What is said of the encryption of a new volume or snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encryption {
    /// Whether it is asked for.
    pub asked: bool,
    /// The KMS key, as requests call it.
    pub key: Option<String>,
}

impl Encryption {
    /// That a key is named only where encryption is asked for.
    pub fn check(&self) -> Result<(), Fault> {
        if self.key.is_some() && !self.asked {
            let message = "The parameter KmsKeyId requires the parameter Encrypted to be set.".into();
            return Err(Fault::Taken { code: "InvalidParameterDependency", message });
        }
        Ok(())
    }

    /// The KMS key that a new volume gets, as requests call it; nothing where it isn't encrypted. `source` is the key of what
    /// it is made of.
    pub fn key_of_volume(&self, view: &View<'_>, source: Option<&DataKey>) -> Option<String> {
        let own = source.map(|source| &source.kms_key).filter(|arn| arn.account() == Some(view.scope().account));
        self.key_or(view, source, || own.map(Arn::to_string))
    }

    /// The same of a copy of a snapshot, which is encrypted anew unless its key is named.
    pub fn key_of_copy(&self, view: &View<'_>, source: Option<&DataKey>) -> Option<String> {
        self.key_or(view, source, || None)
    }

    fn key_or(
        &self,
        view: &View<'_>,
        source: Option<&DataKey>,
        otherwise: impl FnOnce() -> Option<String>,
    ) -> Option<String> {
        let defaults = defaults(view);
        if !(self.asked || source.is_some() || defaults.encrypted) {
            return None;
        }
        let own = || defaults.key.map_or_else(|| OWN_KEY.to_owned(), |arn| arn.to_string());
        Some(self.key.clone().or_else(otherwise).unwrap_or_else(own))
    }
}

/// The data key under that KMS key: that of what it is made of, where this is under the same, or a new one.
pub(crate) fn data_key(
    tx: &mut Tx<'_, '_>,
    kms_key: Option<String>,
    source: Option<&DataKey>,
) -> Result<Option<DataKey>, Fault> {
    let Some(text) = kms_key else { return Ok(None) };
    let view = tx.view();
    let row = usable(&view, &text)?;
    let (kms_key, version) = (row.arn(), row.version());
    if let Some(same) = source.filter(|source| source.kms_key == kms_key) {
        return Ok(Some(same.clone()));
    }
    let salt = format!("{:032x}", tx.entropy().next_u128());
    Ok(Some(DataKey { kms_key, version, salt }))
}

/// The KMS key that is called so, if volumes can be encrypted under it now.
fn usable<'v>(view: &View<'v>, text: &str) -> Result<&'v KmsKey, Fault> {
    let found = KeyRef::parse(text, view.scope()).ok().and_then(|key| key.find(view.tables()));
    let row = found.ok_or_else(|| Fault::Taken {
        code: "InvalidKmsKeyId.NotFound",
        message: format!("The given key ID {text} is not accessible"),
    })?;
    let is_fit = row.spec == KeySpec::SymmetricDefault;
    match key::check_usable(row) {
        Ok(()) if is_fit => Ok(row),
        Ok(()) => Err(invalid(format!("The key {} can't encrypt volumes: it isn't symmetric.", row.arn()))),
        Err(fault) => Err(invalid(fault.to_string())),
    }
}

fn invalid(message: String) -> Fault {
    Fault::Taken { code: "InvalidKmsKeyId.InvalidState", message }
}

/// That the KMS key of something encrypted can be used now.
pub fn check_key(view: &View<'_>, data_key: Option<&DataKey>) -> Result<(), Fault> {
    data_key.map_or(Ok(()), |data_key| usable(view, data_key.kms_key.as_str()).map(drop))
}

/// That a host can have a volume that is encrypted.
pub(crate) fn check_host(view: &View<'_>, host: HostId, data_key: Option<&DataKey>) -> Result<(), Fault> {
    let is_old = |row: &landfall_model::Host| row.facts.format < ENCRYPTING_FORMAT;
    if data_key.is_some() && view.tables().hosts.get(&host).is_some_and(is_old) {
        return Err(Fault::Unsupported("encrypted volumes on a host whose agent is of an earlier version".into()));
    }
    Ok(())
}

/// What holds for this account in this region.
pub fn defaults(view: &View<'_>) -> EbsDefaults {
    let scope = view.scope();
    let row = view.find::<EbsDefaultsTable, u8>(0).cloned();
    row.unwrap_or(EbsDefaults { scope, encrypted: false, key: None })
}

/// Has volumes be encrypted, or not, where it isn't said.
pub fn set_encrypted(tx: &mut Tx<'_, '_>, encrypted: bool) {
    let row = defaults(&tx.view());
    if row.encrypted != encrypted {
        tx.put::<EbsDefaultsTable>(EbsDefaults { encrypted, ..row });
    }
}

/// Has volumes be encrypted under that key, or the service's own, where none is named.
pub fn set_key(tx: &mut Tx<'_, '_>, key: Option<Arn>) {
    let row = defaults(&tx.view());
    if row.key != key {
        tx.put::<EbsDefaultsTable>(EbsDefaults { key, ..row });
    }
}
