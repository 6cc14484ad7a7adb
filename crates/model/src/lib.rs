//! The language that every part of Landfall speaks: typed ids, names, addresses, the resources with what was asked of
//! them (`spec`) and what was seen (`status`), and the protocol between the control plane and a host's agent.
//!
//! Pure on purpose: no I/O, no async, no clock, no randomness. What is in here can be stored, sent to a host, replayed
//! from a seed and compared, and it depends on no other crate of this workspace.

pub mod address;
pub mod agent;
pub mod arn;
pub mod delivery;
pub mod ebs;
pub mod endpoint;
pub mod file_system;
pub mod gateway;
pub mod host;
pub mod id;
pub mod identity;
pub mod image;
pub mod import;
pub mod instance;
pub mod instance_type;
pub mod interface;
pub mod key_pair;
pub mod kms;
pub mod launch_template;
pub mod lifecycle;
pub mod link;
pub mod observation;
pub mod origin;
pub mod parameter;
pub mod plan;
pub mod prefix_list;
pub mod profile_association;
pub mod reachability;
pub mod region;
pub mod request;
pub mod scope;
pub mod secret;
pub mod security_group;
pub mod snapshot;
pub mod tag;
pub mod time;
pub mod trail;
pub mod transit_gateway;
pub mod volume;
pub mod vpc;
pub mod vpn;

pub use address::{Cidr, Ipv4Cidr, Ipv6Cidr, Mac};
pub use arn::Arn;
pub use ebs::{DataKey, EbsDefaults};
pub use endpoint::{Endpoint, EndpointKind};
pub use file_system::{
    AccessPoint, CreationInfo, FileSystem, FileTransition, MeteredSize, MountTarget, PerformanceMode, PosixUser,
    ShareState, Throughput,
};
pub use gateway::*;
pub use host::{BucketAccounts, Host, HostFacts, Invitation, Quotas, Settings, Usage};
pub use id::*;
pub use identity::{
    AccessKey, Account, AccountState, Group, InstanceProfile, KeyUse, LoginProfile, ManagedPolicy, MfaDevice,
    MfaEnabled, OidcProvider, PasswordPolicy, PolicyVersion, Principal, PrincipalKind, Role, RoleDeletion, RoleUse,
    SshPublicKey, Standing, TrustPolicy, UniqueId, UniqueKind, User,
};
pub use image::{
    BootMode, DeregistrationProtection, Image, ImageDefaults, ImageDisk, ImageSource, ImageTraits, OwnImage,
};
pub use import::{DiskFormat, ImportPlace, ImportSource, ImportState, ImportTask, ImportedDisk, ImportedImage};
pub use instance::*;
pub use instance_type::InstanceType;
pub use interface::{Attachment, AttachmentState, InterfacePurpose, NetworkInterface};
pub use key_pair::{KeyKind, KeyPair};
pub use kms::{DoomedKey, KmsAlias, KmsGrant, KmsGrantId, KmsKey, KmsKeyId};
pub use launch_template::{DepartedTemplate, LaunchParameters, LaunchTemplate, LaunchTemplateVersion};
pub use lifecycle::{LifecyclePolicy, LifecycleState};
pub use observation::*;
pub use origin::Origin;
pub use parameter::{Parameter, ParameterKind, ParameterTier, ParameterVersion, parameter_key};
pub use prefix_list::{ListChange, PrefixList, PrefixListEntry};
pub use profile_association::{ProfileAssociation, ProfileAssociationState};
pub use region::{Region, ZoneName};
pub use request::{ClientToken, UserData};
pub use scope::{AccountId, Scope, Scoped};
pub use secret::{Secret, SecretDeletion, SecretTime, SecretVersion};
pub use security_group::{IpProtocol, Peer, PeeredGroup, PortRange, RuleDirection, SecurityGroup, SecurityGroupRule};
pub use snapshot::{ChunkDomain, ChunkRoot, Contents, Snapshot, SnapshotState, SnapshotTask};
pub use tag::TagSet;
pub use time::Timestamp;
pub use trail::{ChainedDigest, DeliveredFile, Delivery, DigestKey, EventSelector, SelectedCalls, Silence, Trail};
pub use transit_gateway::*;
pub use volume::{
    DiskLimits, Rate, Volume, VolumeAttachment, VolumeKind, VolumeModification, VolumeShape, VolumeState,
};
pub use vpc::*;
pub use vpn::*;
