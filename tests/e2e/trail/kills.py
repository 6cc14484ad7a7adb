"""Kills the server at random moments while calls go on and a trail delivers, and looks at the end that each call that was
acknowledged is told once, in one file, and that everything is valid.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from damage import ours
from folder import objects, public_keys, records, strangers, validate


class Server:
    def __init__(self, binary, work, port):
        self.command = [binary, "serve", "--simulate", "--listen", f"127.0.0.1:{port}", "--state", f"{work}/state"]
        self.log = open(f"{work}/killed.log", "ab")
        self.health = f"http://127.0.0.1:{port}/_landfall/health"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        for _ in range(1200):
            try:
                request = urllib.request.Request(self.health, headers={"X-Landfall": "1"})
                urllib.request.urlopen(request, timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, "the server doesn't start again"
                time.sleep(0.05)
        raise AssertionError("the server doesn't answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Caller(threading.Thread):
    """Makes users and networks' tags for as long as it is let, and keeps the ids of requests that were acknowledged."""

    def __init__(self, number, done):
        super().__init__(daemon=True)
        self.number, self.done, self.acknowledged = number, done, []
        once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        self.iam, self.ec2 = boto3.client("iam", config=once), boto3.client("ec2", config=once)

    def run(self):
        count = 0
        while not self.done.is_set():
            count += 1
            try:
                answer = self.iam.create_user(UserName=f"u-{self.number}-{count}")
                self.acknowledged.append(answer["ResponseMetadata"]["RequestId"])
                self.ec2.describe_vpcs()
            except ClientError as error:
                # It was done before its answer was lost.
                assert error.response["Error"]["Code"] in ("EntityAlreadyExists", "ServiceUnavailable"), error
            except BotoCoreError:
                time.sleep(0.02)


def lookup(cloudtrail, start):
    pages = cloudtrail.get_paginator("lookup_events").paginate(StartTime=start, PaginationConfig={"PageSize": 50})
    return {event["EventId"]: event for page in pages for event in page["Events"]}


def await_file(folder):
    before, until = objects(folder), time.monotonic() + 5
    while objects(folder) == before and time.monotonic() < until:
        time.sleep(0.001)


def wait_for(what, found, seconds=60):
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.2)


def main(binary, work, port, kills, folder):
    dice = random.Random(os.environ.get("LANDFALL_SEED"))
    server = Server(binary, work, port)
    server.start()
    cloudtrail = boto3.client("cloudtrail")
    cloudtrail.create_trail(Name="killed", S3BucketName="killed", IsMultiRegionTrail=True, EnableLogFileValidation=True)
    cloudtrail.start_logging(Name="killed")
    began = cloudtrail.get_trail_status(Name="killed")["StartLoggingTime"]
    done = threading.Event()
    callers = [Caller(number, done) for number in range(2)]
    for caller in callers:
        caller.start()
    for number in range(kills):
        # Every other death comes right behind a file, before the trail's row can know of it.
        if number % 2:
            await_file(folder)
        else:
            time.sleep(dice.uniform(0.2, 2.5))
        server.kill()
        server.start()
    time.sleep(1)
    done.set()
    for caller in callers:
        caller.join()
    acknowledged = [name for caller in callers for name in caller.acknowledged]
    cloudtrail.stop_logging(Name="killed")
    known = lookup(cloudtrail, began)
    stopped = [event for event in known.values() if event["EventName"] == "StopLogging"]

    def is_over():
        return os.path.exists(folder) and any(r["eventName"] == "StopLogging" for _, r in records(folder))
    wait_for("the last delivery", is_over)
    keys_file = f"{work}/killed.keys"
    keys = subprocess.run(["aws", "cloudtrail", "list-public-keys", "--start-time", "0"], stdout=subprocess.PIPE, check=True)
    with open(keys_file, "wb") as file:
        file.write(keys.stdout)
    wait_for("the last digest", lambda: not ours(binary, folder, [keys_file])["pending"])

    delivered = [record["eventID"] for _, record in records(folder)]
    twice = {name for name in delivered if delivered.count(name) > 1} if len(set(delivered)) < len(delivered) else set()
    assert not twice, f"{len(twice)} events were delivered twice"
    requests = [record["requestID"] for _, record in records(folder)]
    lost = set(acknowledged) - set(requests)
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged calls aren't told: {sorted(lost)[:3]}"
    until = max(event["EventTime"] for event in stopped)
    missing = {name for name, event in known.items() if event["EventTime"] <= until} - set(delivered)
    assert not missing, f"{len(missing)} events that can be looked up weren't delivered: {[known[name] for name in missing][:3]}"
    by_id = {record["eventID"]: record for _, record in records(folder)}
    changed = [name for name in known if name in by_id and json.loads(known[name]["CloudTrailEvent"]) != by_id[name]]
    assert not changed, changed
    digests, files, wrong = validate(folder, public_keys([keys_file]))
    report = ours(binary, folder, [keys_file])
    assert not wrong and not report["wrong"] and not report["pending"], (wrong, report)
    assert not strangers(folder), strangers(folder)
    assert not [name for name in objects(folder) if name.endswith(".unfinished")], "half a file was left"
    server.process.terminate()
    server.process.wait()
    print(f"{kills} kills: {len(acknowledged)} acknowledged changes and {len(delivered)} events in {files} files,"
          f" each told once; {digests} digests, all valid")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
