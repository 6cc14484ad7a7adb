//! What holds for volumes of an account in a region unless it is said otherwise.

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::scope::{Scope, Scoped};

/// The key that a volume, or what a snapshot has of one, is encrypted with. The key itself is kept nowhere: whoever needs it
/// has it derived from the KMS key's material, which takes a KMS key that can be used then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DataKey {
    /// The KMS key that it comes from, by its id.
    pub kms_key: Arn,
    /// The version of that key's material.
    pub version: u32,
    /// What tells it from others of the same material: 128 bits in hexadecimal.
    pub salt: String,
}

/// How volumes are encrypted by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EbsDefaults {
    /// Whose and where.
    pub scope: Scope,
    /// Whether those are for which it isn't said.
    pub encrypted: bool,
    /// Under which key; the service's own where none is named.
    pub key: Option<Arn>,
}

impl EbsDefaults {
    /// The key of its row.
    pub fn row_key(&self) -> Scoped<u8> {
        self.scope.key(0)
    }
}
