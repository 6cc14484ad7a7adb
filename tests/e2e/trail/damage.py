"""Takes away, alters, forges and exchanges what a trail delivered, a thing at a time, and looks that both validations find
each: `landfall audit validate`, and the one that is written from AWS's documentation alone.
"""

import gzip
import json
import os
import subprocess
import sys

from folder import DIGEST, LOG, METADATA, objects, public_keys, read, validate


def ours(binary, folder, keys_files):
    keys = [argument for file in keys_files for argument in ("--keys", file)]
    said = subprocess.run([binary, "--json", "audit", "validate", folder, *keys], stdout=subprocess.PIPE, check=False)
    report = json.loads(said.stdout)
    assert (said.returncode == 0) == (not report["wrong"]), (said.returncode, report)
    return report


class Damage:
    def __init__(self, binary, folder, *keys_files):
        self.binary, self.folder, self.keys_files = binary, folder, keys_files
        self.keys = public_keys(keys_files)
        self.count = 0

    def put(self, name, content):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)

    def is_well(self):
        digests, files, wrong = validate(self.folder, self.keys)
        report = ours(self.binary, self.folder, self.keys_files)
        assert wrong == [] and report["wrong"] == [], (wrong, report)
        assert (report["digests"], report["files"]) == (digests, files), (report, digests, files)
        return digests, files, report["pending"]

    def is_found(self, what, also_theirs=True):
        self.count += 1
        report = ours(self.binary, self.folder, self.keys_files)
        assert report["wrong"], f"{what}: landfall audit validate found nothing"
        if also_theirs:
            assert validate(self.folder, self.keys)[2], f"{what}: found by ours alone"

    def each(self, name):
        """Removes and alters one file."""
        kept, path = read(self.folder, name), os.path.join(self.folder, name)
        os.remove(path)
        self.is_found(f"{name} was removed")
        for at in (0, len(kept) // 2, len(kept) - 6):
            self.put(name, kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1:])
            self.is_found(f"byte {at} of {name} was altered")
        self.put(name, kept[:-1])
        self.is_found(f"{name} was cut off")
        self.put(name, kept)

    def exchange(self, one, other):
        contents = [read(self.folder, name) for name in (one, other)]
        self.put(one, contents[1])
        self.put(other, contents[0])
        self.is_found(f"{one} and {other} were exchanged")
        self.put(one, contents[0])
        self.put(other, contents[1])

    def rewrite(self, name, change):
        """A file that is whole, but says something else."""
        kept = read(self.folder, name)
        content = json.loads(gzip.decompress(kept))
        change(content)
        self.put(name, gzip.compress(json.dumps(content, separators=(",", ":")).encode()))
        self.is_found(f"{name} was rewritten")
        self.put(name, kept)

    def run(self):
        digests, files, pending = self.is_well()
        assert digests >= 4 and files >= 2 and not pending, (digests, files, pending)
        names = objects(self.folder)
        # The last digest of each region has no successor that would miss it.
        chain = [name for name in names if DIGEST.match(name)]
        full = [name for name in chain if json.loads(gzip.decompress(read(self.folder, name)))["logFiles"]]
        logs = [name for name in names if LOG.match(name)]
        home = [name for name in chain if "/us-east-1/" in name]
        for name in [logs[0], logs[-1], home[0], full[0], home[0] + METADATA]:
            self.each(name)
        self.exchange(logs[0], logs[1])
        self.exchange(home[0], home[1])
        self.exchange(home[0] + METADATA, home[1] + METADATA)
        self.rewrite(logs[0], lambda content: content["Records"].pop())
        self.rewrite(logs[0], lambda content: content["Records"][0].update(eventName="DescribeVpcs"))
        self.rewrite(full[0], lambda content: content["logFiles"].pop())
        self.rewrite(home[1], lambda content: content.update(digestStartTime=content["digestEndTime"]))
        # One that was never delivered: no digest names it, which only who knows the digests' times can tell.
        forged = logs[0][:-len("0000.json.gz")] + "ffff.json.gz"
        content = json.loads(gzip.decompress(read(self.folder, logs[0])))
        for record in content["Records"]:
            record["eventTime"] = "2026-01-01T00:00:00Z"
        self.put(forged, gzip.compress(json.dumps(content).encode()))
        self.is_found(f"{forged} was put there", also_theirs=False)
        os.remove(os.path.join(self.folder, forged))
        self.is_well()
        print(f"{digests} digests and {files} files are valid for both; {self.count} damages, each found")


if __name__ == "__main__":
    Damage(*sys.argv[1:]).run()
