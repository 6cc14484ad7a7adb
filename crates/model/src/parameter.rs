//! Parameters: named values in a hierarchy, of which each change is a version of its own.

use serde::{Deserialize, Serialize};

use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A parameter. What it says is in its versions, of which the newest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Whose and where.
    pub scope: Scope,
    /// Its name, as it was first given.
    pub name: String,
    /// What kind of value it has; all its versions have the same.
    pub kind: ParameterKind,
    /// The tier of its newest version.
    pub tier: ParameterTier,
    /// The number of its newest version.
    pub version: u64,
    /// When it goes by itself, where a policy says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A version of a parameter. It never changes but for its labels.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterVersion {
    /// Whose and where.
    pub scope: Scope,
    /// The parameter's key: its name as [`parameter_key`] has it.
    pub parameter: String,
    /// Its number, from 1.
    pub number: u64,
    /// The value; encrypted, in base64, where the parameter's kind is secret.
    pub value: String,
    /// The key that encrypted it, as the request named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The regular expression that its value matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_pattern: Option<String>,
    /// What its value is: `text` or `aws:ec2:image`.
    pub data_type: String,
    /// Its tier.
    pub tier: ParameterTier,
    /// Policies that end the parameter: the JSON of each, as it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Its labels, sorted. No two versions of a parameter share one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// When it was made.
    pub modified_at: Timestamp,
    /// The ARN of who made it.
    pub modified_by: String,
}

/// What kind of value a parameter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ParameterKind {
    /// Text.
    String,
    /// Texts between commas.
    StringList,
    /// Encrypted text.
    SecureString,
}

/// What a parameter may hold, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ParameterTier {
    /// Values of 4 KiB, without policies.
    Standard,
    /// Values of 8 KiB, and policies.
    Advanced,
}

/// The text under which a parameter of that name is kept: a leading slash means nothing where it is the only one.
pub fn parameter_key(name: &str) -> &str {
    match name.strip_prefix('/') {
        Some(rest) if !rest.contains('/') => rest,
        _ => name,
    }
}

impl Parameter {
    /// The key of its row.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(parameter_key(&self.name).to_owned())
    }
}

impl ParameterVersion {
    /// The key of its row. Names have no colon, so that a parameter's versions are a range, from the oldest.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(Self::id(&self.parameter, self.number))
    }

    /// The id of a version within its scope.
    pub fn id(parameter: &str, number: u64) -> String {
        format!("{parameter}:{number:020}")
    }
}

/// Leaves the value out: what says how a row looks may end up in a log.
impl std::fmt::Debug for ParameterVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParameterVersion")
            .field("scope", &self.scope)
            .field("parameter", &self.parameter)
            .field("number", &self.number)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl ParameterKind {
    /// AWS's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

impl ParameterTier {
    /// AWS's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_leading_slash_means_nothing() {
        assert_eq!(parameter_key("/db"), "db");
        assert_eq!(parameter_key("db"), "db");
        assert_eq!(parameter_key("/prod/db"), "/prod/db");
    }

    #[test]
    fn versions_stand_in_their_order() {
        assert!(ParameterVersion::id("db", 9) < ParameterVersion::id("db", 10));
    }
}
