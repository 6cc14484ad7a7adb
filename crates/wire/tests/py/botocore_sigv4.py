"""Signs random requests with botocore's signers and prints one a line, as JSON, for the Rust test to verify.

Usage: botocore_sigv4.py SEED COUNT
"""

import base64
import json
import random
import sys
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ALPHABET = "abcXYZ019-_.~ /+*'()!@:,;=&%$ \u00e9\u00df\u4e2d\u1234\U0001f600"


def word(rng, low, high, alphabet=ALPHABET):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


def path(rng, service):
    segments = [quote(word(rng, 0, 6), safe="-_.~") for _ in range(rng.randint(0, 3))]
    if service != "s3" and rng.random() < 0.3:
        segments.append(rng.choice([".", "..", ""]))
    return "/" + "/".join(segments)


def query(rng):
    pairs = [
        f"{quote(word(rng, 1, 5), safe='-_.~')}={quote(word(rng, 0, 8), safe='-_.~')}"
        for _ in range(rng.randint(0, 4))
    ]
    return "&".join(pairs)


def request(rng):
    service = rng.choice(["ec2", "sts", "iam", "kms", "s3"])
    presigned = service != "s3" and rng.random() < 0.2
    url = f"http://127.0.0.1:{rng.randint(1024, 65535)}{path(rng, service)}"
    text = query(rng)
    if text:
        url += "?" + text
    headers = {f"X-My-{word(rng, 1, 5, 'abcdef')}": word(rng, 0, 12, "abc  XYZ=,;/") for _ in range(rng.randint(0, 3))}
    headers["User-Agent"] = "not signed"
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    if rng.random() < 0.2:
        headers["Date"] = "replaced by the signer"
    body = word(rng, 0, 60).encode()
    secret = word(rng, 1, 40, "abcdefXYZ0123456789/+")
    token = word(rng, 1, 60, "abcdefXYZ0123456789/+=") if rng.random() < 0.5 else None
    region = rng.choice(["us-east-1", "eu-central-1", "cn-north-1"])
    signable = AWSRequest(method=rng.choice(["GET", "POST", "PUT", "DELETE"]), url=url, headers=headers, data=body)
    if presigned:
        del signable.headers["Date"]
        del signable.headers["Content-Type"]
        signable.data = b""
    signer = SigV4QueryAuth if presigned else S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials("AKIDEXAMPLE", secret, token), service, region).add_auth(signable)
    sent = urlsplit(signable.url)
    return {
        "method": signable.method,
        "target": sent.path + ("?" + sent.query if sent.query else ""),
        "headers": [["Host", sent.netloc], *([name, value] for name, value in signable.headers.items())],
        "body": base64.b64encode(signable.data).decode(),
        "secret": secret,
        "token": token,
        "service": service,
        "region": region,
        "presigned": presigned,
    }


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        print(json.dumps(request(rng)))


if __name__ == "__main__":
    main()
