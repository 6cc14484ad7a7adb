//! The keys of encrypted volumes, for the hosts that the volumes are on. They come from KMS keys each time: nothing of them is
//! kept, and without a KMS key that can be used there is none.

use landfall_cloud::Cloud;
use landfall_cloud::kms::{KeyRef, key};
use landfall_model::agent::{NoKeys, Secret, VolumeKeys};
use landfall_model::{DataKey, Scope, Volume};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kms::crypto::{material, symmetric};
use crate::vault::Vault;

/// The keys of a volume. That of what it is made of is left out where it can't be had: it is needed only until the volume is
/// filled.
pub fn keys(vault: &Vault, cloud: &Cloud, row: &Volume) -> Result<VolumeKeys, NoKeys> {
    let own = row.data_key.as_ref().ok_or(NoKeys::NotHere)?;
    let source = row.chunks.as_ref().and_then(|root| root.data_key.as_ref());
    let own = open(vault, cloud, row.scope, own)?;
    let source = match source.map(|source| open(vault, cloud, row.scope, source)).transpose() {
        Err(NoKeys::Trouble) => return Err(NoKeys::Trouble),
        source => source.unwrap_or_default(),
    };
    Ok(VolumeKeys { own, source })
}

fn open(vault: &Vault, cloud: &Cloud, scope: Scope, data_key: &DataKey) -> Result<Secret, NoKeys> {
    let named = KeyRef::parse(data_key.kms_key.as_str(), scope).map_err(|_| NoKeys::Unusable)?;
    let kms_key = named.find(cloud).ok_or(NoKeys::Unusable)?;
    key::check_usable(kms_key).map_err(|_| NoKeys::Unusable)?;
    // A version that is gone is gone for good; one that can't be opened may be opened later.
    kms_key.sealed(data_key.version).ok_or(NoKeys::Unusable)?;
    let material = material::open_version(vault, kms_key, data_key.version).map_err(|_| NoKeys::Trouble)?;
    Ok(Secret(STANDARD.encode(symmetric::data_key(&material, data_key))))
}
