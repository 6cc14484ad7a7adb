//! The filters of DescribeInstances.

use landfall_cloud::View;
use landfall_cloud::network::private_name;
use landfall_cloud::plan::public_name;
use landfall_model::{BootMode, Instance, InstanceState, InstanceType, NetworkInterface, Volume};

use super::group_names;
use super::instance::{MetadataShape, has_public_names, switch};
use crate::filter::{FilterNames, Selection, Values, many, maybe, one, shown};

/// The names. Refused are those of things that instances here never have.
pub const NAMES: FilterNames = FilterNames {
    known: &[
        "architecture",
        "availability-zone",
        "availability-zone-id",
        "block-device-mapping.attach-time",
        "block-device-mapping.delete-on-termination",
        "block-device-mapping.device-name",
        "block-device-mapping.status",
        "block-device-mapping.volume-id",
        "boot-mode",
        "capacity-reservation-specification.capacity-reservation-preference",
        "client-token",
        "current-instance-boot-mode",
        "dns-name",
        "ebs-optimized",
        "ena-support",
        "enclave-options.enabled",
        "hibernation-options.configured",
        "hypervisor",
        "iam-instance-profile.arn",
        "iam-instance-profile.id",
        "image-id",
        "instance-id",
        "instance-state-code",
        "instance-state-name",
        "instance-type",
        "instance.group-id",
        "instance.group-name",
        "ip-address",
        "ipv6-address",
        "key-name",
        "launch-index",
        "launch-time",
        "maintenance-options.auto-recovery",
        "metadata-options.http-endpoint",
        "metadata-options.http-protocol-ipv4",
        "metadata-options.http-protocol-ipv6",
        "metadata-options.http-put-response-hop-limit",
        "metadata-options.http-tokens",
        "metadata-options.instance-metadata-tags",
        "metadata-options.state",
        "monitoring-state",
        "network-interface.addresses.association.allocation-id",
        "network-interface.addresses.association.association-id",
        "network-interface.addresses.association.ip-owner-id",
        "network-interface.addresses.association.public-dns-name",
        "network-interface.addresses.association.public-ip",
        "network-interface.addresses.primary",
        "network-interface.addresses.private-dns-name",
        "network-interface.addresses.private-ip-address",
        "network-interface.association.allocation-id",
        "network-interface.association.association-id",
        "network-interface.association.ip-owner-id",
        "network-interface.association.public-dns-name",
        "network-interface.association.public-ip",
        "network-interface.attachment.attach-time",
        "network-interface.attachment.attachment-id",
        "network-interface.attachment.delete-on-termination",
        "network-interface.attachment.device-index",
        "network-interface.attachment.instance-id",
        "network-interface.attachment.instance-owner-id",
        "network-interface.attachment.network-card-index",
        "network-interface.attachment.status",
        "network-interface.availability-zone",
        "network-interface.description",
        "network-interface.group-id",
        "network-interface.group-name",
        "network-interface.ipv6-address",
        "network-interface.ipv6-addresses.ipv6-address",
        "network-interface.ipv6-addresses.is-primary-ipv6",
        "network-interface.mac-address",
        "network-interface.network-interface-id",
        "network-interface.owner-id",
        "network-interface.private-dns-name",
        "network-interface.private-ip-address",
        "network-interface.public-dns-name",
        "network-interface.requester-managed",
        "network-interface.source-dest-check",
        "network-interface.status",
        "network-interface.subnet-id",
        "network-interface.tag-key",
        "network-interface.tag-value",
        "network-interface.vpc-id",
        "owner-id",
        "platform-details",
        "private-dns-name",
        "private-dns-name-options.enable-resource-name-dns-a-record",
        "private-dns-name-options.enable-resource-name-dns-aaaa-record",
        "private-dns-name-options.hostname-type",
        "private-ip-address",
        "reason",
        "reservation-id",
        "root-device-name",
        "root-device-type",
        "source-dest-check",
        "state-reason-code",
        "state-reason-message",
        "subnet-id",
        "tag-key",
        "tenancy",
        "usage-operation",
        "usage-operation-update-time",
        "virtualization-type",
        "vpc-id",
    ],
    refused: &[
        "affinity",
        "capacity-reservation-id",
        "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id",
        "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn",
        "host-id",
        "instance-lifecycle",
        "kernel-id",
        "network-interface.addresses.association.carrier-ip",
        "network-interface.addresses.association.customer-owned-ip",
        "network-interface.association.carrier-ip",
        "network-interface.association.customer-owned-ip",
        "network-interface.deny-all-igw-traffic",
        "network-interface.ipv4-prefixes.ipv4-prefix",
        "network-interface.ipv6-native",
        "network-interface.ipv6-prefixes.ipv6-prefix",
        "network-interface.operator.managed",
        "network-interface.operator.principal",
        "network-interface.outpost-arn",
        "network-interface.requester-id",
        "network-performance-options.bandwidth-weighting",
        "operator.managed",
        "operator.principal",
        "outpost-arn",
        "placement-group-name",
        "placement-partition-number",
        "platform",
        "product-code",
        "product-code.type",
        "ramdisk-id",
        "requester-id",
        "spot-instance-request-id",
        "tpm-support",
    ],
};

