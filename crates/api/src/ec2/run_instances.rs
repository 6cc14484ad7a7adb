//! ec2:RunInstances. Launches instances from an image: reads a request into an order, and has it launched.

mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use landfall_cloud::image::FoundImage;
use landfall_cloud::launch::{self, InterfaceOrder, Order};
use landfall_cloud::snapshot::source as snapshot_source;
use landfall_cloud::value::{Interfaces, Subnets};
use landfall_cloud::volume::NewDisk;
use landfall_cloud::volume::attachment::check_count;
use landfall_cloud::{Fault, Tx, View};
use landfall_model::{
    Arn, DataKey, InstanceKind, InstanceType, InterfaceId, InterfaceKind, MetadataOptions, SecurityGroupId,
    ShutdownBehavior, SubnetId, VolumeKindId, ZoneName,
};
use landfall_wire::Tree;
use serde::Deserialize;

use self::template::TemplateIn;
use super::describe_instances::by_reservation;
use super::shape::TagSpecifications;
use super::shape::block_device::{BlockDeviceIn, snapshots, volumes};
use super::shape::image_ref::ImageRef;
use super::shape::instance::Reservation;
use super::shape::instance_profile::ProfileIn;
use super::shape::launch_interface::InterfaceIn;
use super::shape::metadata::{MetadataIn, choice};
use super::shape::new_interface::{Ipv6AddressIn, ipv6};
use super::shape::permission::default_vpc_group;
use super::shape::unsupported::{Off, Unconfigured, Unsupported, refuse_parameters};
use super::shape::{ebs, image, key_pair, snapshot, user_data};
use crate::encryption::DefaultKey;
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
    launch_template: Option<TemplateIn>,
    #[serde(skip)]
    client_token: Option<String>,
    /// The request as it was sent, where a template has a part in it.
    #[serde(skip)]
    raw: Option<Tree>,
    additional_info: Option<Unsupported>,
    cpu_options: Option<Unsupported>,
    elastic_gpu_specification: Option<Unsupported>,
    elastic_inference_accelerator: Option<Unsupported>,
    instance_market_options: Option<Unsupported>,
    kernel_id: Option<Unsupported>,
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

/// The most instances of one call, so that one transaction's work is bounded.
const MAX_COUNT: i64 = 1000;

