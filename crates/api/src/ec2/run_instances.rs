//! ec2:RunInstances. Launches instances from an image: reads a request into an order, and has it launched.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use landfall_cloud::launch::{self, InterfaceOrder, Order};
use landfall_cloud::value::{Interfaces, Subnets};
use landfall_cloud::volume::attachment::check_count;
use landfall_cloud::{Fault, Tx, View};
use landfall_model::{
    Arn, InstanceKind, InstanceType, InterfaceId, InterfaceKind, SecurityGroupId, ShutdownBehavior, SubnetId,
    VolumeKindId, ZoneName,
};
use serde::Deserialize;

use super::describe_instances::by_reservation;
use super::shape::TagSpecifications;
use super::shape::block_device::{BlockDeviceIn, snapshots, volumes};
use super::shape::image_ref::ImageRef;
use super::shape::instance::Reservation;
use super::shape::instance_profile::ProfileIn;
use super::shape::metadata::{MetadataIn, choice};
use super::shape::new_interface::{Ipv6AddressIn, PrivateAddressIn, ipv6, private};
use super::shape::permission::default_vpc_group;
use super::shape::unsupported::{Off, Unconfigured, Unsupported, refuse_parameters};
use super::shape::{key_pair, snapshot, user_data};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RunInstances {
    image_id: Option<ImageRef>,
    instance_type: Option<String>,
    min_count: i64,
    max_count: i64,
    key_name: Option<String>,
    #[serde(default)]
    security_group_id: Vec<SecurityGroupId>,
    #[serde(default)]
    security_group: Vec<String>,
    subnet_id: Option<SubnetId>,
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default)]
    network_interface: Vec<InterfaceIn>,
    #[serde(default)]
    placement: PlacementIn,
    monitoring: Option<MonitoringIn>,
    user_data: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(default)]
    iam_instance_profile: ProfileIn,
    #[serde(default)]
    block_device_mapping: Vec<BlockDeviceIn>,
    #[serde(default)]
    disable_api_termination: bool,
    #[serde(default)]
    disable_api_stop: bool,
    instance_initiated_shutdown_behavior: Option<String>,
    #[serde(default)]
    metadata_options: MetadataIn,
    credit_specification: Option<CreditIn>,
    #[serde(default)]
    ebs_optimized: bool,
    hibernation_options: Option<Unconfigured>,
    enclave_options: Option<Off>,
    maintenance_options: Option<MaintenanceIn>,
    private_dns_name_options: Option<PrivateDnsNameIn>,
    capacity_reservation_specification: Option<CapacityReservationIn>,
    ipv6_address_count: Option<u32>,
    #[serde(default)]
    ipv6_address: Vec<Ipv6AddressIn>,
    #[serde(default)]
    enable_primary_ipv6: bool,
    #[serde(skip)]
    client_token: Option<String>,
    additional_info: Option<Unsupported>,
    cpu_options: Option<Unsupported>,
    elastic_gpu_specification: Option<Unsupported>,
    elastic_inference_accelerator: Option<Unsupported>,
    instance_market_options: Option<Unsupported>,
    kernel_id: Option<Unsupported>,
    launch_template: Option<Unsupported>,
    license_specification: Option<Unsupported>,
    network_performance_options: Option<Unsupported>,
    operator: Option<Unsupported>,
    ramdisk_id: Option<Unsupported>,
    secondary_interface: Option<Unsupported>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PlacementIn {
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    tenancy: Option<String>,
    #[serde(default)]
    group_name: String,
    affinity: Option<Unsupported>,
    group_id: Option<Unsupported>,
    host_id: Option<Unsupported>,
    host_resource_group_arn: Option<Unsupported>,
    partition_number: Option<Unsupported>,
    spread_domain: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MonitoringIn {
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreditIn {
    cpu_credits: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MaintenanceIn {
    auto_recovery: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PrivateDnsNameIn {
    hostname_type: Option<String>,
    #[serde(default, rename = "EnableResourceNameDnsARecord")]
    a: bool,
    #[serde(default, rename = "EnableResourceNameDnsAAAARecord")]
    aaaa: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CapacityReservationIn {
    capacity_reservation_preference: Option<String>,
    capacity_reservation_target: Option<Unsupported>,
}

/// `NetworkInterface.N`: an interface to make, or one that exists.
#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InterfaceIn {
    device_index: Option<u32>,
    network_interface_id: Option<InterfaceId>,
    subnet_id: Option<SubnetId>,
    #[serde(default)]
    security_group_id: Vec<SecurityGroupId>,
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default)]
    private_ip_addresses: Vec<PrivateAddressIn>,
    #[serde(default)]
    secondary_private_ip_address_count: u32,
    associate_public_ip_address: Option<bool>,
    delete_on_termination: Option<bool>,
    #[serde(default)]
    description: String,
    interface_type: Option<String>,
    #[serde(default)]
    network_card_index: u32,
    ipv6_address_count: Option<u32>,
    #[serde(default)]
    ipv6_addresses: Vec<Ipv6AddressIn>,
    #[serde(default)]
    primary_ipv6: bool,
    #[serde(default)]
    associate_carrier_ip_address: bool,
    ipv4_prefix: Option<Unsupported>,
    ipv4_prefix_count: Option<Unsupported>,
    ipv6_prefix: Option<Unsupported>,
    ipv6_prefix_count: Option<Unsupported>,
    ena_srd_specification: Option<Unsupported>,
    ena_queue_count: Option<Unsupported>,
    connection_tracking_specification: Option<Unsupported>,
}

/// The most instances of one call, so that one transaction's work is bounded.
const MAX_COUNT: i64 = 1000;

impl Write for RunInstances {
    const ACTION: Action = Action::ec2("RunInstances");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = Reservation<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    /// Source: the service authorisation reference: the instance, image, interface, subnet, groups, volume and key pair
    /// each demand the action, and tagging demands its own.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let scope = view.scope();
        let kind = self.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
        let tags = |kind: &str| self.tag_specification.claimed(kind);
        let zone = self.zone_of(view);
        let demand = demands.new_ec2::<InstanceKind>(Self::ACTION);
        demand.request_tags(&tags("instance")).with("ec2:InstanceType", kind).with("ec2:Tenancy", "default");
        demand.with("ec2:RootDeviceType", "ebs").with("ec2:EbsOptimized", self.ebs_optimized);
        demand.with("ec2:MetadataHttpEndpoint", self.metadata_options.http_endpoint.as_deref().unwrap_or("enabled"));
        demand.with("ec2:MetadataHttpTokens", self.metadata_options.http_tokens.as_deref().unwrap_or("optional"));
        demand.with(
            "ec2:MetadataHttpPutResponseHopLimit",
            self.metadata_options.http_put_response_hop_limit.unwrap_or(1),
        );
        if let Some(zone) = zone {
            demand.with("ec2:AvailabilityZone", zone);
        }
        if let Some(arn) = self.iam_instance_profile.arn(view) {
            demand.with("ec2:InstanceProfile", arn);
        }
        if let Some(image) = &self.image_id {
            image.demand(view, demands);
        }
        if let Some(image) = self.image_id.as_ref().and_then(|image| image.resolve(view).ok()) {
            let owner = view
                .image(image)
                .and_then(|row| row.names.first())
                .map(|name| name.alias.clone().unwrap_or_else(|| name.owner.clone()));
            let demand = demands.resource(Self::ACTION, Arn::ec2_public(scope, image));
            demand.with("ec2:ImageID", image).with("ec2:RootDeviceType", "ebs").with("ec2:Public", true);
            if let Some(tags) = view.tags(&image.to_string()) {
                demand.resource_tags(tags);
            }
            if let Some(owner) = owner {
                demand.with("ec2:Owner", owner);
            }
        }
        demands.new_ec2::<InterfaceKind>(Self::ACTION).request_tags(&tags("network-interface"));
        demands.new_ec2::<VolumeKindId>(Self::ACTION).request_tags(&tags("volume"));
        for id in snapshots(&self.block_device_mapping) {
            snapshot::demand(view, demands, Self::ACTION, id);
        }
        for (existing, subnet, groups) in self.claims() {
            let of_existing = existing.and_then(|id| view.find::<Interfaces, _>(id)).map(|row| row.subnet);
            let default = || view.default_subnet(zone).ok().map(|row| row.id);
            if let Some(id) = subnet.or(of_existing).or_else(default) {
                demands.ec2(view, Self::ACTION, id);
            }
            for &id in groups {
                demands.ec2(view, Self::ACTION, id);
            }
            if let Some(id) = existing {
                demands.ec2(view, Self::ACTION, id);
            }
        }
        // A group that is denied by its id must not be had by its name.
        for id in self.security_group.iter().filter_map(|name| default_vpc_group(view, name).ok()) {
            demands.ec2(view, Self::ACTION, id);
        }
        if let Some(name) = &self.key_name {
            key_pair::demand(view, demands, Self::ACTION, name).with("ec2:KeyPairName", name);
        }
        let made = Arn::new("ec2", scope, "instance/*");
        self.iam_instance_profile.demand(view, demands, &made);
        for kind in TAGGED {
            demands.tagging(Self::ACTION, kind, &tags(kind));
        }
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Reservation<'t>, ApiError> {
        self.refuse()?;
        let order = self.order(&tx.view())?;
        let (reservation, _) = launch::launch(tx, &order)?;
        let view = tx.view();
        let rows = view.tables().instances.by_reservation(&reservation).collect();
        by_reservation(&view, rows).pop().ok_or_else(ApiError::internal)
    }
}

/// Kinds that a launch makes and tags.
const TAGGED: [&str; 3] = ["instance", "volume", "network-interface"];
/// The type of instances that say none, as EC2 has it.
const DEFAULT_TYPE: &str = "m1.small";

impl RunInstances {
    /// Refuses what isn't acted on, by name.
    fn refuse(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; additional_info, cpu_options, elastic_gpu_specification, elastic_inference_accelerator,
            instance_market_options, kernel_id, launch_template,
            license_specification, network_performance_options, operator, ramdisk_id, secondary_interface);
        refuse_parameters!(self.placement; affinity, group_id, host_id, host_resource_group_arn, partition_number,
            spread_domain);
        Unconfigured::check(self.hibernation_options, "HibernationOptions.Configured")?;
        Off::check(self.enclave_options, "EnclaveOptions.Enabled")?;
        let refuse = |wanted: bool, what: &str| if wanted { Err(ApiError::unsupported(what)) } else { Ok(()) };
        refuse(!self.placement.group_name.is_empty(), "the parameter Placement.GroupName")?;
        let tenancy = self.placement.tenancy.as_deref();
        refuse(tenancy.is_some_and(|tenancy| tenancy != "default"), "Placement.Tenancy other than 'default'")?;
        let recovery = self.maintenance_options.as_ref().and_then(|options| options.auto_recovery.as_deref());
        refuse(recovery.is_some_and(|word| word != "default"), "MaintenanceOptions.AutoRecovery other than 'default'")?;
        if let Some(names) = &self.private_dns_name_options {
            let other = names.hostname_type.as_deref().is_some_and(|kind| kind != "ip-name");
            refuse(other || names.a || names.aaaa, "PrivateDnsNameOptions other than 'ip-name'")?;
        }
        if let Some(reservation) = &self.capacity_reservation_specification {
            refuse_parameters!(reservation; capacity_reservation_target);
            let word = reservation.capacity_reservation_preference.as_deref().unwrap_or("open");
            refuse(!matches!(word, "open" | "none"), "CapacityReservationPreference other than 'open' and 'none'")?;
        }
        self.network_interface.iter().try_for_each(InterfaceIn::refuse)
    }

    fn order(self, view: &View<'_>) -> Result<Order, ApiError> {
        let (min, max) = self.counts()?;
        let image_id = self.image_id.as_ref().ok_or_else(|| ApiError::missing("ImageId"))?.resolve(view)?;
        let name = self.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
        let kind = InstanceType::find(name).ok_or_else(|| {
            let message = format!("Invalid value '{name}' for InstanceType.");
            ApiError::new("InvalidParameterValue", message)
        })?;
        let image = view.image(image_id).ok_or_else(|| Fault::no_such(image_id))?;
        let mut metadata = landfall_model::MetadataOptions { tokens_required: image.imds_v2, ..Default::default() };
        if image.imds_v2 {
            metadata.hop_limit = 2;
        }
        self.metadata_options.apply(&mut metadata)?;
        self.tag_specification.check(&TAGGED)?;
        let user_data = self.user_data.as_deref().map(user_data::parse).transpose()?.flatten();
        let shutdown_behavior = match self.instance_initiated_shutdown_behavior.as_deref() {
            Some(word) if choice("InstanceInitiatedShutdownBehavior", word, "terminate", "stop")? => {
                ShutdownBehavior::Terminate
            }
            _ => ShutdownBehavior::Stop,
        };
        let cpu_credits = self.credits(kind)?;
        let interfaces = self.interfaces(view)?;
        let volumes = volumes(view, image, &self.block_device_mapping)?;
        check_count(volumes.len() + interfaces.len())?;
        let tags = |kind: &str| -> Result<BTreeMap<String, String>, ApiError> { self.tag_specification.of(kind) };
        Ok(Order {
            image: image_id,
            kind,
            min,
            max,
            zone: self.zone(view)?,
            volumes,
            instance_tags: tags("instance")?,
            volume_tags: tags("volume")?,
            interface_tags: tags("network-interface")?,
            key_name: self.key_name,
            interfaces,
            user_data,
            shutdown_behavior,
            disable_api_termination: self.disable_api_termination,
            disable_api_stop: self.disable_api_stop,
            monitoring: self.monitoring.is_some_and(|monitoring| monitoring.enabled),
            ebs_optimized: self.ebs_optimized,
            metadata,
            cpu_credits,
            profile: self.iam_instance_profile.name()?,
            client_token: self.client_token,
        })
    }

    fn counts(&self) -> Result<(u32, u32), ApiError> {
        let (min, max) = (self.min_count, self.max_count);
        if min < 1 || max < 1 {
            return Err(ApiError::invalid("minCount or maxCount", min.min(max), "It must be at least 1."));
        }
        if min > max {
            return Err(ApiError::combination("The minimum count is greater than the maximum count."));
        }
        if min > MAX_COUNT {
            let message = format!("You have requested more instances ({min}) than one call launches ({MAX_COUNT}).");
            return Err(ApiError::new("InstanceLimitExceeded", message));
        }
        let bounded = |count: i64| u32::try_from(count.min(MAX_COUNT)).unwrap_or(1);
        Ok((bounded(min), bounded(max)))
    }

    fn credits(&self, kind: InstanceType) -> Result<Option<String>, ApiError> {
        let Some(credit) = &self.credit_specification else {
            return Ok(kind.family.burstable.then(|| kind.family.default_credits.to_owned()));
        };
        choice("CpuCredits", &credit.cpu_credits, "standard", "unlimited")?;
        if !kind.family.burstable {
            let message = format!("CpuCredits are not supported for the instance type {}.", kind.name());
            return Err(ApiError::combination(message));
        }
        Ok(Some(credit.cpu_credits.clone()))
    }

    /// The zone that was asked for by name or id.
    fn zone(&self, view: &View<'_>) -> Result<Option<ZoneName>, ApiError> {
        let region = view.scope().region;
        let unknown =
            |text: &str| ApiError::new("InvalidParameterValue", format!("Invalid availability zone: [{text}]"));
        if let Some(id) = &self.placement.availability_zone_id {
            return region.zones().find(|zone| zone.zone_id() == *id).map(Some).ok_or_else(|| unknown(id));
        }
        match self.placement.availability_zone.as_deref().filter(|name| !name.is_empty()) {
            None => Ok(None),
            Some(name) => {
                let zone = name.parse().ok().filter(|zone: &ZoneName| zone.region == region);
                zone.map(Some).ok_or_else(|| unknown(name))
            }
        }
    }

    /// The zone that the launch comes to, as far as it can be told before it is checked: for demands.
    fn zone_of(&self, view: &View<'_>) -> Option<ZoneName> {
        let subnet = self.subnet_id.or_else(|| self.network_interface.first().and_then(|each| each.subnet_id));
        let of_subnet = subnet.and_then(|id| view.find::<Subnets, _>(id)).map(|row| row.zone);
        of_subnet.or_else(|| self.zone(view).ok().flatten())
    }

    /// What each interface is made of: one that is there, its subnet, its groups.
    fn claims(&self) -> Vec<(Option<InterfaceId>, Option<SubnetId>, &[SecurityGroupId])> {
        if self.network_interface.is_empty() {
            return vec![(None, self.subnet_id, &self.security_group_id)];
        }
        let list = self.network_interface.iter();
        list.map(|each| (each.network_interface_id, each.subnet_id, &*each.security_group_id)).collect()
    }

    /// The interfaces as they were asked for, before anything is looked up.
    fn interface_orders(&self) -> Result<Vec<InterfaceOrder>, ApiError> {
        if self.network_interface.is_empty() {
            let ipv6 = ipv6(&self.ipv6_address, self.ipv6_address_count, self.enable_primary_ipv6)?;
            return Ok(vec![InterfaceOrder {
                subnet: self.subnet_id,
                groups: self.security_group_id.clone(),
                address: self.private_ip_address,
                ipv6: ipv6.addresses,
                ipv6_count: ipv6.count,
                primary_ipv6: ipv6.primary,
                delete_on_termination: true,
                ..InterfaceOrder::default()
            }]);
        }
        self.network_interface.iter().map(InterfaceIn::order).collect()
    }

    fn interfaces(&self, view: &View<'_>) -> Result<Vec<InterfaceOrder>, ApiError> {
        let mut orders = self.interface_orders()?;
        if self.network_interface.is_empty() {
            let named = self.groups_by_name(view)?;
            orders[0].groups.extend(named);
            return self.check_count(orders);
        }
        if self.subnet_id.is_some() || !self.security_group_id.is_empty() || !self.security_group.is_empty() {
            return Err(ApiError::combination(
                "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request",
            ));
        }
        if self.private_ip_address.is_some() {
            return Err(ApiError::combination(
                "Network interfaces and an instance-level private IP address may not be specified on the same request",
            ));
        }
        if !self.ipv6_address.is_empty() || self.ipv6_address_count.is_some() || self.enable_primary_ipv6 {
            return Err(ApiError::combination(
                "Network interfaces and instance-level IPv6 addresses may not be specified on the same request",
            ));
        }
        if self.network_interface.iter().any(|each| each.device_index.is_none()) {
            return Err(ApiError::missing("NetworkInterface.DeviceIndex"));
        }
        orders.sort_by_key(|order| order.device_index);
        if orders.windows(2).any(|pair| pair[0].device_index == pair[1].device_index) {
            return Err(ApiError::new(
                "InvalidParameterCombination",
                "Each network interface requires a unique device index.",
            ));
        }
        if orders[0].device_index != 0 {
            return Err(ApiError::invalid(
                "NetworkInterface.DeviceIndex",
                orders[0].device_index,
                "The primary interface has device index 0.",
            ));
        }
        let public = orders.iter().any(|order| order.public_address == Some(true));
        if public && orders.len() > 1 {
            return Err(ApiError::combination(
                "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.",
            ));
        }
        self.check_count(orders)
    }

    /// That what only one instance can have is asked for one only.
    fn check_count(&self, orders: Vec<InterfaceOrder>) -> Result<Vec<InterfaceOrder>, ApiError> {
        let one_only = |order: &InterfaceOrder| {
            order.address.is_some() || order.existing.is_some() || !order.secondary.is_empty() || !order.ipv6.is_empty()
        };
        if self.max_count > 1 && orders.iter().any(one_only) {
            return Err(ApiError::combination("A private address or an existing interface is for one instance only."));
        }
        Ok(orders)
    }

    /// Groups named by name are those of the default VPC, or of the subnet's VPC.
    fn groups_by_name(&self, view: &View<'_>) -> Result<Vec<SecurityGroupId>, ApiError> {
        if self.security_group.is_empty() {
            return Ok(Vec::new());
        }
        if self.subnet_id.is_some() {
            return Err(ApiError::combination("The parameter groupName cannot be used with the parameter subnet"));
        }
        view.default_vpc().ok_or(Fault::NoDefaultVpc)?;
        self.security_group.iter().map(|name| default_vpc_group(view, name)).collect()
    }
}

