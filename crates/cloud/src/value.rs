//! The tables of the cloud, with the indexes that its rules read by.
//!
//! A row that belongs to an account in a region has a key that begins with both, so that a scope's rows are one range.
//! `by_id` finds a row whoever owns it: host plans and reports need that, and only they (see [`crate::view`]).

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use landfall_model::ebs::EbsDefaults;
use landfall_model::kms::{DoomedKey, Grantee, KmsAlias, KmsGrant, KmsGrantId, KmsKey, KmsKeyId};
use landfall_model::{AT_ONCE, DepartedTemplate, LaunchTemplate, LaunchTemplateId, LaunchTemplateVersion};
use landfall_model::{
    AccessKey, Account, AccountId, Address, AllocationId, Arn, AttachedResource, AttachmentId, ChunkDomain,
    ClientToken, CustomerGateway, CustomerGatewayId, Destination, DhcpOptions, DhcpOptionsId, DigestKey,
    EgressOnlyGateway, EgressOnlyGatewayId, Endpoint, EndpointId, FlowLog, FlowLogId, FlowLogResource, Group, Host,
    HostId, Image, ImageId, ImportImageTaskId, ImportSnapshotTaskId, ImportTask, InsightsAnalysis, InsightsAnalysisId,
    InsightsPath, InsightsPathId, Instance, InstanceId, InstanceProfile, InterfaceId, InternetGateway,
    InternetGatewayId, Ipv4Cidr, Ipv6Cidr, KeyPair, KeyPairId, ManagedPolicy, MfaDevice, NatGateway, NatGatewayId,
    NetworkAcl, NetworkAclAssociationId, NetworkAclId, NetworkInterface, OidcProvider, Peer, Peering, PeeringId,
    PrefixList, PrefixListId, Principal, ProfileAssociation, ProfileAssociationId, Quotas, Region, ReleasedAddress,
    ReservationId, RoleDeletion, RouteTable, RouteTableAssociationId, RouteTableId, RouteTarget, Scope, Scoped,
    SecurityGroup, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, Settings, Snapshot, SnapshotId, Subnet,
    SubnetCidrId, SubnetId, TagSet, Timestamp, Trail, TransitGateway, TransitGatewayAttachment,
    TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTable, TransitGatewayRouteTableId, UniqueId,
    Usage, UserData, Volume, VolumeId, Vpc, VpcCidrId, VpcId, VpnConnection, VpnConnectionId, VpnGateway, VpnGatewayId,
    VpnRemains, VpnSide, host,
};
use landfall_model::{AccessPoint, AccessPointId, FileSystem, FileSystemId, MountTarget, MountTargetId};
use landfall_model::{ImageDefaults, OwnImage};
use landfall_model::{LifecyclePolicy, LifecyclePolicyId};
use landfall_model::{Parameter, ParameterTier, ParameterVersion, Secret, SecretTime, SecretVersion};

