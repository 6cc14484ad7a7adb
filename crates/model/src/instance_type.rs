//! Instance types: families by AWS's names, with sizes that are honest: a `t3.micro` has two virtual processors and a
//! gibibyte, and the guest sees just that.

/// A type of instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InstanceType {
    /// Its family, such as `t3`.
    pub family: &'static Family,
    /// Its size, such as `micro`.
    pub size: &'static str,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Interfaces that may be attached.
    pub max_interfaces: u32,
    /// IPv4 addresses an interface.
    pub addresses_per_interface: u32,
}

/// A family of types.
#[derive(Debug, PartialEq)]
pub struct Family {
    /// Its name, such as `t3`.
    pub name: &'static str,
    /// Whether it earns CPU credits.
    pub burstable: bool,
    /// Whether it is of the current generation.
    pub current: bool,
    /// What its credits are by default, for burstable ones.
    pub default_credits: &'static str,
    /// Clock, in MHz.
    pub clock_mhz: u32,
    /// Whether disks appear as NVMe to AWS's tools.
    pub nvme: &'static str,
}

const fn family(
    name: &'static str,
    burstable: bool,
    current: bool,
    default_credits: &'static str,
    clock_mhz: u32,
    nvme: &'static str,
) -> Family {
    Family { name, burstable, current, default_credits, clock_mhz, nvme }
}

static M1: Family = family("m1", false, false, "", 2000, "unsupported");
static T2: Family = family("t2", true, true, "standard", 2300, "unsupported");
static T3: Family = family("t3", true, true, "unlimited", 2500, "required");
static T3A: Family = family("t3a", true, true, "unlimited", 2200, "required");
static M5: Family = family("m5", false, true, "", 3100, "required");
static M6I: Family = family("m6i", false, true, "", 3500, "required");
static M7I: Family = family("m7i", false, true, "", 3200, "required");
static C5: Family = family("c5", false, true, "", 3400, "required");
static C6I: Family = family("c6i", false, true, "", 3500, "required");
static C7I: Family = family("c7i", false, true, "", 3200, "required");
static R5: Family = family("r5", false, true, "", 3100, "required");
static R6I: Family = family("r6i", false, true, "", 3500, "required");

