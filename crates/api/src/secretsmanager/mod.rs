//! Secrets Manager: encrypted values with versions, stages and policies of their own.

mod batch_get_secret_value;
mod create_secret;
mod delete_resource_policy;
mod delete_secret;
mod describe_secret;
mod get_random_password;
mod get_resource_policy;
mod get_secret_value;
mod list_secret_version_ids;
mod list_secrets;
mod put_resource_policy;
mod put_secret_value;
mod restore_secret;
pub mod shape;
mod tag_resource;
mod untag_resource;
mod update_secret;
mod update_secret_version_stage;
mod validate_resource_policy;

use crate::operation::Operation;

/// The operations of this service. There is nothing here that could rotate a secret, nor a region to replicate it to.
pub static OPERATIONS: &[Operation] = &[
    Operation::call::<batch_get_secret_value::BatchGetSecretValue>(),
    Operation::call::<create_secret::CreateSecret>(),
    Operation::write::<delete_resource_policy::DeleteResourcePolicy>(),
    Operation::write::<delete_secret::DeleteSecret>(),
    Operation::read::<describe_secret::DescribeSecret>(),
    Operation::inquire::<get_random_password::GetRandomPassword>(),
    Operation::read::<get_resource_policy::GetResourcePolicy>(),
    Operation::call::<get_secret_value::GetSecretValue>(),
    Operation::read::<list_secret_version_ids::ListSecretVersionIds>(),
    Operation::read::<list_secrets::ListSecrets>(),
    Operation::write::<put_resource_policy::PutResourcePolicy>(),
    Operation::call::<put_secret_value::PutSecretValue>(),
    Operation::write::<restore_secret::RestoreSecret>(),
    Operation::write::<tag_resource::TagResource>(),
    Operation::write::<untag_resource::UntagResource>(),
    Operation::call::<update_secret::UpdateSecret>(),
    Operation::write::<update_secret_version_stage::UpdateSecretVersionStage>(),
    Operation::read::<validate_resource_policy::ValidateResourcePolicy>(),
];
