//! Site-to-site VPNs: customer gateways, VPN gateways, connections with their tunnels.

use crate::harness::{Case, Client, Params, World, at, column, find, list, nothing, params};

const NO_CUSTOMER: (&[(&str, &str)], &str) =
    (&[("CustomerGatewayId", "cgw-0123456789abcdef0")], "InvalidCustomerGatewayID.NotFound");
const BAD_CUSTOMER: (&[(&str, &str)], &str) = (&[("CustomerGatewayId", "cgw-1")], "InvalidCustomerGatewayId.Malformed");
const NO_GATEWAY: (&[(&str, &str)], &str) =
    (&[("VpnGatewayId", "vgw-0123456789abcdef0")], "InvalidVpnGatewayID.NotFound");
const BAD_GATEWAY: (&[(&str, &str)], &str) = (&[("VpnGatewayId", "vgw-1")], "InvalidVpnGatewayID.Malformed");
const NO_CONNECTION: (&[(&str, &str)], &str) =
    (&[("VpnConnectionId", "vpn-0123456789abcdef0")], "InvalidVpnConnectionID.NotFound");
const BAD_CONNECTION: (&[(&str, &str)], &str) = (&[("VpnConnectionId", "vpn-1")], "InvalidVpnConnectionID.Malformed");
const BAD_FILTER: (&[(&str, &str)], &str) =
    (&[("Filter.1.Name", "nonsense"), ("Filter.1.Value.1", "x")], "InvalidParameterValue");
const ATTACH: &[(&[(&str, &str)], &str)] = &[
    (&[("VpnGatewayId", "vgw-0123456789abcdef0"), ("VpcId", "vpc-0123456789abcdef0")], "InvalidVpnGatewayID.NotFound"),
    (&[("VpnGatewayId", "vgw-0123456789abcdef0")], "MissingParameter"),
    BAD_GATEWAY,
];
const ROUTE: &[(&[(&str, &str)], &str)] = &[
    (
        &[("VpnConnectionId", "vpn-0123456789abcdef0"), ("DestinationCidrBlock", "192.168.50.0/24")],
        "InvalidVpnConnectionID.NotFound",
    ),
    (
        &[("VpnConnectionId", "vpn-0123456789abcdef0"), ("DestinationCidrBlock", "192.168.50.0")],
        "InvalidParameterValue",
    ),
    BAD_CONNECTION,
];
/// Ends that nobody has, for refusals that come before anybody looks for them.
const ENDS: [(&str, &str); 3] =
    [("Type", "ipsec.1"), ("CustomerGatewayId", "cgw-0123456789abcdef0"), ("VpnGatewayId", "vgw-0123456789abcdef0")];

