"""A VPN: an office's own strongSwan, set up from what a tenant is told of the tunnels, reaches a guest, and the guest it."""

import os
import shutil
import socket
import subprocess
import threading
import xml.etree.ElementTree

import drawing
import stage
from guest import seconds, until
from packets import within

# The office: its gateway in the internet, its own network, and a desk there.
GATEWAY = "203.0.113.10"
BLOCK = "192.168.50.0/24"
DESK = "192.168.50.1"
SETTINGS = """charon-systemd {{
  load = random nonce aes sha1 sha2 hmac kdf gmp curve25519 openssl gcm kernel-libipsec kernel-netlink socket-default vici
  retransmit_tries = 2
  plugins {{
    kernel-netlink {{
      fwmark = 0x1
    }}
    vici {{
      socket = unix://{home}/vici
    }}
  }}
}}
"""


def run(world):
    program = shutil.which("charon-systemd", path="/usr/sbin:/usr/lib/ipsec:" + os.environ["PATH"])
    if program is None or shutil.which("swanctl") is None:
        world.report.say("SKIPPED: there is no strongSwan for the office; scripts/install.sh run installs it")
        return
    ids = connection(world)
    device = Office(world, program, tunnels(world, ids["vpn"]))
    try:
        traffic(world, device, ids)
    finally:
        device.end()
    take_away(world, ids)


def connection(world):
    ec2, vpc = world.ec2, world.vpcs["spoke"]["VpcId"]
    customer = ec2.create_customer_gateway(Type="ipsec.1", PublicIp=GATEWAY, BgpAsn=65010)["CustomerGateway"]["CustomerGatewayId"]
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=gateway, VpcId=vpc)

    def attached():
        found = ec2.describe_vpn_gateways(VpnGatewayIds=[gateway])["VpnGateways"][0]
        return {one["State"] for one in found["VpcAttachments"]} == {"attached"}

    world.report.check("a VPN gateway is attached", until(attached) is not None)
    options = {"StaticRoutesOnly": True}
    vpn = ec2.create_vpn_connection(Type="ipsec.1", CustomerGatewayId=customer, VpnGatewayId=gateway, Options=options)
    vpn = vpn["VpnConnection"]["VpnConnectionId"]
    available = until(lambda: look(world, vpn)["State"] == "available")
    world.report.check("the connection is available", available is not None, seconds(available))
    ec2.create_vpn_connection_route(VpnConnectionId=vpn, DestinationCidrBlock=BLOCK)
    ec2.enable_vgw_route_propagation(RouteTableId=world.tables["far-a"], GatewayId=gateway)
    rule = [drawing.allow("tcp", 8000, 8000, IpRanges=[{"CidrIp": BLOCK}])]
    ec2.authorize_security_group_ingress(GroupId=world.groups["far"], IpPermissions=rule)
    return {"customer": customer, "gateway": gateway, "vpn": vpn}


def look(world, vpn):
    return world.ec2.describe_vpn_connections(VpnConnectionIds=[vpn])["VpnConnections"][0]


def tunnels(world, vpn):
    """Address and key of each tunnel, from the configuration that a tenant downloads."""
    document = xml.etree.ElementTree.fromstring(look(world, vpn)["CustomerGatewayConfiguration"])
    return [
        (one.findtext("vpn_gateway/tunnel_outside_address/ip_address"), one.findtext("ike/pre_shared_key"))
        for one in document.iter("ipsec_tunnel")
    ]