impl Write for RunInstances {
    const ACTION: Action = Action::ec2("RunInstances");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = Reservation<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    fn hear_input(&mut self, input: &Tree) {
        self.raw = self.launch_template.is_some().then(|| input.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match &self.launch_template {
            Some(asked) => self.demand_through(asked, view, demands),
            None => self.demand_launch(view, demands),
        }
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let through = self.through(view).ok().flatten();
        let launch = through.as_ref().map_or(self, |through| &through.launch);
        launch.keys(view).iter().find_map(|(kms_key, _)| ebs::own_key(view, kms_key.as_deref()))
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Reservation<'t>, ApiError> {
        let (launch, template) = match self.through(&tx.view())? {
            Some(through) => (through.launch, Some(through.template)),
            None => (self, None),
        };
        launch.refuse()?;
        let mut order = launch.order(&tx.view())?;
        order.template = template;
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
    /// Source: the service authorisation reference: the instance, image, interface, subnet, groups, volume and key pair
    /// each demand the action, and tagging demands its own.
    fn demand_launch(&self, view: &View<'_>, demands: &mut Demands) {
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
            image::demand(view, demands, Self::ACTION, image);
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
        let keys = self.keys(view);
        for (kms_key, source) in &keys {
            ebs::demand_new(view, demands, kms_key.as_deref(), *source);
        }
        for kms_key in keys.iter().filter_map(|(kms_key, _)| kms_key.as_deref()) {
            ebs::demand_use_by_machine(view, demands, kms_key, None);
        }
    }

    /// The keys that its disks are to be encrypted under, each with that of what the disk is made of.
    fn keys<'v>(&self, view: &View<'v>) -> BTreeSet<(Option<String>, Option<&'v DataKey>)> {
        let image = self.image(view);
        let disks = image.and_then(|image| volumes(view, image, &self.block_device_mapping)).unwrap_or_default();
        let keys = disks.iter().map(|NewDisk { volume, .. }| {
            let row = volume.snapshot.and_then(|id| snapshot_source(view, id, volume.of_image).ok());
            let source = row.and_then(|row| row.data_key.as_ref());
            (volume.encryption.key_of_volume(view, source), source)
        });
        keys.collect()
    }

    /// Refuses what isn't acted on, by name.
    fn refuse(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; additional_info, cpu_options, elastic_gpu_specification, elastic_inference_accelerator,
            instance_market_options, kernel_id, license_specification,
             network_performance_options, operator, ramdisk_id, secondary_interface);
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

    /// What this would be refused for, whatever else there is to say.
    fn faults(&self, view: &View<'_>) -> Vec<ApiError> {
        let image = match &self.image_id {
            Some(ImageRef::Id(_)) => Some(self.image(view)),
            _ => None,
        };
        let found = image.as_ref().and_then(|image| image.as_ref().ok().copied());
        let checks = [
            self.refuse(),
            self.kind().and_then(|kind| self.credits(kind)).map(drop),
            self.zone(view).map(drop),
            self.metadata(found).map(drop),
            self.tag_specification.check(&TAGGED),
            TAGGED.iter().try_for_each(|kind| self.tag_specification.of(kind).map(drop)),
            self.shutdown_behavior().map(drop),
            self.interfaces(view).map(drop),
            self.iam_instance_profile.name().map(drop),
            match image {
                Some(image) => image.and_then(|image| volumes(view, image, &self.block_device_mapping)).map(drop),
                None => Ok(()),
            },
            match self.key_name.as_ref().filter(|name| view.key_pair(name).is_none()) {
                Some(name) => Err(launch::no_key_pair(name).into()),
                None => Ok(()),
            },
        ];
        checks.into_iter().filter_map(Result::err).filter(|error| error.code != "MissingParameter").collect()
    }

    fn image<'v>(&self, view: &View<'v>) -> Result<FoundImage<'v>, ApiError> {
        let id = self.image_id.as_ref().ok_or_else(|| ApiError::missing("ImageId"))?.resolve(view)?;
        Ok(view.find_image(id).ok_or_else(|| Fault::no_such(id))?)
    }

    fn kind(&self) -> Result<InstanceType, ApiError> {
        let name = self.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
        InstanceType::find(name).ok_or_else(|| {
            let message = format!("Invalid value '{name}' for InstanceType.");
            ApiError::new("InvalidParameterValue", message)
        })
    }

    fn metadata(&self, image: Option<FoundImage<'_>>) -> Result<MetadataOptions, ApiError> {
        let imds_v2 = image.is_some_and(FoundImage::imds_v2);
        let mut metadata = MetadataOptions { tokens_required: imds_v2, ..Default::default() };
        if imds_v2 {
            metadata.hop_limit = 2;
        }
        self.metadata_options.apply(&mut metadata)?;
        Ok(metadata)
    }

    fn shutdown_behavior(&self) -> Result<ShutdownBehavior, ApiError> {
        match self.instance_initiated_shutdown_behavior.as_deref() {
            Some(word) if choice("InstanceInitiatedShutdownBehavior", word, "terminate", "stop")? => {
                Ok(ShutdownBehavior::Terminate)
            }
            _ => Ok(ShutdownBehavior::Stop),
        }
    }

    fn order(self, view: &View<'_>) -> Result<Order, ApiError> {
        let (min, max) = self.counts()?;
        let image_id = self.image_id.as_ref().ok_or_else(|| ApiError::missing("ImageId"))?.resolve(view)?;
        let kind = self.kind()?;
        let image = self.image(view)?;
        let metadata = self.metadata(Some(image))?;
        self.tag_specification.check(&TAGGED)?;
        let user_data = self.user_data.as_deref().map(user_data::parse).transpose()?.flatten();
        let shutdown_behavior = self.shutdown_behavior()?;
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
            template: None,
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
        if self.subnet_id.is_some() {
            return Err(ApiError::combination(
                "Network interfaces and an instance-level subnet ID may not be specified on the same request",
            ));
        }
        if !self.security_group_id.is_empty() || !self.security_group.is_empty() {
            return Err(ApiError::combination(
                "Network interfaces and an instance-level security groups may not be specified on the same request",
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
