"""Networks as people draw them, with real guests in them: two tiers over two zones that get out by a NAT gateway, a network
ACL, a peered network, one behind a transit gateway, endpoints, an office behind a VPN, IPv6, interfaces that come and go. All is
seen from within the guests, by wget, curl and ssh, and from outside."""

import os
import subprocess
import sys
import traceback

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))

import across
import drawing
import end
import endpoint
import interfaces
import office
import tiers
from guest import image_of, make_key
from world import Report, World


def parts(world):
    report = world.report
    drawing.surroundings()
    took = world.cloud.up()
    report.say(f"the cloud answers after {world.cloud.took_s:.2f} s: {' '.join(took.split())}")
    world.ec2 = world.client()
    world.image = image_of(world.ec2)["ImageId"]
    make_key(world.ec2, world.work)
    drawing.draw(world)
    for part in (tiers, across, endpoint, office, interfaces, end):
        report.say(f"-- {part.__doc__.splitlines()[0]}")
        try:
            part.run(world)
        except Exception:
            report.check(f"{part.__name__} to its end", False)
            traceback.print_exc()
            world.consoles()


def main(work):
    report = Report()
    world = World(work, report)
    try:
        parts(world)
    except Exception:
        report.check("to the end", False)
        traceback.print_exc()
        world.consoles()
    if report.failed:
        log = f"{world.state}/landfall-4566.log"
        print(subprocess.run(["tail", "-n", "40", log], capture_output=True, text=True).stdout)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
