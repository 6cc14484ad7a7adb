"""From network to network: peering with names over it, and a transit gateway with its own routes."""

import drawing
from guest import seconds, until


def run(world):
    peering(world)
    transit(world)


def name(guest, query):
    return guest.sh(f"nslookup {query} 2>&1", check=False)[1]


def peering(world):
    web, db, peer, report, ec2 = world.web, world.db, world.peer, world.report, world.ec2
    ids = {name: vpc["VpcId"] for name, vpc in world.vpcs.items()}
    peer.connect()
    url = f"http://{peer.private}:8000/name"
    report.equal("before they are peered there is no way", web.fetch(url, 3), None)
    pair = ec2.create_vpc_peering_connection(VpcId=ids["app"], PeerVpcId=ids["peer"])["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    asked = until(lambda: ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[pair])["VpcPeeringConnections"][0]["Status"]["Code"] == "pending-acceptance")
    report.check("a request waits to be accepted", asked is not None)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=pair)
    for table, block in (("public-a", "peer"), ("private-b", "peer"), ("side-a", "app")):
        ec2.create_route(RouteTableId=world.tables[table], DestinationCidrBlock=drawing.BLOCKS[block], VpcPeeringConnectionId=pair)
    took = until(lambda: web.fetch(url, 20) is not None)
    report.check("a guest fetches from the other network by its private address", took is not None, seconds(took))
    report.equal("so does the private one", db.fetch(url), peer.sh("hostname") + "\n")
    report.check("at no port that no rule has", not web.reaches(peer.private, 8001, 3))
    outer = peer.look()["PublicDnsName"]
    report.check("its public name leads to its public address", peer.public in name(web, outer), outer)
    options = {"AllowDnsResolutionFromRemoteVpc": True}
    ec2.modify_vpc_peering_connection_options(VpcPeeringConnectionId=pair, RequesterPeeringConnectionOptions=options, AccepterPeeringConnectionOptions=options)
    took = until(lambda: peer.private in name(web, outer))
    report.check("and to its private one, once names are resolved across", took is not None, seconds(took))
    report.check("it is fetched by that name", web.fetch(f"http://{outer}:8000/name") is not None)
    # A group of this network, named by the other's.
    front = [{"GroupId": world.groups["front"], "UserId": "000000000000", "VpcPeeringConnectionId": pair}]
    rule = [drawing.allow("tcp", 8001, 8001, UserIdGroupPairs=front)]
    ec2.authorize_security_group_ingress(GroupId=world.groups["peer"], IpPermissions=rule)
    took = until(lambda: web.reaches(peer.private, 8001, 20))
    report.check("a reference to a group of the other network lets its members in", took is not None, seconds(took))
    report.check("and nobody else", not db.reaches(peer.private, 8001, 3))
    # What is peered isn't on the way to anywhere else.
    report.check("the peer isn't led through to the private tier's ports", not peer.reaches(db.private, 8000, 3))
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=pair)
    took = until(lambda: web.fetch(url, 3) is None)
    report.check("when the peering is deleted, the way ends", took is not None, seconds(took))
    states = [r["State"] for r in routes(world, "public-a") if r.get("VpcPeeringConnectionId") == pair]
    report.equal("and its route is a black hole", states, ["blackhole"])


def routes(world, table):
    return world.ec2.describe_route_tables(RouteTableIds=[world.tables[table]])["RouteTables"][0]["Routes"]


def transit(world):
    web, db, far, report, ec2 = world.web, world.db, world.far, world.report, world.ec2
    gateway = ec2.create_transit_gateway(Description="hub", Options={"DefaultRouteTableAssociation": "disable", "DefaultRouteTablePropagation": "disable"})
    world.hub = gateway["TransitGateway"]["TransitGatewayId"]
    until(lambda: ec2.describe_transit_gateways(TransitGatewayIds=[world.hub])["TransitGateways"][0]["State"] == "available")
    world.attachments = {}
    for name, subnets in (("app", ["public-a", "private-b"]), ("spoke", ["far-a"])):
        made = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=world.hub, VpcId=world.vpcs[name]["VpcId"], SubnetIds=[world.subnets[subnet] for subnet in subnets])
        world.attachments[name] = made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]

    def attached():
        found = ec2.describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=list(world.attachments.values()))
        return {one["State"] for one in found["TransitGatewayVpcAttachments"]} == {"available"}

    report.check("both networks are attached", until(attached) is not None)
    table = ec2.create_transit_gateway_route_table(TransitGatewayId=world.hub)["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]
    world.hub_table = table
    made = until(lambda: ec2.describe_transit_gateway_route_tables(TransitGatewayRouteTableIds=[table])["TransitGatewayRouteTables"][0]["State"] == "available")
    report.check("the gateway has a table", made is not None)
    for attachment in world.attachments.values():
        ec2.associate_transit_gateway_route_table(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment)
    for name, other in (("public-a", "spoke"), ("private-b", "spoke"), ("far-a", "app")):
        ec2.create_route(RouteTableId=world.tables[name], DestinationCidrBlock=drawing.BLOCKS[other], TransitGatewayId=world.hub)
    url = f"http://{far.private}:8000/name"
    report.equal("without routes of its own a transit gateway leads nowhere", web.fetch(url, 3), None)
    for attachment in world.attachments.values():
        ec2.enable_transit_gateway_route_table_propagation(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment)
    took = until(lambda: web.fetch(url, 20) is not None)
    report.check("with propagated ones it leads from network to network", took is not None, seconds(took))
    report.check("from the private tier too", db.fetch(url) is not None)
    far.connect()
    report.check("and ssh goes that way", far.sh("cat /srv/name") == far.sh("hostname"))
    report.check("back it goes as far as the groups say", far.fetch(f"http://{web.private}:8000/name") is not None and not far.reaches(db.private, 8000, 3))
    narrower = {"TransitGatewayRouteTableId": table, "DestinationCidrBlock": drawing.SUBNETS["far-a"][2]}
    ec2.create_transit_gateway_route(**narrower, Blackhole=True)
    took = until(lambda: web.fetch(url, 3) is None)
    report.check("a black hole in the gateway's table swallows it", took is not None, seconds(took))
    ec2.delete_transit_gateway_route(**narrower)
    took = until(lambda: web.fetch(url, 20) is not None)
    report.check("once it is gone, the way is there again", took is not None, seconds(took))
