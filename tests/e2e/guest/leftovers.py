"""The end: everything is terminated, and nothing is left of it."""

import glob
import os
import subprocess
import time

import stage
from guest import until


def run(world):
    report, ec2 = world.report, world.ec2
    ids = {guest.id for guest in world.guests.values()}
    for guest in world.guests.values():
        guest.disconnect()
    started = time.monotonic()
    ec2.terminate_instances(InstanceIds=[world.a.id, world.b.id])
    if hasattr(world, "d"):
        world.d.ec2.terminate_instances(InstanceIds=[world.d.id])
    for guest in world.guests.values():
        guest.wait("terminated")
    report.say(f"all are terminated after {time.monotonic() - started:.1f} s")
    ec2.release_address(AllocationId=world.elastic["AllocationId"])
    until(lambda: not any(found for found in leftovers(world, ids).values()))
    for what, found in leftovers(world, ids).items():
        report.equal(f"no {what} is left", found, [])
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    volumes = ec2.describe_volumes()["Volumes"]
    report.equal("nor an interface or a volume in the API", [interfaces, volumes], [[], []])
    states = {i["State"]["Name"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]}
    report.equal("the instances are shown as terminated", states, {"terminated"})
    down = subprocess.run([world.cloud.binary, "down", "--listen", stage.API, "--guests", "stop"], capture_output=True, text=True)
    report.equal("the cloud ends", down.returncode, 0)
    report.check("its processes with it", until(lambda: not stage.pids(lambda line: b"landfall" in line[0].split(b"/")[-1])) is not None)
    tables = stage.run("nft", "list", "tables").split("\n")
    report.equal("no table, link, rule or namespace of it is left", [[t for t in tables if t], links(), rules(), namespaces()], [[], [], [], []])
    report.equal("forwarding is what it was", open("/proc/sys/net/ipv4/conf/wan0/forwarding").read().strip(), "0")


def links():
    return [name for name in sorted(os.listdir("/proc/sys/net/ipv4/conf")) if name not in ("all", "default", "lo", "wan0")]


def rules():
    return [line for line in stage.run("ip", "rule", "show").splitlines() if line.split(":")[0] not in ("0", "32766", "32767")]


def namespaces():
    return sorted(set(os.listdir("/run/netns")) - {stage.INTERNET})


def leftovers(world, ids):
    state = world.state
    pool = [line for line in stage.run("ip", "route", "show").splitlines() if line.startswith(("198.18.", "unreachable"))]
    return {
        "process of a guest": sorted(stage.qemus()),
        "namespace": namespaces(),
        "link": links(),
        "rule": rules(),
        "route to a public address": pool,
        "packet filter": [line for line in stage.run("nft", "list", "tables").splitlines() if line],
        "control group": [path for id in ids for path in glob.glob(f"/sys/fs/cgroup/**/{id}*", recursive=True)],
        "volume": [path for path in glob.glob(f"{state}/volumes/**", recursive=True) if os.path.isfile(path)],
        "console": [path for path in glob.glob(f"{state}/consoles/*")],
        "file of a guest": [path for id in ids for path in glob.glob(f"/run/landfall/**/*{id}*", recursive=True)],
    }
