//! Why a rule of secrets says no, in AWS's sentences where they are known.

/// Why a rule of secrets says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// There is none of that name or ARN.
    #[error("Secrets Manager can't find the specified secret.")]
    NoSuch,
    /// It has no such version.
    #[error("Secrets Manager can't find the specified secret value for {0}")]
    NoSuchValue(String),
    /// The name, or the version's id, is taken.
    #[error("{0}")]
    Exists(String),
    /// A name that no secret can have.
    #[error("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")]
    Name,
    /// A value that isn't taken.
    #[error("{0}")]
    Invalid(String),
    /// What the secret's state, or what else was asked for, doesn't allow.
    #[error("{0}")]
    Request(String),
    /// More than there may be.
    #[error("{0}")]
    Limit(String),
    /// A policy that isn't one.
    #[error("{0}")]
    Policy(String),
    /// A policy that lets everybody in, where that was to be refused.
    #[error(
        "You can't attach a resource policy that allows broad access to the secret. Change the policy, or do not block public policies."
    )]
    Public,
}

impl SecretFault {
    /// That a secret which waits for its deletion can't be worked with.
    pub fn marked() -> Self {
        Self::Request("You can't perform this operation on the secret because it was marked for deletion.".into())
    }
}
