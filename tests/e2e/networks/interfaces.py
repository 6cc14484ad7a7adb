"""Interfaces that come and go on a running guest, with addresses and groups of their own."""

import drawing
from guest import seconds, tcp, until


def run(world):
    web, db, report, ec2 = world.web, world.db, world.report, world.ec2
    group = ec2.create_security_group(GroupName="second", Description="second", VpcId=world.vpcs["app"]["VpcId"])["GroupId"]
    from_back = [drawing.allow("tcp", 8000, 8000, UserIdGroupPairs=[{"GroupId": world.groups["back"]}])]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=from_back)
    # In the zone of the guest that it is for.
    subnet = world.subnets["spare-b"]
    made = ec2.create_network_interface(SubnetId=subnet, Groups=[group], SecondaryPrivateIpAddressCount=1)["NetworkInterface"]
    eni = made["NetworkInterfaceId"]
    addresses = [one["PrivateIpAddress"] for one in sorted(made["PrivateIpAddresses"], key=lambda one: not one["Primary"])]
    attached = ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId=db.id, DeviceIndex=1)["AttachmentId"]
    took = until(lambda: f" {addresses[0]}/" in db.sh("ip -4 addr show dev eth1 2>/dev/null || true"), every_s=0.2)
    report.check("an interface is attached to a running guest, which takes its address", took is not None, seconds(took))
    # Answers leave by the interface whose address they carry.
    db.sh(
        f"ip addr add {addresses[1]}/32 dev eth1; gateway={addresses[0].rsplit('.', 1)[0]}.1; "
        "ip route add $gateway/32 dev eth1 table 7; ip route add default via $gateway dev eth1 table 7; "
        + "; ".join(f"ip rule add from {address} lookup 7" for address in addresses)
    )
    in_group = [drawing.allow("tcp", 8000, 8000, UserIdGroupPairs=[{"GroupId": world.groups["front"]}])]
    report.check("its own groups guard it", not web.reaches(addresses[0], 8000, 3))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=in_group)
    for number, address in enumerate(addresses):
        took = until(lambda: web.fetch(f"http://{address}:8000/name", 20) is not None)
        report.check(f"the front fetches from {'its second address' if number else 'it'}", took is not None, seconds(took))
    # In the other group of its network it is another's: live.
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[world.groups["back"]])
    took = until(lambda: web.reaches(addresses[0], 8001, 20))
    report.check("with other groups other ports are open, at once", took is not None, seconds(took))
    ec2.create_route(RouteTableId=world.tables["spare-b"], DestinationCidrBlock="0.0.0.0/0", GatewayId=internet_gateway(world))
    address = ec2.allocate_address()
    world.elastic.append(address["AllocationId"])
    ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=eni, PrivateIpAddress=addresses[1])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[world.groups["front"]])
    took = until(lambda: tcp(address["PublicIp"], 8000, 1))
    report.check("an elastic address on its second one lets the machine in", took is not None, seconds(took))
    ec2.detach_network_interface(AttachmentId=attached)
    took = until(lambda: "eth1" not in db.sh("ls /sys/class/net"))
    report.check("it is taken away again", took is not None, seconds(took))
    gone = until(lambda: not tcp(address["PublicIp"], 8000, 1))
    report.check("and nothing answers at its addresses", gone is not None and not web.reaches(addresses[0], 8000, 3))
    available = until(lambda: ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]["Status"] == "available")
    report.check("it is there to be attached elsewhere", available is not None)
    ec2.disassociate_address(AssociationId=ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"][0]["AssociationId"])
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_security_group(GroupId=group)


def internet_gateway(world):
    vpc = {"Name": "attachment.vpc-id", "Values": [world.vpcs["app"]["VpcId"]]}
    return world.ec2.describe_internet_gateways(Filters=[vpc])["InternetGateways"][0]["InternetGatewayId"]
