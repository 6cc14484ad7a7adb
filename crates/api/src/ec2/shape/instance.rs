//! An instance as DescribeInstances and RunInstances show it.
//!
//! Borrowed from the value wherever it can be: a page of a thousand of these is the heaviest answer that EC2 has.

use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_cloud::View;
use landfall_cloud::network::private_name;
use landfall_cloud::plan::public_name;
use landfall_cloud::value::{SecurityGroups, Vpcs};
use landfall_model::{
    AccountId, AttachmentId, BootMode, ImageId, Instance, InstanceId, InstanceState, InstanceType, InterfaceId, Mac,
    MetadataOptions, NetworkInterface, ReservationId, SecurityGroupId, SubnetId, Volume, VolumeId, VpcId, ZoneName,
};
use landfall_wire::Time;
use serde::Serialize;

use super::instance_profile::{ProfileShape, shown};
use super::network_interface::{Ipv6Address, ipv6_addresses};
use super::{Tag, tag_set, time};

/// Instances that one call launched.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation<'v> {
    pub reservation_id: ReservationId,
    pub owner_id: AccountId,
    pub group_set: [(); 0],
    pub instances_set: Vec<InstanceShape<'v>>,
}

/// A group's id and name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupIdentifier<'v> {
    group_id: SecurityGroupId,
    group_name: &'v str,
}

/// A state's number and name.
#[derive(Clone, Copy, Serialize)]
pub struct StateShape {
    code: u16,
    name: &'static str,
}

