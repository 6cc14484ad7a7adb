//! `LaunchTemplateData`: what requests say of the launches that a template is for.
//!
//! All that AWS takes is kept, also what no launch of ours acts on: autoscaling and whoever describes the template look at
//! it, and a launch refuses by name what it can't do. So it is read only for its names and types, and written down again
//! in the spelling of requests, in which RunInstances reads it when it launches.

use landfall_model::LaunchParameters;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

use super::image_ref::ImageRef;
use super::unsupported::{Unsupported, refuse_parameters};
use super::user_data;
use crate::ApiError;

/// What isn't kept because nobody said it.
trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

type Text = Option<String>;
type Flag = Option<bool>;
type Whole = Option<i64>;
type Texts = Vec<String>;

macro_rules! shapes {
    ($($name:ident { $($field:ident: $type:ty),* $(,)? $(; refused $refused:ident)? })*) => {$(
        #[derive(Debug, Deserialize, Serialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct $name {
            $(
                #[serde(default, skip_serializing_if = "Absent::is_absent")]
                $field: $type,
            )*
            $(
                #[serde(skip_serializing)]
                $refused: Option<Unsupported>,
            )?
        }
    )*};
}

/// The data of a template.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct LaunchData(Data);

impl LaunchData {
    /// The image that it names.
    pub fn image(&self) -> Option<ImageRef> {
        let text: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            self.0.image_id.as_deref()?.into_deserializer();
        ImageRef::deserialize(text).ok()
    }

    /// What is kept of it.
    pub fn keep(self) -> Result<LaunchParameters, ApiError> {
        let Self(data) = self;
        refuse_parameters!(data; operator);
        if let Some(text) = &data.user_data {
            user_data::parse(text).map_err(|error| ApiError::new("InvalidUserData.Malformed", error.message))?;
        }
        let wants = data.instance_requirements.as_ref();
        let fractions = wants
            .map(|wants| [&wants.memory_gi_b_per_v_cpu, &wants.total_local_storage_g_b, &wants.network_bandwidth_gbps]);
        for each in fractions.into_iter().flatten().flatten() {
            // What isn't a number couldn't be told again.
            if let Some(odd) = [each.min, each.max].into_iter().flatten().find(|bound| !bound.is_finite()) {
                return Err(ApiError::invalid("InstanceRequirements", odd, "A bound is a number."));
            }
        }
        match serde_json::to_value(&data) {
            Ok(serde_json::Value::Object(parameters)) => Ok(parameters),
            _ => Err(ApiError::internal()),
        }
    }
}

