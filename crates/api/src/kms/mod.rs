//! KMS: keys that never leave the cloud, what is done with them, and who may do it.

mod create_key;
pub(crate) mod crypto;
mod decrypt;
mod describe_key;
mod encrypt;
mod list_keys;
pub(crate) mod shape;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::call::<create_key::CreateKey>(),
    Operation::read::<decrypt::Decrypt>(),
    Operation::call::<describe_key::DescribeKey>(),
    Operation::read::<encrypt::Encrypt>(),
    Operation::read::<list_keys::ListKeys>(),
];
