//! Which of EFS's operations a request means. Source: botocore's model.

use landfall_wire::Route;

const FILE_SYSTEM: &str = "/2015-02-01/file-systems/{FileSystemId}";
const POLICY: &str = "/2015-02-01/file-systems/{FileSystemId}/policy";
const LIFECYCLE: &str = "/2015-02-01/file-systems/{FileSystemId}/lifecycle-configuration";
const BACKUP: &str = "/2015-02-01/file-systems/{FileSystemId}/backup-policy";
const REPLICATION: &str = "/2015-02-01/file-systems/{SourceFileSystemId}/replication-configuration";
const REPLICATIONS: &str = "/2015-02-01/file-systems/replication-configurations";
const GROUPS: &str = "/2015-02-01/mount-targets/{MountTargetId}/security-groups";
const TAGS: &str = "/2015-02-01/resource-tags/{ResourceId}";
const PREFERENCES: &str = "/2015-02-01/account-preferences";

/// The routes. All are told by name, so that whoever calls what isn't there reads what that was.
pub(crate) const ROUTES: &[Route] = &[
    to("CreateFileSystem", "POST", "/2015-02-01/file-systems"),
    to("DescribeFileSystems", "GET", "/2015-02-01/file-systems"),
    absent("DescribeReplicationConfigurations", "GET", REPLICATIONS),
    to("UpdateFileSystem", "PUT", FILE_SYSTEM),
    to("DeleteFileSystem", "DELETE", FILE_SYSTEM),
    to("UpdateFileSystemProtection", "PUT", "/2015-02-01/file-systems/{FileSystemId}/protection"),
    to("PutFileSystemPolicy", "PUT", POLICY),
    to("DescribeFileSystemPolicy", "GET", POLICY),
    to("DeleteFileSystemPolicy", "DELETE", POLICY),
    to("PutLifecycleConfiguration", "PUT", LIFECYCLE),
    to("DescribeLifecycleConfiguration", "GET", LIFECYCLE),
    to("PutBackupPolicy", "PUT", BACKUP),
    to("DescribeBackupPolicy", "GET", BACKUP),
    absent("CreateReplicationConfiguration", "POST", REPLICATION),
    absent("DeleteReplicationConfiguration", "DELETE", REPLICATION),
    to("CreateMountTarget", "POST", "/2015-02-01/mount-targets"),
    to("DescribeMountTargets", "GET", "/2015-02-01/mount-targets"),
    to("DeleteMountTarget", "DELETE", "/2015-02-01/mount-targets/{MountTargetId}"),
    to("DescribeMountTargetSecurityGroups", "GET", GROUPS),
    to("ModifyMountTargetSecurityGroups", "PUT", GROUPS),
    to("CreateAccessPoint", "POST", "/2015-02-01/access-points"),
    to("DescribeAccessPoints", "GET", "/2015-02-01/access-points"),
    to("DeleteAccessPoint", "DELETE", "/2015-02-01/access-points/{AccessPointId}"),
    to("TagResource", "POST", TAGS),
    Route { action: "UntagResource", method: "DELETE", path: TAGS, is_read: true, lists: &["tagKeys"] },
    to("ListTagsForResource", "GET", TAGS),
    to("CreateTags", "POST", "/2015-02-01/create-tags/{FileSystemId}"),
    to("DeleteTags", "POST", "/2015-02-01/delete-tags/{FileSystemId}"),
    to("DescribeTags", "GET", "/2015-02-01/tags/{FileSystemId}/"),
    to("DescribeAccountPreferences", "GET", PREFERENCES),
    to("PutAccountPreferences", "PUT", PREFERENCES),
];

const fn to(action: &'static str, method: &'static str, path: &'static str) -> Route {
    Route { action, method, path, is_read: true, lists: &[] }
}

const fn absent(action: &'static str, method: &'static str, path: &'static str) -> Route {
    Route { action, method, path, is_read: false, lists: &[] }
}
