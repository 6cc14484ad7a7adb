//! Rules that name groups of peered VPCs, of the same account or another, and what becomes of them.

use landfall_cloud::value::{Peerings, Vpcs};
use landfall_model::{Peering, PeeringId, PeeringSide, PeeringState, Timestamp};

use crate::harness::{Case, Client, NOW_MS, World, at, column, find, list, params};
use crate::network::default_vpc;
use crate::vpc;

/// The cases of references to groups.
pub const CASES: &[Case] = &[
    Case::ec2(
        "DescribeSecurityGroupReferences",
        |client| params([("GroupId.1", group(client, &default_vpc(client)))]),
        &[
            (&[], "MissingParameter"),
            (&[("GroupId.1", "sg-0123456789abcdef0")], "InvalidGroup.NotFound"),
            (&[("GroupId.1", "sg-1")], "InvalidGroupId.Malformed"),
        ],
    ),
    Case::ec2(
        "DescribeStaleSecurityGroups",
        |client| params([("VpcId", default_vpc(client))]),
        &[
            (&[("VpcId", "vpc-0123456789abcdef0")], "InvalidVpcID.NotFound"),
            (&[("VpcId", "vpc-1")], "InvalidVpcID.Malformed"),
        ],
    ),
];

fn group(client: &Client<'_>, vpc: &str) -> String {
    let request = [("GroupName", "web"), ("GroupDescription", "web"), ("VpcId", vpc)];
    at(&client.ok("CreateSecurityGroup", &request), "groupId").to_owned()
}

/// An active peering of two VPCs; its id.
fn peer(world: &World, ours: &str, theirs: &str) -> PeeringId {
    world.transact(|tx| {
        let side = |vpc: &str| {
            let vpc = vpc.parse().unwrap();
            let scope = tx.vpcs.by_id(&vpc).next().unwrap().scope;
            PeeringSide { scope, vpc, dns: false }
        };
        let (requester, accepter) = (side(ours), side(theirs));
        let id = tx.new_id();
        let fixture = serde_json::json!({
            "scope": requester.scope,
            "id": id,
            "requester": requester,
            "accepter": accepter,
            "state": PeeringState::Active,
            "message": "Active",
            "created_at": Timestamp(NOW_MS),
            "expires_at": null,
        });
        tx.put::<Peerings>(serde_json::from_value::<Peering>(fixture).unwrap());
        assert!(tx.view().find::<Vpcs, _>(requester.vpc).is_some());
        id
    })
}

fn rule<'a>(group: &'a str, named: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "5432"),
        ("IpPermissions.1.ToPort", "5432"),
        ("IpPermissions.1.Groups.1.GroupId", named),
    ]
}

#[test]
fn a_rule_reaches_across_a_peering_as_long_as_there_is_one() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let (ours, theirs) = (default_vpc(&client), vpc::create(&other, &[("CidrBlock", "10.0.0.0/16")]));
    let (mine, named) = (group(&client, &ours), group(&other, &theirs));
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &rule(&mine, &named)), "InvalidGroup.NotFound");
    let peering = peer(&world, &ours, &theirs);
    let shown_peering = peering.to_string();
    let mut full = rule(&mine, &named);
    full.push(("IpPermissions.1.Groups.1.UserId", "444455556666"));
    full.push(("IpPermissions.1.Groups.1.VpcId", &theirs));
    full.push(("IpPermissions.1.Groups.1.VpcPeeringConnectionId", &shown_peering));
    let mut wrong = full.clone();
    wrong[5].1 = "111122223333";
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &wrong), "InvalidGroup.NotFound");
    let made = client.ok("AuthorizeSecurityGroupIngress", &full);
    let info = find(&made, "securityGroupRuleSet.0.referencedGroupInfo").unwrap();
    assert_eq!((at(info, "userId"), at(info, "vpcId")), ("444455556666", theirs.as_str()));
    assert_eq!((at(info, "vpcPeeringConnectionId"), at(info, "peeringStatus")), (shown_peering.as_str(), "active"));
    let pair = || {
        let tree = client.ok("DescribeSecurityGroups", &[("GroupId.1", &mine)]);
        find(&tree, "securityGroupInfo.0.ipPermissions.0.groups.0").unwrap().clone()
    };
    assert_eq!(at(&pair(), "peeringStatus"), "active");
    let references = other.ok("DescribeSecurityGroupReferences", &[("GroupId.1", &named)]);
    assert_eq!(column(&references, "securityGroupReferenceSet", "referencingVpcId"), [ours.as_str()]);
    let stale = || client.ok("DescribeStaleSecurityGroups", &[("VpcId", &ours)]);
    assert!(list(&stale(), "staleSecurityGroupSet").is_empty());
    let mut as_shown = full.clone();
    as_shown.push(("IpPermissions.1.Groups.1.PeeringStatus", "active"));
    client.ok("RevokeSecurityGroupIngress", &as_shown);
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &as_shown), "UnsupportedOperation");
    client.ok("AuthorizeSecurityGroupIngress", &full);

    world.transact(|tx| {
        let key = tx.peerings.by_id(&peering).next().unwrap().key();
        tx.update::<Peerings, _>(&key, |row| row.state = PeeringState::Deleted);
    });
    assert_eq!(at(&pair(), "peeringStatus"), "deleted");
    let tree = stale();
    assert_eq!(column(&tree, "staleSecurityGroupSet", "groupId"), [mine.as_str()]);
    assert_eq!(at(&tree, "staleSecurityGroupSet.0.staleIpPermissions.0.groups.0.groupId"), named);
    assert!(
        list(&other.ok("DescribeSecurityGroupReferences", &[("GroupId.1", &named)]), "securityGroupReferenceSet")
            .is_empty()
    );
    other.ok("DeleteSecurityGroup", &[("GroupId", &named)]);
    assert_eq!(at(&pair(), "groupId"), named, "a stale rule stays until it is revoked");
    as_shown.last_mut().unwrap().1 = "deleted";
    client.ok("RevokeSecurityGroupIngress", &as_shown);
    assert!(list(&stale(), "staleSecurityGroupSet").is_empty());
}

#[test]
fn a_group_of_an_unpeered_vpc_is_no_peer() {
    let world = World::new();
    let client = world.root();
    let (ours, second) = (default_vpc(&client), vpc::create(&client, &[("CidrBlock", "10.0.0.0/16")]));
    let (mine, named) = (group(&client, &ours), group(&client, &second));
    assert_eq!(client.refused("AuthorizeSecurityGroupIngress", &rule(&mine, &named)), "InvalidParameter");
    peer(&world, &ours, &second);
    client.ok("AuthorizeSecurityGroupIngress", &rule(&mine, &named));
    assert_eq!(client.refused("DeleteVpc", &[("VpcId", &second)]), "DependencyViolation");
}
