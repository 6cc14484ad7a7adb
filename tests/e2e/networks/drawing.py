"""The drawing: four guests in three networks, and all that connects these with each other and with the world.

    app   10.40.0.0/16   public-a, private-b, spare-b     web (elastic address) and db, in two zones
    peer  10.41.0.0/16   side-a                           peer, peered with app
    spoke 10.42.0.0/16   far-a                            far, behind a transit gateway with app
"""

import socket
import threading

import stage
from guest import Guest
from packets import within

# The internet's IPv6: the machine, its router, and somebody who says who asked.
MACHINE_V6 = "2001:db8:1::2"
ROUTER_V6 = "2001:db8:1::1"
WEB_V6 = "2001:db8:80::80"
BLOCKS = {"app": "10.40.0.0/16", "peer": "10.41.0.0/16", "spoke": "10.42.0.0/16"}
SUBNETS = {
    "public-a": ("app", 0, "10.40.1.0/24", 1),
    "private-b": ("app", 1, "10.40.2.0/24", 2),
    "spare-b": ("app", 1, "10.40.3.0/24", 3),
    "side-a": ("peer", 0, "10.41.1.0/24", None),
    "far-a": ("spoke", 0, "10.42.1.0/24", None),
}
# What each guest does when it starts: pages at some ports, and word of it on its console.
START = """#!/bin/sh
mkdir -p /srv && hostname >/srv/name
for port in 8000 8001 8002; do httpd -p $port -h /srv; done
echo "pages are served"
"""


class WebV6(stage.Server):
    address_family = socket.AF_INET6


def surroundings():
    """IPv6 for the machine and the internet, and the ways back to guests."""
    inside = ("ip", "-n", stage.INTERNET)
    stage.run("ip", "address", "add", f"{MACHINE_V6}/64", "dev", "wan0", "nodad")
    stage.run("ip", "-6", "route", "add", "default", "via", ROUTER_V6)
    stage.run(*inside, "address", "add", f"{ROUTER_V6}/64", "dev", "machine", "nodad")
    stage.run(*inside, "address", "add", f"{WEB_V6}/128", "dev", "lo", "nodad")
    for block in ("198.18.0.0/16", *BLOCKS.values()):
        stage.run(*inside, "route", "add", block, "via", stage.MACHINE, "src", stage.WEB)
    web = within(stage.INTERNET, lambda: WebV6((WEB_V6, 80), stage.Answer))
    threading.Thread(target=web.serve_forever, daemon=True).start()


def draw(world):
    ec2 = world.ec2
    world.zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    world.vpcs = {}
    for name, block in BLOCKS.items():
        options = {"AmazonProvidedIpv6CidrBlock": True} if name == "app" else {}
        world.vpcs[name] = ec2.create_vpc(CidrBlock=block, **options)["Vpc"]
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            ec2.modify_vpc_attribute(VpcId=world.vpcs[name]["VpcId"], **{attribute: {"Value": True}})
    ids = {name: vpc["VpcId"] for name, vpc in world.vpcs.items()}
    world.block_v6 = world.vpcs["app"]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    # Of the block's eight bits for subnets all are zero.
    head = world.block_v6.removesuffix("00::/56")
    world.subnets, world.tables = {}, {}
    for name, (vpc, zone, block, six) in SUBNETS.items():
        options = {"Ipv6CidrBlock": f"{head}{six:02x}::/64"} if six else {}
        made = ec2.create_subnet(VpcId=ids[vpc], AvailabilityZone=world.zones[zone], CidrBlock=block, **options)
        world.subnets[name] = made["Subnet"]["SubnetId"]
        world.tables[name] = ec2.create_route_table(VpcId=ids[vpc])["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=world.tables[name], SubnetId=world.subnets[name])
    stage.run("ip", "-n", stage.INTERNET, "-6", "route", "add", world.block_v6, "via", MACHINE_V6, "src", WEB_V6)
    gateways(world, ids)
    groups(world, ids)
    launch(world)


def gateways(world, ids):
    """To the world: both networks with public addresses have an internet gateway; the private tier a NAT gateway, and for
    IPv6 one that lets nobody in."""
    ec2, tables = world.ec2, world.tables
    for name, table in (("app", "public-a"), ("peer", "side-a")):
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=ids[name])
        ec2.create_route(RouteTableId=tables[table], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        if name == "app":
            ec2.create_route(RouteTableId=tables[table], DestinationIpv6CidrBlock="::/0", GatewayId=gateway)
    world.nat_address = ec2.allocate_address()
    made = ec2.create_nat_gateway(SubnetId=world.subnets["public-a"], AllocationId=world.nat_address["AllocationId"])
    world.nat = made["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=tables["private-b"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=world.nat)
    only = ec2.create_egress_only_internet_gateway(VpcId=ids["app"])["EgressOnlyInternetGateway"]
    world.egress_only = only["EgressOnlyInternetGatewayId"]
    ec2.create_route(RouteTableId=tables["private-b"], DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=world.egress_only)


def allow(protocol, first, last, **source):
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **source}


ANYBODY = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def groups(world, ids):
    """The front lets everybody in at some ports; what stands behind lets the front in, by name or by address."""
    ec2, world.groups = world.ec2, {}
    for name, vpc in (("front", "app"), ("back", "app"), ("peer", "peer"), ("far", "spoke")):
        made = ec2.create_security_group(GroupName=name, Description=name, VpcId=ids[vpc])
        world.groups[name] = made["GroupId"]
    front = [{"GroupId": world.groups["front"]}]
    rules = {
        "front": [allow("tcp", 22, 22, **ANYBODY), allow("tcp", 8000, 8000, **ANYBODY)],
        "back": [allow("tcp", 22, 22, UserIdGroupPairs=front), allow("tcp", 8000, 8001, UserIdGroupPairs=front)],
        "peer": [allow("tcp", 22, 22, **{"IpRanges": ANYBODY["IpRanges"]}), allow("tcp", 8000, 8000, IpRanges=[{"CidrIp": BLOCKS["app"]}])],
        "far": [allow("tcp", port, port, IpRanges=[{"CidrIp": BLOCKS["app"]}]) for port in (22, 8000)],
    }
    for name, permissions in rules.items():
        ec2.authorize_security_group_ingress(GroupId=world.groups[name], IpPermissions=permissions)


def launch(world):
    """All guests at once, in the smallest type there is."""
    places = {"web": ("public-a", "front", 1), "db": ("private-b", "back", 1), "peer": ("side-a", "peer", 0), "far": ("far-a", "far", 0)}
    for name, (subnet, group, six) in places.items():
        interface = {"DeviceIndex": 0, "SubnetId": world.subnets[subnet], "Groups": [world.groups[group]], "DeleteOnTermination": True}
        if six:
            interface["Ipv6AddressCount"] = six
        guest = world.launch(name, NetworkInterfaces=[interface], UserData=START)
        setattr(world, name, guest)
    world.ec2.get_waiter("instance_running").wait(InstanceIds=[guest.id for guest in world.guests.values()], WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    world.elastic = []
    for guest in (world.web, world.peer):
        address = world.ec2.allocate_address()
        world.elastic.append(address["AllocationId"])
        world.ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=guest.id)
    for guest in world.guests.values():
        found = guest.look()["NetworkInterfaces"][0]
        guest.six = found["Ipv6Addresses"][0]["Ipv6Address"] if found.get("Ipv6Addresses") else None
    world.web.connect()
    world.report.say(f"web {world.web.id} at {world.web.public} let us in {world.web.answered_s:.1f} s after its launch")
    # The private ones are reached as people reach them: by way of the public one.
    world.db.jump = world.far.jump = world.web
