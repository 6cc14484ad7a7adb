//! The name of a key's policy: each has one, and it has one name.

use landfall_cloud::kms::KmsFault;

/// The name.
pub const DEFAULT: &str = "default";

/// That the name is the one that there is.
pub fn check(name: Option<&str>) -> Result<(), KmsFault> {
    match name {
        None | Some(DEFAULT) => Ok(()),
        Some(_) => Err(KmsFault::NotFound("No such policy exists".into())),
    }
}
