"""Between guests, from the machine, to the internet and back: groups, addresses, names."""

import socket

import stage
from guest import pings, seconds, tcp, until
from packets import Watch, addresses as addresses_of, within


def allow(protocol, first, last, **source):
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **source}


def run(world):
    a, b, c = world.a, world.b, world.c
    for guest in (a, b, c):
        guest.sh(f"mkdir -p /srv && echo {guest.name} >/srv/name && httpd -p 8000 -h /srv && httpd -p 8001 -h /srv")
    groups(world, a, b, c)
    addresses(world, a, b)
    outside(world, a, b)
    from_outside(world, a)


def groups(world, a, b, c):
    report, ec2 = world.report, world.ec2
    url = f"http://{a.private}:8000/name"
    report.equal("members of the default group talk", b.fetch(url), "a\n")
    took = until(lambda: b.sh(f"ping -c 1 -W 3 {a.private}", check=False)[0] == 0)
    report.check("and ping", took is not None, seconds(took))
    report.equal("one of another group doesn't", c.fetch(url, 2), None)
    # A connection that is kept open, to see what becomes of it.
    reference = [{"GroupId": world.ssh}]
    rule = [allow("tcp", 8000, 8000, UserIdGroupPairs=reference)]
    ec2.authorize_security_group_ingress(GroupId=world.default, IpPermissions=rule)
    took = until(lambda: c.fetch(url, 5) == "a\n")
    report.check("a reference to its group lets it in", took is not None, seconds(took))
    report.equal("at that port only", c.fetch(f"http://{a.private}:8001/name", 1), None)
    request = "echo 'GET /name HTTP/1.0'; while [ ! -e /tmp/go ]; do sleep 0.2; done; echo"
    c.sh(f"({request}) | nc -w 120 {a.private} 8000 >/tmp/open 2>&1 &")
    # Its first packets must have gone through before the rule goes.
    flow = f"netstat -tn | grep ':8000 .*{c.private}.*ESTABLISHED' || true"
    report.check("a flow is open", until(lambda: a.sh(flow)) is not None)
    ec2.revoke_security_group_ingress(GroupId=world.default, IpPermissions=rule)
    took = until(lambda: c.fetch(url, 1) is None)
    report.check("once revoked, new flows end", took is not None, seconds(took))
    c.sh("touch /tmp/go")
    through = until(lambda: c.sh("cat /tmp/open").endswith("a"), 60)
    report.check("a flow that was open stays open (tracked, as EC2 documents)", through is not None)
    echo = [allow("icmp", 8, -1, IpRanges=[{"CidrIp": f"{c.private}/32"}])]
    before, _ = c.sh(f"ping -c 1 -W 1 {a.private}", check=False)
    ec2.authorize_security_group_ingress(GroupId=world.default, IpPermissions=echo)
    took = until(lambda: c.sh(f"ping -c 1 -W 3 {a.private}", check=False)[0] == 0)
    report.check("an ICMP rule lets an echo in, not before", before != 0 and took is not None)
    ec2.revoke_security_group_ingress(GroupId=world.default, IpPermissions=echo)


def addresses(world, a, b):
    report, ec2 = world.report, world.ec2
    report.check("its public address answers the machine at what the group allows", tcp(a.public, 22))
    report.check("and at nothing else", not tcp(a.public, 8000, 1))
    report.check("no echo without a rule", not pings(a.public, 1))
    open_to = [
        allow("tcp", 8000, 8000, IpRanges=[{"CidrIp": "0.0.0.0/0"}]),
        allow("icmp", -1, -1, IpRanges=[{"CidrIp": "0.0.0.0/0"}]),
    ]
    ec2.authorize_security_group_ingress(GroupId=world.ssh, IpPermissions=open_to)
    took = until(lambda: tcp(a.public, 8000, 5))
    report.check("a rule opens a port", took is not None, seconds(took))
    report.check("and ICMP", until(lambda: pings(a.public, 3)) is not None)
    report.equal("the other guest reaches it by its public address", b.fetch(f"http://{a.public}:8000/name"), "a\n")
    was = a.public
    elastic = ec2.allocate_address()
    world.elastic = elastic
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=a.id)
    took = until(lambda: tcp(elastic["PublicIp"], 8000, 5))
    report.check("an elastic address answers", took is not None, seconds(took))
    report.check("the former one no longer", until(lambda: not tcp(was, 8000, 1)) is not None)
    a.disconnect()
    a.look()
    report.equal("and is the instance's", a.public, elastic["PublicIp"])
    a.connect()


def outside(world, a, b):
    report = world.report
    for guest in (a, b):
        seen = guest.fetch(f"http://{stage.WEB}/")
        report.equal(f"{guest.name} reaches the internet, which sees the machine's address", seen, stage.MACHINE)
    report.equal("also by name", a.fetch(f"http://{stage.WEB_NAME}/"), stage.MACHINE)

    def name(guest, query):
        return guest.sh(f"nslookup {query} 2>&1", check=False)[1]

    def leads(query, to):
        return until(lambda: to in name(a, query)) is not None

    inner, outer = b.look()["PrivateDnsName"], b.look()["PublicDnsName"]
    report.check("the private name leads to the private address", leads(inner, b.private), inner)
    report.check("and back", leads(b.private, inner))
    report.check("the public name too, from inside", leads(outer, b.private), outer)
    report.check("another name is asked outside", leads(stage.WEB_NAME, stage.WEB))
    report.check("one that doesn't exist is told so", leads("nobody.example.test", "NXDOMAIN"))


def from_outside(world, a):
    """Somebody in the internet, where the way to the pool is known."""
    report = world.report
    for block in ("198.18.0.0/16", "172.31.0.0/16", "169.254.0.0/16"):
        stage.run("ip", "-n", stage.INTERNET, "route", "add", block, "via", stage.MACHINE, "src", stage.WEB)

    def gets(address, port, timeout_s=1):
        def connect():
            with socket.socket() as stream:
                stream.settimeout(timeout_s)
                return stream.connect_ex((address, port)) == 0

        return within(stage.INTERNET, connect)

    with Watch(world.network) as watch:
        report.check("the internet reaches what a rule opens", gets(a.public, 8000, 60))
    arrived = {addresses_of(frame)[0] for _, device, leaves, frame in watch.seen() if device == a.port and leaves and addresses_of(frame)[2] == 6}
    report.check("and is seen as who it is", stage.WEB in arrived, arrived)
    report.check("and no other port", not gets(a.public, 8001))
    report.check("no private address, and no service of the network", not any(gets(*at) for at in ((a.private, 8000), ("169.254.169.254", 80))))
