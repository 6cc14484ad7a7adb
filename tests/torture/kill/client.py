"""Signs requests and reads answers, with nothing but Python's own library: a tool of AWS's takes a second to start."""

import hashlib
import hmac
import http.client
import time
import urllib.parse
import xml.etree.ElementTree as xml

PORT = 4566


class Refused(Exception):
    """The cloud said no."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code = status, code


class Gone(Exception):
    """Nobody answered: whether it was done isn't known."""


def get(path):
    """One of the server's own paths; its status."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    try:
        connection.request("GET", path, headers={"X-Landfall": "1"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Gone(str(error)) from None
    finally:
        connection.close()


class Client:
    """Somebody with the root account's key."""

    def __init__(self, key, secret, region):
        self.key, self.secret, self.region = key, secret, region

    def call(self, action, **parameters):
        """Calls an EC2 action. The answer is its outermost element without namespaces."""
        fields = {"Action": action, "Version": "2016-11-15"}
        fields.update({name.replace("_", "."): str(value) for name, value in parameters.items()})
        body = urllib.parse.urlencode(fields, quote_via=urllib.parse.quote).encode()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        try:
            connection.request("POST", "/", body, self.headers(body))
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(str(error)) from None
        finally:
            connection.close()
        tree = xml.fromstring(text)
        for element in tree.iter():
            element.tag = element.tag.rpartition("}")[2]
        if response.status != 200:
            raise Refused(response.status, tree.findtext(".//Code"), tree.findtext(".//Message"))
        return tree

    def headers(self, body):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        date, kind = stamp[:8], "application/x-www-form-urlencoded; charset=utf-8"
        host, signed = f"127.0.0.1:{PORT}", "content-type;host;x-amz-date"
        scope = f"{date}/{self.region}/ec2/aws4_request"
        canonical = "\n".join(
            ["POST", "/", "", f"content-type:{kind}", f"host:{host}", f"x-amz-date:{stamp}", "", signed, digest(body)]
        )
        key = ("AWS4" + self.secret).encode()
        for part in (date, self.region, "ec2", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest(canonical.encode())])
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        credential = f"Credential={self.key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        return {"Content-Type": kind, "X-Amz-Date": stamp, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}


def digest(data):
    return hashlib.sha256(data).hexdigest()
