//! ec2:DescribeInstanceTypes. Lists instance types with the sizes that guests really see.

use landfall_model::InstanceType;
use serde::{Deserialize, Serialize};

use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInstanceTypes {
    #[serde(default)]
    instance_type: Vec<String>,
    /// Without effect: every type is to be had in every region.
    #[serde(default, rename = "IncludeUnsupportedInRegion")]
    _include_unsupported_in_region: bool,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInstanceTypesResult {
    instance_type_set: Vec<TypeShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeShape {
    instance_type: String,
    current_generation: bool,
    free_tier_eligible: bool,
    supported_usage_classes: [&'static str; 1],
    supported_root_device_types: [&'static str; 1],
    supported_virtualization_types: [&'static str; 1],
    bare_metal: bool,
    hypervisor: &'static str,
    processor_info: ProcessorInfo,
    v_cpu_info: VCpuInfo,
    memory_info: MemoryInfo,
    instance_storage_supported: bool,
    ebs_info: EbsInfo,
    network_info: NetworkInfo,
    placement_group_info: PlacementGroupInfo,
    hibernation_supported: bool,
    burstable_performance_supported: bool,
    dedicated_hosts_supported: bool,
    auto_recovery_supported: bool,
    supported_boot_modes: &'static [&'static str],
    nitro_enclaves_support: &'static str,
    nitro_tpm_support: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessorInfo {
    supported_architectures: [&'static str; 1],
    sustained_clock_speed_in_ghz: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VCpuInfo {
    #[serde(rename = "defaultVCpus")]
    default_vcpus: u32,
    default_cores: u32,
    default_threads_per_core: u32,
    valid_cores: [u32; 1],
    valid_threads_per_core: [u32; 1],
}

#[derive(Serialize)]
struct MemoryInfo {
    #[serde(rename = "sizeInMiB")]
    size_in_mib: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EbsInfo {
    ebs_optimized_support: &'static str,
    encryption_support: &'static str,
    nvme_support: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkInfo {
    maximum_network_interfaces: u32,
    maximum_network_cards: u32,
    default_network_card_index: u32,
    network_cards: [NetworkCard; 1],
    ipv4_addresses_per_interface: u32,
    ipv6_addresses_per_interface: u32,
    ipv6_supported: bool,
    ena_support: &'static str,
    efa_supported: bool,
    encryption_in_transit_supported: bool,
    ena_srd_supported: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkCard {
    network_card_index: u32,
    maximum_network_interfaces: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlacementGroupInfo {
    supported_strategies: [&'static str; 0],
}

impl Read for DescribeInstanceTypes {
    const ACTION: Action = Action::ec2("DescribeInstanceTypes");
    const PAGE_LIMIT: usize = 100;
    const PAGE_LEAST: usize = 5;
    const FILTERS: FilterNames = FilterNames { known: KNOWN, refused: REFUSED };
    type Output<'v> = DescribeInstanceTypesResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeInstanceTypesResult, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        if !self.instance_type.is_empty() && look.page.is_asked() {
            return Err(ApiError::combination(
                "The parameter InstanceTypes cannot be used with the parameter MaxResults",
            ));
        }
        self.check_names()?;
        let mut kinds: Vec<_> = InstanceType::all()
            .map(|kind| (kind.name(), kind))
            .filter(|(name, _)| self.instance_type.is_empty() || self.instance_type.contains(name))
            .filter(|(_, kind)| selection.is_empty() || selection.matches(None, |name| values(kind, name)))
            .collect();
        kinds.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let page = look.page.take(kinds, |(name, _)| name.clone())?;
        Ok(DescribeInstanceTypesResult { instance_type_set: page.into_iter().map(|(_, kind)| shape(&kind)).collect() })
    }
}

impl DescribeInstanceTypes {
    fn check_names(&self) -> Result<(), ApiError> {
        let unknown: Vec<String> = self
            .instance_type
            .iter()
            .filter(|name| InstanceType::find(name).is_none())
            .map(|name| name.chars().take(64).collect())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let message = format!("The following supplied instance types do not exist: [{}]", unknown.join(", "));
        Err(ApiError::new("InvalidInstanceType", message))
    }
}

const KNOWN: &[&str] = &[
    "auto-recovery-supported",
    "bare-metal",
    "burstable-performance-supported",
    "current-generation",
    "dedicated-hosts-supported",
    "ebs-info.ebs-optimized-support",
    "ebs-info.encryption-support",
    "ebs-info.nvme-support",
    "free-tier-eligible",
    "hibernation-supported",
    "hypervisor",
    "instance-storage-info.disk.count",
    "instance-storage-info.disk.size-in-gb",
    "instance-storage-info.disk.type",
    "instance-storage-info.encryption-support",
    "instance-storage-info.nvme-support",
    "instance-storage-info.total-size-in-gb",
    "instance-storage-supported",
    "instance-type",
    "memory-info.size-in-mib",
    "network-info.efa-info.maximum-efa-interfaces",
    "network-info.efa-supported",
    "network-info.ena-support",
    "network-info.encryption-in-transit-supported",
    "network-info.ipv4-addresses-per-interface",
    "network-info.ipv6-addresses-per-interface",
    "network-info.ipv6-supported",
    "network-info.maximum-network-cards",
    "network-info.maximum-network-interfaces",
    "nitro-enclaves-support",
    "nitro-tpm-info.supported-versions",
    "nitro-tpm-support",
    "processor-info.supported-architecture",
    "processor-info.supported-features",
    "processor-info.sustained-clock-speed-in-ghz",
    "supported-boot-mode",
    "supported-root-device-type",
    "supported-usage-class",
    "supported-virtualization-type",
    "vcpu-info.default-cores",
    "vcpu-info.default-threads-per-core",
    "vcpu-info.default-vcpus",
    "vcpu-info.valid-cores",
    "vcpu-info.valid-threads-per-core",
];

/// What is neither measured nor promised here.
const REFUSED: &[&str] = &[
    "ebs-info.attachment-limit-type",
    "ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps",
    "ebs-info.ebs-optimized-info.baseline-iops",
    "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
    "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
    "ebs-info.ebs-optimized-info.maximum-iops",
    "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
    "ebs-info.maximum-ebs-attachments",
    "network-info.bandwidth-weightings",
    "network-info.flexible-ena-queues-support",
    "network-info.network-performance",
    "reboot-migration-support",
];

fn values(kind: &InstanceType, name: &str) -> Values<'static> {
    let shape = shape(kind);
    match name {
        "auto-recovery-supported" => shown(shape.auto_recovery_supported),
        "bare-metal" => shown(shape.bare_metal),
        "burstable-performance-supported" => shown(shape.burstable_performance_supported),
        "current-generation" => shown(shape.current_generation),
        "dedicated-hosts-supported" => shown(shape.dedicated_hosts_supported),
        "ebs-info.ebs-optimized-support" => one(shape.ebs_info.ebs_optimized_support),
        "ebs-info.encryption-support" => one(shape.ebs_info.encryption_support),
        "ebs-info.nvme-support" => one(shape.ebs_info.nvme_support),
        "free-tier-eligible" => shown(shape.free_tier_eligible),
        "hibernation-supported" => shown(shape.hibernation_supported),
        "hypervisor" => one(shape.hypervisor),
        "instance-storage-supported" => shown(shape.instance_storage_supported),
        "instance-type" => one(shape.instance_type),
        "memory-info.size-in-mib" => shown(shape.memory_info.size_in_mib),
        "network-info.efa-supported" => shown(shape.network_info.efa_supported),
        "network-info.ena-support" => one(shape.network_info.ena_support),
        "network-info.encryption-in-transit-supported" => shown(shape.network_info.encryption_in_transit_supported),
        "network-info.ipv4-addresses-per-interface" => shown(shape.network_info.ipv4_addresses_per_interface),
        "network-info.ipv6-addresses-per-interface" => shown(shape.network_info.ipv6_addresses_per_interface),
        "network-info.ipv6-supported" => shown(shape.network_info.ipv6_supported),
        "network-info.maximum-network-cards" => shown(shape.network_info.maximum_network_cards),
        "network-info.maximum-network-interfaces" => shown(shape.network_info.maximum_network_interfaces),
        "nitro-enclaves-support" => one(shape.nitro_enclaves_support),
        "nitro-tpm-support" => one(shape.nitro_tpm_support),
        "processor-info.supported-architecture" => many(shape.processor_info.supported_architectures),
        "processor-info.sustained-clock-speed-in-ghz" => shown(shape.processor_info.sustained_clock_speed_in_ghz),
        "supported-boot-mode" => many(shape.supported_boot_modes),
        "supported-root-device-type" => many(shape.supported_root_device_types),
        "supported-usage-class" => many(shape.supported_usage_classes),
        "supported-virtualization-type" => many(shape.supported_virtualization_types),
        "vcpu-info.default-cores" => shown(shape.v_cpu_info.default_cores),
        "vcpu-info.default-threads-per-core" => shown(shape.v_cpu_info.default_threads_per_core),
        "vcpu-info.default-vcpus" => shown(shape.v_cpu_info.default_vcpus),
        "vcpu-info.valid-cores" => many(shape.v_cpu_info.valid_cores),
        "vcpu-info.valid-threads-per-core" => many(shape.v_cpu_info.valid_threads_per_core),
        // No type has disks of its own, a fabric adapter, a TPM or further features of the processor.
        _ => Values::new(),
    }
}

fn shape(kind: &InstanceType) -> TypeShape {
    let family = kind.family;
    let is_xen = family.nvme == "unsupported";
    let threads = if is_xen || kind.vcpus < 2 { 1 } else { 2 };
    let cores = kind.vcpus / threads;
    TypeShape {
        instance_type: kind.name(),
        current_generation: family.current,
        free_tier_eligible: family.burstable && kind.size == "micro",
        supported_usage_classes: ["on-demand"],
        supported_root_device_types: ["ebs"],
        supported_virtualization_types: ["hvm"],
        bare_metal: false,
        hypervisor: if is_xen { "xen" } else { "nitro" },
        processor_info: ProcessorInfo {
            supported_architectures: ["x86_64"],
            sustained_clock_speed_in_ghz: f64::from(family.clock_mhz) / 1000.0,
        },
        v_cpu_info: VCpuInfo {
            default_vcpus: kind.vcpus,
            default_cores: cores,
            default_threads_per_core: threads,
            valid_cores: [cores],
            valid_threads_per_core: [threads],
        },
        memory_info: MemoryInfo { size_in_mib: kind.memory_mib },
        instance_storage_supported: false,
        ebs_info: EbsInfo {
            ebs_optimized_support: if is_xen { "unsupported" } else { "default" },
            encryption_support: "supported",
            nvme_support: family.nvme,
        },
        network_info: NetworkInfo {
            maximum_network_interfaces: kind.max_interfaces,
            maximum_network_cards: 1,
            default_network_card_index: 0,
            network_cards: [NetworkCard { network_card_index: 0, maximum_network_interfaces: kind.max_interfaces }],
            ipv4_addresses_per_interface: kind.addresses_per_interface,
            ipv6_addresses_per_interface: kind.ipv6_addresses_per_interface(),
            ipv6_supported: kind.ipv6_addresses_per_interface() > 0,
            ena_support: if is_xen { "unsupported" } else { "required" },
            efa_supported: false,
            encryption_in_transit_supported: false,
            ena_srd_supported: false,
        },
        placement_group_info: PlacementGroupInfo { supported_strategies: [] },
        hibernation_supported: false,
        burstable_performance_supported: family.burstable,
        dedicated_hosts_supported: false,
        auto_recovery_supported: false,
        supported_boot_modes: if kind.has_uefi() { &["legacy-bios", "uefi"] } else { &["legacy-bios"] },
        nitro_enclaves_support: "unsupported",
        nitro_tpm_support: "unsupported",
    }
}