/// The cases of VPNs.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateCustomerGateway",
        |_| {
            params([
                ("Type", "ipsec.1"),
                ("IpAddress", "203.0.113.10"),
                ("BgpAsn", "65010"),
                ("DeviceName", "edge"),
                ("TagSpecification.1.ResourceType", "customer-gateway"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "office"),
            ])
        },
        &[
            (&[("Type", "ipsec.1")], "MissingParameter"),
            (&[("Type", "ipsec.2"), ("IpAddress", "203.0.113.10")], "InvalidParameterValue"),
            (&[("Type", "ipsec.1"), ("IpAddress", "203.0.113")], "InvalidParameterValue"),
            (&[("Type", "ipsec.1"), ("IpAddress", "127.0.0.1")], "InvalidParameterValue"),
            (&[("Type", "ipsec.1"), ("IpAddress", "2001:db8::1")], "UnsupportedOperation"),
            (&[("Type", "ipsec.1"), ("IpAddress", "203.0.113.10"), ("BgpAsn", "0")], "InvalidParameterValue"),
            (&[("Type", "ipsec.1"), ("CertificateArn", "arn:x")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "DeleteCustomerGateway",
        |client| params([("CustomerGatewayId", customer(client))]),
        &[BAD_CUSTOMER, NO_CUSTOMER],
    ),
    Case::ec2(
        "DescribeCustomerGateways",
        |client| params([("CustomerGatewayId.1", customer(client))]),
        &[(&[("CustomerGatewayId.1", "cgw-0123456789abcdef0")], "InvalidCustomerGatewayID.NotFound"), BAD_FILTER],
    ),
    Case::ec2(
        "CreateVpnGateway",
        |_| {
            params([
                ("Type", "ipsec.1"),
                ("AmazonSideAsn", "64520"),
                ("AvailabilityZone", ""),
                ("TagSpecification.1.ResourceType", "vpn-gateway"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "left"),
            ])
        },
        &[
            (&[("Type", "ipsec.1"), ("AmazonSideAsn", "7")], "InvalidParameterValue"),
            (&[("Type", "ipsec.1"), ("AvailabilityZone", "eu-west-1a")], "InvalidParameterValue"),
            (&[], "MissingParameter"),
        ],
    ),
    Case::ec2("DeleteVpnGateway", |client| params([("VpnGatewayId", gateway(client))]), &[BAD_GATEWAY, NO_GATEWAY]),
    Case::ec2(
        "AttachVpnGateway",
        |client| params([("VpnGatewayId", gateway(client)), ("VpcId", crate::network::default_vpc(client))]),
        ATTACH,
    ),
    Case::ec2("DetachVpnGateway", attached, ATTACH),
    Case::ec2(
        "DescribeVpnGateways",
        |client| params([("VpnGatewayId.1", attached(client).remove(0).1)]),
        &[(&[("VpnGatewayId.1", "vgw-0123456789abcdef0")], "InvalidVpnGatewayID.NotFound"), BAD_FILTER],
    ),
    Case::ec2(
        "CreateVpnConnection",
        |client| {
            let mut call = connection(client);
            call.extend(params([
                ("TagSpecification.1.ResourceType", "vpn-connection"),
                ("TagSpecification.1.Tag.1.Key", "Name"),
                ("TagSpecification.1.Tag.1.Value", "office"),
            ]));
            call
        },
        &[
            (&ENDS, "InvalidCustomerGatewayID.NotFound"),
            (&[("Type", "ipsec.1"), ("CustomerGatewayId", "cgw-0123456789abcdef0")], "MissingParameter"),
            (&[ENDS[0], ENDS[1], ENDS[2], ("Options.TunnelOptions.1.PreSharedKey", "0short")], "InvalidParameterValue"),
            (&[ENDS[0], ENDS[1], ENDS[2], ("Options.EnableAcceleration", "true")], "UnsupportedOperation"),
            (&[ENDS[0], ENDS[1], ENDS[2], ("Options.TunnelInsideIpVersion", "ipv6")], "UnsupportedOperation"),
            (&[ENDS[0], ENDS[1], ENDS[2], ("PreSharedKeyStorage", "SecretsManager")], "UnsupportedOperation"),
            (
                &[
                    ENDS[0],
                    ENDS[1],
                    ENDS[2],
                    ("Options.TunnelOptions.1.LogOptions.CloudWatchLogOptions.LogEnabled", "true"),
                ],
                "UnsupportedOperation",
            ),
            (
                &[ENDS[0], ENDS[1], ENDS[2], ("TransitGatewayId", "tgw-0123456789abcdef0")],
                "InvalidParameterCombination",
            ),
        ],
    ),
    Case::ec2(
        "CreateVpnConnectionRoute",
        |client| params([("VpnConnectionId", made(client).as_str()), ("DestinationCidrBlock", "192.168.50.0/24")]),
        ROUTE,
    ),
    Case::ec2(
        "DeleteVpnConnectionRoute",
        |client| {
            let id = made(client);
            let route = [("VpnConnectionId", id.as_str()), ("DestinationCidrBlock", "192.168.50.0/24")];
            client.ok("CreateVpnConnectionRoute", &route);
            params(route)
        },
        ROUTE,
    ),
    Case::ec2(
        "ModifyVpnConnection",
        |client| {
            let id = made(client);
            let other = client.ok("CreateCustomerGateway", &[("Type", "ipsec.1"), ("IpAddress", "203.0.113.20")]);
            params([
                ("VpnConnectionId", id.as_str()),
                ("CustomerGatewayId", at(&other, "customerGateway.customerGatewayId")),
            ])
        },
        &[NO_CONNECTION_TO, (&[("VpnConnectionId", "vpn-0123456789abcdef0")], "MissingParameter"), BAD_CONNECTION],
    ),
    Case::ec2(
        "ModifyVpnConnectionOptions",
        |client| params([("VpnConnectionId", made(client).as_str()), ("LocalIpv4NetworkCidr", "192.168.0.0/16")]),
        &[
            NO_CONNECTION,
            BAD_CONNECTION,
            (&[("VpnConnectionId", "vpn-0123456789abcdef0"), ("LocalIpv6NetworkCidr", "::/0")], "UnsupportedOperation"),
        ],
    ),
    Case::ec2(
        "ModifyVpnTunnelOptions",
        |client| {
            let id = made(client);
            params([
                ("VpnConnectionId", id.as_str()),
                ("VpnTunnelOutsideIpAddress", &outside(client, &id)),
                ("TunnelOptions.PreSharedKey", "a.new_key"),
                ("TunnelOptions.Phase1DHGroupNumber.1.Value", "14"),
                ("TunnelOptions.IKEVersion.1.Value", "ikev2"),
            ])
        },
        &[
            (
                &[
                    ("VpnConnectionId", "vpn-0123456789abcdef0"),
                    ("VpnTunnelOutsideIpAddress", "198.18.0.9"),
                    ("TunnelOptions.StartupAction", "start"),
                ],
                "InvalidVpnConnectionID.NotFound",
            ),
            (&[("VpnConnectionId", "vpn-0123456789abcdef0")], "MissingParameter"),
            BAD_CONNECTION,
        ],
    ),
    Case::ec2(
        "DeleteVpnConnection",
        |client| params([("VpnConnectionId", made(client))]),
        &[BAD_CONNECTION, NO_CONNECTION],
    ),
    Case::ec2(
        "DescribeVpnConnections",
        |client| params([("VpnConnectionId.1", made(client))]),
        &[(&[("VpnConnectionId.1", "vpn-0123456789abcdef0")], "InvalidVpnConnectionID.NotFound"), BAD_FILTER],
    ),
    Case::ec2("GetVpnConnectionDeviceTypes", nothing, &[(&[("NextToken", "forged")], "InvalidNextToken")]),
    Case::ec2(
        "GetVpnConnectionDeviceSampleConfiguration",
        |client| {
            params([
                ("VpnConnectionId", made(client).as_str()),
                ("VpnConnectionDeviceTypeId", STRONGSWAN),
                ("InternetKeyExchangeVersion", "ikev2"),
                ("SampleType", "recommended"),
            ])
        },
        &[
            (
                &[("VpnConnectionId", "vpn-0123456789abcdef0"), ("VpnConnectionDeviceTypeId", STRONGSWAN)],
                "InvalidVpnConnectionID.NotFound",
            ),
            (
                &[("VpnConnectionId", "vpn-0123456789abcdef0"), ("VpnConnectionDeviceTypeId", "00000000")],
                "InvalidVpnConnectionDeviceTypeID.NotFound",
            ),
            (
                &[
                    ("VpnConnectionId", "vpn-0123456789abcdef0"),
                    ("VpnConnectionDeviceTypeId", STRONGSWAN),
                    ("InternetKeyExchangeVersion", "ikev1"),
                    ("SampleType", "recommended"),
                ],
                "UnsupportedOperation",
            ),
            BAD_CONNECTION,
        ],
    ),
];

const STRONGSWAN: &str = "9ecf5a63";
const NO_CONNECTION_TO: (&[(&str, &str)], &str) = (
    &[("VpnConnectionId", "vpn-0123456789abcdef0"), ("CustomerGatewayId", "cgw-0123456789abcdef0")],
    "InvalidVpnConnectionID.NotFound",
);

fn customer(client: &Client<'_>) -> String {
    let answer = client.ok("CreateCustomerGateway", &[("Type", "ipsec.1"), ("IpAddress", "203.0.113.10")]);
    at(&answer, "customerGateway.customerGatewayId").to_owned()
}

fn gateway(client: &Client<'_>) -> String {
    let answer = client.ok("CreateVpnGateway", &[("Type", "ipsec.1")]);
    at(&answer, "vpnGateway.vpnGatewayId").to_owned()
}

/// A VPN gateway that is attached to the default VPC, with that.
fn attached(client: &Client<'_>) -> Params {
    let (gateway, vpc) = (gateway(client), crate::network::default_vpc(client));
    let call = [("VpnGatewayId", gateway.as_str()), ("VpcId", vpc.as_str())];
    client.ok("AttachVpnGateway", &call);
    params(call)
}

/// What makes a connection of static routes with given keys.
fn connection(client: &Client<'_>) -> Params {
    params([
        ("Type", "ipsec.1"),
        ("CustomerGatewayId", customer(client).as_str()),
        ("VpnGatewayId", &gateway(client)),
        ("Options.StaticRoutesOnly", "true"),
        ("Options.TunnelOptions.1.PreSharedKey", "first_key"),
        ("Options.TunnelOptions.2.PreSharedKey", "second.key"),
    ])
}

/// Such a connection, available.
fn made(client: &Client<'_>) -> String {
    let answer = client.send("ec2", "CreateVpnConnection", &connection(client));
    assert_eq!(answer.status, 200, "{}", answer.body);
    client.world().settle();
    at(&answer.tree(), "vpnConnection.vpnConnectionId").to_owned()
}

fn shown(client: &Client<'_>, id: &str) -> landfall_wire::Tree {
    client.ok("DescribeVpnConnections", &[("VpnConnectionId.1", id)])
}

/// The first tunnel's address.
fn outside(client: &Client<'_>, id: &str) -> String {
    at(&shown(client, id), "vpnConnectionSet.0.options.tunnelOptionSet.0.outsideIpAddress").to_owned()
}

#[test]
fn keys_are_made_sealed_and_shown_to_their_owner() {
    let world = World::new();
    let client = world.root();
    let call = [
        ("Type", "ipsec.1"),
        ("CustomerGatewayId", &customer(&client)),
        ("VpnGatewayId", &gateway(&client)),
        ("Options.TunnelOptions.1.PreSharedKey", "given.key"),
    ];
    let answer = client.ok("CreateVpnConnection", &call);
    assert_eq!(at(&answer, "vpnConnection.state"), "pending");
    let id = at(&answer, "vpnConnection.vpnConnectionId").to_owned();
    let made = at(&answer, "vpnConnection.options.tunnelOptionSet.1.preSharedKey").to_owned();
    assert!(made.len() == 32 && made.bytes().all(|b| b.is_ascii_alphanumeric()) && !made.starts_with('0'), "{made}");
    world.settle();
    let answer = shown(&client, &id);
    let row = "vpnConnectionSet.0";
    let configuration = at(&answer, &format!("{row}.customerGatewayConfiguration"));
    for key in ["given.key", made.as_str()] {
        assert!(configuration.contains(&format!("<pre_shared_key>{key}</pre_shared_key>")), "{configuration}");
    }
    assert!(configuration.contains("<bgp>") && !configuration.contains("NoBGPVPNConnection"), "BGP is the default");
    assert_eq!(at(&answer, &format!("{row}.vgwTelemetry.0.status")), "DOWN");
    let stored = format!("{:?}", world.engine().read().vpn_connections.iter().next().unwrap());
    assert!(!stored.contains("given.key") && !stored.contains(&made), "{stored}");
    client.ok("DeleteVpnConnection", &[("VpnConnectionId", &id)]);
    world.settle();
    let answer = shown(&client, &id);
    assert_eq!(at(&answer, &format!("{row}.state")), "deleted");
    assert!(find(&answer, &format!("{row}.customerGatewayConfiguration")).is_none());
    assert_eq!(client.refused("DeleteVpnConnection", &[("VpnConnectionId", &id)]), "InvalidVpnConnectionID.NotFound");
}

#[test]
fn an_address_of_a_tunnel_is_nobody_elses() {
    let world = World::new();
    let client = world.root();
    let id = made(&client);
    let address = outside(&client, &id);
    let taken = [("Domain", "vpc"), ("Address", address.as_str())];
    assert_eq!(client.refused("AllocateAddress", &taken), "InvalidIPAddress.InUse");
    assert_eq!(world.other().refused("AllocateAddress", &taken), "InvalidAddress.NotFound");
    client.ok("DeleteVpnConnection", &[("VpnConnectionId", &id)]);
    world.settle();
    world.pass(3601);
    world.transact(landfall_cloud::expiry::expire);
    assert_eq!(
        client.refused("AllocateAddress", &taken),
        "InvalidAddress.NotFound",
        "it is free, but nobody's to choose"
    );
}

#[test]
fn what_a_vpn_needs_stays() {
    let world = World::new();
    let client = world.root();
    let id = made(&client);
    let answer = shown(&client, &id);
    let customer = at(&answer, "vpnConnectionSet.0.customerGatewayId").to_owned();
    let gateway = at(&answer, "vpnConnectionSet.0.vpnGatewayId").to_owned();
    let (customer, gateway) = ([("CustomerGatewayId", customer.as_str())], [("VpnGatewayId", gateway.as_str())]);
    assert_eq!(client.refused("DeleteCustomerGateway", &customer), "IncorrectState");
    assert_eq!(client.refused("DeleteVpnGateway", &gateway), "IncorrectState");
    client.ok("DeleteVpnConnection", &[("VpnConnectionId", &id)]);
    client.ok("DeleteCustomerGateway", &customer);
    client.ok("DeleteVpnGateway", &gateway);
    world.settle();
    assert_eq!(column(&client.ok("DescribeVpnGateways", &[]), "vpnGatewaySet", "state"), ["deleted"]);
    assert_eq!(column(&client.ok("DescribeCustomerGateways", &[]), "customerGatewaySet", "state"), ["deleted"]);
}

#[test]
fn a_vpc_has_one_vpn_gateway() {
    let world = World::new();
    let client = world.root();
    let call = attached(&client);
    let other = gateway(&client);
    let second = [("VpnGatewayId", other.as_str()), ("VpcId", call[1].1.as_str())];
    assert_eq!(client.refused("AttachVpnGateway", &second), "VpnGatewayAttachmentLimitExceeded");
    assert_eq!(client.refused("DeleteVpnGateway", &[("VpnGatewayId", &call[0].1)]), "IncorrectState");
    assert_eq!(client.refused("DetachVpnGateway", &second), "InvalidVpnGatewayAttachment.NotFound");
    assert_eq!(client.send("ec2", "DetachVpnGateway", &call).status, 200);
    let answer = client.ok("DescribeVpnGateways", &[("VpnGatewayId.1", &call[0].1)]);
    assert_eq!(at(&answer, "vpnGatewaySet.0.attachments.0.state"), "detached");
    client.ok("AttachVpnGateway", &second);
}

#[test]
fn the_same_device_is_the_same_customer_gateway() {
    let world = World::new();
    let client = world.root();
    assert_eq!(customer(&client), customer(&client));
    let large = [("Type", "ipsec.1"), ("IpAddress", "203.0.113.10"), ("BgpAsnExtended", "4200000000")];
    let answer = client.ok("CreateCustomerGateway", &large);
    assert_eq!(at(&answer, "customerGateway.bgpAsnExtended"), "4200000000");
    assert_eq!(list(&client.ok("DescribeCustomerGateways", &[]), "customerGatewaySet").len(), 2);
}

#[test]
fn a_vpn_at_a_transit_gateway_is_an_attachment() {
    let world = World::new();
    let client = world.root();
    let answer = client.ok("CreateTransitGateway", &[]);
    let hub = at(&answer, "transitGateway.transitGatewayId").to_owned();
    world.settle();
    let customer = customer(&client);
    let call = [
        ("Type", "ipsec.1"),
        ("CustomerGatewayId", customer.as_str()),
        ("TransitGatewayId", &hub),
        ("Options.StaticRoutesOnly", "true"),
    ];
    let answer = client.ok("CreateVpnConnection", &call);
    let id = at(&answer, "vpnConnection.vpnConnectionId").to_owned();
    world.settle();
    let attachments = || {
        let answer = client.ok("DescribeTransitGatewayAttachments", &[]);
        let rows = list(&answer, "transitGatewayAttachments").iter();
        rows.map(|row| format!("{} {} {}", at(row, "resourceType"), at(row, "resourceId"), at(row, "state")))
            .collect::<Vec<_>>()
    };
    assert_eq!(attachments(), [format!("vpn {id} available")]);
    let route = [("VpnConnectionId", id.as_str()), ("DestinationCidrBlock", "192.168.50.0/24")];
    assert_eq!(client.refused("CreateVpnConnectionRoute", &route), "InvalidParameterCombination");
    assert_eq!(client.refused("DeleteTransitGateway", &[("TransitGatewayId", &hub)]), "IncorrectState");
    let gateway = gateway(&client);
    let answer = client.ok("ModifyVpnConnection", &[("VpnConnectionId", &id), ("VpnGatewayId", &gateway)]);
    assert_eq!(at(&answer, "vpnConnection.state"), "modifying");
    assert_eq!(at(&answer, "vpnConnection.vpnGatewayId"), gateway);
    world.settle();
    assert_eq!(attachments(), [format!("vpn {id} deleted")]);
    client.ok("CreateVpnConnectionRoute", &route);
    client.ok("DeleteTransitGateway", &[("TransitGatewayId", &hub)]);
}

#[test]
fn a_tunnels_options_change_one_by_one() {
    let world = World::new();
    let client = world.root();
    let id = made(&client);
    let address = outside(&client, &id);
    let names = [("VpnConnectionId", id.as_str()), ("VpnTunnelOutsideIpAddress", address.as_str())];
    let change = |more: &[(&str, &str)]| {
        let call: Vec<_> = names.iter().chain(more).copied().collect();
        let answer = client.call("ModifyVpnTunnelOptions", &call);
        world.settle();
        answer
    };
    assert_eq!(change(&[("TunnelOptions.Phase1LifetimeSeconds", "7200")]).status, 200);
    assert_eq!(change(&[("TunnelOptions.TunnelInsideCidr", "169.254.44.0/30")]).status, 200);
    for (name, value) in [
        ("Phase1LifetimeSeconds", "899"),
        ("Phase1LifetimeSeconds", "3600"),
        ("TunnelInsideCidr", "169.254.1.0/30"),
        ("TunnelInsideCidr", "10.0.0.0/30"),
        ("DPDTimeoutAction", "panic"),
        ("Phase2EncryptionAlgorithm.1.Value", "DES"),
    ] {
        assert_eq!(change(&[(&format!("TunnelOptions.{name}"), value)]).code(), "InvalidParameterValue", "{name}");
    }
    let answer = shown(&client, &id);
    let tunnel = find(&answer, "vpnConnectionSet.0.options.tunnelOptionSet.0").unwrap();
    assert_eq!(at(tunnel, "phase1LifetimeSeconds"), "7200");
    assert_eq!(at(tunnel, "tunnelInsideCidr"), "169.254.44.0/30");
    assert_eq!(at(tunnel, "preSharedKey"), "first_key");
    let second = at(&answer, "vpnConnectionSet.0.options.tunnelOptionSet.1.outsideIpAddress");
    let same = [names[0], ("VpnTunnelOutsideIpAddress", second), ("TunnelOptions.TunnelInsideCidr", "169.254.44.0/30")];
    assert_eq!(client.refused("ModifyVpnTunnelOptions", &same), "InvalidParameterValue");
}
