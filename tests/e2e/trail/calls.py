"""Calls of every kind of caller, allowed and denied, with secrets in what they ask and in what they are answered; and what
the trail's records must say of them.
"""

import json
import re
import sys

import boto3
from botocore.exceptions import ClientError

from folder import records, strangers

TRUST = {"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}}
ALLOW = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["ec2:Describe*", "sts:*"], "Resource": "*"},
    {"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "*"}]}

# Members of a record; those that are always there, and those that may be. Source: the CloudTrail User Guide, "CloudTrail
# record contents".
ALWAYS = {"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
          "requestParameters", "responseElements", "requestID", "eventID", "readOnly", "eventType", "managementEvent",
          "recipientAccountId", "eventCategory"}
PERHAPS = {"userAgent", "errorCode", "errorMessage", "additionalEventData", "resources", "sharedEventID", "vpcEndpointId",
           "tlsDetails", "apiVersion", "serviceEventDetails", "addendum", "sessionCredentialFromConsole",
           "edgeDeviceDetails", "vpcEndpointAccountId"}


class Play:
    """Makes the calls, and keeps the secrets that nobody may find."""

    def __init__(self):
        self.secrets = []

    def secret(self, text):
        self.secrets.append(text)
        return text

    def run(self):
        root = boto3.Session()
        iam = root.client("iam")
        iam.create_user(UserName="ann")
        iam.create_login_profile(UserName="ann", Password=self.secret("Pass-word-0815-of-ann"))
        iam.put_user_policy(UserName="ann", PolicyName="some", PolicyDocument=json.dumps(ALLOW))
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        self.secret(key["SecretAccessKey"])
        iam.create_role(RoleName="builder", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName="builder", PolicyName="some", PolicyDocument=json.dumps(ALLOW))
        self.secrets_of_services(root)
        ann = boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
        ann.client("ec2").describe_vpcs()
        denied(lambda: ann.client("ec2").create_vpc(CidrBlock="10.7.0.0/16"), "UnauthorizedOperation")
        denied(lambda: ann.client("iam").delete_user(UserName="ann"), "AccessDenied")
        ann.client("ssm").put_parameter(Name="/of/ann", Type="String", Value=self.secret("plain-value-of-ann"))
        self.session(ann.client("sts").get_session_token()).client("ec2").describe_vpcs()
        taken = ann.client("sts").assume_role(
            RoleArn="arn:aws:iam::000000000000:role/builder", RoleSessionName="monday")
        builder = self.session(taken)
        builder.client("ec2").describe_subnets()
        denied(lambda: builder.client("ec2").create_vpc(CidrBlock="10.6.0.0/16"), "UnauthorizedOperation")
        fed = ann.client("sts").get_federation_token(Name="guest", Policy=json.dumps(ALLOW))
        self.session(fed).client("ec2").describe_vpcs()
        boto3.Session(region_name="eu-central-1").client("ec2").create_vpc(CidrBlock="10.5.0.0/16")

    def secrets_of_services(self, root):
        root.client("ssm").put_parameter(Name="/db/password", Type="SecureString", Value=self.secret("sealed-value-4711"))
        root.client("ssm").get_parameter(Name="/db/password", WithDecryption=True)
        root.client("secretsmanager").create_secret(Name="db", SecretString=self.secret("string-of-the-secret-4712"))
        root.client("secretsmanager").get_secret_value(SecretId="db")
        kms = root.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        plain = b"a plain text of some length 4713"
        self.secret(plain.decode())
        sealed = kms.encrypt(KeyId=key, Plaintext=plain, EncryptionContext={"for": "tests"})["CiphertextBlob"]
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"for": "tests"})
        kms.generate_data_key(KeyId=key, KeySpec="AES_256")
        ec2 = root.client("ec2")
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro",
                          UserData=self.secret("#!/bin/sh of-user-data-4714"))
        self.secret(ec2.create_key_pair(KeyName="k")["KeyMaterial"].splitlines()[1])

    def session(self, answer):
        given = answer["Credentials"]
        self.secret(given["SecretAccessKey"])
        self.secret(given["SessionToken"])
        return boto3.Session(aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
                             aws_session_token=given["SessionToken"])


def denied(call, code):
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"not denied: {code}")