landfall_state::value! {
    /// The whole cloud.
    pub struct Cloud {
        /// What the provider has decided: at most one row, under 0.
        pub settings: SettingsTable = "settings" v1 {
            row: Settings,
            key: u8 = |_| 0,
        },
        /// Accounts.
        pub accounts: Accounts = "account" v1 {
            row: Account,
            key: AccountId = |row| row.id,
            due: |row| row.due(),
            index by_alias: String = |row| row.alias.clone(),
            index by_email: String = |row| row.address_taken(),
        },
        /// Principals, by unique id.
        pub principals: Principals = "principal" v1 {
            row: Principal,
            key: UniqueId = |row| row.id.clone(),
            index by_account: AccountId = |row| Some(row.account),
            index by_place: (AccountId, String) = |row| Some((row.account, row.place())),
            index by_group: UniqueId = |row| row.user().into_iter().flat_map(|user| user.groups.iter().cloned()),
            index by_policy: (AccountId, Arn) = |row| row.managed().map(|arn| (row.account, arn.clone())).collect::<BTreeSet<_>>(),
        },
        /// Groups of users.
        pub groups: Groups = "group" v1 {
            row: Group,
            key: UniqueId = |row| row.id.clone(),
            index by_account: AccountId = |row| Some(row.account),
            index by_name: (AccountId, String) = |row| Some((row.account, row.name.to_ascii_lowercase())),
            index by_policy: (AccountId, Arn) = |row| row.attached.iter().map(|arn| (row.account, arn.clone())),
        },
        /// Managed policies of accounts.
        pub managed_policies: ManagedPolicies = "managed-policy" v1 {
            row: ManagedPolicy,
            key: UniqueId = |row| row.id.clone(),
            index by_account: AccountId = |row| Some(row.account),
            index by_name: (AccountId, String) = |row| Some((row.account, row.name.to_ascii_lowercase())),
        },
        /// Instance profiles.
        pub instance_profiles: InstanceProfiles = "instance-profile" v1 {
            row: InstanceProfile,
            key: UniqueId = |row| row.id.clone(),
            index by_account: AccountId = |row| Some(row.account),
            index by_name: (AccountId, String) = |row| Some((row.account, row.name.to_ascii_lowercase())),
            index by_role: UniqueId = |row| row.role.clone(),
        },
        /// Second factors.
        pub mfa_devices: MfaDevices = "mfa-device" v1 {
            row: MfaDevice,
            key: Arn = |row| row.serial.clone(),
            index by_account: AccountId = |row| Some(row.account),
            index by_user: UniqueId = |row| row.enabled.as_ref().map(|enabled| enabled.user.clone()),
        },
        /// Providers of identities.
        pub oidc_providers: OidcProviders = "oidc-provider" v1 {
            row: OidcProvider,
            key: Arn = |row| row.arn.clone(),
            index by_account: AccountId = |row| Some(row.account),
        },
        /// What became of the deletion of roles that were linked to services.
        pub role_deletions: RoleDeletions = "role-deletion" v1 {
            row: RoleDeletion,
            key: String = |row| row.id.clone(),
            due: |row| Some(row.expires_at.as_millis()),
        },
        /// Access keys.
        pub access_keys: AccessKeys = "access-key" v1 {
            row: AccessKey,
            key: String = |row| row.id.clone(),
            index by_principal: UniqueId = |row| Some(row.principal.clone()),
        },
        /// Hosts.
        pub hosts: Hosts = "host" v1 {
            row: Host,
            key: HostId = |row| row.id,
            index by_token: String = |row| Some(row.token_sha256.clone()),
        },
        /// What accounts have taken.
        pub usage: Usages = "usage" v1 {
            row: Usage,
            key: Scoped<u8> = |row| row.scope.key(0),
        },
        /// Images: the provider's, which belong to no account.
        pub images: Images = "image" v1 {
            row: Image,
            key: ImageId = |row| row.id,
            index by_id: ImageId = |row| row.names.iter().map(|name| name.id).chain([row.id]).collect::<std::collections::BTreeSet<_>>(),
            index by_snapshot: SnapshotId = |row| Some(row.snapshot),
        },
        /// Images of accounts.
        pub own_images: OwnImages = "own-image" v1 {
            row: OwnImage,
            key: Scoped<ImageId> = |row| row.key(),
            index by_id: ImageId = |row| Some(row.id),
            index by_scope: Scope = |row| Some(row.scope),
            index by_name: Scoped<String> = |row| Some(row.scope.key(row.name.clone())),
            index by_snapshot: SnapshotId = |row| row.snapshots(),
            index by_sharing: (Region, Option<AccountId>) = |row| row.sharing(),
            index by_published: Scope = |row| Some(row.scope).filter(|_| row.is_public),
        },
        /// What holds for images of accounts.
        pub image_defaults: ImageDefaultsTable = "image-defaults" v1 {
            row: ImageDefaults,
            key: Scoped<u8> = |row| row.row_key(),
        },
        /// Key pairs.
        pub key_pairs: KeyPairs = "key-pair" v1 {
            row: KeyPair,
            key: Scoped<KeyPairId> = |row| row.key(),
            index by_name: Scoped<String> = |row| Some(row.scope.key(row.name.clone())),
            index by_scope: Scope = |row| Some(row.scope),
        },
        /// VPCs.
        pub vpcs: Vpcs = "vpc" v1 {
            row: Vpc,
            key: Scoped<VpcId> = |row| row.key(),
            index by_id: VpcId = |row| Some(row.id),
            index by_scope: Scope = |row| Some(row.scope),
            index by_number: u32 = |row| Some(row.number),
            index by_dhcp_options: DhcpOptionsId = |row| row.dhcp_options,
            index by_association: VpcCidrId = |row| row.cidrs.iter().map(|(id, _)| *id).chain(row.ipv6.iter().map(|(id, _)| *id)),
            index by_ipv6: Ipv6Cidr = |row| row.ipv6.iter().map(|(_, block)| *block),
        },
        /// Subnets.
        pub subnets: Subnets = "subnet" v1 {
            row: Subnet,
            key: Scoped<SubnetId> = |row| row.key(),
            index by_id: SubnetId = |row| Some(row.id),
            index by_vpc: VpcId = |row| Some(row.vpc),
            index by_association: SubnetCidrId = |row| row.ipv6.map(|(id, _)| id),
        },
        /// Internet gateways.
        pub internet_gateways: InternetGateways = "internet-gateway" v1 {
            row: InternetGateway,
            key: Scoped<InternetGatewayId> = |row| row.key(),
            index by_scope: Scope = |row| Some(row.scope),
            index by_vpc: VpcId = |row| row.vpc,
        },
        /// Route tables.
        pub route_tables: RouteTables = "route-table" v1 {
            row: RouteTable,
            key: Scoped<RouteTableId> = |row| row.key(),
            index by_vpc: VpcId = |row| Some(row.vpc),
            index by_subnet: SubnetId = |row| row.associations.iter().map(|(_, subnet)| *subnet),
            index by_gateway: InternetGatewayId = |row| row.routes.iter().filter_map(|route| match route.target {
                RouteTarget::InternetGateway(id) => Some(id),
                _ => None,
            }).collect::<BTreeSet<_>>(),
            index by_prefix_list: PrefixListId = |row| row.routes.iter().filter_map(|route| match route.destination {
                Destination::PrefixList(id) => Some(id),
                Destination::Cidr(_) => None,
            }).collect::<BTreeSet<_>>(),
            index by_propagation: VpnGatewayId = |row| row.propagating.iter().copied(),
            index by_association: RouteTableAssociationId = |row| row.association_ids(),
        },
        /// Network ACLs.
        pub network_acls: NetworkAcls = "network-acl" v1 {
            row: NetworkAcl,
            key: Scoped<NetworkAclId> = |row| row.key(),
            index by_association: NetworkAclAssociationId = |row| row.associations.iter().map(|(id, _)| *id),
            index by_vpc: VpcId = |row| Some(row.vpc),
            index by_subnet: SubnetId = |row| row.associations.iter().map(|(_, subnet)| *subnet),
        },
        /// Sets of DHCP options.
        pub dhcp_options: DhcpOptionsTable = "dhcp-options" v1 {
            row: DhcpOptions,
            key: Scoped<DhcpOptionsId> = |row| row.key(),
        },
        /// Security groups.
        pub security_groups: SecurityGroups = "security-group" v1 {
            row: SecurityGroup,
            key: Scoped<SecurityGroupId> = |row| row.key(),
            index by_id: SecurityGroupId = |row| Some(row.id),
            index by_vpc: VpcId = |row| Some(row.vpc),
            index by_scope: Scope = |row| Some(row.scope),
        },
        /// Rules of security groups.
        pub security_group_rules: SecurityGroupRules = "security-group-rule" v1 {
            row: SecurityGroupRule,
            key: Scoped<SecurityGroupRuleId> = |row| row.key(),
            index by_group: SecurityGroupId = |row| Some(row.group),
            index by_peer: SecurityGroupId = |row| match row.peer {
                Peer::Group(group) => Some(group),
                Peer::Cidr(_) | Peer::PrefixList(_) => None,
            },
            index by_prefix_list: PrefixListId = |row| match row.peer {
                Peer::PrefixList(list) => Some(list),
                Peer::Cidr(_) | Peer::Group(_) => None,
            },
        },
        /// Network interfaces.
        pub interfaces: Interfaces = "network-interface" v1 {
            row: NetworkInterface,
            key: Scoped<InterfaceId> = |row| row.key(),
            index by_id: InterfaceId = |row| Some(row.id),
            index by_vpc: VpcId = |row| Some(row.vpc),
            index by_subnet: SubnetId = |row| Some(row.subnet),
            index by_instance: InstanceId = |row| row.instance(),
            index by_group: SecurityGroupId = |row| row.groups.iter().copied(),
            index by_address: (SubnetId, Ipv4Addr) = |row| row.addresses.iter().map(move |address| (row.subnet, *address)),
            index by_ipv6: Ipv6Addr = |row| row.ipv6.iter().copied(),
            index by_public: Ipv4Addr = |row| row.public_address,
            index by_attachment: AttachmentId = |row| row.attachment.as_ref().map(|attachment| attachment.id),
            index by_scope: Scope = |row| Some(row.scope),
        },
        /// Gateways that let IPv6 out only.
        pub egress_only_gateways: EgressOnlyGateways = "egress-only-gateway" v1 {
            row: EgressOnlyGateway,
            key: Scoped<EgressOnlyGatewayId> = |row| row.key(),
            index by_scope: Scope = |row| Some(row.scope),
            index by_vpc: VpcId = |row| Some(row.vpc),
        },
        /// NAT gateways.
        pub nat_gateways: NatGateways = "nat-gateway" v1 {
            row: NatGateway,
            key: Scoped<NatGatewayId> = |row| row.key(),
            due: |row| row.state.due(row.expires_at),
            index by_id: NatGatewayId = |row| Some(row.id),
            index by_vpc: VpcId = |row| Some(row.vpc),
            index by_subnet: SubnetId = |row| Some(row.subnet),
            index by_host: HostId = |row| row.host,
        },
        /// Peerings.
        pub peerings: Peerings = "vpc-peering" v1 {
            row: Peering,
            key: Scoped<PeeringId> = |row| row.key(),
            due: |row| row.due(),
            index by_id: PeeringId = |row| Some(row.id),
            index by_scope: Scope = |row| row.sides().map(|side| side.scope).into_iter().collect::<BTreeSet<_>>(),
            index by_vpc: VpcId = |row| row.sides().map(|side| side.vpc),
        },
        /// Transit gateways.
        pub transit_gateways: TransitGateways = "transit-gateway" v1 {
            row: TransitGateway,
            key: Scoped<TransitGatewayId> = |row| row.key(),
            due: |row| row.state.due(row.expires_at),
            index by_id: TransitGatewayId = |row| Some(row.id),
            index by_number: u32 = |row| Some(row.number),
        },
        /// Attachments of transit gateways.
        pub transit_attachments: TransitAttachments = "transit-gateway-attachment" v1 {
            row: TransitGatewayAttachment,
            key: Scoped<TransitGatewayAttachmentId> = |row| row.key(),
            due: |row| row.due(),
            index by_id: TransitGatewayAttachmentId = |row| Some(row.id),
            index by_gateway: TransitGatewayId = |row| Some(row.gateway),
            index by_vpc: VpcId = |row| row.resource.vpc(),
            index by_subnet: SubnetId = |row| match &row.resource {
                AttachedResource::Vpc { subnets, .. } => subnets.clone(),
                AttachedResource::Vpn(_) => Vec::new(),
            },
            index by_table: TransitGatewayRouteTableId = |row| {
                row.association.iter().chain(&row.propagations).copied().collect::<BTreeSet<_>>()
            },
        },
        /// Route tables of transit gateways.
        pub transit_tables: TransitTables = "transit-gateway-route-table" v1 {
            row: TransitGatewayRouteTable,
            key: Scoped<TransitGatewayRouteTableId> = |row| row.key(),
            due: |row| row.state.due(row.expires_at),
            index by_id: TransitGatewayRouteTableId = |row| Some(row.id),
            index by_gateway: TransitGatewayId = |row| Some(row.gateway),
        },
        /// Endpoints.
        pub endpoints: Endpoints = "vpc-endpoint" v1 {
            row: Endpoint,
            key: Scoped<EndpointId> = |row| row.key(),
            due: |row| row.state.due(row.expires_at),
            index by_id: EndpointId = |row| Some(row.id),
            index by_vpc: VpcId = |row| Some(row.vpc),
        },
        /// Prefix lists.
        pub prefix_lists: PrefixLists = "prefix-list" v1 {
            row: PrefixList,
            key: Scoped<PrefixListId> = |row| row.key(),
            index by_id: PrefixListId = |row| Some(row.id),
        },
        /// Launch templates.
        pub launch_templates: LaunchTemplates = "launch-template" v1 {
            row: LaunchTemplate,
            key: Scoped<LaunchTemplateId> = |row| row.key(),
            index by_scope: Scope = |row| Some(row.scope),
            index by_name: Scoped<String> = |row| Some(row.scope.key(row.name.clone())),
        },
        /// Versions of launch templates.
        pub launch_template_versions: LaunchTemplateVersions = "launch-template-version" v1 {
            row: LaunchTemplateVersion,
            key: Scoped<String> = |row| row.key(),
        },
        /// Launch templates that are gone, of which versions are left.
        pub departed_templates: DepartedTemplates = "departed-template" v1 {
            row: DepartedTemplate,
            key: Scoped<LaunchTemplateId> = |row| row.key(),
            due: |_| Some(AT_ONCE.as_millis()),
        },
        /// The other side's devices of VPNs.
        pub customer_gateways: CustomerGateways = "customer-gateway" v1 {
            row: CustomerGateway,
            key: Scoped<CustomerGatewayId> = |row| row.key(),
            due: |row| row.state.due(row.expires_at),
        },
        /// VPN gateways.
        pub vpn_gateways: VpnGateways = "vpn-gateway" v1 {
            row: VpnGateway,
            key: Scoped<VpnGatewayId> = |row| row.key(),
            due: |row| row.state.due(row.expires_at),
            index by_vpc: VpcId = |row| row.vpc,
        },
        /// VPNs.
        pub vpn_connections: VpnConnections = "vpn-connection" v1 {
            row: VpnConnection,
            key: Scoped<VpnConnectionId> = |row| row.key(),
            due: |row| row.due(),
            index by_id: VpnConnectionId = |row| Some(row.id),
            index by_customer_gateway: CustomerGatewayId = |row| Some(row.customer_gateway),
            index by_gateway: VpnGatewayId = |row| match row.gateway {
                VpnSide::Gateway(id) => Some(id),
                VpnSide::Transit(..) => None,
            },
            index by_transit: TransitGatewayId = |row| match row.gateway {
                VpnSide::Gateway(_) => None,
                VpnSide::Transit(id, _) => Some(id),
            },
            index by_host: HostId = |row| row.host,
            index by_number: u32 = |row| (row.number != 0).then_some(row.number),
            index by_outside: Ipv4Addr = |row| row.tunnels.iter().map(|tunnel| tunnel.outside).collect::<Vec<_>>(),
        },
        /// What may be left of VPNs on hosts that they went away from.
        pub vpn_remains: VpnRemainsTable = "vpn-remains" v1 {
            row: VpnRemains,
            key: VpnConnectionId = |row| row.id,
            index by_host: HostId = |row| row.hosts.iter().copied().collect::<Vec<_>>(),
            index by_number: u32 = |row| Some(row.number),
            index by_outside: Ipv4Addr = |row| row.outside.clone(),
        },
        /// Parameters.
        pub parameters: Parameters = "parameter" v1 {
            row: Parameter,
            key: Scoped<String> = |row| row.key(),
            due: |row| row.expires_at.map(Timestamp::as_millis),
            index by_tier: (Scope, ParameterTier) = |row| Some((row.scope, row.tier)),
        },
        /// Versions of parameters.
        pub parameter_versions: ParameterVersions = "parameter-version" v1 {
            row: ParameterVersion,
            key: Scoped<String> = |row| row.key(),
        },
        /// Secrets.
        pub secrets: Secrets = "secret" v1 {
            row: Secret,
            key: Scoped<String> = |row| row.key(),
            due: |row| row.deletion.map(|deletion| deletion.due_at.as_millis()),
            index by_scope: Scope = |row| Some(row.scope),
            index by_time: (Scope, SecretTime, Option<Timestamp>) = |row| {
                [SecretTime::Created, SecretTime::Changed, SecretTime::Accessed].map(|time| (row.scope, time, row.at(time)))
            },
        },
        /// Versions of secrets.
        pub secret_versions: SecretVersions = "secret-version" v1 {
            row: SecretVersion,
            key: Scoped<String> = |row| row.key(),
        },
        /// Flow logs.
        pub flow_logs: FlowLogs = "flow-log" v1 {
            row: FlowLog,
            key: Scoped<FlowLogId> = |row| row.key(),
            index by_id: FlowLogId = |row| Some(row.id),
            index by_resource: FlowLogResource = |row| Some(row.resource),
        },
        /// What is to be analysed for reachability.
        pub insights_paths: InsightsPaths = "network-insights-path" v1 {
            row: InsightsPath,
            key: Scoped<InsightsPathId> = |row| row.key(),
        },
        /// Imports of images.
        pub import_images: ImportImages = "import-image-task" v1 {
            row: ImportTask,
            key: Scoped<ImportImageTaskId> = |row| row.image_key(),
            due: |row| row.due(),
            index by_volume: VolumeId = |row| row.disks.iter().filter_map(|disk| disk.volume),
            index by_snapshot: SnapshotId = |row| row.disks.iter().filter_map(|disk| disk.snapshot),
        },
        /// Imports of snapshots.
        pub import_snapshots: ImportSnapshots = "import-snapshot-task" v1 {
            row: ImportTask,
            key: Scoped<ImportSnapshotTaskId> = |row| row.snapshot_key(),
            due: |row| row.due(),
            index by_volume: VolumeId = |row| row.disks.iter().filter_map(|disk| disk.volume),
            index by_snapshot: SnapshotId = |row| row.disks.iter().filter_map(|disk| disk.snapshot),
        },
        /// Analyses of reachability.
        pub insights_analyses: InsightsAnalyses = "network-insights-analysis" v1 {
            row: InsightsAnalysis,
            key: Scoped<InsightsAnalysisId> = |row| row.key(),
            due: |row| row.due(),
            index by_path: InsightsPathId = |row| Some(row.path),
        },
        /// Elastic addresses.
        pub addresses: Addresses = "address" v1 {
            row: Address,
            key: Scoped<AllocationId> = |row| row.key(),
            index by_public: Ipv4Addr = |row| Some(row.public),
            index by_interface: InterfaceId = |row| row.association.as_ref().map(|association| association.interface),
            index by_scope: Scope = |row| Some(row.scope),
        },
        /// Elastic addresses that were given back, until somebody has them again.
        pub released_addresses: ReleasedAddresses = "released-address" v1 {
            row: ReleasedAddress,
            key: Scoped<Ipv4Addr> = |row| row.scope.key(row.public),
            index by_public: Ipv4Addr = |row| Some(row.public),
        },
        /// Instances.
        pub instances: Instances = "instance" v1 {
            row: Instance,
            key: Scoped<InstanceId> = |row| row.key(),
            due: |row| row.status.expires_at.map(Timestamp::as_millis),
            index by_id: InstanceId = |row| Some(row.id),
            index by_host: HostId = |row| row.status.host,
            index by_reservation: ReservationId = |row| Some(row.spec.reservation),
            index by_user_data: Scoped<String> = |row| row.spec.user_data.clone().map(|sha256| row.scope.key(sha256)),
        },
        /// Instance profiles at instances.
        pub profile_associations: ProfileAssociations = "instance-profile-association" v1 {
            row: ProfileAssociation,
            key: Scoped<ProfileAssociationId> = |row| row.key(),
            due: |row| row.due(),
            index by_instance: InstanceId = |row| Some(row.instance),
            index by_profile: UniqueId = |row| Some(row.profile.clone()),
        },
        /// User data.
        pub user_data: UserDataTable = "user-data" v1 {
            row: UserData,
            key: Scoped<String> = |row| row.key(),
        },
        /// Volumes.
        pub volumes: Volumes = "volume" v1 {
            row: Volume,
            key: Scoped<VolumeId> = |row| row.key(),
            record: crate::metering::of_volume,
            index by_scope: Scope = |row| Some(row.scope),
            index by_id: VolumeId = |row| Some(row.id),
            index by_instance: InstanceId = |row| row.attachment.as_ref().map(|attachment| attachment.instance),
            index by_host: HostId = |row| row.host,
            index by_domain: AccountId = |row| row.chunks.as_ref().map(|root| root.domain),
        },
        /// Snapshots.
        pub snapshots: Snapshots = "snapshot" v1 {
            row: Snapshot,
            key: Scoped<SnapshotId> = |row| row.key(),
            record: crate::metering::of_snapshot,
            index by_scope: Scope = |row| Some(row.scope),
            index by_id: SnapshotId = |row| Some(row.id),
            index by_pending: VolumeId = |row| row.volume.filter(|_| row.task().is_some()),
            index by_sharing: (Region, Option<AccountId>) = |row| row.sharing(),
            index by_domain: AccountId = |row| crate::chunk_store::domains_of(row),
        },
        /// File systems.
        pub file_systems: FileSystems = "file-system" v1 {
            row: FileSystem,
            key: Scoped<FileSystemId> = |row| row.key(),
            due: |row| row.due(),
            record: crate::metering::of_file_system,
            index by_id: FileSystemId = |row| Some(row.id),
            index by_scope: Scope = |row| Some(row.scope),
            index by_token: Scoped<String> = |row| Some(row.scope.key(row.token.clone())),
            index by_host: HostId = |row| row.host,
        },
        /// The places at which file systems are mounted.
        pub mount_targets: MountTargets = "mount-target" v1 {
            row: MountTarget,
            key: Scoped<MountTargetId> = |row| row.key(),
            due: |row| row.due(),
            index by_file_system: FileSystemId = |row| Some(row.file_system),
            index by_vpc: VpcId = |row| Some(row.vpc),
        },
        /// Narrower ways into file systems.
        pub access_points: AccessPoints = "access-point" v1 {
            row: AccessPoint,
            key: Scoped<AccessPointId> = |row| row.key(),
            due: |row| row.due(),
            index by_file_system: FileSystemId = |row| Some(row.file_system),
            index by_token: Scoped<String> = |row| Some(row.scope.key(row.token.clone())),
        },
        /// Accounts' parts of the chunk store.
        pub chunk_domains: ChunkDomains = "chunk-domain" v1 {
            row: ChunkDomain,
            key: AccountId = |row| row.account,
        },
        /// What holds for volumes unless it is said otherwise.
        pub ebs_defaults: EbsDefaultsTable = "ebs-defaults" v1 {
            row: EbsDefaults,
            key: Scoped<u8> = |row| row.row_key(),
        },
        /// KMS keys.
        pub kms_keys: KmsKeys = "kms-key" v1 {
            row: KmsKey,
            key: Scoped<KmsKeyId> = |row| row.key(),
            due: |row| row.due(),
            index by_scope: Scope = |row| row.made_for.is_none().then_some(row.scope),
            index by_wrapping: String = |row| row.materials().map(|material| material.wrapping.clone()).collect::<std::collections::BTreeSet<_>>(),
        },
        /// Other names of KMS keys.
        pub kms_aliases: KmsAliases = "kms-alias" v1 {
            row: KmsAlias,
            key: Scoped<String> = |row| row.key(),
            index by_target: KmsKeyId = |row| Some(row.target),
        },
        /// Grants of KMS keys.
        pub kms_grants: KmsGrants = "kms-grant" v1 {
            row: KmsGrant,
            key: Scoped<KmsGrantId> = |row| row.row_key(),
            index by_key: KmsKeyId = |row| Some(row.key),
            index by_grantee: (KmsKeyId, String) = |row| Some((row.key, row.grantee.word())),
            index by_retirer: String = |row| row.retirer.as_ref().map(Grantee::word),
        },
        /// Wrapping keys that are yet to be destroyed.
        pub doomed_keys: DoomedKeys = "doomed-key" v1 {
            row: DoomedKey,
            key: String = |row| row.name.clone(),
        },
        /// Trails.
        pub trails: Trails = "trail" v1 {
            row: Trail,
            key: Scoped<String> = |row| row.key(),
            index by_account: AccountId = |row| Some(row.scope.account).filter(|_| row.deleted_at.is_none()),
            index by_departed: AccountId = |row| Some(row.scope.account).filter(|_| row.deleted_at.is_some()),
            index by_activity: bool = |row| Some(row.delivery.is_open),
        },
        /// Keys that digests are signed with.
        pub digest_keys: DigestKeys = "digest-key" v1 {
            row: DigestKey,
            key: String = |row| row.fingerprint.clone(),
            index by_region: Region = |row| Some(row.region),
        },
        /// Tags of all kinds of resources.
        pub tags: Tags = "tags" v1 {
            row: TagSet,
            key: Scoped<String> = |row| row.key(),
            index by_shared: String = |row| row.is_of_shared().then(|| row.resource.clone()),
            index by_lifecycle: String = |row| row.lifecycle_policy().map(str::to_owned),
        },
        /// Policies of Data Lifecycle Manager.
        pub lifecycle_policies: LifecyclePolicies = "lifecycle-policy" v1 {
            row: LifecyclePolicy,
            key: Scoped<LifecyclePolicyId> = |row| row.key(),
            index by_waking: Timestamp = |row| row.wakes_at(),
        },
        /// Answers remembered by client token.
        pub client_tokens: ClientTokens = "client-token" v1 {
            row: ClientToken,
            key: Scoped<String> = |row| row.key(),
            due: |row| Some(row.expires_at.as_millis()),
        },
    }
}

