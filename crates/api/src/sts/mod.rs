//! STS: who the caller is.

mod get_caller_identity;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[Operation::read::<get_caller_identity::GetCallerIdentity>()];