shapes! {
    Data {
        kernel_id: Text, ebs_optimized: Flag, iam_instance_profile: Option<Profile>,
        block_device_mapping: Vec<BlockDevice>, network_interface: Vec<Interface>, image_id: Text,
        instance_type: Text, key_name: Text, monitoring: Option<Monitoring>, placement: Option<Placement>,
        ram_disk_id: Text, disable_api_termination: Flag, instance_initiated_shutdown_behavior: Text, user_data: Text,
        tag_specification: Vec<TagSpecification>, elastic_gpu_specification: Vec<ElasticGpu>,
        elastic_inference_accelerator: Vec<ElasticInference>, security_group_id: Texts, security_group: Texts,
        instance_market_options: Option<Market>, credit_specification: Option<Credit>, cpu_options: Option<Cpu>,
        capacity_reservation_specification: Option<Reservation>, license_specification: Vec<License>,
        hibernation_options: Option<Hibernation>, metadata_options: Option<Metadata>,
        enclave_options: Option<Enclave>, instance_requirements: Option<Requirements>,
        private_dns_name_options: Option<PrivateDnsName>, maintenance_options: Option<Maintenance>,
        disable_api_stop: Flag, network_performance_options: Option<NetworkPerformance>,
        secondary_interface: Vec<SecondaryInterface>;
        refused operator
    }
    Profile { arn: Text, name: Text }
    BlockDevice { device_name: Text, virtual_name: Text, ebs: Option<Ebs>, no_device: Text }
    Ebs {
        encrypted: Flag, delete_on_termination: Flag, iops: Whole, kms_key_id: Text, snapshot_id: Text,
        volume_size: Whole, volume_type: Text, throughput: Whole, volume_initialization_rate: Whole,
        ebs_card_index: Whole,
    }
    Interface {
        associate_carrier_ip_address: Flag, associate_public_ip_address: Flag, delete_on_termination: Flag,
        description: Text, device_index: Whole, security_group_id: Texts, interface_type: Text,
        ipv6_address_count: Whole, ipv6_addresses: Vec<Ipv6Address>, network_interface_id: Text,
        private_ip_address: Text, private_ip_addresses: Vec<PrivateAddress>,
        secondary_private_ip_address_count: Whole, subnet_id: Text, network_card_index: Whole,
        ipv4_prefix: Vec<Ipv4Prefix>, ipv4_prefix_count: Whole, ipv6_prefix: Vec<Ipv6Prefix>,
        ipv6_prefix_count: Whole, primary_ipv6: Flag, ena_srd_specification: Option<EnaSrd>,
        connection_tracking_specification: Option<Tracking>, ena_queue_count: Whole,
    }
    Ipv6Address { ipv6_address: Text }
    PrivateAddress { primary: Flag, private_ip_address: Text }
    Ipv4Prefix { ipv4_prefix: Text }
    Ipv6Prefix { ipv6_prefix: Text }
    EnaSrd { ena_srd_enabled: Flag, ena_srd_udp_specification: Option<EnaSrdUdp> }
    EnaSrdUdp { ena_srd_udp_enabled: Flag }
    Tracking { tcp_established_timeout: Whole, udp_stream_timeout: Whole, udp_timeout: Whole }
    Monitoring { enabled: Flag }
    Placement {
        availability_zone: Text, availability_zone_id: Text, affinity: Text, group_name: Text, host_id: Text,
        tenancy: Text, spread_domain: Text, host_resource_group_arn: Text, partition_number: Whole, group_id: Text,
    }
    TagSpecification { resource_type: Text, tag: Vec<Tag> }
    Tag { key: Text, value: Text }
    ElasticGpu { r#type: Text }
    ElasticInference { r#type: Text, count: Whole }
    Market { market_type: Text, spot_options: Option<Spot> }
    Spot {
        max_price: Text, spot_instance_type: Text, block_duration_minutes: Whole, valid_until: Text,
        instance_interruption_behavior: Text,
    }
    Credit { cpu_credits: Text }
    Cpu { core_count: Whole, threads_per_core: Whole, amd_sev_snp: Text, nested_virtualization: Text }
    Reservation { capacity_reservation_preference: Text, capacity_reservation_target: Option<ReservationTarget> }
    ReservationTarget { capacity_reservation_id: Text, capacity_reservation_resource_group_arn: Text }
    License { license_configuration_arn: Text }
    Hibernation { configured: Flag }
    Metadata {
        http_tokens: Text, http_put_response_hop_limit: Whole, http_endpoint: Text, http_protocol_ipv6: Text,
        instance_metadata_tags: Text,
    }
    Enclave { enabled: Flag }
    PrivateDnsName {
        hostname_type: Text, enable_resource_name_dns_a_record: Flag, enable_resource_name_dns_a_a_a_a_record: Flag,
    }
    Maintenance { auto_recovery: Text }
    NetworkPerformance { bandwidth_weighting: Text }
    SecondaryInterface {
        delete_on_termination: Flag, device_index: Whole, private_ip_address: Vec<SecondaryAddress>,
        private_ip_address_count: Whole, secondary_subnet_id: Text, interface_type: Text, network_card_index: Whole,
    }
    SecondaryAddress { private_ip_address: Text }
    Requirements {
        v_cpu_count: Option<Range>, memory_mi_b: Option<Range>, cpu_manufacturer: Texts,
        memory_gi_b_per_v_cpu: Option<Fractions>, excluded_instance_type: Texts, instance_generation: Texts,
        spot_max_price_percentage_over_lowest_price: Whole, on_demand_max_price_percentage_over_lowest_price: Whole,
        bare_metal: Text, burstable_performance: Text, require_hibernate_support: Flag,
        network_interface_count: Option<Range>, local_storage: Text, local_storage_type: Texts,
        total_local_storage_g_b: Option<Fractions>, baseline_ebs_bandwidth_mbps: Option<Range>,
        accelerator_type: Texts, accelerator_count: Option<Range>, accelerator_manufacturer: Texts,
        accelerator_name: Texts, accelerator_total_memory_mi_b: Option<Range>,
        network_bandwidth_gbps: Option<Fractions>, allowed_instance_type: Texts,
        max_spot_price_as_percentage_of_optimal_on_demand_price: Whole,
        baseline_performance_factors: Option<Baseline>, require_encryption_in_transit: Flag,
    }
    Range { min: Whole, max: Whole }
    Fractions { min: Option<f64>, max: Option<f64> }
    Baseline { cpu: Option<BaselineCpu> }
    BaselineCpu { reference: Vec<Reference> }
    Reference { instance_family: Text }
}