impl Cloud {
    /// The provider's settings, or their defaults while none were written.
    pub fn provider(&self) -> &Settings {
        static DEFAULT: OnceLock<Settings> = OnceLock::new();
        self.settings.get(&0).unwrap_or_else(|| DEFAULT.get_or_init(default_settings))
    }
}

/// What holds until the provider decides otherwise.
pub fn default_settings() -> Settings {
    let pool = Ipv4Cidr::new(Ipv4Addr::new(198, 18, 0, 0), 16);
    Settings {
        incarnation: 1,
        public_pool: pool.unwrap_or(Ipv4Cidr::ALL),
        ipv6_pool: host::default_ipv6_pool(),
        service_pool: host::default_service_pool(),
        public_domain: "compute.amazonaws.com".into(),
        operator: host::default_operator(),
        cpu_ratio: 8,
        quotas: Quotas::default(),
        buckets: BTreeSet::new(),
        bucket_accounts: Default::default(),
    }
}

/// Deletes every row: for a simulated cloud that starts anew.
pub fn wipe(tx: &mut landfall_state::Tx<'_, Cloud>) {
    macro_rules! wipe {
        ($($table:ident $field:ident),* $(,)?) => {$(
            let keys: Vec<_> = tx.$field.iter().map(<$table as landfall_state::Table>::key).collect();
            for key in keys {
                tx.delete::<$table>(&key);
            }
        )*};
    }
    wipe!(
        SettingsTable settings, Accounts accounts, Principals principals, Groups groups, ManagedPolicies managed_policies,
        InstanceProfiles instance_profiles, MfaDevices mfa_devices, OidcProviders oidc_providers, RoleDeletions role_deletions, AccessKeys access_keys, Hosts hosts,
        Usages usage, Images images, OwnImages own_images, ImageDefaultsTable image_defaults, KeyPairs key_pairs, Vpcs vpcs, Subnets subnets,
        InternetGateways internet_gateways, RouteTables route_tables, NetworkAcls network_acls,
        DhcpOptionsTable dhcp_options, SecurityGroups security_groups, SecurityGroupRules security_group_rules,
        Interfaces interfaces, Addresses addresses, ReleasedAddresses released_addresses, Instances instances, UserDataTable user_data, Volumes volumes,
        Snapshots snapshots, ChunkDomains chunk_domains, FileSystems file_systems, MountTargets mount_targets, AccessPoints access_points,
        Parameters parameters, ParameterVersions parameter_versions, Secrets secrets, SecretVersions secret_versions,
        Tags tags, ClientTokens client_tokens, EgressOnlyGateways egress_only_gateways, NatGateways nat_gateways,
        Peerings peerings, TransitGateways transit_gateways, TransitAttachments transit_attachments,
        TransitTables transit_tables, Endpoints endpoints, PrefixLists prefix_lists,
        CustomerGateways customer_gateways, VpnGateways vpn_gateways, VpnConnections vpn_connections, VpnRemainsTable vpn_remains,
        EbsDefaultsTable ebs_defaults, KmsKeys kms_keys, KmsAliases kms_aliases, KmsGrants kms_grants, DoomedKeys doomed_keys,
        FlowLogs flow_logs, ProfileAssociations profile_associations, InsightsPaths insights_paths, InsightsAnalyses insights_analyses,
        ImportImages import_images, ImportSnapshots import_snapshots,
        Trails trails, DigestKeys digest_keys, LaunchTemplates launch_templates, LaunchTemplateVersions launch_template_versions,
        DepartedTemplates departed_templates, LifecyclePolicies lifecycle_policies,
    );
}

/// Whether nothing is on its way from one state to another.
pub fn is_settled(cloud: &Cloud) -> bool {
    use landfall_model::{InstanceState, LinkState, VolumeState};
    if landfall_state::Value::next_due(cloud).is_some_and(|at| at <= AT_ONCE.as_millis()) {
        return false;
    }
    let passing =
        |state| matches!(state, InstanceState::Pending | InstanceState::Stopping | InstanceState::ShuttingDown);
    let rebooting =
        |row: &Instance| row.status.state == InstanceState::Running && row.status.reboots < row.spec.reboots;
    let restarting = |row: &Instance| row.status.state == InstanceState::Running && row.status.boot < row.spec.boot;
    !cloud.instances.iter().any(|row| passing(row.status.state) || rebooting(row))
        && !cloud.volumes.iter().any(|row| matches!(row.state, VolumeState::Creating | VolumeState::Deleting))
        && !cloud.snapshots.iter().any(|row| row.task().is_some())
        && !cloud.instances.iter().any(restarting)
        && !cloud.vpn_connections.iter().any(|row| row.state == LinkState::Deleting)
}
