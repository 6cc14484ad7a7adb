//! The key that a request calls.

use landfall_cloud::View;
use landfall_cloud::kms::{KeyRef, KmsFault, key};
use landfall_model::KmsKey;
use landfall_model::kms::{
    EncryptionAlgorithm, KeyUsage, MacAlgorithm, SpecFamily, encryption_algorithms, mac_algorithms,
};

use crate::ApiError;

/// The most bytes of a message that is authenticated.
const MESSAGE_BYTES: usize = 4096;

/// The key that a request calls so, whosever it is: the demands on it were met.
pub fn any<'a>(view: &View<'a>, text: &str) -> Result<&'a KmsKey, ApiError> {
    Ok(KeyRef::parse(text, view.scope())?.need(view.tables())?)
}

/// The key of this account that a request calls by its id or ARN: for what changes keys, which takes no alias.
pub fn own<'a>(view: &View<'a>, text: &str) -> Result<&'a KmsKey, KmsFault> {
    let reference = unaliased(view, text)?;
    if reference.scope() != view.scope() {
        return Err(KmsFault::NotFound(format!("Invalid arn {text}")));
    }
    reference.need(view.tables())
}

/// The key whose grants a request is about, whosever it is: the demands on it were met. It takes no alias either.
pub fn grantable<'a>(view: &View<'a>, text: &str) -> Result<&'a KmsKey, KmsFault> {
    unaliased(view, text)?.need(view.tables())
}

fn unaliased(view: &View<'_>, text: &str) -> Result<KeyRef, KmsFault> {
    let reference = KeyRef::parse(text, view.scope())?;
    match reference.alias() {
        Some(_) => Err(KmsFault::NotFound(format!("Invalid keyId {text}"))),
        None => Ok(reference),
    }
}

/// Of what kind a key is, whosever it is: for what is no more told than that some other call is to wait.
pub fn family(view: &View<'_>, text: &str) -> Option<SpecFamily> {
    any(view, text).ok().map(|row| row.spec.family())
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

/// That a key authenticates in that way, and a message of that length.
pub fn check_mac(row: &KmsKey, algorithm: MacAlgorithm, message: &[u8]) -> Result<(), KmsFault> {
    if !(1..=MESSAGE_BYTES).contains(&message.len()) {
        return Err(KmsFault::Validation(format!(
            "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length between 1 and {MESSAGE_BYTES}"
        )));
    }
    if mac_algorithms(row.spec).contains(&algorithm) {
        return Ok(());
    }
    Err(KmsFault::Usage(format!("Algorithm {algorithm} and key spec {} are incompatible.", row.spec)))
}
