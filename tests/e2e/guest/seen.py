"""What a person and a guest see: launch, login, user data, metadata, console."""

import gzip
import json
import os
import subprocess

from guest import Guest, seconds, until
from packets import Watch
from stage import qemus

SCRIPT = b"""#!/bin/bash
echo "user data ran in $(hostname)"
echo run >>/var/lib/user-data-runs
if ! grep -q . /etc/landfall-data 2>/dev/null; then
  mkfs.ext4 -q -F /dev/sdf && echo formatted >/etc/landfall-data
fi
mkdir -p /data && mount /dev/sdf /data && echo kept >/data/file && sync
"""
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
TEXT = bytes(range(256)) * 8


def launch(world):
    """Three guests at once: two of the default group, one of another."""
    ec2 = world.ec2
    world.ssh = world.group("ssh", SSH)
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    world.default = groups["SecurityGroups"][0]["GroupId"]
    world.packed = gzip.compress(SCRIPT, mtime=0)
    world.a = world.launch(
        "a",
        SecurityGroupIds=[world.default, world.ssh],
        UserData=world.packed,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "InstanceMetadataTags": "enabled"},
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 3}},
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": True}},
        ],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "first"}, {"Key": "Role", "Value": "web"}]}],
    )
    # Bytes that are no script, each value of them: not one may change on the way.
    world.b = world.launch(
        "b", SecurityGroupIds=[world.default, world.ssh], UserData=TEXT, MetadataOptions={"HttpTokens": "optional"}
    )
    # The third by the command line that people use.
    command = f"aws ec2 run-instances --image-id {world.image} --instance-type t3.nano --key-name e2e --security-group-ids {world.ssh}"
    done = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    world.c = world.know(Guest(ec2, world.work, "c", json.loads(done.stdout)["Instances"][0]))


