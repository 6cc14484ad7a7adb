//! Reachability as the API shows it. What is found is reasoned elsewhere and tested there; here is what is asked and shown.

use landfall_wire::Tree;

use crate::harness::{Case, Client, IMAGE, World, at, column, find, list, params};

/// The cases of paths and analyses.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateNetworkInsightsPath",
        |client| {
            params([
                ("Source", machine(client).as_str()),
                ("DestinationIp", "203.0.113.9"),
                ("Protocol", "TCP"),
                ("DestinationPort", "443"),
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "network-insights-path"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "out"),
            ])
        },
        &[
            (&[("Protocol", "tcp")], "MissingParameter"),
            (
                &[("Source", "i-0123456789abcdef0"), ("DestinationIp", "10.0.0.1"), ("Protocol", "tcp")],
                "InvalidInstanceID.NotFound",
            ),
            (&[("Source", "nonsense"), ("DestinationIp", "10.0.0.1"), ("Protocol", "tcp")], "InvalidParameterValue"),
            (
                &[("Source", "tgw-0123456789abcdef0"), ("DestinationIp", "10.0.0.1"), ("Protocol", "tcp")],
                "UnsupportedOperation",
            ),
        ],
    ),
    Case::ec2(
        "DescribeNetworkInsightsPaths",
        |client| params([("NetworkInsightsPathId.1", path(client))]),
        &[
            (&[("NetworkInsightsPathId.1", "nip-1")], "InvalidNetworkInsightsPathId.Malformed"),
            (&[("NetworkInsightsPathId.1", "nip-0123456789abcdef0")], "InvalidNetworkInsightsPathId.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("MaxResults", "101")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DeleteNetworkInsightsPath",
        |client| params([("NetworkInsightsPathId", path(client))]),
        &[(&[("NetworkInsightsPathId", "nip-0123456789abcdef0")], "InvalidNetworkInsightsPathId.NotFound")],
    ),
    Case::ec2(
        "StartNetworkInsightsAnalysis",
        |client| {
            params([
                ("NetworkInsightsPathId", path(client).as_str()),
                ("ClientToken", "once"),
                ("TagSpecification.1.ResourceType", "network-insights-analysis"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "first"),
            ])
        },
        &[
            (&[("NetworkInsightsPathId", "nip-0123456789abcdef0")], "InvalidNetworkInsightsPathId.NotFound"),
            (&[], "MissingParameter"),
        ],
    ),
    Case::ec2(
        "DescribeNetworkInsightsAnalyses",
        |client| params([("NetworkInsightsAnalysisId.1", analysis(client, &path(client)))]),
        &[
            (&[("NetworkInsightsAnalysisId.1", "nia-1")], "InvalidNetworkInsightsAnalysisId.Malformed"),
            (&[("NetworkInsightsAnalysisId.1", "nia-0123456789abcdef0")], "InvalidNetworkInsightsAnalysisId.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DeleteNetworkInsightsAnalysis",
        |client| params([("NetworkInsightsAnalysisId", analysis(client, &path(client)))]),
        &[(&[("NetworkInsightsAnalysisId", "nia-0123456789abcdef0")], "InvalidNetworkInsightsAnalysisId.NotFound")],
    ),
];

/// A machine that runs, in the default network.
fn machine(client: &Client<'_>) -> String {
    let launched = client.ok("RunInstances", &[("ImageId", IMAGE), ("MinCount", "1"), ("MaxCount", "1")]);
    let id = at(&launched, "instancesSet.0.instanceId").to_owned();
    client.world().settle();
    id
}

/// A path from a machine to the internet.
pub fn path(client: &Client<'_>) -> String {
    let machine = machine(client);
    make(client, &[("Source", &machine), ("DestinationIp", "203.0.113.9"), ("DestinationPort", "443")])
}

fn make(client: &Client<'_>, what: &[(&str, &str)]) -> String {
    let made = client.ok("CreateNetworkInsightsPath", &[what, &[("Protocol", "tcp")]].concat());
    at(&made, "networkInsightsPath.networkInsightsPathId").to_owned()
}

/// An analysis that is done.
pub fn analysis(client: &Client<'_>, path: &str) -> String {
    let started = client.ok("StartNetworkInsightsAnalysis", &[("NetworkInsightsPathId", path)]);
    assert_eq!(at(&started, "networkInsightsAnalysis.status"), "running");
    assert!(find(&started, "networkInsightsAnalysis.networkPathFound").is_none());
    client.world().settle();
    at(&started, "networkInsightsAnalysis.networkInsightsAnalysisId").to_owned()
}

/// What an analysis of such a path found.
fn judge(client: &Client<'_>, what: &[(&str, &str)]) -> Tree {
    let id = analysis(client, &make(client, what));
    let shown = client.ok("DescribeNetworkInsightsAnalyses", &[("NetworkInsightsAnalysisId.1", &id)]);
    find(&shown, "networkInsightsAnalysisSet.0").unwrap().clone()
}

fn code(found: &Tree) -> Option<&str> {
    find(found, "explanationSet.0.explanationCode").and_then(Tree::as_text)
}

fn kinds<'t>(found: &'t Tree, way: &str) -> Vec<&'t str> {
    let ids = list(found, way).iter().map(|hop| at(hop, "component.id"));
    ids.map(|id| id.rsplit_once('-').unwrap().0).collect()
}

#[test]
fn a_machine_reaches_the_internet_and_back() {
    let world = World::new();
    let client = world.root();
    let machine = machine(&client);
    let found = judge(&client, &[("Source", &machine), ("DestinationIp", "203.0.113.9"), ("DestinationPort", "443")]);
    assert_eq!(at(&found, "networkPathFound"), "true");
    assert_eq!(kinds(&found, "forwardPathComponentSet"), ["i", "eni", "sg", "acl", "rtb", "igw"]);
    assert_eq!(kinds(&found, "returnPathComponentSet"), ["igw", "acl", "sg", "eni", "i"]);
    assert_eq!(at(&found, "forwardPathComponentSet.3.aclRule.ruleNumber"), "100");
    assert!(at(&found, "forwardPathComponentSet.4.routeTableRoute.gatewayId").starts_with("igw-"));
}

#[test]
fn the_internet_reaches_what_a_group_lets_in() {
    let world = World::new();
    let client = world.root();
    let machine = machine(&client);
    let gateways = client.ok("DescribeInternetGateways", &[]);
    let gateway = at(&gateways, "internetGatewaySet.0.internetGatewayId");
    let ask = || judge(&client, &[("Source", gateway), ("Destination", &machine), ("DestinationPort", "22")]);
    let found = ask();
    assert_eq!((at(&found, "networkPathFound"), code(&found)), ("false", Some("ENI_SG_RULES_MISMATCH")));
    assert_eq!(at(&found, "explanationSet.0.direction"), "ingress");
    let groups = client.ok("DescribeSecurityGroups", &[]);
    let group = at(&groups, "securityGroupInfo.0.groupId");
    let open = [
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "22"),
        ("IpPermissions.1.ToPort", "22"),
        // Only from there: an analysis finds who may be meant.
        ("IpPermissions.1.IpRanges.1.CidrIp", "192.0.2.0/24"),
    ];
    client.ok("AuthorizeSecurityGroupIngress", &open);
    let found = ask();
    assert_eq!((at(&found, "networkPathFound"), code(&found)), ("true", None));
    assert_eq!(kinds(&found, "forwardPathComponentSet"), ["igw", "acl", "sg", "eni", "i"]);
    let from = at(&found, "forwardPathComponentSet.0.outboundHeader.sourceAddressSet.0");
    assert!(from.starts_with("192.0.2."), "{from}");
    let elsewhere = [("Source", gateway), ("Destination", &machine), ("SourceIp", "198.51.100.7")];
    assert_eq!(code(&judge(&client, &elsewhere)), Some("ENI_SG_RULES_MISMATCH"));
}

