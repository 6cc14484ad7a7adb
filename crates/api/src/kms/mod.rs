//! KMS: keys that never leave the cloud, what is done with them, and who may do it.

mod cancel_key_deletion;
mod create_alias;
mod create_grant;
mod create_key;
pub(crate) mod crypto;
mod decrypt;
mod delete_alias;
mod delete_imported_key_material;
mod derive_shared_secret;
mod describe_key;
mod disable_key;
mod disable_key_rotation;
mod enable_key;
mod enable_key_rotation;
mod encrypt;
mod generate_data_key;
mod generate_data_key_pair;
mod generate_data_key_pair_without_plaintext;
mod generate_data_key_without_plaintext;
mod generate_mac;
mod generate_random;
mod get_key_policy;
mod get_key_rotation_status;
mod get_parameters_for_import;
mod get_public_key;
mod import_key_material;
mod list_aliases;
mod list_grants;
mod list_key_policies;
mod list_key_rotations;
mod list_keys;
mod list_resource_tags;
mod list_retirable_grants;
mod put_key_policy;
mod re_encrypt;
mod retire_grant;
mod revoke_grant;
mod rotate_key_on_demand;
mod schedule_key_deletion;
pub(crate) mod shape;
mod sign;
mod tag_resource;
mod untag_resource;
mod update_alias;
mod update_key_description;
mod verify;
mod verify_mac;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<cancel_key_deletion::CancelKeyDeletion>(),
    Operation::write::<create_alias::CreateAlias>(),
    Operation::write::<create_grant::CreateGrant>(),
    Operation::call::<create_key::CreateKey>(),
    Operation::read::<decrypt::Decrypt>(),
    Operation::write::<delete_alias::DeleteAlias>(),
    Operation::write::<delete_imported_key_material::DeleteImportedKeyMaterial>(),
    Operation::read::<derive_shared_secret::DeriveSharedSecret>(),
    Operation::call::<describe_key::DescribeKey>(),
    Operation::write::<disable_key::DisableKey>(),
    Operation::write::<disable_key_rotation::DisableKeyRotation>(),
    Operation::write::<enable_key::EnableKey>(),
    Operation::write::<enable_key_rotation::EnableKeyRotation>(),
    Operation::read::<encrypt::Encrypt>(),
    Operation::read::<generate_data_key::GenerateDataKey>(),
    Operation::call::<generate_data_key_pair::GenerateDataKeyPair>(),
    Operation::call::<generate_data_key_pair_without_plaintext::GenerateDataKeyPairWithoutPlaintext>(),
    Operation::read::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>(),
    Operation::read::<generate_mac::GenerateMac>(),
    Operation::read::<generate_random::GenerateRandom>(),
    Operation::read::<get_key_policy::GetKeyPolicy>(),
    Operation::read::<get_key_rotation_status::GetKeyRotationStatus>(),
    Operation::call::<get_parameters_for_import::GetParametersForImport>(),
    Operation::read::<get_public_key::GetPublicKey>(),
    Operation::call::<import_key_material::ImportKeyMaterial>(),
    Operation::read::<list_aliases::ListAliases>(),
    Operation::read::<list_grants::ListGrants>(),
    Operation::read::<list_key_policies::ListKeyPolicies>(),
    Operation::read::<list_key_rotations::ListKeyRotations>(),
    Operation::read::<list_keys::ListKeys>(),
    Operation::read::<list_resource_tags::ListResourceTags>(),
    Operation::read::<list_retirable_grants::ListRetirableGrants>(),
    Operation::write::<put_key_policy::PutKeyPolicy>(),
    Operation::read::<re_encrypt::ReEncrypt>(),
    Operation::write::<retire_grant::RetireGrant>(),
    Operation::write::<revoke_grant::RevokeGrant>(),
    Operation::write::<rotate_key_on_demand::RotateKeyOnDemand>(),
    Operation::write::<schedule_key_deletion::ScheduleKeyDeletion>(),
    Operation::read::<sign::Sign>(),
    Operation::write::<tag_resource::TagResource>(),
    Operation::write::<untag_resource::UntagResource>(),
    Operation::write::<update_alias::UpdateAlias>(),
    Operation::write::<update_key_description::UpdateKeyDescription>(),
    Operation::read::<verify::Verify>(),
    Operation::read::<verify_mac::VerifyMac>(),
];
