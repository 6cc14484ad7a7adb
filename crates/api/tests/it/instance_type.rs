//! Instance types.

use crate::harness::{Case, World, at, column, find, params};

/// The cases of instance types.
pub const CASES: &[Case] = &[
    Case::ec2(
        "DescribeInstanceTypes",
        |_| params([("InstanceType.1", "t3.micro"), ("InstanceType.2", "t2.nano")]),
        &[
            (&[("InstanceType.1", "t3.tiny")], "InvalidInstanceType"),
            (&[("InstanceType.1", "t3.micro"), ("MaxResults", "5")], "InvalidParameterCombination"),
            (&[("MaxResults", "101")], "InvalidParameterValue"),
            (
                &[("Filter.1.Name", "network-info.network-performance"), ("Filter.1.Value.1", "x")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "DescribeInstanceTypeOfferings",
        |_| {
            params([
                ("LocationType", "availability-zone"),
                ("Filter.1.Name", "instance-type"),
                ("Filter.1.Value.1", "t3.micro"),
            ])
        },
        &[
            (&[("LocationType", "moon")], "InvalidParameterValue"),
            (&[("LocationType", "outpost")], "UnsupportedOperation"),
        ],
    ),
];

#[test]
fn filters_select_types() {
    let world = World::new();
    let types = |name: &str, value: &str| {
        let shown = world.root().ok("DescribeInstanceTypes", &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        column(&shown, "instanceTypeSet", "instanceType").len()
    };
    let all = types("instance-type", "*");
    assert_eq!(all, landfall_model::InstanceType::all().count());
    assert_eq!(types("instance-type", "t3.*"), 7);
    assert_eq!(types("hypervisor", "xen") + types("hypervisor", "nitro"), all);
    assert_eq!(types("burstable-performance-supported", "true"), 21);
    assert_eq!(types("memory-info.size-in-mib", "512"), 3);
    assert_eq!(types("vcpu-info.default-vcpus", "96"), 8);
    assert_eq!(types("free-tier-eligible", "true"), 3);
    for name in ["bare-metal", "instance-storage-supported", "network-info.efa-supported", "hibernation-supported"] {
        assert_eq!((types(name, "true"), types(name, "false")), (0, all), "{name}");
    }
    for (name, value) in [
        ("processor-info.supported-architecture", "x86_64"),
        ("supported-usage-class", "on-demand"),
        ("supported-root-device-type", "ebs"),
        ("supported-virtualization-type", "hvm"),
        ("supported-boot-mode", "legacy-bios"),
        ("ebs-info.encryption-support", "supported"),
        ("network-info.maximum-network-cards", "1"),
    ] {
        assert_eq!(types(name, value), all, "{name}");
    }
    assert_eq!(types("supported-boot-mode", "uefi"), types("hypervisor", "nitro"));
    assert_eq!(types("instance-storage-info.disk.count", "*"), 0);
}

#[test]
fn pages_of_types_are_the_whole() {
    let world = World::new();
    let mut token = None::<String>;
    let mut seen = 0;
    loop {
        let mut asked = vec![("MaxResults", "30")];
        asked.extend(token.as_deref().map(|token| ("NextToken", token)));
        let page = world.root().ok("DescribeInstanceTypes", &asked);
        seen += column(&page, "instanceTypeSet", "instanceType").len();
        token = find(&page, "nextToken").and_then(|token| token.as_text()).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, landfall_model::InstanceType::all().count());
}

#[test]
fn a_type_is_offered_in_its_region_and_zones() {
    let world = World::new();
    let offered = |kind: &str| {
        let asked = [("LocationType", kind), ("Filter.1.Name", "instance-type"), ("Filter.1.Value.1", "m5.large")];
        let shown = world.root().ok("DescribeInstanceTypeOfferings", &asked);
        assert_eq!(at(&shown, "instanceTypeOfferingSet.0.locationType"), kind);
        column(&shown, "instanceTypeOfferingSet", "location").join(" ")
    };
    assert_eq!(offered("region"), "us-east-1");
    assert_eq!(offered("availability-zone-id"), "use1-az1 use1-az2 use1-az3");
}
