//! File shares (EFS): file systems, mount targets and access points, over REST-JSON.

mod create_access_point;
mod create_file_system;
mod create_mount_target;
mod create_tags;
mod delete_access_point;
mod delete_file_system;
mod delete_file_system_policy;
mod delete_mount_target;
mod delete_tags;
mod describe_access_points;
mod describe_account_preferences;
mod describe_backup_policy;
mod describe_file_system_policy;
mod describe_file_systems;
mod describe_lifecycle_configuration;
mod describe_mount_target_security_groups;
mod describe_mount_targets;
mod describe_tags;
mod list_tags_for_resource;
mod modify_mount_target_security_groups;
mod put_account_preferences;
mod put_backup_policy;
mod put_file_system_policy;
mod put_lifecycle_configuration;
pub(crate) mod route;
mod shape;
mod tag_resource;
mod terms;
mod untag_resource;
mod update_file_system;
mod update_file_system_protection;

use crate::operation::{Action, Operation};

pub(crate) use terms::in_terms;

/// The name that requests are signed for.
pub const SERVICE: &str = landfall_model::file_system::SERVICE;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<create_access_point::CreateAccessPoint>(),
    Operation::write::<create_file_system::CreateFileSystem>(),
    Operation::write::<create_mount_target::CreateMountTarget>(),
    Operation::write::<create_tags::CreateTags>(),
    Operation::write::<delete_access_point::DeleteAccessPoint>(),
    Operation::write::<delete_file_system::DeleteFileSystem>(),
    Operation::write::<delete_file_system_policy::DeleteFileSystemPolicy>(),
    Operation::write::<delete_mount_target::DeleteMountTarget>(),
    Operation::write::<delete_tags::DeleteTags>(),
    Operation::read::<describe_access_points::DescribeAccessPoints>(),
    Operation::read::<describe_account_preferences::DescribeAccountPreferences>(),
    Operation::read::<describe_backup_policy::DescribeBackupPolicy>(),
    Operation::read::<describe_file_system_policy::DescribeFileSystemPolicy>(),
    Operation::read::<describe_file_systems::DescribeFileSystems>(),
    Operation::read::<describe_lifecycle_configuration::DescribeLifecycleConfiguration>(),
    Operation::read::<describe_mount_target_security_groups::DescribeMountTargetSecurityGroups>(),
    Operation::read::<describe_mount_targets::DescribeMountTargets>(),
    Operation::read::<describe_tags::DescribeTags>(),
    Operation::read::<list_tags_for_resource::ListTagsForResource>(),
    Operation::write::<modify_mount_target_security_groups::ModifyMountTargetSecurityGroups>(),
    Operation::write::<put_account_preferences::PutAccountPreferences>(),
    Operation::write::<put_backup_policy::PutBackupPolicy>(),
    Operation::write::<put_file_system_policy::PutFileSystemPolicy>(),
    Operation::write::<put_lifecycle_configuration::PutLifecycleConfiguration>(),
    Operation::write::<tag_resource::TagResource>(),
    Operation::write::<untag_resource::UntagResource>(),
    Operation::write::<update_file_system::UpdateFileSystem>(),
    Operation::write::<update_file_system_protection::UpdateFileSystemProtection>(),
];

/// Whether pages of that operation's answers are told by markers; those of later ones are by tokens.
pub(crate) fn has_markers(action: &str) -> bool {
    matches!(action, "DescribeFileSystems" | "DescribeMountTargets" | "DescribeTags")
}

/// The status of an answer, where it isn't 200; one of 204 has no body. Source: botocore's model.
pub(crate) fn status(action: Action) -> Option<u16> {
    if action.service != SERVICE {
        return None;
    }
    match action.name {
        "CreateFileSystem" => Some(201),
        "UpdateFileSystem" => Some(202),
        "CreateTags"
        | "DeleteAccessPoint"
        | "DeleteFileSystem"
        | "DeleteMountTarget"
        | "DeleteTags"
        | "ModifyMountTargetSecurityGroups" => Some(204),
        _ => None,
    }
}
