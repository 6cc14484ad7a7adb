"""Reads the bucket of a trail as boto3 does, next to the folder that it is; who may not is denied, and no key leads outside."""

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

from folder import METADATA, objects, read


def code(call, **arguments):
    """The error that a call is refused with."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


def check(folder, bucket):
    s3 = boto3.client("s3")
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    listed = {row["Key"]: row for page in pages for row in page.get("Contents", [])}
    there = [name for name in objects(folder) if not name.endswith((METADATA, ".unfinished"))]
    assert sorted(listed) == there and there, (sorted(listed), there)
    for name in there:
        got = s3.get_object(Bucket=bucket, Key=name)
        body = got["Body"].read()
        assert body == read(folder, name) and got["ContentLength"] == len(body) == listed[name]["Size"], name
        assert got["ETag"] == listed[name]["ETag"], name
        path = os.path.join(folder, name + METADATA)
        metadata = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {}
        assert got["Metadata"] == metadata, (name, got["Metadata"])
    part = s3.get_object(Bucket=bucket, Key=there[0], Range="bytes=1-4")
    assert part["Body"].read() == read(folder, there[0])[1:5] and part["ContentRange"].startswith("bytes 1-4/"), part
    outside = os.path.relpath("/etc/passwd", folder)
    for key in ["none", outside, "/etc/passwd", there[0] + METADATA, there[0] + "/more", os.path.dirname(there[0])]:
        assert code(s3.get_object, Bucket=bucket, Key=key) in ("NoSuchKey", "SignatureDoesNotMatch"), key
    assert code(s3.list_objects, Bucket="nowhere") == "NoSuchBucket"
    own = {"Bucket": bucket, "Key": there[0]}
    assert code(s3.get_object, **own, ExpectedBucketOwner="000000000000") == "none"
    assert code(s3.get_object, **own, ExpectedBucketOwner="444455556666") == "AccessDenied"
    iam = boto3.client("iam")
    iam.create_user(UserName="nosy")
    key = iam.create_access_key(UserName="nosy")["AccessKey"]
    nosy = boto3.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    for call, more in [(nosy.get_object, {"Key": there[0]}), (nosy.list_objects, {}), (nosy.get_bucket_location, {})]:
        assert code(call, Bucket=bucket, **more) == "AccessDenied", call
    print(len(there), "objects of the bucket, as they are in its folder")


if __name__ == "__main__":
    check(*sys.argv[1:])
