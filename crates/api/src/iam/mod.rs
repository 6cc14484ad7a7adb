//! IAM: users, groups, roles, policies and instance profiles. They belong to an account and to no region.

mod add_client_id_to_open_id_connect_provider;
mod add_role_to_instance_profile;
mod add_user_to_group;
mod attach_group_policy;
mod attach_role_policy;
mod attach_user_policy;
mod change_password;
mod create_access_key;
mod create_account_alias;
mod create_group;
mod create_instance_profile;
mod create_login_profile;
mod create_open_id_connect_provider;
mod create_policy;
mod create_policy_version;
mod create_role;
mod create_service_linked_role;
mod create_user;
mod create_virtual_mfa_device;
mod deactivate_mfa_device;
mod delete_access_key;
mod delete_account_alias;
mod delete_account_password_policy;
mod delete_group;
mod delete_group_policy;
mod delete_instance_profile;
mod delete_login_profile;
mod delete_open_id_connect_provider;
mod delete_policy;
mod delete_policy_version;
mod delete_role;
mod delete_role_permissions_boundary;
mod delete_role_policy;
mod delete_service_linked_role;
mod delete_ssh_public_key;
mod delete_user;
mod delete_user_permissions_boundary;
mod delete_user_policy;
mod delete_virtual_mfa_device;
mod detach_group_policy;
mod detach_role_policy;
mod detach_user_policy;
mod enable_mfa_device;
mod get_access_key_last_used;
mod get_account_authorization_details;
mod get_account_password_policy;
mod get_account_summary;
mod get_context_keys_for_custom_policy;
mod get_context_keys_for_principal_policy;
mod get_group;
mod get_group_policy;
mod get_instance_profile;
mod get_login_profile;
mod get_mfa_device;
mod get_open_id_connect_provider;
mod get_policy;
mod get_policy_version;
mod get_role;
mod get_role_policy;
mod get_service_linked_role_deletion_status;
mod get_ssh_public_key;
mod get_user;
mod get_user_policy;
mod list_access_keys;
mod list_account_aliases;
mod list_attached_group_policies;
mod list_attached_role_policies;
mod list_attached_user_policies;
mod list_entities_for_policy;
mod list_group_policies;
mod list_groups;
mod list_groups_for_user;
mod list_instance_profile_tags;
mod list_instance_profiles;
mod list_instance_profiles_for_role;
mod list_mfa_device_tags;
mod list_mfa_devices;
mod list_open_id_connect_provider_tags;
mod list_open_id_connect_providers;
mod list_policies;
mod list_policy_tags;
mod list_policy_versions;
mod list_role_policies;
mod list_role_tags;
mod list_roles;
mod list_service_specific_credentials;
mod list_signing_certificates;
mod list_ssh_public_keys;
mod list_user_policies;
mod list_user_tags;
mod list_users;
mod list_virtual_mfa_devices;
mod put_group_policy;
mod put_role_permissions_boundary;
mod put_role_policy;
mod put_user_permissions_boundary;
mod put_user_policy;
mod remove_client_id_from_open_id_connect_provider;
mod remove_role_from_instance_profile;
mod remove_user_from_group;
mod resync_mfa_device;
mod set_default_policy_version;
pub(crate) mod shape;
mod simulate_custom_policy;
mod simulate_principal_policy;
mod tag_instance_profile;
mod tag_mfa_device;
mod tag_open_id_connect_provider;
mod tag_policy;
mod tag_role;
mod tag_user;
mod untag_instance_profile;
mod untag_mfa_device;
mod untag_open_id_connect_provider;
mod untag_policy;
mod untag_role;
mod untag_user;
mod update_access_key;
mod update_account_password_policy;
mod update_assume_role_policy;
mod update_group;
mod update_login_profile;
mod update_open_id_connect_provider_thumbprint;
mod update_role;
mod update_role_description;
mod update_ssh_public_key;
mod update_user;
mod upload_ssh_public_key;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<add_client_id_to_open_id_connect_provider::AddClientIDToOpenIDConnectProvider>(),
    Operation::write::<add_role_to_instance_profile::AddRoleToInstanceProfile>(),
    Operation::write::<add_user_to_group::AddUserToGroup>(),
    Operation::write::<attach_group_policy::AttachGroupPolicy>(),
    Operation::write::<attach_role_policy::AttachRolePolicy>(),
    Operation::write::<attach_user_policy::AttachUserPolicy>(),
    Operation::call::<change_password::ChangePassword>(),
    Operation::call::<create_access_key::CreateAccessKey>(),
    Operation::write::<create_account_alias::CreateAccountAlias>(),
    Operation::write::<create_group::CreateGroup>(),
    Operation::write::<create_instance_profile::CreateInstanceProfile>(),
    Operation::call::<create_login_profile::CreateLoginProfile>(),
    Operation::write::<create_open_id_connect_provider::CreateOpenIDConnectProvider>(),
    Operation::write::<create_policy::CreatePolicy>(),
    Operation::write::<create_policy_version::CreatePolicyVersion>(),
    Operation::write::<create_role::CreateRole>(),
    Operation::write::<create_service_linked_role::CreateServiceLinkedRole>(),
    Operation::write::<create_user::CreateUser>(),
    Operation::call::<create_virtual_mfa_device::CreateVirtualMFADevice>(),
    Operation::write::<deactivate_mfa_device::DeactivateMFADevice>(),
    Operation::write::<delete_access_key::DeleteAccessKey>(),
    Operation::write::<delete_account_alias::DeleteAccountAlias>(),
    Operation::write::<delete_account_password_policy::DeleteAccountPasswordPolicy>(),
    Operation::write::<delete_group::DeleteGroup>(),
    Operation::write::<delete_group_policy::DeleteGroupPolicy>(),
    Operation::write::<delete_instance_profile::DeleteInstanceProfile>(),
    Operation::write::<delete_login_profile::DeleteLoginProfile>(),
    Operation::write::<delete_open_id_connect_provider::DeleteOpenIDConnectProvider>(),
    Operation::write::<delete_policy::DeletePolicy>(),
    Operation::write::<delete_policy_version::DeletePolicyVersion>(),
    Operation::write::<delete_role::DeleteRole>(),
    Operation::write::<delete_role_permissions_boundary::DeleteRolePermissionsBoundary>(),
    Operation::write::<delete_role_policy::DeleteRolePolicy>(),
    Operation::write::<delete_service_linked_role::DeleteServiceLinkedRole>(),
    Operation::write::<delete_ssh_public_key::DeleteSSHPublicKey>(),
    Operation::write::<delete_user::DeleteUser>(),
    Operation::write::<delete_user_permissions_boundary::DeleteUserPermissionsBoundary>(),
    Operation::write::<delete_user_policy::DeleteUserPolicy>(),
    Operation::write::<delete_virtual_mfa_device::DeleteVirtualMFADevice>(),
    Operation::write::<detach_group_policy::DetachGroupPolicy>(),
    Operation::write::<detach_role_policy::DetachRolePolicy>(),
    Operation::write::<detach_user_policy::DetachUserPolicy>(),
    Operation::call::<enable_mfa_device::EnableMFADevice>(),
    Operation::read::<get_access_key_last_used::GetAccessKeyLastUsed>(),
    Operation::read::<get_account_authorization_details::GetAccountAuthorizationDetails>(),
    Operation::read::<get_account_password_policy::GetAccountPasswordPolicy>(),
    Operation::read::<get_account_summary::GetAccountSummary>(),
    Operation::read::<get_context_keys_for_custom_policy::GetContextKeysForCustomPolicy>(),
    Operation::read::<get_context_keys_for_principal_policy::GetContextKeysForPrincipalPolicy>(),
    Operation::read::<get_group::GetGroup>(),
    Operation::read::<get_group_policy::GetGroupPolicy>(),
    Operation::read::<get_instance_profile::GetInstanceProfile>(),
    Operation::read::<get_login_profile::GetLoginProfile>(),
    Operation::read::<get_mfa_device::GetMFADevice>(),
    Operation::read::<get_open_id_connect_provider::GetOpenIDConnectProvider>(),
    Operation::read::<get_policy::GetPolicy>(),
    Operation::read::<get_policy_version::GetPolicyVersion>(),
    Operation::read::<get_role::GetRole>(),
    Operation::read::<get_role_policy::GetRolePolicy>(),
    Operation::read::<get_service_linked_role_deletion_status::GetServiceLinkedRoleDeletionStatus>(),
    Operation::read::<get_ssh_public_key::GetSSHPublicKey>(),
    Operation::read::<get_user::GetUser>(),
    Operation::read::<get_user_policy::GetUserPolicy>(),
    Operation::read::<list_access_keys::ListAccessKeys>(),
    Operation::read::<list_account_aliases::ListAccountAliases>(),
    Operation::read::<list_attached_group_policies::ListAttachedGroupPolicies>(),
    Operation::read::<list_attached_role_policies::ListAttachedRolePolicies>(),
    Operation::read::<list_attached_user_policies::ListAttachedUserPolicies>(),
    Operation::read::<list_entities_for_policy::ListEntitiesForPolicy>(),
    Operation::read::<list_group_policies::ListGroupPolicies>(),
    Operation::read::<list_groups::ListGroups>(),
    Operation::read::<list_groups_for_user::ListGroupsForUser>(),
    Operation::read::<list_instance_profile_tags::ListInstanceProfileTags>(),
    Operation::read::<list_instance_profiles::ListInstanceProfiles>(),
    Operation::read::<list_instance_profiles_for_role::ListInstanceProfilesForRole>(),
    Operation::read::<list_mfa_device_tags::ListMFADeviceTags>(),
    Operation::read::<list_mfa_devices::ListMFADevices>(),
    Operation::read::<list_open_id_connect_provider_tags::ListOpenIDConnectProviderTags>(),
    Operation::read::<list_open_id_connect_providers::ListOpenIDConnectProviders>(),
    Operation::read::<list_policies::ListPolicies>(),
    Operation::read::<list_policy_tags::ListPolicyTags>(),
    Operation::read::<list_policy_versions::ListPolicyVersions>(),
    Operation::read::<list_role_policies::ListRolePolicies>(),
    Operation::read::<list_role_tags::ListRoleTags>(),
    Operation::read::<list_roles::ListRoles>(),
    Operation::read::<list_service_specific_credentials::ListServiceSpecificCredentials>(),
    Operation::read::<list_signing_certificates::ListSigningCertificates>(),
    Operation::read::<list_ssh_public_keys::ListSSHPublicKeys>(),
    Operation::read::<list_user_policies::ListUserPolicies>(),
    Operation::read::<list_user_tags::ListUserTags>(),
    Operation::read::<list_users::ListUsers>(),
    Operation::read::<list_virtual_mfa_devices::ListVirtualMFADevices>(),
    Operation::write::<put_group_policy::PutGroupPolicy>(),
    Operation::write::<put_role_permissions_boundary::PutRolePermissionsBoundary>(),
    Operation::write::<put_role_policy::PutRolePolicy>(),
    Operation::write::<put_user_permissions_boundary::PutUserPermissionsBoundary>(),
    Operation::write::<put_user_policy::PutUserPolicy>(),
    Operation::write::<remove_client_id_from_open_id_connect_provider::RemoveClientIDFromOpenIDConnectProvider>(),
    Operation::write::<remove_role_from_instance_profile::RemoveRoleFromInstanceProfile>(),
    Operation::write::<remove_user_from_group::RemoveUserFromGroup>(),
    Operation::call::<resync_mfa_device::ResyncMFADevice>(),
    Operation::write::<set_default_policy_version::SetDefaultPolicyVersion>(),
    Operation::read::<simulate_custom_policy::SimulateCustomPolicy>(),
    Operation::read::<simulate_principal_policy::SimulatePrincipalPolicy>(),
    Operation::write::<tag_instance_profile::TagInstanceProfile>(),
    Operation::write::<tag_mfa_device::TagMFADevice>(),
    Operation::write::<tag_open_id_connect_provider::TagOpenIDConnectProvider>(),
    Operation::write::<tag_policy::TagPolicy>(),
    Operation::write::<tag_role::TagRole>(),
    Operation::write::<tag_user::TagUser>(),
    Operation::write::<untag_instance_profile::UntagInstanceProfile>(),
    Operation::write::<untag_mfa_device::UntagMFADevice>(),
    Operation::write::<untag_open_id_connect_provider::UntagOpenIDConnectProvider>(),
    Operation::write::<untag_policy::UntagPolicy>(),
    Operation::write::<untag_role::UntagRole>(),
    Operation::write::<untag_user::UntagUser>(),
    Operation::write::<update_access_key::UpdateAccessKey>(),
    Operation::write::<update_account_password_policy::UpdateAccountPasswordPolicy>(),
    Operation::write::<update_assume_role_policy::UpdateAssumeRolePolicy>(),
    Operation::write::<update_group::UpdateGroup>(),
    Operation::call::<update_login_profile::UpdateLoginProfile>(),
    Operation::write::<update_open_id_connect_provider_thumbprint::UpdateOpenIDConnectProviderThumbprint>(),
    Operation::write::<update_role::UpdateRole>(),
    Operation::write::<update_role_description::UpdateRoleDescription>(),
    Operation::write::<update_ssh_public_key::UpdateSSHPublicKey>(),
    Operation::write::<update_user::UpdateUser>(),
    Operation::write::<upload_ssh_public_key::UploadSSHPublicKey>(),
];
