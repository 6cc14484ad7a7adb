"""Reads the folder that stands for a trail's bucket, and validates it as AWS documents it: written from the CloudTrail User
Guide ("CloudTrail digest file structure", "Custom implementations of log file integrity validation"), and sharing nothing
with `landfall audit validate`.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import zlib

LOG = re.compile(
    r"^(?P<prefix>.*?/)?AWSLogs/(?P<account>\d{12})/CloudTrail/(?P<region>[a-z0-9-]+)/(?P<day>\d{4}/\d\d/\d\d)/"
    r"(?P=account)_CloudTrail_(?P=region)_(?P<time>\d{8}T\d{4})Z_[A-Za-z0-9]{16}\.json\.gz$")
DIGEST = re.compile(
    r"^(?P<prefix>.*?/)?AWSLogs/(?P<account>\d{12})/CloudTrail-Digest/(?P<region>[a-z0-9-]+)/(?P<day>\d{4}/\d\d/\d\d)/"
    r"(?P=account)_CloudTrail-Digest_(?P=region)_(?P<trail>[A-Za-z0-9._-]+)_(?P<home>[a-z0-9-]+)_(?P<time>\d{8}T\d{6})Z\.json\.gz$")
METADATA = ".metadata.json"
# What begins the padded SHA-256 in a signature (RFC 8017, 9.2).
SHA256_DER = bytes.fromhex("3031300d060960864801650304020105000420")


def objects(folder):
    """The names of all files, as the bucket has them."""
    found = []
    for path, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(path, name), folder) for name in names]
    return sorted(found)


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def records(folder):
    """All records, each with the file that it is in."""
    found = []
    for name in objects(folder):
        match = LOG.match(name)
        if not match:
            continue
        content = json.loads(gzip.decompress(read(folder, name)))
        assert list(content) == ["Records"] and content["Records"], f"{name} holds {list(content)}"
        for record in content["Records"]:
            assert record["awsRegion"] == match["region"] and record["recipientAccountId"] == match["account"], record
            found.append((name, record))
    return found


def strangers(folder):
    """Files whose names aren't of AWS's form."""
    return [name for name in objects(folder)
            if not LOG.match(name) and not DIGEST.match(name.removesuffix(METADATA)) and not name.endswith(".unfinished")]


def public_keys(files):
    """The keys in what `aws cloudtrail list-public-keys` answered, as (modulus, exponent) by fingerprint."""
    keys = [key for file in files for key in json.load(open(file, encoding="utf-8"))["PublicKeyList"]]
    return {key["Fingerprint"]: integers(base64.b64decode(key["Value"])) for key in keys}


def integers(der):
    """The two numbers of a public key in PKCS#1's form."""
    def element(data, tag):
        assert data[0] == tag, data[:4].hex()
        length, at = data[1], 2
        if length & 0x80:
            at = 2 + (length & 0x7F)
            length = int.from_bytes(data[2:at], "big")
        return data[at:at + length], data[at + length:]
    content, _ = element(der, 0x30)
    modulus, rest = element(content, 0x02)
    exponent, _ = element(rest, 0x02)
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def is_signed(text, signature, key):
    modulus, exponent = key
    length = (modulus.bit_length() + 7) // 8
    try:
        number = int(signature, 16)
    except ValueError:
        return False
    padded = pow(number, exponent, modulus).to_bytes(length, "big")
    end = b"\x00" + SHA256_DER + hashlib.sha256(text).digest()
    return padded == b"\x00\x01" + b"\xff" * (length - 2 - len(end)) + end


def validate(folder, keys):
    """(digests, files, what is wrong): each digest's signature, place and predecessor, each file's hash."""
    wrong, texts, files, ends = [], {}, 0, {}
    for name in filter(DIGEST.match, objects(folder)):
        try:
            texts[name] = gzip.decompress(read(folder, name))
            digest = json.loads(texts[name])
            metadata = json.loads(read(folder, name + METADATA))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            wrong.append(f"{name}: {error}")
            continue
        to_sign = "\n".join([
            digest["digestEndTime"], f"{digest['digestS3Bucket']}/{digest['digestS3Object']}",
            hashlib.sha256(texts[name]).hexdigest(), digest["previousDigestSignature"] or "null"])
        if digest["digestS3Object"] != name:
            wrong.append(f"{name}: was moved")
        if metadata["signature-algorithm"] != "SHA256withRSA" or digest["digestSignatureAlgorithm"] != "SHA256withRSA":
            wrong.append(f"{name}: another algorithm")
        if not is_signed(to_sign.encode(), metadata["signature"], keys[digest["digestPublicKeyFingerprint"]]):
            wrong.append(f"{name}: the signature isn't right")
        begin = ends.get(digest["previousDigestS3Object"])
        if begin not in (None, digest["digestStartTime"]):
            wrong.append(f"{name}: begins at {digest['digestStartTime']}, its predecessor ended at {begin}")
        ends[name] = digest["digestEndTime"]
        previous = digest["previousDigestS3Object"]
        if previous is not None and not has_hash(folder, previous, digest["previousDigestHashValue"]):
            wrong.append(f"{name}: the digest before it, {previous}, isn't the one that it followed")
        for log in digest["logFiles"]:
            assert log["hashAlgorithm"] == "SHA-256", log
            if has_hash(folder, log["s3Object"], log["hashValue"]):
                files += 1
            else:
                wrong.append(f"{log['s3Object']}: isn't what was delivered")
    return len(texts), files, wrong


def has_hash(folder, name, expected):
    """Whether a file is there and, uncompressed, has that hash."""
    try:
        return hashlib.sha256(gzip.decompress(read(folder, name))).hexdigest() == expected
    except (OSError, EOFError, zlib.error):
        return False
