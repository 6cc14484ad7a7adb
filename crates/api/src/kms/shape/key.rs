//! The key that a request calls.

use landfall_cloud::View;
use landfall_cloud::kms::{KeyRef, KmsFault, key};
use landfall_model::KmsKey;
use landfall_model::kms::{EncryptionAlgorithm, KeyUsage, encryption_algorithms};

use crate::ApiError;

/// The key that a request calls so, whosever it is: the demands on it were met.
pub fn any<'a>(view: &View<'a>, text: &str) -> Result<&'a KmsKey, ApiError> {
    Ok(KeyRef::parse(text, view.scope())?.need(view.tables())?)
}

/// A key that can be used now, for that.
pub fn usable<'a>(view: &View<'a>, text: &str, usage: KeyUsage) -> Result<&'a KmsKey, ApiError> {
    let row = any(view, text)?;
    key::check_usable(row)?;
    check_usage(row, usage)?;
    Ok(row)
}

/// That a key is for that.
pub fn check_usage(row: &KmsKey, usage: KeyUsage) -> Result<(), KmsFault> {
    if row.usage == usage {
        return Ok(());
    }
    Err(KmsFault::Usage(format!("{} key usage is {} which is not valid for this operation.", row.arn(), row.usage)))
}

/// That a key encrypts in that way.
pub fn check_algorithm(row: &KmsKey, algorithm: EncryptionAlgorithm) -> Result<(), KmsFault> {
    if encryption_algorithms(row.spec, row.usage).contains(&algorithm) {
        return Ok(());
    }
    Err(KmsFault::Usage(format!("Algorithm {algorithm} and key spec {} are incompatible.", row.spec)))
}