/// Whether an instance matches.
pub fn matches(view: &View<'_>, selection: &Selection, row: &Instance) -> bool {
    selection.is_empty() || selection.matches(view.tags(&row.id.to_string()), |name| field(view, row, name))
}

fn field<'v>(view: &View<'v>, row: &'v Instance, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("network-interface.") {
        return view.interfaces_of(row.id).flat_map(|interface| interface_field(view, row, interface, name)).collect();
    }
    if let Some(name) = name.strip_prefix("block-device-mapping.") {
        return view.volumes_of(row).into_iter().flat_map(|volume| disk_field(volume, name)).collect();
    }
    if let Some(name) = name.strip_prefix("metadata-options.") {
        return metadata_field(row, name);
    }
    let primary = view.primary_interface(row.id);
    let public = primary.and_then(|interface| view.public_of(interface, interface.primary()));
    match name {
        "availability-zone" => shown(row.spec.zone),
        "availability-zone-id" => shown(row.spec.zone.zone_id()),
        "client-token" => maybe(row.spec.client_token.as_deref()),
        "dns-name" => public
            .filter(|_| has_public_names(view, row.spec.vpc))
            .map_or_else(Vec::new, |a| shown(public_name(view, a))),
        "ebs-optimized" => shown(row.spec.ebs_optimized),
        "iam-instance-profile.arn" => many(view.profile_of(row.id).map(|row| &row.arn)),
        "iam-instance-profile.id" => many(view.profile_of(row.id).map(|row| &row.profile)),
        "image-id" => shown(row.spec.image),
        "instance-id" => shown(row.id),
        "instance-state-code" => shown(row.status.state.code()),
        "instance-state-name" => one(row.status.state.name()),
        "instance-type" => one(row.spec.instance_type.as_str()),
        "instance.group-id" => primary.map_or_else(Vec::new, |interface| many(&interface.groups)),
        "instance.group-name" => primary.map_or_else(Vec::new, |interface| group_names(view, interface)),
        "ip-address" => many(public),
        "ipv6-address" => many(primary.and_then(|interface| interface.ipv6.first())),
        "key-name" => maybe(row.spec.key.as_ref().map(|(name, _)| name.as_str())),
        "launch-index" => shown(row.spec.launch_index),
        "launch-time" | "usage-operation-update-time" => shown(row.spec.launched_at),
        "monitoring-state" => one(switch(row.spec.monitoring)),
        "owner-id" => shown(row.scope.account),
        "private-dns-name" => {
            primary.map_or_else(Vec::new, |interface| shown(private_name(row.scope.region, interface.primary())))
        }
        "private-ip-address" => many(primary.map(NetworkInterface::primary)),
        "reason" => one(row.status.transition_reason.as_str()),
        "reservation-id" => shown(row.spec.reservation),
        "root-device-name" => one(row.spec.root_device.as_str()),
        "source-dest-check" => many(primary.map(|interface| interface.source_dest_check)),
        "state-reason-code" => maybe(row.status.reason.as_ref().map(|reason| reason.code.as_str())),
        "state-reason-message" => maybe(row.status.reason.as_ref().map(|reason| reason.message.as_str())),
        "subnet-id" if row.status.state != InstanceState::Terminated => shown(row.spec.subnet),
        "vpc-id" if row.status.state != InstanceState::Terminated => shown(row.spec.vpc),
        _ => same_for_all(view, row, name),
    }
}

/// Fields that every instance has alike, or that its image says.
fn same_for_all<'v>(view: &View<'v>, row: &'v Instance, name: &str) -> Values<'v> {
    let traits = view.traits(row);
    let boot_mode = traits.and_then(|traits| traits.boot_mode);
    match name {
        "architecture" => one(traits.map_or("x86_64", |traits| traits.architecture)),
        "platform-details" => one(traits.map_or("Linux/UNIX", |traits| traits.platform_details)),
        "boot-mode" => maybe(boot_mode.map(BootMode::name)),
        "current-instance-boot-mode" => {
            one(BootMode::current(boot_mode, InstanceType::find(&row.spec.instance_type)).name())
        }
        "capacity-reservation-specification.capacity-reservation-preference" => one("open"),
        "ena-support" => one("true"),
        "enclave-options.enabled"
        | "hibernation-options.configured"
        | "private-dns-name-options.enable-resource-name-dns-a-record"
        | "private-dns-name-options.enable-resource-name-dns-aaaa-record" => one("false"),
        "hypervisor" => one("xen"),
        "maintenance-options.auto-recovery" | "tenancy" => one("default"),
        "private-dns-name-options.hostname-type" => one("ip-name"),
        "root-device-type" => one("ebs"),
        "usage-operation" => one("RunInstances"),
        "virtualization-type" => one("hvm"),
        _ => Vec::new(),
    }
}

