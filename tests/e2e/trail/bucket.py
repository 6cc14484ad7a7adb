"""Serves folders as S3 buckets, as little of it as `aws cloudtrail validate-logs` asks for: its location, its objects by
prefix, an object with its metadata (which a trail's folder has in files of their own).
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from folder import METADATA, objects, read


class Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folders = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        folder = self.folders[bucket]
        if key:
            return self.object(folder, key)
        if "location" in query:
            return self.answer(200, b"<LocationConstraint/>")
        prefix, marker = query.get("prefix", [""])[0], query.get("marker", [""])[0]
        names = [name for name in objects(folder)
                 if name.startswith(prefix) and name > marker and not name.endswith(METADATA)]
        rows = "".join(f"<Contents><Key>{escape(quote(name))}</Key></Contents>" for name in names)
        self.answer(200, f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>"
                         f"<EncodingType>url</EncodingType>{rows}</ListBucketResult>".encode())

    def object(self, folder, key):
        try:
            body = read(folder, key)
        except OSError:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        path = os.path.join(folder, key + METADATA)
        metadata = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {}
        self.answer(200, body, {f"x-amz-meta-{name}": value for name, value in metadata.items()})

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port, *pairs = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Bucket.folders = dict(pair.split("=", 1) for pair in pairs)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Bucket).serve_forever()