impl InterfaceIn {
    fn refuse(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; ipv4_prefix, ipv4_prefix_count, ipv6_prefix, ipv6_prefix_count,
            ena_srd_specification, ena_queue_count, connection_tracking_specification);
        let refuse = |wanted: bool, what: &str| if wanted { Err(ApiError::unsupported(what)) } else { Ok(()) };
        refuse(self.associate_carrier_ip_address, "the parameter NetworkInterface.AssociateCarrierIpAddress")?;
        refuse(self.network_card_index > 0, "NetworkInterface.NetworkCardIndex other than 0")?;
        let kind = self.interface_type.as_deref().unwrap_or("interface");
        refuse(kind != "interface", "NetworkInterface.InterfaceType other than 'interface'")?;
        let is_made = self.subnet_id.is_some()
            || !self.security_group_id.is_empty()
            || self.private_ip_address.is_some()
            || !self.private_ip_addresses.is_empty()
            || self.secondary_private_ip_address_count > 0
            || self.associate_public_ip_address.is_some()
            || !self.ipv6_addresses.is_empty()
            || self.ipv6_address_count.is_some()
            || self.primary_ipv6
            || !self.description.is_empty();
        if self.network_interface_id.is_some() && is_made {
            return Err(ApiError::combination(
                "A network interface may not specify both a network interface ID and what a new one is to be like",
            ));
        }
        Ok(())
    }

    fn order(&self) -> Result<InterfaceOrder, ApiError> {
        let count = self.secondary_private_ip_address_count;
        let (address, secondary) = private(self.private_ip_address, &self.private_ip_addresses, count)?;
        let ipv6 = ipv6(&self.ipv6_addresses, self.ipv6_address_count, self.primary_ipv6)?;
        Ok(InterfaceOrder {
            device_index: self.device_index.unwrap_or(0),
            subnet: self.subnet_id,
            groups: self.security_group_id.clone(),
            address,
            secondary,
            secondary_count: count,
            ipv6: ipv6.addresses,
            ipv6_count: ipv6.count,
            primary_ipv6: ipv6.primary,
            public_address: self.associate_public_ip_address,
            description: self.description.clone(),
            // An interface that was there before stays; one that is made here goes with the instance.
            delete_on_termination: self.delete_on_termination.unwrap_or(self.network_interface_id.is_none()),
            existing: self.network_interface_id,
        })
    }
}
