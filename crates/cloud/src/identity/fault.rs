//! Why a rule of identity says no. IAM has few codes, and says the rest in sentences.

use landfall_policy::Malformed;

/// Why a rule of identity says no, with the sentence that AWS says.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum IdentityFault {
    /// There is none of that name.
    #[error("{0}")]
    NoSuch(String),
    /// The name is taken.
    #[error("{0}")]
    Exists(String),
    /// Something else must be done away with first.
    #[error("{0}")]
    Conflict(String),
    /// A limit of the account or of the thing.
    #[error("Cannot exceed quota for {quota}: {limit}")]
    Limit {
        /// AWS's name of it.
        quota: &'static str,
        /// How many.
        limit: usize,
    },
    /// More versions than a policy may have.
    #[error("{0}")]
    Versions(String),
    /// A policy document that isn't one.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// A name, path or number that isn't taken.
    #[error("{0}")]
    Validation(String),
    /// A value that isn't taken in this place.
    #[error("{0}")]
    Input(String),
    /// A password that the account's policy doesn't take.
    #[error("{0}")]
    Password(String),
    /// Codes that the device doesn't show.
    #[error("{0}")]
    Codes(String),
    /// Somebody else who calls at the same time has changed it.
    #[error("{0}")]
    Changing(String),
    /// Only a service may change it.
    #[error("{0}")]
    Unmodifiable(String),
}
