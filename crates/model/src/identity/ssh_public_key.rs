//! Public keys that users show to services which speak SSH.

use serde::{Deserialize, Serialize};

use super::UniqueId;
use crate::time::Timestamp;

/// A user's public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshPublicKey {
    /// Its unique id.
    pub id: UniqueId,
    /// The key on one line, as OpenSSH has it.
    pub body: String,
    /// MD5 over the key's DER, in pairs of digits with colons.
    pub fingerprint: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it came.
    pub uploaded_at: Timestamp,
}
