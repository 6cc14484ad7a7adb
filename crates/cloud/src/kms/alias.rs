//! Aliases: other names of keys. Those that begin with `alias/aws/` are the services' own.

use landfall_model::{KmsAlias, KmsKey, KmsKeyId};

use crate::tx::Tx;
use crate::value::KmsAliases;
use crate::view::View;

/// The aliases that point at a key.
pub fn of_key<'a>(view: &View<'a>, key: &KmsKey) -> impl Iterator<Item = &'a KmsAlias> + use<'a> {
    let scope = key.scope;
    view.tables().kms_aliases.by_target(&key.id).filter(move |alias| alias.scope == scope)
}

/// Points a name of a service's own at a key.
pub fn put_own(tx: &mut Tx<'_, '_>, name: &str, target: KmsKeyId) {
    let (scope, now) = (tx.scope(), tx.now());
    tx.put::<KmsAliases>(KmsAlias { scope, name: name.into(), target, created_at: now, updated_at: now });
}
