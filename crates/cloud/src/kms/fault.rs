//! Why a rule of KMS says no, with the sentence that AWS says.

use landfall_model::Arn;
use landfall_model::kms::KeyState;

/// Why a rule of KMS says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KmsFault {
    /// There is no such key, alias or grant.
    #[error("{0}")]
    NotFound(String),
    /// The alias is taken.
    #[error("An alias with the name {0} already exists")]
    AliasExists(Arn),
    /// No name of an alias.
    #[error("{0}")]
    AliasName(String),
    /// No ARN of a thing that there could be.
    #[error("{0}")]
    Arn(String),
    /// The key is switched off.
    #[error("{0} is disabled.")]
    Disabled(Arn),
    /// The key's state doesn't allow it.
    #[error("{arn} is {}.", state_words(*state))]
    State {
        /// The key.
        arn: Arn,
        /// Its state.
        state: KeyState,
    },
    /// A key's state doesn't allow it, in a whole sentence.
    #[error("{0}")]
    WrongState(String),
    /// Keys of this kind can't do it.
    #[error("{0}")]
    Unsupported(String),
    /// The key is for something else.
    #[error("{0}")]
    Usage(String),
    /// A limit.
    #[error("{0}")]
    Limit(String),
    /// A policy that isn't taken.
    #[error("{0}")]
    Policy(String),
    /// A value that isn't taken.
    #[error("{0}")]
    Validation(String),
    /// Material that isn't what the key takes.
    #[error("{0}")]
    Material(String),
    /// A grant's token that isn't one.
    #[error("{0}")]
    GrantToken(String),
    /// A grant's id that isn't one.
    #[error("{0}")]
    GrantId(String),
    /// A tag that isn't taken.
    #[error("{0}")]
    Tag(String),
    /// Something else is under way.
    #[error("{0}")]
    Conflict(String),
    /// Not for this caller.
    #[error("{0}")]
    Denied(String),
}

fn state_words(state: KeyState) -> &'static str {
    match state {
        KeyState::Enabled => "enabled",
        KeyState::Disabled => "disabled",
        KeyState::PendingImport => "pending import",
        KeyState::PendingDeletion => "pending deletion",
    }
}
