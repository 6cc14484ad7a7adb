"""The end: all that was drawn is taken away again, in the order that dependencies want, and nothing is left of it."""

import os
import subprocess

import stage
from botocore.exceptions import ClientError
from guest import until


def run(world):
    report, ec2 = world.report, world.ec2
    vpc = world.vpcs["app"]["VpcId"]
    try:
        ec2.delete_vpc(VpcId=vpc)
        said = "it was deleted"
    except ClientError as error:
        said = error.response["Error"]["Code"]
    report.equal("a network in use isn't deleted", said, "DependencyViolation")
    for guest in world.guests.values():
        guest.disconnect()
    ec2.terminate_instances(InstanceIds=[guest.id for guest in world.guests.values()])
    for guest in world.guests.values():
        guest.wait("terminated")
    ec2.delete_nat_gateway(NatGatewayId=world.nat)
    for attachment in world.attachments.values():
        ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    until(lambda: gone(ec2.describe_transit_gateway_vpc_attachments()["TransitGatewayVpcAttachments"]))
    ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=world.hub_table)
    ec2.delete_transit_gateway(TransitGatewayId=world.hub)
    until(lambda: gone(ec2.describe_nat_gateways()["NatGateways"]))
    for allocation in [*world.elastic, world.nat_address["AllocationId"]]:
        ec2.release_address(AllocationId=allocation)
    ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=world.egress_only)
    for network in world.vpcs.values():
        take_away(ec2, network["VpcId"])
    mine = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    report.equal("all networks are deleted", mine, [])
    report.check("their namespaces are gone", until(lambda: world.networks() == []) is not None, world.networks())
    report.equal("and their links", [name for name in os.listdir("/sys/class/net") if name.startswith("lf-")], [])
    done = subprocess.run([world.cloud.binary, "down", "--listen", stage.API, "--guests", "stop"], capture_output=True, text=True)
    report.equal("the cloud ends", done.returncode, 0)


def gone(rows):
    return {row["State"] for row in rows} <= {"deleted"}


def take_away(ec2, vpc):
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for gateway in ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    for table in ec2.describe_route_tables(Filters=inside)["RouteTables"]:
        if not any(association["Main"] for association in table["Associations"]):
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    groups = [group for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"] if group["GroupName"] != "default"]
    # One that another names goes after it.
    for group in sorted(groups, key=lambda group: group["GroupName"] == "front"):
        ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_vpc(VpcId=vpc)
