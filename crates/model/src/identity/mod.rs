//! Accounts, and what is theirs alone: principals, groups, policies, instance profiles, access keys. Global: they have an
//! account and no region.

mod account;
mod group;
mod instance_profile;
mod login;
mod managed_policy;
mod mfa_device;
mod oidc_provider;
mod principal;
mod role_deletion;
mod ssh_public_key;
mod unique_id;

use serde::{Deserialize, Serialize};

use crate::scope::AccountId;
use crate::time::Timestamp;

pub use account::{Account, AccountState, Standing};
pub use group::Group;
pub use instance_profile::InstanceProfile;
pub use login::{LoginProfile, PasswordPolicy};
pub use managed_policy::{ManagedPolicy, PolicyVersion};
pub use mfa_device::{MfaDevice, MfaEnabled};
pub use oidc_provider::OidcProvider;
pub use principal::{Principal, PrincipalKind, Role, RoleUse, TrustPolicy, User};
pub use role_deletion::RoleDeletion;
pub use ssh_public_key::SshPublicKey;
pub use unique_id::{UniqueId, UniqueKind};

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The key's id, as requests name it.
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// Who it speaks for.
    pub principal: UniqueId,
    /// The secret, sealed with the root key.
    pub secret: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether the provider's configuration names it. Another one there takes its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub configured: bool,
    /// When it was last used, as far as that is written yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<KeyUse>,
}

/// When, where and for what an access key was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// When.
    pub at: Timestamp,
    /// The region that the request was signed for.
    pub region: String,
    /// The service.
    pub service: String,
}
