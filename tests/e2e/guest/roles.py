"""Roles of guests: one gets credentials by its instance profile, and calls the API with them, signed by itself."""

import json
import os

from guest import until

ROLE = "guest"
FOLDER = "/latest/meta-data/iam"
# Only credentials that came by version 2 of the metadata service may list networks.
POLICY = {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*", "Condition": {"NumericGreaterThanEquals": {"ec2:RoleDelivery": "2.0"}}}


def run(world):
    report, b, c = world.report, world.b, world.c
    iam = make_role(world)
    (status, _), = b.http(("GET", f"{FOLDER}/info", b.token()))
    report.equal("without a profile there is nothing of a role", status, 404)
    made = world.ec2.associate_iam_instance_profile(InstanceId=b.id, IamInstanceProfile={"Name": ROLE})
    association = made["IamInstanceProfileAssociation"]["AssociationId"]
    told = until(lambda: credentials(b), 30)
    report.check("a running guest gets its role's credentials", told is not None)
    told = credentials(b)
    report.check("in AWS's form", told["Code"] == "Success" and told["AccessKeyId"].startswith("ASIA"), sorted(told))
    (status, _), = c.http(("GET", f"{FOLDER}/security-credentials/{ROLE}", c.token()))
    report.equal("another guest doesn't", status, 404)
    calls(world)
    killed(world, told)
    taken_away(world, iam, association)


def make_role(world):
    iam = world.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    policy = {"Version": "2012-10-17", "Statement": [POLICY]}
    iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=json.dumps(policy))
    iam.create_instance_profile(InstanceProfileName=ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    return iam


def credentials(guest):
    (status, body), = guest.http(("GET", f"{FOLDER}/security-credentials/{ROLE}", guest.token()))
    return json.loads(body) if status == 200 else None


def calls(world):
    report, b = world.report, world.b
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "signed.sh"), "rb") as file:
        b.sh("cat > /tmp/signed.sh", data=file.read())

    def call(service, body, plainly=""):
        return b.sh(f"{plainly} sh /tmp/signed.sh api.landfall.internal {service} '{body}'", check=False)[1]

    who = call("sts", "Action=GetCallerIdentity&Version=2011-06-15")
    report.check("it is the role in the instance's name", f":assumed-role/{ROLE}/{b.id}</Arn>" in who, who[-400:])
    allowed = call("ec2", "Action=DescribeVpcs&Version=2016-11-15")
    report.check("it may do what the role may", b.look()["VpcId"] in allowed, allowed[-400:])
    denied = call("ec2", "Action=DescribeSubnets&Version=2016-11-15")
    report.check("and nothing else", "UnauthorizedOperation" in denied and ROLE in denied, denied[-400:])
    denied = call("ec2", "Action=DescribeVpcs&Version=2016-11-15", "PLAINLY=1")
    report.check("by version 1 it has other credentials, of which a policy can tell", "UnauthorizedOperation" in denied, denied[-400:])


def killed(world, told):
    """What answers guests begins anew, and has the same credentials again without being asked."""
    report, cloud, b = world.report, world.cloud, world.b
    (pid,) = cloud.metadata_pids()
    os.kill(pid, 9)
    report.check("after the metadata process is killed they are there again", until(lambda: attempt(lambda: credentials(b)), 30) is not None)
    report.equal("the same", credentials(b)["AccessKeyId"], told["AccessKeyId"])


def attempt(look):
    try:
        return look()
    except (AssertionError, RuntimeError):
        return None


def taken_away(world, iam, association):
    report, ec2, b = world.report, world.ec2, world.b
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
    code = lambda: (credentials(b) or {}).get("Code")
    report.check("a role that EC2 may not take says so", until(lambda: code() == "AssumeRoleUnauthorizedAccess", 30) is not None, code())
    iam.remove_role_from_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    report.check("one that was removed is gone", until(lambda: credentials(b) is None, 30) is not None)
    ec2.disassociate_iam_instance_profile(AssociationId=association)
    info = lambda: b.http(("GET", f"{FOLDER}/info", b.token()))[0][0]
    report.check("without the profile there is nothing again", until(lambda: info() == 404, 30) is not None)
    iam.delete_instance_profile(InstanceProfileName=ROLE)
    iam.delete_role_policy(RoleName=ROLE, PolicyName="own")
    iam.delete_role(RoleName=ROLE)