/// Size, processors, memory in MiB, interfaces, addresses an interface. Source: AWS's instance type pages.
type Row = (&'static str, u32, u64, u32, u32);

static M1_SIZES: [Row; 2] = [("small", 1, 1740, 2, 4), ("medium", 1, 3840, 2, 6)];
static T2_SIZES: [Row; 7] = [
    ("nano", 1, 512, 2, 2),
    ("micro", 1, 1024, 2, 2),
    ("small", 1, 2048, 3, 4),
    ("medium", 2, 4096, 3, 6),
    ("large", 2, 8192, 3, 12),
    ("xlarge", 4, 16384, 3, 15),
    ("2xlarge", 8, 32768, 3, 15),
];
static T3_SIZES: [Row; 7] = [
    ("nano", 2, 512, 2, 2),
    ("micro", 2, 1024, 2, 2),
    ("small", 2, 2048, 3, 4),
    ("medium", 2, 4096, 3, 6),
    ("large", 2, 8192, 3, 12),
    ("xlarge", 4, 16384, 4, 15),
    ("2xlarge", 8, 32768, 4, 15),
];
static M_SIZES: [Row; 8] = [
    ("large", 2, 8192, 3, 10),
    ("xlarge", 4, 16384, 4, 15),
    ("2xlarge", 8, 32768, 4, 15),
    ("4xlarge", 16, 65536, 8, 30),
    ("8xlarge", 32, 131_072, 8, 30),
    ("12xlarge", 48, 196_608, 8, 30),
    ("16xlarge", 64, 262_144, 15, 50),
    ("24xlarge", 96, 393_216, 15, 50),
];
static C5_SIZES: [Row; 8] = [
    ("large", 2, 4096, 3, 10),
    ("xlarge", 4, 8192, 4, 15),
    ("2xlarge", 8, 16384, 4, 15),
    ("4xlarge", 16, 32768, 8, 30),
    ("9xlarge", 36, 73728, 8, 30),
    ("12xlarge", 48, 98304, 8, 30),
    ("18xlarge", 72, 147_456, 15, 50),
    ("24xlarge", 96, 196_608, 15, 50),
];
static C_SIZES: [Row; 8] = [
    ("large", 2, 4096, 3, 10),
    ("xlarge", 4, 8192, 4, 15),
    ("2xlarge", 8, 16384, 4, 15),
    ("4xlarge", 16, 32768, 8, 30),
    ("8xlarge", 32, 65536, 8, 30),
    ("12xlarge", 48, 98304, 8, 30),
    ("16xlarge", 64, 131_072, 15, 50),
    ("24xlarge", 96, 196_608, 15, 50),
];
static R_SIZES: [Row; 8] = [
    ("large", 2, 16384, 3, 10),
    ("xlarge", 4, 32768, 4, 15),
    ("2xlarge", 8, 65536, 4, 15),
    ("4xlarge", 16, 131_072, 8, 30),
    ("8xlarge", 32, 262_144, 8, 30),
    ("12xlarge", 48, 393_216, 8, 30),
    ("16xlarge", 64, 524_288, 15, 50),
    ("24xlarge", 96, 786_432, 15, 50),
];

static FAMILIES: [(&Family, &[Row]); 12] = [
    (&C5, &C5_SIZES),
    (&C6I, &C_SIZES),
    (&C7I, &C_SIZES),
    (&M1, &M1_SIZES),
    (&M5, &M_SIZES),
    (&M6I, &M_SIZES),
    (&M7I, &M_SIZES),
    (&R5, &R_SIZES),
    (&R6I, &R_SIZES),
    (&T2, &T2_SIZES),
    (&T3, &T3_SIZES),
    (&T3A, &T3_SIZES),
];

impl InstanceType {
    /// Whether its machines can boot by UEFI: those of the Nitro system, which alone have NVMe. Source: the EC2 User Guide,
    /// "Requirements to launch an EC2 instance in UEFI boot mode".
    pub fn has_uefi(self) -> bool {
        self.family.nvme == "required"
    }

    /// The type of that name, such as `t3.micro`.
    pub fn find(name: &str) -> Option<InstanceType> {
        let (family, size) = name.split_once('.')?;
        let (family, rows) = FAMILIES.iter().find(|(f, _)| f.name == family)?;
        rows.iter().find(|row| row.0 == size).map(|row| Self::of(family, row))
    }

    /// All types, by family and size.
    pub fn all() -> impl Iterator<Item = InstanceType> {
        FAMILIES.iter().flat_map(|(family, rows)| rows.iter().map(move |row| Self::of(family, row)))
    }

    fn of(family: &'static Family, row: &Row) -> InstanceType {
        let &(size, vcpus, memory_mib, max_interfaces, addresses_per_interface) = row;
        InstanceType { family, size, vcpus, memory_mib, max_interfaces, addresses_per_interface }
    }

    /// IPv6 addresses an interface: as many as of IPv4, but none for the first generation.
    pub fn ipv6_addresses_per_interface(&self) -> u32 {
        if self.family.name == M1.name { 0 } else { self.addresses_per_interface }
    }

    /// The name, such as `t3.micro`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.family.name, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        for each in InstanceType::all() {
            assert_eq!(InstanceType::find(&each.name()), Some(each));
        }
        assert_eq!(InstanceType::find("t3.micro").map(|t| (t.vcpus, t.memory_mib)), Some((2, 1024)));
        for unknown in ["", "t3", "t3.", "t3.tiny", ".micro"] {
            assert_eq!(InstanceType::find(unknown), None);
        }
    }
}
