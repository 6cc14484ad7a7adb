"""Two tiers over two zones: what each reaches, how the world sees it, and what it can't do."""

import socket

import drawing
import stage
from drawing import allow
from guest import seconds, tcp, until
from packets import Watch, addresses, within


def run(world):
    web, db, report, ec2 = world.web, world.db, world.report, world.ec2
    zones = [guest.look()["Placement"]["AvailabilityZone"] for guest in (web, db)]
    report.check("the tiers are in two zones", zones[0] != zones[1], zones)
    report.equal("the private one has no public address", db.public, None)
    db.connect()
    report.say(f"db let us in by way of web {db.answered_s:.1f} s after its launch")
    ready = until(lambda: all("pages are served" in guest.console() for guest in (web, db)))
    report.check("user data ran in both", ready is not None, seconds(ready))
    report.equal("the front fetches from the back, across zones", web.fetch(f"http://{db.private}:8000/name"), db.sh("hostname") + "\n")
    report.check("and not at a port that no rule has", not web.reaches(db.private, 8002, 3))
    report.check("the back reaches the front where everybody may", db.fetch(f"http://{web.private}:8000/name") is not None)
    report.check("and not where only itself is let in", not db.reaches(web.private, 8001, 3))
    inner = db.look()["PrivateDnsName"]
    report.check("by its name too", web.fetch(f"http://{inner}:8000/name") is not None, inner)
    login(world)
    out(world)
    acl(world)
    ipv6(world)
    # A rule that comes and goes while both run.
    rule = [allow("tcp", 8002, 8002, UserIdGroupPairs=[{"GroupId": world.groups["front"]}])]
    ec2.authorize_security_group_ingress(GroupId=world.groups["back"], IpPermissions=rule)
    took = until(lambda: web.reaches(db.private, 8002, 20))
    report.check("a rule is added: the port opens", took is not None, seconds(took))
    ec2.revoke_security_group_ingress(GroupId=world.groups["back"], IpPermissions=rule)
    took = until(lambda: not web.reaches(db.private, 8002, 3))
    report.check("and is revoked: it closes", took is not None, seconds(took))


def login(world):
    """From guest to guest by their own ssh."""
    web, db = world.web, world.db
    web.sh("[ -e ~/own ] || dropbearkey -t ed25519 -f ~/own >/dev/null 2>&1")
    key = web.sh("dropbearkey -y -f ~/own | grep ^ssh-")
    db.sh("cat >>~/.ssh/authorized_keys", data=f"{key}\n".encode())
    said = web.sh(f"dbclient -y -i ~/own root@{db.private} hostname 2>/dev/null")
    world.report.equal("ssh from the front to the back", said, db.sh("hostname"))


def out(world):
    """The private tier gets out by the NAT gateway, and nobody gets in by it."""
    web, db, report = world.web, world.db, world.report
    nat = world.nat_address["PublicIp"]
    ready = until(lambda: world.ec2.describe_nat_gateways(NatGatewayIds=[world.nat])["NatGateways"][0]["State"] == "available")
    report.check("the NAT gateway is available", ready is not None)
    networks = world.networks()
    for guest, address in ((web, web.public), (db, nat)):
        with Watch(None, *networks) as watch:
            report.equal(f"{guest.name} reaches the internet", guest.fetch(f"http://{stage.WEB}/", 10), stage.MACHINE)
        sent = {addresses(frame)[0] for place, device, leaves, frame in watch.seen() if place is None and device in networks and not leaves and addresses(frame)[1] == stage.WEB}
        report.equal(f"and leaves its network as {address}", sent, {address})
    report.check("by name too", db.fetch(f"http://{stage.WEB_NAME}/", 10) == stage.MACHINE)

    def gets(address, port):
        def connect():
            with socket.socket() as stream:
                stream.settimeout(1)
                return stream.connect_ex((address, port)) == 0

        return within(stage.INTERNET, connect)

    report.check("the internet reaches the public tier", gets(web.public, 8000))
    inwards = [(nat, 22), (nat, 8000), (db.private, 22), (db.private, 8000), (web.private, 8000), (web.public, 8001)]
    report.equal("and nothing else", [at for at in inwards if gets(*at)], [])
    report.check("nor does the machine", not any(tcp(*at, 1) for at in inwards))
    # Without its route there is no other way.
    route = {"RouteTableId": world.tables["private-b"], "DestinationCidrBlock": "0.0.0.0/0"}
    world.ec2.delete_route(**route)
    took = until(lambda: db.fetch(f"http://{stage.WEB}/", 3) is None)
    report.check("without the route to it there is no way out", took is not None, seconds(took))
    world.ec2.create_route(**route, NatGatewayId=world.nat)
    took = until(lambda: db.fetch(f"http://{stage.WEB}/", 20) is not None)
    report.check("with it there is again", took is not None, seconds(took))