def check(folder, secrets):
    """That the records of these calls are there, in AWS's form, and tell no secret."""
    assert not strangers(folder), strangers(folder)
    found = [record for _, record in records(folder)]
    text = json.dumps(found)
    for secret in secrets:
        assert secret not in text and json.dumps(secret)[1:-1] not in text, f"a record tells {secret}"
    for record in found:
        form(record)

    def one(name, **members):
        those = [record for record in found if record["eventName"] == name
                 and all(part(record, path) == value for path, value in members.items())]
        assert those, f"no record of {name} with {members}"
        return those[-1]

    root = one("CreateUser", userIdentity__type="Root")["userIdentity"]
    assert root == {"type": "Root", "principalId": "000000000000", "arn": "arn:aws:iam::000000000000:root",
                    "accountId": "000000000000", "accessKeyId": "test"}, root
    callers(one)
    record = one("CreateVpc", userIdentity__type="IAMUser")
    assert record["errorCode"] == "Client.UnauthorizedOperation" and "not authorized" in record["errorMessage"], record
    assert record["responseElements"] is None and record["requestParameters"]["cidrBlock"] == "10.7.0.0/16", record
    assert one("DeleteUser")["errorCode"] == "AccessDenied"
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert one("CreateSecret")["requestParameters"]["secretString"] == hidden
    assert one("PutParameter", requestParameters__name="/db/password")["requestParameters"]["value"] == hidden
    assert one("RunInstances")["requestParameters"]["userData"] == "<sensitiveDataRemoved>"
    assert one("CreateAccessKey")["responseElements"]["accessKey"]["secretAccessKey"] == hidden
    assert one("AssumeRole")["responseElements"]["credentials"]["sessionToken"] == hidden
    encrypt = one("Encrypt")
    assert encrypt["readOnly"] and encrypt["requestParameters"]["encryptionContext"] == {"for": "tests"}, encrypt
    assert encrypt["resources"][0]["type"] == "AWS::KMS::Key", encrypt
    assert one("CreateVpc", awsRegion="eu-central-1")["userIdentity"]["type"] == "Root"
    # What belongs to no region is told in this one.
    assert {record["awsRegion"] for record in found if record["eventSource"] == "iam.amazonaws.com"} == {"us-east-1"}
    return len(found)


def callers(one):
    """Source: "CloudTrail userIdentity element"."""
    ann = one("DescribeVpcs", userIdentity__userName="ann", userIdentity__sessionContext=None)["userIdentity"]
    assert ann["arn"] == "arn:aws:iam::000000000000:user/ann" and ann["principalId"].startswith("AIDA"), ann
    assert ann["accessKeyId"].startswith("AKIA") and set(ann) == {
        "type", "principalId", "arn", "accountId", "accessKeyId", "userName"}, ann
    session = one("DescribeVpcs", userIdentity__userName="ann",
                  userIdentity__sessionContext__attributes__mfaAuthenticated="false")["userIdentity"]
    assert session["type"] == "IAMUser" and session["accessKeyId"].startswith("ASIA"), session
    builder = one("DescribeSubnets", userIdentity__type="AssumedRole")["userIdentity"]
    assert builder["arn"] == "arn:aws:sts::000000000000:assumed-role/builder/monday", builder
    assert re.fullmatch(r"AROA[A-Z0-9]+:monday", builder["principalId"]), builder
    issuer = builder["sessionContext"]["sessionIssuer"]
    assert issuer == {"type": "Role", "principalId": builder["principalId"].split(":")[0], "accountId": "000000000000",
                      "arn": "arn:aws:iam::000000000000:role/builder", "userName": "builder"}, issuer
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", builder["sessionContext"]["attributes"]["creationDate"]), builder
    guest = one("DescribeVpcs", userIdentity__type="FederatedUser")["userIdentity"]
    assert guest["arn"] == "arn:aws:sts::000000000000:federated-user/guest", guest
    assert guest["principalId"] == "000000000000:guest", guest


def form(record):
    members = set(record)
    assert ALWAYS <= members and members <= ALWAYS | PERHAPS, (ALWAYS - members, members - ALWAYS - PERHAPS, record)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"]), record
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", record["eventID"]), record
    assert record["eventType"] == "AwsApiCall" and record["eventCategory"] == "Management", record
    assert record["managementEvent"] is True and isinstance(record["readOnly"], bool), record
    service = record["userIdentity"].get("invokedBy")
    if service:
        assert service.endswith(".amazonaws.com") and record["sourceIPAddress"] == record["userAgent"] == service, record
    else:
        assert record["sourceIPAddress"] == "127.0.0.1", record
        assert "Boto" in record["userAgent"] or "aws-cli" in record["userAgent"], record
    looks = record["eventName"].startswith(("Describe", "Get", "List", "Lookup"))
    assert not looks or record["readOnly"], record
    if record["readOnly"] and record["eventSource"] != "sts.amazonaws.com":
        assert record["responseElements"] is None, record
    assert ("errorCode" in record) == ("errorMessage" in record), record


def part(record, path):
    for name in path.split("__"):
        record = (record or {}).get(name)
    return record


if __name__ == "__main__":
    if sys.argv[1] == "make":
        play = Play()
        play.run()
        json.dump(play.secrets, open(sys.argv[2], "w", encoding="utf-8"))
    else:
        folder, secrets = sys.argv[2:]
        print(check(folder, json.load(open(secrets, encoding="utf-8"))), "records, in AWS's form")
