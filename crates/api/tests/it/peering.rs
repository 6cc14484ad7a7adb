//! VPC peering: asking, answering, ending; both sides, of one account or two, in one region or two.

use crate::harness::{ACCOUNT, Case, Client, OTHER_ACCOUNT, World, at, find, list, params};
use crate::network::{check_filters, default_vpc};
use crate::route::{route, routes, table};

const PEERING: &str = "pcx-0123456789abcdef0";
const VPC: &str = "vpc-0123456789abcdef0";

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

const BAD: Bad = &[
    (&[("VpcPeeringConnectionId", "pcx-1")], "InvalidVpcPeeringConnectionId.Malformed"),
    (&[("VpcPeeringConnectionId", PEERING)], "InvalidVpcPeeringConnectionID.NotFound"),
];

/// The cases of peerings.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateVpcPeeringConnection",
        |client| {
            params([
                ("VpcId", default_vpc(client).as_str()),
                ("PeerVpcId", &vpc(client, "10.1.0.0/16")),
                ("TagSpecification.1.ResourceType", "vpc-peering-connection"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "shared"),
            ])
        },
        &[
            (&[("VpcId", VPC)], "MissingParameter"),
            (&[("VpcId", VPC), ("PeerVpcId", VPC)], "InvalidVpcID.NotFound"),
            (&[("VpcId", VPC), ("PeerVpcId", VPC), ("PeerOwnerId", "me")], "InvalidParameterValue"),
            (&[("VpcId", VPC), ("PeerVpcId", VPC), ("PeerRegion", "nowhere")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2("AcceptVpcPeeringConnection", |client| params([("VpcPeeringConnectionId", pending(client))]), BAD),
    Case::ec2("RejectVpcPeeringConnection", |client| params([("VpcPeeringConnectionId", pending(client))]), BAD),
    Case::ec2("DeleteVpcPeeringConnection", |client| params([("VpcPeeringConnectionId", pending(client))]), BAD),
    Case::ec2(
        "DescribeVpcPeeringConnections",
        |client| params([("VpcPeeringConnectionId.1", active(client))]),
        &[
            (&[("VpcPeeringConnectionId.1", PEERING)], "InvalidVpcPeeringConnectionID.NotFound"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
            (&[("NextToken", "forged")], "InvalidNextToken"),
        ],
    ),
    Case::ec2(
        "ModifyVpcPeeringConnectionOptions",
        |client| {
            params([
                ("VpcPeeringConnectionId", active(client).as_str()),
                ("AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc", "true"),
            ])
        },
        &[
            (&[("VpcPeeringConnectionId", PEERING)], "MissingParameter"),
            (
                &[
                    ("VpcPeeringConnectionId", PEERING),
                    ("RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc", "true"),
                ],
                "InvalidVpcPeeringConnectionID.NotFound",
            ),
            (
                &[
                    ("VpcPeeringConnectionId", PEERING),
                    ("RequesterPeeringConnectionOptions.AllowEgressFromLocalVpcToRemoteClassicLink", "true"),
                ],
                "UnsupportedOperation",
            ),
        ],
    ),
];

/// A VPC of the client's with that block.
fn vpc(client: &Client<'_>, block: &str) -> String {
    at(&client.ok("CreateVpc", &[("CidrBlock", block)]), "vpc.vpcId").to_owned()
}

fn ask(client: &Client<'_>, more: &[(&str, &str)]) -> String {
    let vpc = default_vpc(client);
    let mut all = vec![("VpcId", vpc.as_str())];
    all.extend(more);
    let tree = client.ok("CreateVpcPeeringConnection", &all);
    assert_eq!(at(&tree, "vpcPeeringConnection.status.code"), "initiating-request");
    client.world().settle();
    at(&tree, "vpcPeeringConnection.vpcPeeringConnectionId").to_owned()
}

fn pending(client: &Client<'_>) -> String {
    ask(client, &[("PeerVpcId", &vpc(client, "10.1.0.0/16"))])
}

fn active(client: &Client<'_>) -> String {
    let id = pending(client);
    accept(client, &id);
    id
}

fn accept(client: &Client<'_>, id: &str) {
    let tree = client.ok("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", id)]);
    assert_eq!(at(&tree, "vpcPeeringConnection.status.code"), "provisioning");
    client.world().settle();
    assert_eq!(code(client, id), "active");
}

fn shown(client: &Client<'_>, id: &str) -> landfall_wire::Tree {
    let tree = client.ok("DescribeVpcPeeringConnections", &[("VpcPeeringConnectionId.1", id)]);
    find(&tree, "vpcPeeringConnectionSet.0").unwrap().clone()
}

fn code(client: &Client<'_>, id: &str) -> String {
    at(&shown(client, id), "status.code").to_owned()
}

#[test]
fn two_accounts_peer_in_two_regions() {
    let world = World::new();
    let (one, two) = (world.root(), world.other().at("eu-west-1"));
    let theirs = vpc(&two, "10.1.0.0/16");
    let id = ask(&one, &[("PeerVpcId", &theirs), ("PeerOwnerId", OTHER_ACCOUNT), ("PeerRegion", "eu-west-1")]);
    assert_eq!((code(&one, &id), code(&two, &id)), ("pending-acceptance".into(), "pending-acceptance".into()));
    assert!(find(&shown(&one, &id), "accepterVpcInfo.cidrBlock").is_none(), "not before it is accepted");
    assert!(find(&shown(&one, &id), "expirationTime").is_some());
    let both = [("VpcPeeringConnectionId", id.as_str())];
    assert_eq!(one.refused("AcceptVpcPeeringConnection", &both), "OperationNotPermitted");
    assert_eq!(world.other().refused("AcceptVpcPeeringConnection", &both), "InvalidVpcPeeringConnectionID.NotFound");
    assert_eq!(two.refused("DeleteVpcPeeringConnection", &both), "OperationNotPermitted");
    // A route may be made meanwhile, and leads nowhere yet.
    let table = table(&one);
    route(&one, &table, "10.1.0.0/16", ("VpcPeeringConnectionId", &id));
    assert_eq!(at(&routes(&one, &table)[1], "state"), "blackhole");
    accept(&two, &id);
    assert_eq!(at(&routes(&one, &table)[1], "state"), "active");
    let peering = shown(&one, &id);
    assert_eq!(at(&peering, "accepterVpcInfo.cidrBlockSet.0.cidrBlock"), "10.1.0.0/16");
    assert_eq!(at(&peering, "accepterVpcInfo.region"), "eu-west-1");
    assert_eq!(at(&peering, "requesterVpcInfo.ownerId"), ACCOUNT);

    // Tags are each side's own; options each side's to change.
    two.ok("CreateTags", &[("ResourceId.1", &id), ("Tag.1.Key", "Name"), ("Tag.1.Value", "theirs")]);
    assert!(find(&shown(&one, &id), "tagSet").is_none());
    let own = ("AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc", "true");
    assert_eq!(one.refused("ModifyVpcPeeringConnectionOptions", &[both[0], own]), "OperationNotPermitted");
    two.ok("ModifyVpcPeeringConnectionOptions", &[both[0], own]);
    let dns = "peeringOptions.allowDnsResolutionFromRemoteVpc";
    assert_eq!(at(&shown(&one, &id), &format!("accepterVpcInfo.{dns}")), "true");
    assert_eq!(at(&shown(&one, &id), &format!("requesterVpcInfo.{dns}")), "false");

    two.ok("DeleteVpcPeeringConnection", &both);
    world.settle();
    assert_eq!(at(&shown(&one, &id), "status.message"), format!("Deleted by {OTHER_ACCOUNT}"));
    assert_eq!(at(&routes(&one, &table)[1], "state"), "blackhole");
    assert_eq!(one.refused("DeleteVpcPeeringConnection", &both), "InvalidStateTransition");
    // Who deleted it sees it for two hours, the other for two days.
    world.pass(2 * 3600);
    assert_eq!(code(&one, &id), "deleted");
    assert_eq!(
        two.refused("DescribeVpcPeeringConnections", &[("VpcPeeringConnectionId.1", &id)]),
        "InvalidVpcPeeringConnectionID.NotFound"
    );
    world.pass(2 * 86_400);
    world.transact(landfall_cloud::expiry::expire);
    assert!(world.engine().read().peerings.iter().next().is_none());
}

#[test]
fn what_overlaps_or_is_not_there_fails() {
    let world = World::new();
    let client = world.root();
    let overlapping = vpc(&client, "172.31.128.0/17");
    let id = ask(&client, &[("PeerVpcId", &overlapping)]);
    assert_eq!(code(&client, &id), "failed");
    assert!(at(&shown(&client, &id), "status.message").contains("overlapping CIDR range"));
    let absent = ask(&client, &[("PeerVpcId", VPC), ("PeerOwnerId", OTHER_ACCOUNT)]);
    assert_eq!(code(&client, &absent), "failed");
    let gone = client.call("DeleteVpcPeeringConnection", &[("VpcPeeringConnectionId", &absent)]);
    assert_eq!(gone.code(), "InvalidStateTransition");
    assert!(gone.message().ends_with("attempted to transition from failed to deleting"), "{}", gone.message());
    // A failed one stands in no other's way.
    assert_eq!(
        client.refused("CreateVpcPeeringConnection", &[("VpcId", &default_vpc(&client)), ("PeerVpcId", VPC)]),
        "InvalidVpcID.NotFound"
    );
    let own = default_vpc(&client);
    assert_eq!(
        client.refused("CreateVpcPeeringConnection", &[("VpcId", &own), ("PeerVpcId", &own)]),
        "InvalidParameterValue"
    );
    assert!(list(&world.other().ok("DescribeVpcPeeringConnections", &[]), "vpcPeeringConnectionSet").is_empty());
}

#[test]
fn a_pair_is_peered_once() {
    let world = World::new();
    let client = world.root();
    let (own, peer) = (default_vpc(&client), vpc(&client, "10.1.0.0/16"));
    let id = ask(&client, &[("PeerVpcId", &peer)]);
    let again =
        |one: &str, two: &str| client.refused("CreateVpcPeeringConnection", &[("VpcId", one), ("PeerVpcId", two)]);
    assert_eq!(again(&own, &peer), "VpcPeeringConnectionAlreadyExists");
    assert_eq!(again(&peer, &own), "VpcPeeringConnectionAlreadyExists");
    client.ok("RejectVpcPeeringConnection", &[("VpcPeeringConnectionId", &id)]);
    assert_eq!(code(&client, &id), "rejected");
    assert_eq!(
        client.refused("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &id)]),
        "InvalidStateTransition"
    );
    let second = ask(&client, &[("PeerVpcId", &peer)]);
    check_filters(
        &client,
        "DescribeVpcPeeringConnections",
        "vpcPeeringConnectionSet",
        &[
            ("status-code", "pending-acceptance", 1),
            ("vpc-peering-connection-id", &second, 1),
            ("accepter-vpc-info.vpc-id", &peer, 2),
            ("accepter-vpc-info.cidr-block", "10.1.0.0/16", 2),
            ("accepter-vpc-info.owner-id", ACCOUNT, 2),
            ("requester-vpc-info.vpc-id", &own, 2),
            ("requester-vpc-info.cidr-block", "172.31.0.0/16", 2),
            ("requester-vpc-info.owner-id", ACCOUNT, 2),
            ("status-message", "Rejected by *", 1),
        ],
    );
}

#[test]
fn a_request_that_nobody_answers_expires() {
    let world = World::new();
    let client = world.root();
    let id = pending(&client);
    world.pass(7 * 86_400 + 1);
    world.transact(landfall_cloud::expiry::expire);
    assert_eq!(code(&client, &id), "expired");
    world.pass(2 * 86_400 + 1);
    world.transact(landfall_cloud::expiry::expire);
    assert_eq!(
        client.refused("DescribeVpcPeeringConnections", &[("VpcPeeringConnectionId.1", &id)]),
        "InvalidVpcPeeringConnectionID.NotFound"
    );
}

#[test]
fn a_vpc_that_is_gone_peers_with_nobody() {
    let world = World::new();
    let client = world.root();
    let peer = vpc(&client, "10.1.0.0/16");
    let id = ask(&client, &[("PeerVpcId", &peer)]);
    client.ok("DeleteVpc", &[("VpcId", &peer)]);
    assert_eq!(
        client.refused("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &id)]),
        "InvalidStateTransition"
    );
}