def acl(world):
    """A network ACL of the private subnet closes a port that the groups open, and knows nothing of answers."""
    web, db, report, ec2 = world.web, world.db, world.report, world.ec2
    subnet = world.subnets["private-b"]
    report.check("the port is open before", web.fetch(f"http://{db.private}:8001/name") is not None)
    made = ec2.create_network_acl(VpcId=world.vpcs["app"]["VpcId"])["NetworkAcl"]["NetworkAclId"]
    entries = [
        (False, 90, "deny", "6", (8001, 8001)),
        (False, 100, "allow", "-1", None),
        (True, 100, "allow", "-1", None),
    ]

    def entry(egress, number, action, protocol, ports):
        ranges = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        ec2.create_network_acl_entry(NetworkAclId=made, Egress=egress, RuleNumber=number, RuleAction=action, Protocol=protocol, CidrBlock="0.0.0.0/0", **ranges)

    for one in entries:
        entry(*one)
    for egress in (False, True):
        ec2.create_network_acl_entry(NetworkAclId=made, Egress=egress, RuleNumber=101, RuleAction="allow", Protocol="-1", Ipv6CidrBlock="::/0")
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"][0]
    association = next(a["NetworkAclAssociationId"] for a in found["Associations"] if a["SubnetId"] == subnet)
    association = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=made)["NewAssociationId"]
    took = until(lambda: web.fetch(f"http://{db.private}:8001/name", 3) is None)
    report.check("a network ACL denies a port", took is not None, seconds(took))
    report.check("and no other", web.fetch(f"http://{db.private}:8000/name") is not None)
    # It has no memory: answers need a rule too.
    entry(True, 50, "deny", "6", (1024, 65535))
    took = until(lambda: web.fetch(f"http://{db.private}:8000/name", 3) is None)
    report.check("answers are denied by a rule of their own", took is not None, seconds(took))
    ec2.delete_network_acl_entry(NetworkAclId=made, Egress=True, RuleNumber=50)
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=found["NetworkAclId"])
    took = until(lambda: web.fetch(f"http://{db.private}:8001/name", 20) is not None)
    report.check("the former ACL lets all through again", took is not None, seconds(took))
    ec2.delete_network_acl(NetworkAclId=made)


def ipv6(world):
    """Both tiers speak IPv6; the world reaches one of them."""
    web, db, report = world.web, world.db, world.report
    ways = until(lambda: all("default" in guest.sh("ip -6 route show default") for guest in (web, db)), every_s=0.5)
    report.check("guests have their router's word", ways is not None, seconds(ways))
    held = until(lambda: all(guest.six in guest.sh("ip -6 addr show dev eth0") for guest in (web, db)), every_s=0.5)
    report.check("and their addresses", held is not None, [web.six, db.six])
    rule = [allow("tcp", 8000, 8000, Ipv6Ranges=[{"CidrIpv6": f"{web.six}/128"}])]
    world.ec2.authorize_security_group_ingress(GroupId=world.groups["back"], IpPermissions=rule)
    took = until(lambda: web.fetch(f"http://[{db.six}]:8000/name") is not None)
    report.check("the front fetches from the back over IPv6", took is not None, seconds(took))
    for guest in (web, db):
        seen = guest.fetch(f"http://[{drawing.WEB_V6}]/", 10)
        report.check(f"{guest.name} reaches the internet over IPv6", seen in (guest.six, drawing.MACHINE_V6), seen)

    def gets(address):
        def connect():
            with socket.socket(socket.AF_INET6) as stream:
                stream.settimeout(1)
                return stream.connect_ex((address, 8000)) == 0

        return within(stage.INTERNET, connect)

    everybody = [allow("tcp", 8000, 8000, Ipv6Ranges=[{"CidrIpv6": "::/0"}])]
    world.ec2.authorize_security_group_ingress(GroupId=world.groups["back"], IpPermissions=everybody)
    report.check("the internet reaches the public tier over IPv6", until(lambda: gets(web.six), 10) is not None)
    report.check("and not what has a way out only, whatever its group says", not gets(db.six))
    world.ec2.revoke_security_group_ingress(GroupId=world.groups["back"], IpPermissions=everybody + rule)
