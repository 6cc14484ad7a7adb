//! Public keys of users in answers.

use landfall_model::{Principal, SshPublicKey, UniqueId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::time;

/// A public key.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyShape<'v> {
    user_name: &'v str,
    #[serde(rename = "SSHPublicKeyId")]
    id: &'v UniqueId,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'v str>,
    #[serde(rename = "SSHPublicKeyBody", skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    status: &'static str,
    upload_date: Time,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Status {
    /// It may.
    Active,
    /// It may not.
    Inactive,
}

/// A key as the lists show it: without itself.
pub fn listed<'v>(user: &'v Principal, key: &'v SshPublicKey) -> KeyShape<'v> {
    KeyShape {
        user_name: &user.name,
        id: &key.id,
        fingerprint: None,
        body: None,
        status: if key.active { "Active" } else { "Inactive" },
        upload_date: time(key.uploaded_at),
    }
}

/// A key with itself in some form.
pub fn shown<'v>(user: &'v Principal, key: &'v SshPublicKey, body: String) -> KeyShape<'v> {
    KeyShape { fingerprint: Some(&key.fingerprint), body: Some(body), ..listed(user, key) }
}
