//! STS: who the caller is, and temporary credentials.

mod assume_role;
mod assume_role_with_web_identity;
mod decode_authorization_message;
mod get_access_key_info;
mod get_caller_identity;
mod get_federation_token;
mod get_session_token;
pub(crate) mod shape;

use crate::operation::Operation;

pub(crate) use assume_role_with_web_identity::AssumeRoleWithWebIdentity;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::call::<assume_role::AssumeRole>(),
    Operation::call::<assume_role_with_web_identity::AssumeRoleWithWebIdentity>(),
    Operation::read::<decode_authorization_message::DecodeAuthorizationMessage>(),
    Operation::read::<get_access_key_info::GetAccessKeyInfo>(),
    Operation::read::<get_caller_identity::GetCallerIdentity>(),
    Operation::inquire::<get_federation_token::GetFederationToken>(),
    Operation::call::<get_session_token::GetSessionToken>(),
];
