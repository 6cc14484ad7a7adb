"""What is killed: guests, their network and their metadata go on; the server finds them again. Another account."""

import os
import signal

import stage
from botocore.exceptions import ClientError
from guest import image_of, seconds, tcp, until
from packets import Watch
from seen import SSH


def run(world):
    report, cloud, a = world.report, world.cloud, world.a
    before = stage.qemus()
    # The third makes room for a guest of another account.
    world.ec2.terminate_instances(InstanceIds=[world.c.id])
    world.c.disconnect()
    world.c.wait("terminated")
    report.check("a terminated guest's process is gone", world.c.id not in stage.qemus())
    before.pop(world.c.id)

    os.kill(cloud.pid(), signal.SIGKILL)
    report.check("the server is gone", until(lambda: not tcp("127.0.0.1", 4566, 0.2)) is not None)
    a.disconnect()
    a.connect()
    report.equal("ssh without it", a.sh("echo here"), "here")
    report.equal("metadata without it", a.http(("GET", "/latest/meta-data/instance-id", a.token()))[0][1].decode(), a.id)
    report.equal("the internet without it", a.fetch(f"http://{stage.WEB}/"), stage.MACHINE)

    second_account(world, before)
    metadata_killed(world)
    guest_killed(world)


def second_account(world, before):
    """The server comes back with another account's root key besides: both accounts are there."""
    report, a = world.report, world.a
    first = world.keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    world.cloud.up(LANDFALL_ACCOUNT="222222222222", LANDFALL_ACCESS_KEY="AKIASECONDACCOUNT222", LANDFALL_SECRET_KEY="second-secret-of-the-cloud")
    report.say(f"the server is back after {world.cloud.took_s:.2f} s")
    other = world.client()
    os.environ.update(first)
    world.ec2 = world.client()
    for guest in (a, world.b):
        guest.ec2 = world.ec2
    report.equal("both accounts answer", [world.client("sts").get_caller_identity()["Account"], a.state(), world.b.state()], ["000000000000", "running", "running"])
    report.equal("the guests' processes are the same", stage.qemus(), before)
    report.equal("and the connection that was open goes on", a.sh("echo still"), "still")
    report.check("consoles are read again", until(lambda: "ready in" in a.console()) is not None)
    strangers(world, other)


def strangers(world, other):
    report, a, b = world.report, world.a, world.b
    report.equal("the other account sees no instance", other.describe_instances()["Reservations"], [])
    for what in (
        lambda: other.describe_instances(InstanceIds=[a.id]),
        lambda: other.terminate_instances(InstanceIds=[a.id]),
        lambda: other.get_console_output(InstanceId=a.id),
    ):
        try:
            what()
            report.check("another account's instance is not found", False)
        except ClientError as error:
            report.equal("another account's instance is not found", error.response["Error"]["Code"], "InvalidInstanceID.NotFound")
    with open(f"{world.work}/key.pub", "rb") as file:
        other.import_key_pair(KeyName="e2e", PublicKeyMaterial=file.read())
    ssh = world.group("ssh", SSH, ec2=other)
    groups = other.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    d = world.d = world.launch("d", ec2=other, ImageId=image_of(other)["ImageId"], SecurityGroupIds=[ssh, groups[0]["GroupId"]])
    d.wait("running")
    d.connect()
    report.say(f"d {d.id} of another account let us in {d.answered_s:.1f} s after its launch")
    d.sh("mkdir -p /srv && echo d >/srv/name && httpd -p 8000 -h /srv")
    namespace = next(name for name in world.networks() if name != world.network)
    with Watch(world.network, namespace) as watch:
        report.check(
            "the networks of two accounts are two, with the same addresses",
            d.private.rsplit(".", 2)[0] == a.private.rsplit(".", 2)[0] and d.id not in (a.id, b.id),
            f"{a.private} {d.private}",
        )
        # Its neighbour by address may be anybody's; the answer must never come from the other network.
        d_sees = d.fetch(f"http://{a.private}:8000/name", 1)
        b_sees = b.fetch(f"http://{d.private}:8000/name", 1)
        report.check("no private address leads across", d_sees in (None, "d\n") and b_sees in (None, "a\n", "b\n"), [d_sees, b_sees])
        report.equal("nor a public one that no rule opens", b.fetch(f"http://{d.public}:8000/name", 1), None)
        mac = bytes.fromhex(d.mac.replace(":", ""))
        crossed = [device for ns, device, leaves, frame in watch.seen() if ns == namespace and leaves and frame[:6] == mac and frame[26:30] == bytes(map(int, b.private.split(".")))]
        report.equal("nothing of it arrives", crossed, [])
    report.check("what its rules open, it reaches by the public address", b.reaches(d.public, 22))
    (status, body), = d.http(("GET", "/latest/meta-data/instance-id", d.token()))
    report.equal("each is told its own metadata", body.decode(), d.id)


def metadata_killed(world):
    report, a = world.report, world.a
    old = world.cloud.metadata_pids()
    report.equal("one metadata process serves all", len(old), 1)
    session = a.token()
    os.kill(old[0], signal.SIGKILL)
    took = until(lambda: a.http(("GET", "/latest/meta-data/instance-id", session))[0] == (200, a.id.encode()))
    report.check("killed, it is back, and tokens stay good", took is not None, seconds(took))
    report.check("as another process", world.cloud.metadata_pids() not in ([], old), world.cloud.metadata_pids())
    report.check("names are served again", until(lambda: stage.WEB in a.sh(f"nslookup {stage.WEB_NAME} 2>&1", check=False)[1]) is not None)


def guest_killed(world):
    report, d = world.report, world.d
    d.disconnect()
    os.kill(stage.qemus()[d.id], signal.SIGKILL)
    took = until(lambda: d.state() == "stopped")
    found = d.look()
    report.check("a guest whose process was killed is shown as stopped", took is not None, seconds(took))
    report.check("with a reason", found.get("StateReason", {}).get("Message"), found.get("StateReason"))
