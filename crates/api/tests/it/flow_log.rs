//! Flow logs.

use crate::harness::{Case, Client, World, at, column, list, params};

const BUCKET: &str = "arn:aws:s3:::flows/here/";

/// The cases of flow logs.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateFlowLogs",
        |client| {
            params([
                ("ResourceType", "VPC"),
                ("ResourceId.1", &vpc(client)),
                ("TrafficType", "ALL"),
                ("LogDestinationType", "s3"),
                ("LogDestination", BUCKET),
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "vpc-flow-log"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "all"),
            ])
        },
        &[
            (&[("ResourceType", "VPC")], "MissingParameter"),
            (&[("ResourceType", "VPC"), ("ResourceId.1", "vpc-1"), ("TrafficType", "ALL")], "InvalidVpcID.Malformed"),
            (
                &[
                    ("ResourceType", "Subnet"),
                    ("ResourceId.1", "subnet-0123456789abcdef0"),
                    ("TrafficType", "ALL"),
                    ("LogDestinationType", "s3"),
                    ("LogDestination", "arn:aws:s3:::flows"),
                ],
                "InvalidSubnetID.NotFound",
            ),
            (&[("ResourceType", "TransitGateway"), ("ResourceId.1", "tgw-0123456789abcdef0")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DescribeFlowLogs",
        |client| params([("FlowLogId.1", make(client, &[("LogFormat", "${version} ${reject-reason}")]))]),
        &[
            (&[("FlowLogId.1", "fl-1")], "InvalidFlowLogId.Malformed"),
            (&[("FlowLogId.1", "fl-0123456789abcdef0")], "InvalidFlowLogId.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
    Case::ec2(
        "DeleteFlowLogs",
        |client| params([("FlowLogId.1", make(client, &[]))]),
        &[
            (&[("FlowLogId.1", "fl-1")], "InvalidFlowLogId.Malformed"),
            (&[("FlowLogId.1", "fl-0123456789abcdef0")], "InvalidFlowLogId.NotFound"),
        ],
    ),
];

fn vpc(client: &Client<'_>) -> String {
    at(&client.ok("DescribeVpcs", &[]), "vpcSet.0.vpcId").to_owned()
}

fn subnet(client: &Client<'_>) -> String {
    at(&client.ok("DescribeSubnets", &[]), "subnetSet.0.subnetId").to_owned()
}

fn make(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let vpc = vpc(client);
    at(&client.ok("CreateFlowLogs", &whole(&vpc, more)), "flowLogIdSet.0").to_owned()
}

/// The parameters of a flow log of a VPC, with others in place of the usual ones.
fn whole<'p>(vpc: &'p str, more: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let usual = [
        ("ResourceType", "VPC"),
        ("ResourceId.1", vpc),
        ("TrafficType", "ALL"),
        ("LogDestinationType", "s3"),
        ("LogDestination", BUCKET),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

#[test]
fn what_aws_refuses_is_refused() {
    let world = World::new();
    let client = world.root();
    let vpc = vpc(&client);
    for (more, code) in [
        (&[("LogDestinationType", "")][..], "UnsupportedOperation"),
        (&[("LogDestinationType", "cloud-watch-logs")], "UnsupportedOperation"),
        (&[("LogDestinationType", "kinesis-data-firehose")], "UnsupportedOperation"),
        (&[("LogDestinationType", "paper")], "InvalidParameterValue"),
        (&[("LogDestination", "")], "InvalidParameter"),
        (&[("LogDestination", "arn:aws-cn:s3:::flows")], "InvalidParameter"),
        (&[("LogDestination", "arn:aws:s3:::Flows")], "InvalidParameter"),
        (&[("LogDestination", "arn:aws:s3:::flows/../../etc")], "InvalidParameter"),
        (&[("LogDestination", "arn:aws:s3:::flows/AWSLogs/")], "InvalidParameter"),
        (&[("LogGroupName", "group")], "InvalidParameter"),
        (&[("DeliverLogsPermissionArn", "arn:aws:iam::111122223333:role/r")], "InvalidParameter"),
        (&[("DeliverCrossAccountRole", "arn:aws:iam::111122223333:role/r")], "UnsupportedOperation"),
        (&[("TrafficType", "")], "MissingParameter"),
        (&[("TrafficType", "SOME")], "InvalidParameterValue"),
        (&[("MaxAggregationInterval", "61")], "InvalidParameter"),
        (&[("LogFormat", "${version} ${nonsense}")], "InvalidParameter"),
        (&[("LogFormat", "version")], "InvalidParameter"),
        (&[("LogFormat", " ")], "InvalidParameter"),
        (&[("DestinationOptions.FileFormat", "parquet")], "UnsupportedOperation"),
    ] {
        assert_eq!(client.refused("CreateFlowLogs", &whole(&vpc, more)), code, "{more:?}");
    }
    assert!(list(&client.ok("DescribeFlowLogs", &[]), "flowLogSet").is_empty());
}

#[test]
fn a_resource_has_each_once_and_two_in_all() {
    let world = World::new();
    let client = world.root();
    let vpc = vpc(&client);
    make(&client, &[]);
    assert_eq!(client.refused("CreateFlowLogs", &whole(&vpc, &[])), "FlowLogAlreadyExists");
    make(&client, &[("TrafficType", "REJECT")]);
    let third = whole(&vpc, &[("TrafficType", "ACCEPT")]);
    assert_eq!(client.refused("CreateFlowLogs", &third), "FlowLogsLimitExceeded");
}

#[test]
fn several_are_made_or_none() {
    let world = World::new();
    let client = world.root();
    let subnets = client.ok("DescribeSubnets", &[]);
    let ids = column(&subnets, "subnetSet", "subnetId");
    let mut call = whole(ids[0], &[("ResourceType", "Subnet"), ("ResourceId.2", "subnet-0123456789abcdef0")]);
    assert_eq!(client.refused("CreateFlowLogs", &call), "InvalidSubnetID.NotFound");
    assert!(list(&client.ok("DescribeFlowLogs", &[]), "flowLogSet").is_empty());
    let second = call.iter().position(|(name, _)| *name == "ResourceId.2").unwrap();
    call[second].1 = ids[1];
    let made = client.ok("CreateFlowLogs", &call);
    assert_eq!(list(&made, "flowLogIdSet").len(), 2);
    let found = client.ok("DescribeFlowLogs", &[("Filter.1.Name", "resource-id"), ("Filter.1.Value.1", ids[1])]);
    assert_eq!(column(&found, "flowLogSet", "resourceId"), [ids[1]]);
    let none = client.ok("DescribeFlowLogs", &[("Filter.1.Name", "log-group-name"), ("Filter.1.Value.1", "*")]);
    assert!(list(&none, "flowLogSet").is_empty());
}

#[test]
fn they_go_with_what_they_record() {
    let world = World::new();
    let client = world.root();
    let subnet = subnet(&client);
    client.ok("CreateFlowLogs", &whole(&subnet, &[("ResourceType", "Subnet")]));
    client.ok("DeleteSubnet", &[("SubnetId", &subnet)]);
    assert!(list(&client.ok("DescribeFlowLogs", &[]), "flowLogSet").is_empty());
}