def run(world):
    report, ec2, a = world.report, world.ec2, world.a
    ec2.get_waiter("instance_running").wait(InstanceIds=[a.id, world.b.id], WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    report.say("a and b run")
    done = subprocess.run(["aws", "ec2", "wait", "instance-running", "--instance-ids", world.c.id], capture_output=True)
    report.equal("aws ec2 wait instance-running", done.returncode, 0)
    (world.network,) = world.networks()
    for guest in (a, world.b, world.c):
        guest.look()
        guest.connect()
        report.say(f"{guest.name} {guest.id} at {guest.public} let us in {guest.answered_s:.1f} s after its launch")
        guest.sh("cat >/tmp/frames && chmod 755 /tmp/frames", data=world.frames)
    report.equal("each guest has its process", sorted(qemus()), sorted(g.id for g in (a, world.b, world.c)))
    confined(world)
    inside(world, a)
    console(world, a)
    metadata(world, a)
    switched(world, a)


def confined(world):
    """What a guest has that takes its QEMU over."""
    report, users = world.report, set()
    for name, pid in qemus().items():
        lines = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status").read().splitlines())
        status = {key: value.split() for key, value in lines.items()}
        users.add(status["Uid"][0])
        bounds = [status[key][0] for key in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")]
        links = open(f"/proc/{pid}/net/dev").read().count(":")
        tree = sorted(os.listdir(f"/proc/{pid}/root"))
        groups = [line.split(":")[1] for line in open(f"/proc/{pid}/cgroup") if name in line]
        held = bounds == ["0" * 16, "0" * 16, "0" * 16, "1", "2"] and status["Uid"][0] != "0" and links <= 1
        report.check(f"{name} is confined", held and not {"proc", "sys", "home", "root", "run"} & set(tree), [bounds, links, tree, groups])
    report.equal("each to a user of its own", len(users), 3)


def inside(world, a):
    report = world.report
    ran = until(lambda: a.sh("cat /var/lib/user-data-runs /data/file 2>/dev/null; true") == "run\nkept")
    report.check("user data (gzip) ran, formatted and mounted /dev/sdf", ran is not None)
    name = "ip-" + a.private.replace(".", "-")
    report.equal("the host name is EC2's", a.sh("hostname"), name)
    sizes = a.sh("df -m / | tail -1").split()
    report.check("the root file system grew to its volume of 3 GiB", int(sizes[1]) > 2800, f"{sizes[1]} MiB")
    volumes = {m["DeviceName"]: m["Ebs"]["VolumeId"] for m in a.look()["BlockDeviceMappings"]}
    by_id = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + volumes["/dev/sdf"].replace("-", "")
    names = a.sh(f"for n in /dev/sdf /dev/xvdf {by_id}; do readlink -f $n; done").split()
    report.equal("the names of the second disk lead there", names, ["/dev/vdb"] * 3)
    memory = int(a.sh("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"))
    report.check("it has a t3.nano's memory", 400 << 10 < memory <= 512 << 10, f"{memory >> 10} MiB")
    report.equal("and a t3.nano's processors", a.sh("nproc"), "2")


def console(world, a):
    report, ec2 = world.report, world.ec2

    def status():
        found = ec2.describe_instance_status(InstanceIds=[a.id])["InstanceStatuses"][0]
        return found["InstanceStatus"]["Status"], found["SystemStatus"]["Status"]

    took = until(lambda: status() == ("ok", "ok"))
    report.check("its status checks are ok", took is not None, status())
    text = a.console()
    key = a.sh("sed -n 's/^\\(ssh-ed25519 [^ ]*\\).*/\\1/p' /var/lib/landfall/host-key")
    report.check("its console shows what the user data printed", f"user data ran in ip-{a.private.replace('.', '-')}" in text)
    report.check("and its host key, which is the one that answered", key in text and key.split()[1] in open(f"{world.work}/known").read())


def metadata(world, a):
    report = world.report
    (without, _), (long, _), (none, _), (wrong, _), (forwarded, _) = a.http(
        ("GET", "/latest/meta-data/instance-id"),
        ("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21601"),
        ("PUT", "/latest/api/token"),
        ("GET", "/latest/meta-data/instance-id", "X-aws-ec2-metadata-token: " + "A" * 56),
        ("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60", "X-Forwarded-For: 203.0.113.9"),
    )
    statuses = (without, long, none, wrong, forwarded)
    report.equal("no token, too long a one, one without time, a wrong one, a forwarded one", statuses, (401, 400, 400, 401, 403))
    token = a.token()
    found = a.look()
    zone = found["Placement"]["AvailabilityZone"]
    interface = f"network/interfaces/macs/{a.mac}"
    public_key = open(f"{world.work}/key.pub").read().split()[:2]
    wanted = {
        "instance-id": a.id,
        "instance-type": "t3.nano",
        "ami-id": world.image,
        "local-ipv4": a.private,
        "public-ipv4": a.public,
        "local-hostname": found["PrivateDnsName"],
        "public-hostname": found["PublicDnsName"],
        "mac": a.mac,
        "placement/availability-zone": zone,
        "placement/region": zone[:-1],
        "placement/availability-zone-id": world.ec2.describe_availability_zones(ZoneNames=[zone])["AvailabilityZones"][0]["ZoneId"],
        "security-groups": "default\nssh",
        "block-device-mapping/": "ami\nebs1\nroot",
        "block-device-mapping/ebs1": "sdf",
        "block-device-mapping/root": found["RootDeviceName"],
        "public-keys/": "0=e2e",
        "public-keys/0/openssh-key": " ".join([*public_key, "e2e"]),
        "tags/instance/": "Name\nRole",
        "tags/instance/Role": "web",
        f"{interface}/interface-id": a.eni,
        f"{interface}/subnet-id": found["SubnetId"],
        f"{interface}/vpc-id": found["VpcId"],
        f"{interface}/ipv4-associations/{a.public}": a.private,
    }
    asked = [("GET", f"/latest/meta-data/{path}", token) for path in wanted]
    answers = {path: body.decode() for path, (_, body) in zip(wanted, a.http(*asked))}
    for path, value in wanted.items():
        if path == "security-groups":
            answers[path] = "\n".join(sorted(answers[path].split()))
        if answers[path] != value:
            report.equal(f"metadata {path}", answers[path], value)
    report.check("metadata is what the API says", answers == wanted, f"{len(wanted)} pages")
    (_, document), (_, data), (dated, _), (missing, _) = a.http(
        ("GET", "/latest/dynamic/instance-identity/document", token),
        ("GET", "/latest/user-data", token),
        ("GET", "/2021-03-23/meta-data/instance-id", token),
        ("GET", "/latest/meta-data/no-such-page", token),
    )
    document = json.loads(document)
    named = [document[name] for name in ("instanceId", "imageId", "privateIp", "availabilityZone", "instanceType")]
    report.equal("the identity document", named, [a.id, world.image, a.private, zone, "t3.nano"])
    report.check("user data comes back byte for byte (gzip)", data == world.packed, f"{len(data)} bytes")
    (_, plain), = world.b.http(("GET", "/latest/user-data"))
    report.check("and the other's, every byte value", plain == TEXT, f"{len(plain)} bytes")
    report.equal("a dated version, a missing page", (dated, missing), (200, 404))


def switched(world, a):
    """Options that change while the guest runs, seen from inside and on the wire."""
    report, ec2 = world.report, world.ec2
    page = ("GET", "/latest/meta-data/instance-id")
    for tokens, wanted in (("optional", 200), ("required", 401)):
        ec2.modify_instance_metadata_options(InstanceId=a.id, HttpTokens=tokens)
        took = until(lambda: a.http(page)[0][0] == wanted)
        report.check(f"without a token after HttpTokens={tokens}: {wanted}", took is not None, seconds(took))
    for limit in (1, 2):
        ec2.modify_instance_metadata_options(InstanceId=a.id, HttpPutResponseHopLimit=limit)
        until(lambda: ec2.describe_instances(InstanceIds=[a.id])["Reservations"][0]["Instances"][0]["MetadataOptions"]["State"] == "applied")

        def ttls():
            with Watch(world.network) as watch:
                token = a.token().split()[1]
                until(lambda: watch.seen(token), 30)
            return {frame[22] for _, device, leaves, frame in watch.seen(token) if device == a.port and leaves}

        took = until(lambda: ttls() == {limit})
        report.check(f"a token's packets live for {limit} hop{'s' * (limit > 1)}", took is not None, ttls())
    ec2.modify_instance_metadata_options(InstanceId=a.id, HttpEndpoint="disabled")
    token = ("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60")
    off = until(lambda: a.http(token)[0][0] == 403)
    ec2.modify_instance_metadata_options(InstanceId=a.id, HttpEndpoint="enabled")
    on = until(lambda: a.http(token)[0][0] == 200)
    report.check("the service switched off and on", off is not None and on is not None)
    ec2.create_tags(Resources=[a.id], Tags=[{"Key": "Late", "Value": "yes"}])
    session = a.token()
    late = until(lambda: a.http(("GET", "/latest/meta-data/tags/instance/Late", session))[0] == (200, b"yes"))
    report.check("a tag made later is seen inside", late is not None, seconds(late))
