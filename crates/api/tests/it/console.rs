//! What instances tell about themselves beside their rows: console, password, firmware, credits.

use crate::harness::{Case, Client, IMAGE, Params, World, at, column, find, params};

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

const BAD: Bad = &[
    (&[], "MissingParameter"),
    (&[("InstanceId", "i-1")], "InvalidInstanceID.Malformed"),
    (&[("InstanceId", IMAGE)], "InvalidInstanceID.Malformed"),
    (&[("InstanceId", "i-0123456789abcdef0")], "InvalidInstanceID.NotFound"),
];

/// The cases of consoles.
pub const CASES: &[Case] = &[
    Case::ec2("GetConsoleOutput", instance, BAD),
    Case::ec2("GetPasswordData", instance, BAD),
    Case::ec2("GetInstanceUefiData", instance, BAD),
    Case::ec2(
        "DescribeInstanceCreditSpecifications",
        |client| params([("InstanceId.1", run(client, "t3.micro"))]),
        &[
            (&[("InstanceId.1", "i-1")], "InvalidInstanceID.Malformed"),
            (&[("InstanceId.1", "i-0123456789abcdef0")], "InvalidInstanceID.NotFound"),
            (&[("InstanceId.1", "i-0123456789abcdef0"), ("MaxResults", "5")], "InvalidParameterCombination"),
        ],
    ),
];

fn run(client: &Client<'_>, kind: &str) -> String {
    let asked = [("ImageId", IMAGE), ("InstanceType", kind), ("MinCount", "1"), ("MaxCount", "1")];
    let made = client.ok("RunInstances", &asked);
    at(&made, "instancesSet.0.instanceId").to_owned()
}

fn instance(client: &Client<'_>) -> Params {
    params([("InstanceId", run(client, "t3.micro"))])
}

#[test]
fn a_console_is_asked_of_its_host_while_there_is_one() {
    let world = World::new();
    let client = world.root();
    let id = run(&client, "t3.micro");
    let shown = client.ok("GetConsoleOutput", &[("InstanceId", &id), ("Latest", "true")]);
    assert_eq!(at(&shown, "output"), "aGVsbG8gd29ybGQK");
    client.ok("TerminateInstances", &[("InstanceId.1", &id)]);
    world.settle();
    let shown = client.ok("GetConsoleOutput", &[("InstanceId", &id)]);
    assert!(find(&shown, "output").is_none());
}

#[test]
fn credits_are_those_of_the_family() {
    let world = World::new();
    let client = world.root();
    let (t2, t3, m5) = (run(&client, "t2.micro"), run(&client, "t3.micro"), run(&client, "m5.large"));
    let shown = client.ok("DescribeInstanceCreditSpecifications", &[]);
    assert_eq!(column(&shown, "instanceCreditSpecificationSet", "instanceId"), [t3.as_str()]);
    let shown = client.ok("DescribeInstanceCreditSpecifications", &[("InstanceId.1", &t2)]);
    assert_eq!(at(&shown, "instanceCreditSpecificationSet.0.cpuCredits"), "standard");
    let refused = client.refused("DescribeInstanceCreditSpecifications", &[("InstanceId.1", &m5)]);
    assert_eq!(refused, "InvalidParameterValue");
    let filter = [("Filter.1.Name", "instance-id"), ("Filter.1.Value.1", t3.as_str())];
    let shown = client.ok("DescribeInstanceCreditSpecifications", &filter);
    assert_eq!(column(&shown, "instanceCreditSpecificationSet", "cpuCredits"), ["unlimited"]);
}
