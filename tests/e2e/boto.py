"""What boto3 adds to the `aws` command: paginators, waiters, client tokens, and two clouds that know nothing of each other.

    boto.py ENDPOINT OTHER_ENDPOINT

The other one has the key `other` with the secret `others`, and the account 123456789012.
"""

import sys
import urllib.error
import urllib.request

import boto3
import botocore.exceptions


def equals(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r} instead of {wanted!r}")


def clients(endpoint, key, secret, region="us-east-1"):
    session = boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
    return session.client("ec2", endpoint_url=endpoint), session.client("sts", endpoint_url=endpoint)


def own(endpoint, path, method, header=True):
    request = urllib.request.Request(f"{endpoint}/_landfall/{path}", method=method)
    if header:
        request.add_header("X-Landfall", "1")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def debian(ec2):
    images = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["debian-12-amd64-*"]}])
    return images["Images"][0]["ImageId"]


def alive(ec2):
    states = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    pages = ec2.get_paginator("describe_instances").paginate(Filters=states, PaginationConfig={"PageSize": 5})
    pages = [page["Reservations"] for page in pages]
    return pages, [instance["InstanceId"] for page in pages for one in page for instance in one["Instances"]]


def check_pages_and_waiters(ec2):
    launch = {"ImageId": debian(ec2), "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1}
    ids = {ec2.run_instances(**launch)["Instances"][0]["InstanceId"] for _ in range(12)}
    equals("instances", len(ids), 12)
    ec2.get_waiter("instance_running").wait(InstanceIds=sorted(ids))
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=sorted(ids))
    pages, found = alive(ec2)
    equals("the pages' instances", (sorted(found), len(pages) >= 3), (sorted(ids), True))
    token = {"ClientToken": "once", **launch}
    first = ec2.run_instances(**token)["Instances"][0]["InstanceId"]
    equals("the same request again", ec2.run_instances(**token)["Instances"][0]["InstanceId"], first)
    try:
        ec2.run_instances(**{**token, "InstanceType": "t3.micro"})
        sys.exit("another request under the same token was taken")
    except botocore.exceptions.ClientError as error:
        equals("another request under the same token", error.response["Error"]["Code"], "IdempotentParameterMismatch")
    ec2.terminate_instances(InstanceIds=[*ids, first])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[*ids, first])
    equals("what is alive in the end", alive(ec2)[1], [])


def check_bad_input(ec2):
    for call, code in [
        (lambda: ec2.describe_instances(InstanceIds=["i-0123456789abcdef0"]), "InvalidInstanceID.NotFound"),
        (lambda: ec2.describe_instances(InstanceIds=["i-nonsense"]), "InvalidInstanceID.Malformed"),
        (lambda: ec2.describe_instances(Filters=[{"Name": "nonsense", "Values": ["x"]}]), "InvalidParameterValue"),
    ]:
        try:
            call()
            sys.exit(f"{code}: nothing was refused")
        except botocore.exceptions.ClientError as error:
            equals("the code", error.response["Error"]["Code"], code)
            equals(f"{code}: the status", error.response["ResponseMetadata"]["HTTPStatusCode"], 400)


def main():
    endpoint, other_endpoint = sys.argv[1:]
    ec2, sts = clients(endpoint, "test", "test")
    other_ec2, other_sts = clients(other_endpoint, "other", "others")
    check_pages_and_waiters(ec2)
    check_bad_input(ec2)

    equals("the accounts", [each.get_caller_identity()["Account"] for each in (sts, other_sts)], ["000000000000", "123456789012"])
    ec2.create_key_pair(KeyName="mine")
    equals("keys of another cloud", other_ec2.describe_key_pairs()["KeyPairs"], [])
    ireland, _ = clients(endpoint, "test", "test", "eu-west-1")
    equals("keys of another region", ireland.describe_key_pairs()["KeyPairs"], [])
    equals("default VPCs of another region", len(ireland.describe_vpcs()["Vpcs"]), 1)

    equals("a reset without the header", own(endpoint, "reset", "POST", header=False) in (400, 403, 404), True)
    equals("keys after it", len(ec2.describe_key_pairs()["KeyPairs"]), 1)
    equals("a reset", own(endpoint, "reset", "POST") // 100, 2)
    equals("settled", own(endpoint, "settled", "GET") // 100, 2)
    equals("keys after a reset", ec2.describe_key_pairs()["KeyPairs"], [])
    equals("default VPCs after a reset", len(ec2.describe_vpcs()["Vpcs"]), 1)
    try:
        clients(endpoint, "other", "others")[1].get_caller_identity()
        sys.exit("a key of the other cloud was taken")
    except botocore.exceptions.ClientError as error:
        equals("a key of the other cloud", error.response["ResponseMetadata"]["HTTPStatusCode"], 403)


main()
