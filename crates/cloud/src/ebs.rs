//! What holds for volumes of an account in a region unless it is said otherwise.

use landfall_model::{Arn, EbsDefaults};

use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::EbsDefaultsTable;
use crate::view::View;

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

/// That a volume of which it isn't said may be plain: none can be encrypted yet.
pub fn check_plain(view: &View<'_>) -> Result<(), Fault> {
    if defaults(view).encrypted {
        return Err(Fault::Unsupported("encrypted volumes, which EbsEncryptionByDefault asks for".into()));
    }
    Ok(())
}