impl From<InstanceState> for StateShape {
    fn from(state: InstanceState) -> Self {
        Self { code: state.code(), name: state.name() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceShape<'v> {
    instance_id: InstanceId,
    image_id: ImageId,
    instance_state: StateShape,
    private_dns_name: String,
    dns_name: String,
    reason: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_name: Option<&'v str>,
    ami_launch_index: u32,
    product_codes: [(); 0],
    instance_type: &'v str,
    launch_time: Time,
    placement: Placement,
    monitoring: Monitoring,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet_id: Option<SubnetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_id: Option<VpcId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_ip_address: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address: Option<Ipv6Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_dest_check: Option<bool>,
    group_set: Vec<GroupIdentifier<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<StateReason<'v>>,
    architecture: &'v str,
    root_device_type: &'static str,
    root_device_name: &'v str,
    block_device_mapping: Vec<BlockDevice<'v>>,
    virtualization_type: &'static str,
    client_token: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    hypervisor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iam_instance_profile: Option<ProfileShape<'v>>,
    network_interface_set: Vec<InterfaceShape<'v>>,
    ebs_optimized: bool,
    ena_support: bool,
    cpu_options: CpuOptions,
    capacity_reservation_specification: CapacityReservation,
    hibernation_options: Hibernation,
    metadata_options: MetadataShape,
    enclave_options: Enclave,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_mode: Option<&'static str>,
    platform_details: &'v str,
    usage_operation: &'static str,
    usage_operation_update_time: Time,
    private_dns_name_options: PrivateDnsNameOptions,
    maintenance_options: MaintenanceOptions,
    current_instance_boot_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Placement {
    availability_zone: ZoneName,
    availability_zone_id: String,
    group_name: &'static str,
    tenancy: &'static str,
}

#[derive(Serialize)]
struct Monitoring {
    state: &'static str,
}

#[derive(Serialize)]
struct StateReason<'v> {
    code: &'v str,
    message: &'v str,
}

/// A disk of an instance.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockDevice<'v> {
    device_name: &'v str,
    ebs: EbsBlockDevice,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EbsBlockDevice {
    volume_id: VolumeId,
    status: &'static str,
    attach_time: Time,
    delete_on_termination: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceShape<'v> {
    network_interface_id: InterfaceId,
    subnet_id: SubnetId,
    vpc_id: VpcId,
    description: &'v str,
    owner_id: AccountId,
    status: &'static str,
    mac_address: Mac,
    private_ip_address: Ipv4Addr,
    private_dns_name: String,
    source_dest_check: bool,
    group_set: Vec<GroupIdentifier<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<AttachmentShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<AssociationShape>,
    private_ip_addresses_set: Vec<PrivateAddress>,
    ipv6_addresses_set: Vec<Ipv6Address>,
    interface_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentShape {
    attachment_id: AttachmentId,
    device_index: u32,
    status: &'static str,
    attach_time: Time,
    delete_on_termination: bool,
    network_card_index: u32,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
struct AssociationShape {
    public_ip: Ipv4Addr,
    public_dns_name: String,
    ip_owner_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateAddress {
    private_ip_address: Ipv4Addr,
    private_dns_name: String,
    primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<AssociationShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CpuOptions {
    core_count: u32,
    threads_per_core: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CapacityReservation {
    capacity_reservation_preference: &'static str,
}

#[derive(Serialize)]
struct Hibernation {
    configured: bool,
}

#[derive(Serialize)]
struct Enclave {
    enabled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateDnsNameOptions {
    hostname_type: &'static str,
    #[serde(rename = "enableResourceNameDnsARecord")]
    enable_a: bool,
    #[serde(rename = "enableResourceNameDnsAAAARecord")]
    enable_aaaa: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MaintenanceOptions {
    auto_recovery: &'static str,
}

/// The metadata service's options as answers show them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataShape {
    state: &'static str,
    http_tokens: &'static str,
    http_put_response_hop_limit: u8,
    http_endpoint: &'static str,
    http_protocol_ipv6: &'static str,
    instance_metadata_tags: &'static str,
}

/// `enabled` or `disabled`.
pub fn switch(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

impl MetadataShape {
    /// `required` or `optional`.
    pub fn http_tokens(&self) -> &'static str {
        self.http_tokens
    }
}

impl From<&MetadataOptions> for MetadataShape {
    fn from(options: &MetadataOptions) -> Self {
        Self {
            state: "applied",
            http_tokens: if options.tokens_required { "required" } else { "optional" },
            http_put_response_hop_limit: options.hop_limit,
            http_endpoint: switch(options.enabled),
            http_protocol_ipv6: switch(options.ipv6),
            instance_metadata_tags: switch(options.tags),
        }
    }
}

/// The instance as its owner sees it.
pub fn instance<'v>(view: &View<'v>, row: &'v Instance) -> InstanceShape<'v> {
    let interfaces = interfaces_in_order(view, row);
    let primary = interfaces.first().copied();
    let public = primary.and_then(|interface| view.public_of(interface, interface.primary()));
    let kind = InstanceType::find(&row.spec.instance_type);
    let traits = view.traits(row);
    let boot_mode = traits.and_then(|traits| traits.boot_mode);
    let is_there = row.status.state != InstanceState::Terminated;
    let named = is_there && has_public_names(view, row.spec.vpc);
    InstanceShape {
        instance_id: row.id,
        image_id: row.spec.image,
        instance_state: row.status.state.into(),
        private_dns_name: primary
            .map_or_else(String::new, |interface| private_name(row.scope.region, interface.primary())),
        dns_name: public.filter(|_| named).map_or_else(String::new, |address| public_name(view, address)),
        reason: &row.status.transition_reason,
        key_name: row.spec.key.as_ref().map(|(name, _)| name.as_str()),
        ami_launch_index: row.spec.launch_index,
        product_codes: [],
        instance_type: &row.spec.instance_type,
        launch_time: time(row.spec.launched_at),
        placement: Placement {
            availability_zone: row.spec.zone,
            availability_zone_id: row.spec.zone.zone_id(),
            group_name: "",
            tenancy: "default",
        },
        monitoring: Monitoring { state: switch(row.spec.monitoring) },
        subnet_id: is_there.then_some(row.spec.subnet),
        vpc_id: is_there.then_some(row.spec.vpc),
        private_ip_address: primary.map(NetworkInterface::primary),
        ip_address: public,
        ipv6_address: primary.and_then(|interface| interface.ipv6.first().copied()),
        source_dest_check: primary.map(|interface| interface.source_dest_check),
        group_set: primary.map_or_else(Vec::new, |interface| group_set(view, interface)),
        state_reason: row.status.reason.as_ref().map(|r| StateReason { code: &r.code, message: &r.message }),
        architecture: traits.map_or("x86_64", |traits| traits.architecture),
        root_device_type: "ebs",
        root_device_name: &row.spec.root_device,
        block_device_mapping: block_devices(view, row),
        virtualization_type: "hvm",
        client_token: row.spec.client_token.as_deref().unwrap_or_default(),
        tag_set: tag_set(view, &row.id.to_string()),
        hypervisor: "xen",
        iam_instance_profile: view.profile_of(row.id).map(shown),
        network_interface_set: interfaces
            .iter()
            .map(|interface| interface_shape(view, row, interface, named))
            .collect(),
        ebs_optimized: row.spec.ebs_optimized,
        ena_support: true,
        cpu_options: CpuOptions { core_count: kind.map_or(1, |kind| kind.vcpus), threads_per_core: 1 },
        capacity_reservation_specification: CapacityReservation { capacity_reservation_preference: "open" },
        hibernation_options: Hibernation { configured: false },
        metadata_options: (&row.spec.metadata).into(),
        enclave_options: Enclave { enabled: false },
        boot_mode: boot_mode.map(BootMode::name),
        platform_details: traits.map_or("Linux/UNIX", |traits| traits.platform_details),
        usage_operation: "RunInstances",
        usage_operation_update_time: time(row.spec.launched_at),
        private_dns_name_options: PrivateDnsNameOptions {
            hostname_type: "ip-name",
            enable_a: false,
            enable_aaaa: false,
        },
        maintenance_options: MaintenanceOptions { auto_recovery: "default" },
        current_instance_boot_mode: BootMode::current(boot_mode, kind).name(),
    }
}

/// The interfaces of an instance, the primary one first.
pub fn interfaces_in_order<'v>(view: &View<'v>, row: &Instance) -> Vec<&'v NetworkInterface> {
    let mut rows: Vec<_> = view.interfaces_of(row.id).collect();
    rows.sort_by_key(|row| row.attachment.as_ref().map(|attachment| attachment.device_index));
    rows
}

/// Whether addresses of a VPC have public names.
pub fn has_public_names(view: &View<'_>, vpc: VpcId) -> bool {
    view.find::<Vpcs, _>(vpc).is_some_and(|row| row.dns_hostnames)
}

/// The groups of an interface.
pub fn group_set<'v>(view: &View<'v>, interface: &NetworkInterface) -> Vec<GroupIdentifier<'v>> {
    let groups = interface.groups.iter().filter_map(|id| view.find::<SecurityGroups, _>(*id));
    groups.map(|row| GroupIdentifier { group_id: row.id, group_name: &row.name }).collect()
}

/// The disks of an instance.
pub fn block_devices<'v>(view: &View<'v>, row: &Instance) -> Vec<BlockDevice<'v>> {
    view.volumes_of(row).into_iter().filter_map(block_device).collect()
}

fn block_device(volume: &Volume) -> Option<BlockDevice<'_>> {
    let attachment = volume.attachment.as_ref()?;
    Some(BlockDevice {
        device_name: &attachment.device,
        ebs: EbsBlockDevice {
            volume_id: volume.id,
            status: attachment.state.name(),
            attach_time: time(attachment.attached_at),
            delete_on_termination: attachment.delete_on_termination,
        },
    })
}

fn interface_shape<'v>(
    view: &View<'v>,
    row: &Instance,
    interface: &'v NetworkInterface,
    named: bool,
) -> InterfaceShape<'v> {
    let attachment = interface.attachment.as_ref().map(|attachment| AttachmentShape {
        attachment_id: attachment.id,
        device_index: attachment.device_index,
        status: attachment.state.name(),
        attach_time: time(attachment.attached_at),
        delete_on_termination: attachment.delete_on_termination,
        network_card_index: 0,
    });
    let addresses = interface.addresses.iter().enumerate().map(|(index, address)| PrivateAddress {
        private_ip_address: *address,
        private_dns_name: private_name(row.scope.region, *address),
        primary: index == 0,
        association: association(view, interface, *address, named),
    });
    let addresses: Vec<_> = addresses.collect();
    let primary = addresses.first();
    InterfaceShape {
        network_interface_id: interface.id,
        subnet_id: interface.subnet,
        vpc_id: interface.vpc,
        description: &interface.description,
        owner_id: row.scope.account,
        status: "in-use",
        mac_address: interface.mac,
        private_ip_address: interface.primary(),
        private_dns_name: primary.map(|address| address.private_dns_name.clone()).unwrap_or_default(),
        source_dest_check: interface.source_dest_check,
        group_set: group_set(view, interface),
        attachment,
        association: primary.and_then(|address| address.association.clone()),
        private_ip_addresses_set: addresses,
        ipv6_addresses_set: ipv6_addresses(interface),
        interface_type: "interface",
    }
}

fn association(
    view: &View<'_>,
    interface: &NetworkInterface,
    private: Ipv4Addr,
    named: bool,
) -> Option<AssociationShape> {
    let elastic = view.elastic_of(interface.id, private);
    let given = if private == interface.primary() { interface.public_address } else { None };
    let public = elastic.map(|row| row.public).or(given)?;
    Some(AssociationShape {
        public_ip: public,
        public_dns_name: if named { public_name(view, public) } else { String::new() },
        // An address that a start gave belongs to the provider, as EC2 says it.
        ip_owner_id: if elastic.is_some() { interface.scope.account.to_string() } else { "amazon".into() },
    })
}