#[test]
fn a_path_may_be_led_through_and_around() {
    let world = World::new();
    let client = world.root();
    let machine = machine(&client);
    let gateways = client.ok("DescribeInternetGateways", &[]);
    let gateway = at(&gateways, "internetGatewaySet.0.internetGatewayId");
    let arn = format!("arn:aws:ec2:us-east-1:111122223333:internet-gateway/{gateway}");
    let path = make(&client, &[("Source", &machine), ("Destination", gateway)]);
    for (filter, expected) in [(None, "true"), (Some("FilterInArn.1"), "true"), (Some("FilterOutArn.1"), "false")] {
        let more: Vec<_> = filter.map(|name| (name, arn.as_str())).into_iter().collect();
        client.ok("StartNetworkInsightsAnalysis", &[&[("NetworkInsightsPathId", path.as_str())][..], &more].concat());
        world.settle();
        let filters = [("Filter.1.Name", "path-found"), ("Filter.1.Value.1", expected)];
        let all =
            client.ok("DescribeNetworkInsightsAnalyses", &[&filters[..], &[("NetworkInsightsPathId", &path)]].concat());
        let last = list(&all, "networkInsightsAnalysisSet");
        assert!(!last.is_empty(), "{filter:?}");
        if expected == "false" {
            assert_eq!(code(&last[0]), Some("COMPONENT_FILTER_RESTRICTION"));
        }
    }
}

