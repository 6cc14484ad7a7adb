"""The whole life of a few real guests, in the order in which a person would meet it."""

import subprocess
import sys
import traceback

import attacks
import calls
import disks
import images
import imports
import leftovers
import roles
import sealed
import seen
import stability
import traffic
import volumes
from guest import image_of, make_key
from world import Report, World


def parts(world):
    took = world.cloud.up()
    world.report.say(f"the cloud answers after {world.cloud.took_s:.2f} s: {' '.join(took.split())}")
    world.ec2 = world.client()
    world.image = image_of(world.ec2)["ImageId"]
    make_key(world.ec2, world.work)
    seen.launch(world)
    for part in (seen, traffic, calls, roles, attacks, stability, disks, volumes, sealed, images, imports, leftovers):
        world.report.say(f"-- {part.__doc__.splitlines()[0]}")
        try:
            part.run(world)
        except Exception:
            world.report.check(f"{part.__name__} to its end", False)
            traceback.print_exc()
            world.consoles()


def main(work):
    report = Report()
    world = World(work, report, bucket=True)
    try:
        parts(world)
    except Exception:
        report.check("to the end", False)
        traceback.print_exc()
    if report.failed:
        log = f"{world.state}/landfall-4566.log"
        print(subprocess.run(["tail", "-n", "40", log], capture_output=True, text=True).stdout)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
