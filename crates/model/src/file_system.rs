//! File shares: file systems, the places in networks at which they are mounted, and narrower ways in.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::ebs::DataKey;
use crate::gateway::AT_ONCE;
use crate::id::{AccessPointId, FileSystemId, HostId, InterfaceId, MountTargetId, SubnetId, VpcId};
use crate::identity::TrustPolicy;
use crate::region::ZoneName;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// What AWS meters of a file system that nothing was written to.
pub const EMPTY_BYTES: u64 = 6_144;

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: FileSystemId,
    /// What its maker called it, so that it isn't made twice.
    pub token: String,
    /// How it is.
    pub state: ShareState,
    /// What it is made for.
    pub performance: PerformanceMode,
    /// How fast it is.
    pub throughput: Throughput,
    /// When its throughput was last lowered, or became of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowed_at: Option<Timestamp>,
    /// The one zone that it is in; none where it is in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneName>,
    /// The key that it is encrypted with, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_key: Option<DataKey>,
    /// Its policy, with those whom it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<TrustPolicy>,
    /// When its files are to move between classes of storage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle: Vec<FileTransition>,
    /// Whether it is to be backed up; none while nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<bool>,
    /// Whether it may become another one's replica.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_overwritten: bool,
    /// How much is in it.
    pub size: MeteredSize,
    /// When it was made.
    pub created_at: Timestamp,
    /// The host that has its files, from its first mount target on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostId>,
}

impl FileSystem {
    /// The key of its row.
    pub fn key(&self) -> Scoped<FileSystemId> {
        self.scope.key(self.id)
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Self::arn_of(self.scope, self.id)
    }

    /// The ARN of the one of that id.
    pub fn arn_of(scope: Scope, id: FileSystemId) -> Arn {
        Arn::new(SERVICE, scope, format_args!("file-system/{id}"))
    }

    /// When it passes into another state by itself.
    pub fn due(&self) -> Option<i64> {
        Some(AT_ONCE.as_millis()).filter(|_| self.state != ShareState::Available)
    }
}

/// What ARNs and names of shares call their service.
pub const SERVICE: &str = "elasticfilesystem";

/// How far a share, or something of one, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ShareState {
    /// Being made.
    Creating,
    /// In use.
    Available,
    /// Being changed.
    Updating,
    /// Being deleted.
    Deleting,
}

impl ShareState {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Updating => "updating",
            Self::Deleting => "deleting",
        }
    }
}

/// What a file system is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PerformanceMode {
    /// Most things.
    #[default]
    #[serde(rename = "generalPurpose")]
    GeneralPurpose,
    /// Many clients at once.
    #[serde(rename = "maxIO")]
    MaxIo,
}

/// How fast a file system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Throughput {
    /// As its size allows, and faster for a while.
    #[default]
    Bursting,
    /// As fast as it is used.
    Elastic,
    /// So many KiB a second.
    Provisioned(u64),
}

impl Throughput {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bursting => "bursting",
            Self::Elastic => "elastic",
            Self::Provisioned(_) => "provisioned",
        }
    }

    /// The KiB a second that are provisioned.
    pub fn provisioned_kib(self) -> Option<u64> {
        match self {
            Self::Provisioned(kib) => Some(kib),
            Self::Bursting | Self::Elastic => None,
        }
    }
}

/// A rule of when files move: each says one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileTransition {
    /// To infrequent access, so many days after their last use.
    ToInfrequentAccess(u16),
    /// To the archive, so many days after their last use.
    ToArchive(u16),
    /// Back, when they are used.
    BackWhenUsed,
}

/// How much is in a file system, as it was last measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeteredSize {
    /// Bytes.
    pub bytes: u64,
    /// When; never yet where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The place in a subnet at which a file system is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountTarget {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: MountTargetId,
    /// The file system.
    pub file_system: FileSystemId,
    /// The network.
    pub vpc: VpcId,
    /// The subnet.
    pub subnet: SubnetId,
    /// The subnet's zone.
    pub zone: ZoneName,
    /// Its interface, which has its groups.
    pub interface: InterfaceId,
    /// Its address.
    pub address: Ipv4Addr,
    /// How it is.
    pub state: ShareState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl MountTarget {
    /// The key of its row.
    pub fn key(&self) -> Scoped<MountTargetId> {
        self.scope.key(self.id)
    }

    /// When it passes into another state by itself.
    pub fn due(&self) -> Option<i64> {
        Some(AT_ONCE.as_millis()).filter(|_| self.state != ShareState::Available)
    }
}

/// A way into a file system: a folder of it, as a user that who comes that way is taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoint {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: AccessPointId,
    /// The file system.
    pub file_system: FileSystemId,
    /// What its maker called it, so that it isn't made twice.
    pub token: String,
    /// Whom everybody is taken for; each for himself where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<PosixUser>,
    /// The folder that is the root of what is seen, from the file system's.
    pub root: String,
    /// How the folder is made where it isn't there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<CreationInfo>,
    /// How it is.
    pub state: ShareState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccessPoint {
    /// The key of its row.
    pub fn key(&self) -> Scoped<AccessPointId> {
        self.scope.key(self.id)
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Self::arn_of(self.scope, self.id)
    }

    /// The ARN of the one of that id.
    pub fn arn_of(scope: Scope, id: AccessPointId) -> Arn {
        Arn::new(SERVICE, scope, format_args!("access-point/{id}"))
    }

    /// When it passes into another state by itself.
    pub fn due(&self) -> Option<i64> {
        Some(AT_ONCE.as_millis()).filter(|_| self.state != ShareState::Available)
    }
}

/// A user of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PosixUser {
    /// Its number.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its further groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_gids: Vec<u32>,
}

/// Whose a new folder is, and who may do what with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreationInfo {
    /// Its owner.
    pub owner_uid: u32,
    /// Its group.
    pub owner_gid: u32,
    /// What may be done, in octal.
    pub permissions: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_is_due_and_reads_back_as_written() {
        let mut row = FileSystem {
            scope: Scope { account: crate::AccountId::PROVIDER, region: crate::Region::DEFAULT },
            id: "fs-0123456789abcdef0".parse().unwrap(),
            token: "t".into(),
            state: ShareState::Creating,
            performance: PerformanceMode::GeneralPurpose,
            throughput: Throughput::Bursting,
            slowed_at: None,
            zone: None,
            data_key: None,
            policy: None,
            lifecycle: Vec::new(),
            backup: None,
            may_be_overwritten: false,
            size: MeteredSize::default(),
            created_at: Timestamp(0),
            host: None,
        };
        assert!(row.due().is_some());
        row.state = ShareState::Available;
        assert_eq!(row.due(), None);
        row.state = ShareState::Deleting;
        assert!(row.due().is_some());
        row.host = Some("host-0123456789abcdef0".parse().unwrap());
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<FileSystem>(&text).unwrap(), row);
        assert!(row.arn().as_str().ends_with(":file-system/fs-0123456789abcdef0"));
    }
}
