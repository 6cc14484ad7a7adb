//! What holds for volumes of an account in a region unless it is said otherwise.

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::scope::{Scope, Scoped};

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