fn disk_field<'v>(volume: &'v Volume, name: &str) -> Values<'v> {
    let Some(attachment) = volume.attachment.as_ref() else { return Vec::new() };
    match name {
        "attach-time" => shown(attachment.attached_at),
        "delete-on-termination" => shown(attachment.delete_on_termination),
        "device-name" => one(attachment.device.as_str()),
        "status" => one(attachment.state.name()),
        "volume-id" => shown(volume.id),
        _ => Vec::new(),
    }
}

fn metadata_field<'v>(row: &Instance, name: &str) -> Values<'v> {
    let options = &row.spec.metadata;
    match name {
        "http-endpoint" | "http-protocol-ipv4" => one(switch(options.enabled)),
        "http-protocol-ipv6" => one(switch(options.ipv6)),
        "http-put-response-hop-limit" => shown(options.hop_limit),
        "http-tokens" => one(MetadataShape::from(options).http_tokens()),
        "instance-metadata-tags" => one(switch(options.tags)),
        "state" => one("applied"),
        _ => Vec::new(),
    }
}

fn interface_field<'v>(view: &View<'v>, row: &Instance, interface: &'v NetworkInterface, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("attachment.") {
        let Some(attachment) = interface.attachment.as_ref() else { return Vec::new() };
        return match name {
            "attach-time" => shown(attachment.attached_at),
            "attachment-id" => shown(attachment.id),
            "delete-on-termination" => shown(attachment.delete_on_termination),
            "device-index" => shown(attachment.device_index),
            "instance-id" => shown(attachment.instance),
            "instance-owner-id" => shown(row.scope.account),
            "network-card-index" => one("0"),
            "status" => one(attachment.state.name()),
            _ => Vec::new(),
        };
    }
    if let Some(name) = name.strip_prefix("addresses.association.") {
        return interface.addresses.iter().flat_map(|a| association_field(view, interface, *a, name)).collect();
    }
    if let Some(name) = name.strip_prefix("association.") {
        return association_field(view, interface, interface.primary(), name);
    }
    let tags = view.tags(&interface.id.to_string());
    match name {
        "addresses.primary" => many(interface.addresses.iter().enumerate().map(|(index, _)| index == 0)),
        "addresses.private-dns-name" => {
            many(interface.addresses.iter().map(|address| private_name(row.scope.region, *address)))
        }
        "addresses.private-ip-address" => many(&interface.addresses),
        "availability-zone" => shown(interface.zone),
        "description" => one(interface.description.as_str()),
        "group-id" => many(&interface.groups),
        "group-name" => group_names(view, interface),
        "ipv6-address" => many(interface.ipv6.first()),
        "ipv6-addresses.ipv6-address" => many(&interface.ipv6),
        "ipv6-addresses.is-primary-ipv6" => {
            many((0..interface.ipv6.len()).map(|index| index == 0 && interface.primary_ipv6))
        }
        "mac-address" => shown(interface.mac),
        "network-interface-id" => shown(interface.id),
        "owner-id" => shown(interface.scope.account),
        "private-dns-name" => shown(private_name(row.scope.region, interface.primary())),
        "private-ip-address" => shown(interface.primary()),
        "public-dns-name" => association_field(view, interface, interface.primary(), "public-dns-name"),
        "requester-managed" => one("false"),
        "source-dest-check" => shown(interface.source_dest_check),
        "status" => one("in-use"),
        "subnet-id" => shown(interface.subnet),
        "tag-key" => tags.map_or_else(Vec::new, |tags| many(tags.keys())),
        "tag-value" => tags.map_or_else(Vec::new, |tags| many(tags.values())),
        "vpc-id" => shown(interface.vpc),
        _ => Vec::new(),
    }
}

fn association_field<'v>(
    view: &View<'v>,
    interface: &NetworkInterface,
    private: std::net::Ipv4Addr,
    name: &str,
) -> Values<'v> {
    let Some(public) = view.public_of(interface, private) else { return Vec::new() };
    let elastic = view.elastic_of(interface.id, private);
    match name {
        "allocation-id" => many(elastic.map(|row| row.id)),
        "association-id" => many(elastic.and_then(|row| row.association.as_ref()).map(|association| association.id)),
        "ip-owner-id" => elastic.map_or_else(|| one("amazon"), |row| shown(row.scope.account)),
        "public-dns-name" if has_public_names(view, interface.vpc) => shown(public_name(view, public)),
        "public-ip" => shown(public),
        _ => Vec::new(),
    }
}