#[test]
fn a_path_with_analyses_stays() {
    let world = World::new();
    let client = world.root();
    let path = path(&client);
    let analysis = analysis(&client, &path);
    let delete = [("NetworkInsightsPathId", path.as_str())];
    assert_eq!(client.refused("DeleteNetworkInsightsPath", &delete), "AnalysisExistsForNetworkInsightsPath");
    client.ok("DeleteNetworkInsightsAnalysis", &[("NetworkInsightsAnalysisId", &analysis)]);
    client.ok("DeleteNetworkInsightsPath", &delete);
    assert!(list(&client.ok("DescribeNetworkInsightsPaths", &[]), "networkInsightsPathSet").is_empty());
}

#[test]
fn paths_say_what_packets_are_like() {
    let world = World::new();
    let client = world.root();
    let machine = machine(&client);
    let filter = [
        ("FilterAtSource.DestinationAddress", "203.0.113.9"),
        ("FilterAtSource.DestinationPortRange.FromPort", "80"),
        ("FilterAtSource.DestinationPortRange.ToPort", "90"),
    ];
    let base = [("Source", machine.as_str()), ("Protocol", "tcp")];
    for (more, expected) in [
        (&[("SourceIp", "10.0.0.1")][..], "InvalidParameterCombination"),
        (&[("DestinationPort", "80")], "InvalidParameterCombination"),
        (
            &[("FilterAtSource.SourcePortRange.FromPort", "9"), ("FilterAtSource.SourcePortRange.ToPort", "8")],
            "InvalidParameterValue",
        ),
    ] {
        assert_eq!(client.refused("CreateNetworkInsightsPath", &[&base[..], &filter, more].concat()), expected);
    }
    assert_eq!(client.refused("CreateNetworkInsightsPath", &base), "MissingParameter");
    let there = [("DestinationIp", "10.0.0.1"), ("FilterAtDestination.SourceAddress", "10.0.0.2")];
    assert_eq!(
        client.refused("CreateNetworkInsightsPath", &[&base[..], &there].concat()),
        "InvalidParameterCombination"
    );
    client.ok("CreateNetworkInsightsPath", &[&base[..], &filter].concat());
    for (name, value, count) in [
        ("filter-at-source.destination-port-range", "80-90", 1),
        ("filter-at-source.destination-address", "203.0.113.*", 1),
        ("filter-at-source.source-address", "*", 0),
        ("source", &machine, 1),
        ("destination", "*", 0),
        ("protocol", "udp", 0),
    ] {
        let found = client.ok("DescribeNetworkInsightsPaths", &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        assert_eq!(column(&found, "networkInsightsPathSet", "protocol").len(), count, "{name}");
    }
}

#[test]
fn nothing_of_another_accounts_is_shown() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let theirs = machine(&other);
    let seen = other.ok("DescribeInstances", &[]);
    let public = at(&seen, "reservationSet.0.instancesSet.0.ipAddress");
    let group = at(&seen, "reservationSet.0.instancesSet.0.groupSet.0.groupId");
    let machine = machine(&client);
    // Their group lets nobody in; all that is seen from here is that it leaves for the internet.
    let found = judge(&client, &[("Source", &machine), ("DestinationIp", public), ("DestinationPort", "22")]);
    assert_eq!(at(&found, "networkPathFound"), "true");
    assert_eq!(kinds(&found, "forwardPathComponentSet"), ["i", "eni", "sg", "acl", "rtb", "igw"]);
    assert!(list(&found, "returnPathComponentSet").is_empty());
    let all = format!("{found:?}");
    for id in [theirs.as_str(), group] {
        assert!(!all.contains(id), "{id} in {all}");
    }
}
