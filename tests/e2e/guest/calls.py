"""Calls of the API from within a network: at its own address, through endpoints, and where nothing answers yet."""

import json
import shlex

import boto3

from guest import until

OWN = "api.landfall.internal"
ADDRESS = "169.254.169.252"
STS = "sts.us-east-1.amazonaws.com"
NOBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}


def run(world):
    own_address(world)
    through_endpoint(world)
    absent_service(world)


def identity(host):
    """Where a caller's identity is told to whom the environment has the keys of: signed, to be asked by anybody."""
    sts = boto3.Session().client("sts", region_name="us-east-1", endpoint_url=f"http://{host}")
    return sts.generate_presigned_url("get_caller_identity", ExpiresIn=900, HttpMethod="GET")


def answer(guest, host, url="/"):
    """All of what is answered, an error too, which wget would keep to itself."""
    path = url.removeprefix(f"http://{host}")
    # The server takes a client that says no more for one that is gone.
    ask = f"(printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' {shlex.quote(path)} {host}; sleep 2) | nc -w 5 {host} 80"
    return guest.sh(ask, check=False)[1]


def own_address(world):
    report, b = world.report, world.b
    unsigned = answer(b, ADDRESS)
    report.check("the API answers a guest, who has signed nothing, as AWS does", "MissingAuthenticationToken" in unsigned, unsigned[-300:])
    report.check("its name leads there", ADDRESS in b.sh(f"nslookup {OWN}", check=False)[1])
    for host in (ADDRESS, OWN):
        told = b.fetch(identity(host), 10) or ""
        report.check(f"a signed call at {host} says who calls", ":root</Arn>" in told, told[:200])
    report.equal("its own paths are for the machine", b.fetch(f"http://{ADDRESS}/_landfall/health"), None)


def through_endpoint(world):
    report, ec2, b, c = world.report, world.ec2, world.b, world.c
    placed = b.look()
    vpc, subnet = placed["VpcId"], placed["SubnetId"]
    made = ec2.create_vpc_endpoint(
        VpcId=vpc, VpcEndpointType="Interface", ServiceName="com.amazonaws.us-east-1.sts",
        SubnetIds=[subnet], SecurityGroupIds=[world.default],
    )["VpcEndpoint"]
    id = made["VpcEndpointId"]
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])["NetworkInterfaces"]
    address, names = interface["PrivateIpAddress"], [entry["DnsName"] for entry in made["DnsEntries"]]
    report.check("the service's name is among its endpoint's", STS in names and len(names) == 3, names)
    for name in names:
        leads = until(lambda: address in b.sh(f"nslookup {name}", check=False)[1], 30)
        report.check(f"{name} leads to it", leads is not None)
        report.check("and answers", ":root</Arn>" in (b.fetch(identity(name), 10) or ""))
    state = lambda: ec2.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"][0]["State"]
    report.check("it is available", until(lambda: state() == "available", 30) is not None)
    regions = world.client().generate_presigned_url("describe_regions", ExpiresIn=900, HttpMethod="GET")
    other = answer(b, STS, f"http://{STS}/?{regions.partition('?')[2]}")
    report.check("another service isn't behind it", "correct service: 'sts'" in other, other[-300:])
    report.equal("one of a group that its own doesn't let in", c.fetch(identity(STS), 2), None)

    ec2.modify_vpc_endpoint(VpcEndpointId=id, PolicyDocument=json.dumps(NOBODY))
    refused = answer(b, STS, identity(STS))
    report.check("its policy denies, and says so", "explicit deny in a VPC endpoint policy" in refused, refused[-300:])
    report.check("but not past it", ":root</Arn>" in (b.fetch(identity(OWN), 10) or ""))
    report.check("settled again", until(lambda: state() == "available", 30) is not None)
    ec2.modify_vpc_endpoint(VpcEndpointId=id, ResetPolicy=True)
    report.check("settled again", until(lambda: state() == "available", 30) is not None)
    ec2.modify_vpc_endpoint(VpcEndpointId=id, AddSecurityGroupIds=[world.ssh], RemoveSecurityGroupIds=[world.default])
    report.check("by another group nobody gets there", until(lambda: b.fetch(identity(STS), 2) is None, 30) is not None)
    report.check("settled again", until(lambda: state() == "available", 30) is not None)

    ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
    report.check("it goes", until(lambda: state() == "deleted", 30) is not None)
    report.check("and the name is the world's again", until(lambda: "NXDOMAIN" in b.sh(f"nslookup {STS}", check=False)[1], 30) is not None)
    report.equal("nothing answers there", b.fetch(f"http://{address}/", 2), None)


def absent_service(world):
    report, ec2, b = world.report, world.ec2, world.b
    vpc = b.look()["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    service = "com.amazonaws.us-east-1.s3"
    id = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[tables[0]["RouteTableId"]])["VpcEndpoint"]["VpcEndpointId"]
    (listed,) = ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [service]}])["PrefixLists"]
    address = listed["Cidrs"][0].split("/")[0].removesuffix("0") + "1"
    said = lambda: b.sh(f"nc -w 5 {address} 80 </dev/null 2>&1", check=False)[1]
    report.check("what is behind a gateway endpoint and not there yet refuses", until(lambda: "No route to host" in said(), 30) is not None, said()[-200:])
    ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
