//! Elastic addresses.

use landfall_cloud::value::{Addresses, ReleasedAddresses};
use landfall_model::{Address, Scope};

use crate::harness::{Case, Client, World, at, find, list, params};
use crate::network::{check_filters, launch, select};

/// The cases of elastic addresses.
pub const CASES: &[Case] = &[
    Case::ec2(
        "AllocateAddress",
        |_| {
            params([
                ("Domain", "vpc"),
                ("TagSpecification.1.ResourceType", "elastic-ip"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "web"),
            ])
        },
        &[
            (&[("Domain", "standard")], "UnsupportedOperation"),
            (&[("Domain", "mars")], "InvalidParameterValue"),
            (&[("Address", "203.0.113.1")], "InvalidAddress.NotFound"),
            (&[("Address", "198.18.0.0")], "InvalidAddress.NotFound"),
            (&[("PublicIpv4Pool", "ipv4pool-ec2-1")], "UnsupportedOperation"),
            (&[("CustomerOwnedIpv4Pool", "coip-1")], "UnsupportedOperation"),
            (&[("IpamPoolId", "ipam-pool-1")], "UnsupportedOperation"),
            (&[("NetworkBorderGroup", "eu-west-1")], "InvalidParameterValue"),
            (
                &[("TagSpecification.1.ResourceType", "instance"), ("TagSpecification.1.Tag.1.Key", "Name")],
                "InvalidParameterValue",
            ),
        ],
    ),
    Case::ec2(
        "AssociateAddress",
        |client| params([("AllocationId", allocate(client)), ("InstanceId", launch(client, &[]))]),
        &[
            (&[], "MissingParameter"),
            (&[("AllocationId", "eipalloc-1")], "InvalidAllocationID.Malformed"),
            (&[("AllocationId", "eipalloc-0123456789abcdef0")], "InvalidAllocationID.NotFound"),
            (&[("PublicIp", "198.18.0.9")], "InvalidAddress.NotFound"),
            (&[("PublicIp", "nonsense")], "InvalidParameterValue"),
            (
                &[("AllocationId", "eipalloc-0123456789abcdef0"), ("PublicIp", "198.18.0.9")],
                "InvalidParameterCombination",
            ),
        ],
    ),
    Case::ec2(
        "DisassociateAddress",
        |client| {
            let id = allocate(client);
            params([("AssociationId", associate(client, &id, &launch(client, &[])))])
        },
        &[
            (&[], "MissingParameter"),
            (&[("AssociationId", "eipassoc-0123456789abcdef0")], "InvalidAssociationID.NotFound"),
            (&[("AssociationId", "eipassoc-1")], "InvalidAssociationID.Malformed"),
            (&[("PublicIp", "198.18.0.9")], "InvalidAddress.NotFound"),
        ],
    ),
    Case::ec2(
        "ReleaseAddress",
        |client| params([("AllocationId", allocate(client))]),
        &[
            (&[], "MissingParameter"),
            (&[("AllocationId", "eipalloc-0123456789abcdef0")], "InvalidAllocationID.NotFound"),
            (&[("PublicIp", "198.18.0.9")], "InvalidAddress.NotFound"),
        ],
    ),
    Case::ec2(
        "DescribeAddresses",
        |client| {
            let id = allocate(client);
            associate(client, &id, &launch(client, &[]));
            params([("AllocationId.1", id)])
        },
        &[
            (&[("AllocationId.1", "eipalloc-0123456789abcdef0")], "InvalidAllocationID.NotFound"),
            (&[("PublicIp.1", "198.18.0.9")], "InvalidAddress.NotFound"),
            (&[("PublicIp.1", "nonsense")], "InvalidParameterValue"),
            (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
    Case::ec2(
        "DescribeAddressesAttribute",
        |client| params([("AllocationId.1", allocate(client).as_str()), ("Attribute", "domain-name")]),
        &[
            (&[("AllocationId.1", "eipalloc-0123456789abcdef0")], "InvalidAllocationID.NotFound"),
            (&[("Attribute", "nonsense")], "InvalidParameterValue"),
        ],
    ),
];

fn allocate(client: &Client<'_>) -> String {
    at(&client.ok("AllocateAddress", &[]), "allocationId").to_owned()
}

fn associate(client: &Client<'_>, id: &str, instance: &str) -> String {
    let tree = client.ok("AssociateAddress", &[("AllocationId", id), ("InstanceId", instance)]);
    at(&tree, "associationId").to_owned()
}

fn public(client: &Client<'_>, instance: &str) -> Option<String> {
    let tree = client.ok("DescribeInstances", &[("InstanceId.1", instance)]);
    let path = "reservationSet.0.instancesSet.0.ipAddress";
    find(&tree, path).map(|_| at(&tree, path).to_owned())
}

#[test]
fn an_address_stands_for_an_instance_until_it_is_taken() {
    let world = World::new();
    let client = world.root();
    let instance = launch(&client, &[]);
    let given = public(&client, &instance).unwrap();
    let id = allocate(&client);
    let elastic = at(&client.ok("DescribeAddresses", &[]), "addressesSet.0.publicIp").to_owned();
    let association = associate(&client, &id, &instance);
    assert_eq!(associate(&client, &id, &instance), association, "the same again is the same");
    assert_eq!(public(&client, &instance).as_deref(), Some(elastic.as_str()));
    assert_eq!(client.refused("ReleaseAddress", &[("AllocationId", &id)]), "InvalidIPAddress.InUse");
    let chosen = [("Address", given.as_str())];
    assert_eq!(client.refused("AllocateAddress", &chosen), "InvalidAddress.NotFound", "it was never an elastic one");

    client.ok("DisassociateAddress", &[("AssociationId", &association)]);
    let again = public(&client, &instance).unwrap();
    assert!(again != elastic && again != given, "another address is given");
    let gone = [("AssociationId", association.as_str())];
    assert_eq!(client.refused("DisassociateAddress", &gone), "InvalidAssociationID.NotFound");
    client.ok("DisassociateAddress", &[("PublicIp", &elastic)]);
    client.ok("ReleaseAddress", &[("PublicIp", &elastic)]);
    assert_eq!(client.refused("DescribeAddresses", &[("AllocationId.1", &id)]), "InvalidAllocationID.NotFound");
}

#[test]
fn an_address_moves_unless_that_is_forbidden() {
    let world = World::new();
    let client = world.root();
    let (first, second) = (launch(&client, &[]), launch(&client, &[]));
    let (id, other) = (allocate(&client), allocate(&client));
    associate(&client, &id, &first);
    let fixed = [("AllocationId", id.as_str()), ("InstanceId", &second), ("AllowReassociation", "false")];
    assert_eq!(client.refused("AssociateAddress", &fixed), "Resource.AlreadyAssociated");
    associate(&client, &id, &second);
    let tree = client.ok("DescribeAddresses", &[("AllocationId.1", &id)]);
    assert_eq!(at(&tree, "addressesSet.0.instanceId"), second);
    assert!(public(&client, &first).is_some(), "the instance that lost it has an address again");
    associate(&client, &other, &second);
    let tree = client.ok("DescribeAddresses", &[("AllocationId.1", &id)]);
    assert!(find(&tree, "addressesSet.0.associationId").is_none(), "an interface's address is replaced");
}

#[test]
fn an_address_stays_when_its_instance_goes() {
    let world = World::new();
    let client = world.root();
    let instance = launch(&client, &[]);
    let id = allocate(&client);
    associate(&client, &id, &instance);
    client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
    world.settle();
    let tree = client.ok("DescribeAddresses", &[("AllocationId.1", &id)]);
    assert!(find(&tree, "addressesSet.0.associationId").is_none());
    let again = [("AllocationId", id.as_str()), ("InstanceId", instance.as_str())];
    assert_eq!(client.refused("AssociateAddress", &again), "IncorrectInstanceState");
    client.ok("ReleaseAddress", &[("AllocationId", &id)]);
}

#[test]
fn what_an_address_is_for_must_be_said() {
    let world = World::new();
    let client = world.root();
    let (id, instance) = (allocate(&client), launch(&client, &[]));
    let interfaces = select(&client, "DescribeNetworkInterfaces", "networkInterfaceSet", &[]);
    let interface = at(&interfaces[0], "networkInterfaceId");
    assert_eq!(client.refused("AssociateAddress", &[("AllocationId", &id)]), "MissingParameter");
    let both = [("AllocationId", id.as_str()), ("InstanceId", &instance), ("NetworkInterfaceId", interface)];
    assert_eq!(client.refused("AssociateAddress", &both), "InvalidParameterCombination");
    let strange = [("AllocationId", id.as_str()), ("NetworkInterfaceId", interface), ("PrivateIpAddress", "10.0.0.1")];
    assert_eq!(client.refused("AssociateAddress", &strange), "InvalidParameterValue");
    client.ok("AssociateAddress", &[("AllocationId", &id), ("NetworkInterfaceId", interface)]);
    let border = [("AllocationId", id.as_str()), ("NetworkBorderGroup", "eu-west-1")];
    assert_eq!(client.refused("ReleaseAddress", &border), "InvalidAddress.NotFound");
}

#[test]
fn five_addresses_are_the_limit() {
    let world = World::new();
    let client = world.root();
    for _ in 0..5 {
        allocate(&client);
    }
    assert_eq!(client.refused("AllocateAddress", &[]), "AddressLimitExceeded");
    allocate(&world.other());
}

#[test]
fn addresses_are_found_by_filters() {
    let world = World::new();
    let client = world.root();
    let (id, _, instance) = (allocate(&client), allocate(&client), launch(&client, &[]));
    let association = associate(&client, &id, &instance);
    let tree = client.ok("DescribeAddresses", &[("AllocationId.1", &id)]);
    let one = |name: &str| at(&tree, &format!("addressesSet.0.{name}"));
    check_filters(
        &client,
        "DescribeAddresses",
        "addressesSet",
        &[
            ("allocation-id", &id, 1),
            ("association-id", &association, 1),
            ("instance-id", &instance, 1),
            ("network-border-group", "us-east-1", 2),
            ("network-interface-id", one("networkInterfaceId"), 1),
            ("network-interface-owner-id", "111122223333", 1),
            ("private-ip-address", one("privateIpAddress"), 1),
            ("public-ip", one("publicIp"), 1),
        ],
    );
    let theirs = allocate(&world.other());
    assert!(select(&client, "DescribeAddresses", "addressesSet", &[("allocation-id", &theirs)]).is_empty());
    assert_eq!(list(&client.ok("DescribeAddresses", &[]), "addressesSet").len(), 2);
}

#[test]
fn a_released_address_goes_back_to_who_had_it_last() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let release = |client: &Client<'_>, public: &str| client.ok("ReleaseAddress", &[("PublicIp", public)]);
    let public = at(&client.ok("AllocateAddress", &[]), "publicIp").to_owned();
    let wanted = [("Address", public.as_str())];
    assert_eq!(client.refused("AllocateAddress", &wanted), "InvalidIPAddress.InUse");
    assert_eq!(
        other.refused("AllocateAddress", &wanted),
        "InvalidAddress.NotFound",
        "which ones others have isn't told"
    );
    release(&client, &public);
    assert_eq!(other.refused("AllocateAddress", &wanted), "InvalidAddress.NotFound", "another account's");
    assert_eq!(world.root().at("eu-west-1").refused("AllocateAddress", &wanted), "InvalidAddress.NotFound");
    assert_eq!(at(&client.ok("AllocateAddress", &wanted), "publicIp"), public);
    release(&client, &public);
    // Another has it by chance, and gives it back.
    let public_address = public.parse().unwrap();
    world.transact(|tx| {
        let key = tx.released_addresses.by_public(&public_address).next().unwrap().clone();
        tx.delete::<ReleasedAddresses>(&key.scope.key(key.public));
        let scope = Scope { account: "444455556666".parse().unwrap(), ..key.scope };
        let id = tx.new_id();
        tx.put::<Addresses>(Address { scope, id, public: public_address, association: None });
    });
    release(&other, &public);
    assert_eq!(client.refused("AllocateAddress", &wanted), "InvalidAddress.NotFound", "another had it since");
    other.ok("AllocateAddress", &wanted);
}
