//! Regions, zones and what an account may have in them.

use crate::harness::{Case, World, at, column, nothing, params};

/// The cases of regions and zones.
pub const CASES: &[Case] = &[
    Case::ec2(
        "DescribeRegions",
        |_| params([("RegionName.1", "us-east-1"), ("RegionName.2", "ap-east-1")]),
        &[
            (&[("RegionName.1", "mars")], "InvalidParameterValue"),
            (&[("RegionName.1", "cn-north-1")], "InvalidParameterValue"),
            (&[("AllRegions", "maybe")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeAvailabilityZones",
        nothing,
        &[
            (&[("ZoneName.1", "us-east-1z")], "InvalidParameterValue"),
            (&[("ZoneId.1", "use2-az1")], "InvalidParameterValue"),
            (&[("Filter.1.Name", "group-long-name"), ("Filter.1.Value.1", "x")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2("DescribeAccountAttributes", nothing, &[(&[("AttributeName.1", "nonsense")], "InvalidParameterValue")]),
];

fn zones(region: &str, parameters: &[(&str, &str)]) -> Vec<String> {
    let world = World::new();
    let shown = world.root().at(region).ok("DescribeAvailabilityZones", parameters);
    column(&shown, "availabilityZoneInfo", "zoneName").into_iter().map(str::to_owned).collect()
}

#[test]
fn zones_have_names_and_ids() {
    assert_eq!(zones("eu-central-1", &[]), ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    assert_eq!(zones("us-east-1", &[("ZoneId.1", "use1-az2")]), ["us-east-1b"]);
    assert_eq!(zones("us-east-1", &[("ZoneName.1", "us-east-1c"), ("AllAvailabilityZones", "true")]), ["us-east-1c"]);
    for (name, value, count) in [
        ("zone-name", "us-east-1?", 3),
        ("zone-id", "use1-az1", 1),
        ("zone-type", "availability-zone", 3),
        ("state", "available", 3),
        ("state", "impaired", 0),
        ("opt-in-status", "opt-in-not-required", 3),
        ("region-name", "us-east-1", 3),
        ("group-name", "us-east-1-zg-1", 3),
        ("message", "*", 0),
        ("parent-zone-id", "*", 0),
    ] {
        let found = zones("us-east-1", &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        assert_eq!(found.len(), count, "{name}={value}");
    }
}

#[test]
fn regions_are_those_of_the_partition() {
    let world = World::new();
    let count = |region: &str| {
        let shown = world.root().at(region).ok("DescribeRegions", &[("AllRegions", "true")]);
        column(&shown, "regionInfo", "regionName").len()
    };
    assert_eq!([count("cn-north-1"), count("us-gov-west-1"), count("us-east-1")], [2, 2, 34]);
    let endpoint = [("Filter.1.Name", "endpoint"), ("Filter.1.Value.1", "*eu-west*")];
    let shown = world.root().ok("DescribeRegions", &endpoint);
    assert_eq!(column(&shown, "regionInfo", "regionName"), ["eu-west-1", "eu-west-2", "eu-west-3"]);
    let opted =
        world.root().ok("DescribeRegions", &[("Filter.1.Name", "opt-in-status"), ("Filter.1.Value.1", "opted-in")]);
    assert!(column(&opted, "regionInfo", "regionName").contains(&"ap-east-1"));
}

#[test]
fn the_default_vpc_is_an_attribute() {
    let world = World::new();
    let shown = world.root().ok("DescribeAccountAttributes", &[("AttributeName.1", "default-vpc")]);
    let value = at(&shown, "accountAttributeSet.0.attributeValueSet.0.attributeValue");
    let groups = world.root().ok("DescribeSecurityGroups", &[("GroupName.1", "default")]);
    assert_eq!(value, at(&groups, "securityGroupInfo.0.vpcId"));
}
