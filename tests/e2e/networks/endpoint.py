"""An endpoint over https: a guest that has no way to the internet calls services by their ordinary names.

It does so with Debian's own curl, and believes whom the region's authority vouches for."""

import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import time

import boto3

import drawing
from guest import seconds, until

ROLE = "private"
FOLDER = "/latest/meta-data/iam/security-credentials"
AUTHORITY = "http://169.254.169.252/_landfall/ca.pem"
# The authorities that Debian believes.
WORLD = "/etc/ssl/certs/ca-certificates.crt"
# What curl says it ended for, by its manual: nobody there, a certificate that it doesn't believe, time over.
REFUSED, UNTRUSTED, TIME = 7, 60, 28


def run(world):
    program = shutil.which("curl")
    if program is None:
        world.report.say("SKIPPED: there is no curl to give a guest; scripts/install.sh test installs it")
        return
    role(world)
    endpoints = [make(world, service) for service in ("sts", "ec2")]
    ready = until(lambda: states(world) == {"available"})
    world.report.check("the endpoints are available", ready is not None, seconds(ready))
    world.far.sh("mkdir -p /srv/curl && gunzip | tar -x -C /srv/curl", data=carried(program))
    calls(world, keys(world), endpoints)
    across(world, endpoints[0])
    take_away(world, endpoints)


def role(world):
    """The guest has a role, which may look at instances."""
    iam = world.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=document(may))
    iam.create_instance_profile(InstanceProfileName=ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    world.ec2.associate_iam_instance_profile(InstanceId=world.far.id, IamInstanceProfile={"Name": ROLE})


def make(world, service):
    """An endpoint of the network behind the transit gateway, which lets that network and the one before it in."""
    ec2 = world.ec2
    if "endpoint" not in world.groups:
        made = ec2.create_security_group(GroupName="endpoint", Description="endpoint", VpcId=world.vpcs["spoke"]["VpcId"])
        world.groups["endpoint"] = made["GroupId"]
        blocks = {"IpRanges": [{"CidrIp": drawing.BLOCKS[name]} for name in ("spoke", "app")]}
        permissions = [drawing.allow("tcp", 443, 444, **blocks)]
        ec2.authorize_security_group_ingress(GroupId=world.groups["endpoint"], IpPermissions=permissions)
    made = ec2.create_vpc_endpoint(
        VpcId=world.vpcs["spoke"]["VpcId"], VpcEndpointType="Interface", ServiceName=f"com.amazonaws.us-east-1.{service}",
        SubnetIds=[world.subnets["far-a"]], SecurityGroupIds=[world.groups["endpoint"]], PrivateDnsEnabled=True,
    )["VpcEndpoint"]
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])["NetworkInterfaces"]
    return made["VpcEndpointId"], interface["PrivateIpAddress"]


def states(world):
    inside = [{"Name": "vpc-id", "Values": [world.vpcs["spoke"]["VpcId"]]}]
    return {row["State"] for row in world.ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]}


def carried(program):
    """A program with the libraries that it needs and the world's authorities, in one folder: what a tiny image hasn't."""
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    libraries = re.findall(r"^\s*(?:\S+ => )?(/\S+)", said, re.MULTILINE)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in [program, *libraries, WORLD]:
            archive.add(os.path.realpath(path), arcname=os.path.basename(path))
    return gzip.compress(packed.getvalue(), 6)


def keys(world):
    """A session with the guest's own credentials."""
    far = world.far

    def told():
        (status, body), = far.http(("GET", f"{FOLDER}/{ROLE}", far.token()))
        return json.loads(body) if status == 200 else None

    until(lambda: told() is not None)
    own = told()
    return boto3.Session(own["AccessKeyId"], own["SecretAccessKey"], own["Token"], region_name="us-east-1")


def curl(guest, *arguments, seconds=60):
    """How Debian's curl ends in the guest, and what it is told."""
    loader = "$(ls /srv/curl/ld-linux*)"
    words = shlex.join(["/srv/curl/curl", "-sS", "--max-time", str(seconds), *arguments])
    return guest.sh(f"{loader} --library-path /srv/curl {words} 2>&1", check=False)


def calls(world, session, endpoints):
    report, far = world.report, world.far
    report.equal("the guest has no way to the internet", far.sh("ip route get 203.0.113.80 >/dev/null 2>&1; wget -q -T 3 -O - http://203.0.113.80/", check=False)[1], "")
    far.sh(f"wget -q -O /srv/ca.pem {AUTHORITY}")
    trusting = ("--cacert", "/srv/ca.pem")
    names = {service: f"{service}.us-east-1.amazonaws.com" for service in ("sts", "ec2")}

    def signed(service, call):
        client = session.client(service, endpoint_url=f"https://{names[service]}")
        return client.generate_presigned_url(call, ExpiresIn=900, HttpMethod="GET")

    who, look = signed("sts", "get_caller_identity"), signed("ec2", "describe_instances")
    for (_, address), name in zip(endpoints, names.values()):
        leads = until(lambda: address in far.sh(f"nslookup {name}", check=False)[1])
        report.check(f"{name} leads to the endpoint", leads is not None)
    for version in ("1.2", "1.3"):
        status, told = curl(far, *trusting, "--tlsv" + version, "--tls-max", version, who)
        report.check(f"over TLS {version} it is told who it is", status == 0 and f":assumed-role/{ROLE}/{far.id}</Arn>" in told, (status, told[-300:]))
    status, told = curl(far, *trusting, look)
    report.check("and what its role lets it see", status == 0 and f"<instanceId>{far.id}</instanceId>" in told, (status, told[-300:]))
    status, told = curl(far, *trusting, signed("ec2", "describe_vpcs"))
    report.check("and nothing else", status == 0 and "UnauthorizedOperation" in told, (status, told[-300:]))
    status, told = curl(far, "--cacert", f"/srv/curl/{os.path.basename(WORLD)}", who)
    report.check("none of the world's authorities vouches for it", status == UNTRUSTED and "certificate" in told, (status, told[-300:]))
    status, told = curl(far, *trusting, "--resolve", f"{names['ec2']}:443:{endpoints[0][1]}", look)
    report.check("one service's endpoint isn't another's", status == 0 and "correct service: 'sts'" in told, (status, told[-300:]))


def across(world, endpoint):
    """From a network that a transit gateway leads to: what isn't served is refused at once, as within the network."""
    report, (_, address) = world.report, endpoint

    def knocks(guest, port):
        began = time.monotonic()
        status, said = guest.sh(f"nc -w 20 {address} {port} </dev/null 2>&1", check=False)
        return status, said, time.monotonic() - began

    for guest in (world.far, world.web):
        status, said, took = knocks(guest, 444)
        report.check(f"{guest.name} is refused at once where nothing answers", status != 0 and "refused" in said and took < 15, (status, said, took))
    report.check("from the other network too it is there", world.web.reaches(address, 443))
    status, said, took = knocks(world.web, 445)
    report.check("what no group lets in hears nothing", status != 0 and "refused" not in said and took > 15, (status, said, took))


def take_away(world, endpoints):
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[id for id, _ in endpoints])
    gone = until(lambda: states(world) <= {"deleted"})
    world.report.check("they go", gone is not None, seconds(gone))