class Office:
    """The office's gateway and desk, in the namespace that is the internet."""

    def __init__(self, world, program, tunnels):
        self.home = f"{world.work}/office"
        os.makedirs(self.home)
        inside = ("ip", "-n", stage.INTERNET)
        for address in (GATEWAY, DESK):
            stage.run(*inside, "address", "add", f"{address}/32", "dev", "lo")
        with open(f"{self.home}/strongswan.conf", "w") as file:
            file.write(SETTINGS.format(home=self.home))
        with open(f"{self.home}/swanctl.conf", "w") as file:
            file.write(connections(tunnels))
        environment = {**os.environ, "STRONGSWAN_CONF": f"{self.home}/strongswan.conf"}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = within(stage.INTERNET, lambda: subprocess.Popen([program], env=environment, **quiet))
        until(lambda: os.path.exists(f"{self.home}/vici"))
        self.control("--load-all", "--file", f"{self.home}/swanctl.conf")
        # Where the desk finds the network of the guests.
        stage.run(*inside, "route", "replace", drawing.BLOCKS["spoke"], "dev", "ipsec0", "src", DESK)
        web = within(stage.INTERNET, lambda: stage.Server((DESK, 80), stage.Answer))
        threading.Thread(target=web.serve_forever, daemon=True).start()

    def control(self, *order):
        done = subprocess.run(["swanctl", *order, "--uri", f"unix://{self.home}/vici"], capture_output=True, text=True)
        return done.returncode == 0

    def gets(self, address, port):
        def connect():
            with socket.socket() as stream:
                stream.bind((DESK, 0))
                stream.settimeout(2)
                return stream.connect_ex((address, port)) == 0

        return within(stage.INTERNET, connect)

    def end(self):
        self.process.kill()
        self.process.wait()


def connections(tunnels):
    blocks, secrets = "", ""
    for number, (address, key) in enumerate(tunnels):
        blocks += f"""  t{number} {{
    version = 2
    local_addrs = {GATEWAY}
    remote_addrs = {address}
    proposals = aes256-sha256-modp2048
    local {{
      auth = psk
    }}
    remote {{
      auth = psk
      id = {address}
    }}
    children {{
      t{number} {{
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        reqid = {number + 1}
        esp_proposals = aes128-sha256-modp2048
      }}
    }}
  }}
"""
        secrets += f'  ike-{number} {{\n    id = {address}\n    secret = "{key}"\n  }}\n'
    return f"connections {{\n{blocks}}}\nsecrets {{\n{secrets}}}\n"


def traffic(world, device, ids):
    far, report = world.far, world.report
    report.check("before there is a tunnel, nothing goes through", not device.gets(far.private, 8000))
    took = until(lambda: device.control("--initiate", "--child", "t0", "--timeout", "60"))
    report.check("the office makes a tunnel with what it was told", took is not None, seconds(took))
    took = until(lambda: device.gets(far.private, 8000))
    report.check("its desk reaches the guest", took is not None, seconds(took))
    report.check("and no other port", not device.gets(far.private, 22))
    report.equal("the guest reaches the desk, which sees who it is", far.fetch(f"http://{DESK}/", 10), far.private)

    def states():
        return sorted(one["Status"] for one in look(world, ids["vpn"])["VgwTelemetry"])

    took = until(lambda: states() == ["DOWN", "UP"])
    report.check("one tunnel is shown up, the other down", took is not None, states())
    world.ec2.disable_vgw_route_propagation(RouteTableId=world.tables["far-a"], GatewayId=ids["gateway"])
    took = until(lambda: far.fetch(f"http://{DESK}/", 1) is None)
    report.check("without the propagated route the guest knows no way back", took is not None, seconds(took))


def take_away(world, ids):
    ec2 = world.ec2
    ec2.delete_vpn_connection(VpnConnectionId=ids["vpn"])
    gone = until(lambda: look(world, ids["vpn"])["State"] == "deleted")
    world.report.check("the connection is deleted", gone is not None, seconds(gone))
    ec2.detach_vpn_gateway(VpnGatewayId=ids["gateway"], VpcId=world.vpcs["spoke"]["VpcId"])

    def detached():
        found = ec2.describe_vpn_gateways(VpnGatewayIds=[ids["gateway"]])["VpnGateways"][0]
        return {one["State"] for one in found.get("VpcAttachments", [])} <= {"detached"}

    until(detached)
    ec2.delete_vpn_gateway(VpnGatewayId=ids["gateway"])
    ec2.delete_customer_gateway(CustomerGatewayId=ids["customer"])
