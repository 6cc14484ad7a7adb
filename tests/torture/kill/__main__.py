"""Kills the real server at every step that it can be killed at, with real guests, and looks what is lost or left.

`kill --points 200 --seed N`: first one life of each kind without a death, to learn which points there are; then so many
deaths, each point at least once, chosen by the seed. Each life ends with everything taken away, and then nothing may be
there that wasn't there before. Everything happens in namespaces of its own.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(__file__))
import machine
from cloud import Cloud, Wrong, wait_for
from scenario import KINDS, Scenario

QUICK = ["first", "brief", "stopped", "rebooted", "crowd", "hasty"]
RANDOM = "(any moment)"


def main():
    parser = argparse.ArgumentParser(prog="kill")
    parser.add_argument("--points", type=int, default=200, help="how many deaths")
    parser.add_argument("--seed", type=int, default=None, help="what the deaths are chosen by")
    parser.add_argument("--binary", required=True, help="a landfall with the feature crash-points")
    parser.add_argument("--images", required=True, help="a folder with a mini image")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sample", action="store_true", help="no tour first: a few deaths at well-known points")
    parser.add_argument("--only", help="NAME:N,KIND: this death alone")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return Worker(arguments).serve()
    return Torture(arguments).run()


class Torture:
    """Gives out deaths, and keeps count."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.seed = arguments.seed if arguments.seed is not None else int(time.time())
        self.dice = random.Random(self.seed)
        self.lock = threading.Lock()
        # How often each point is passed in a life of each kind; what came of each death.
        self.passes, self.origins, self.results, self.failures = {}, {}, {}, []
        self.slowest, self.given, self.tries = 0.0, 0, {}
        self.under_way, self.sample = 0, []
        self.tour = [] if arguments.sample or arguments.only else list(KINDS)
        self.touring = 0

    def run(self):
        began = time.monotonic()
        print(f"seed {self.seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="landfall-kill-") as work:
            threads = [threading.Thread(target=self.drive, args=(work, n)) for n in range(self.arguments.workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if self.failures:
                kept = tempfile.mkdtemp(prefix="landfall-kill-failed-")
                for name in os.listdir(work):
                    subprocess.run(["cp", f"{work}/{name}/server.log", f"{kept}/{name}.log"], check=False)
                print(f"the servers' logs: {kept}")
        self.report(time.monotonic() - began)
        return 1 if self.failures else 0

    def drive(self, work, number):
        """One worker, in its own namespaces, which gets one death after another."""
        folder = f"{work}/{number}"
        os.makedirs(folder)
        arguments = ["--binary", self.arguments.binary, "--images", self.arguments.images, "--inside", folder]
        command = ["unshare", "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child", "--propagation", "private"]
        worker = subprocess.Popen(
            [*command, sys.executable, os.path.dirname(os.path.abspath(__file__)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while True:
            with self.lock:
                task = self.next_task()
                self.under_way += isinstance(task, dict)
            if task is None:
                break
            if task == "wait":
                time.sleep(0.2)
                continue
            worker.stdin.write(json.dumps(task) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            if not line:
                with self.lock:
                    self.failures.append((task, "the worker ended"))
                return
            with self.lock:
                self.under_way -= 1
                self.take(task, json.loads(line))
        worker.stdin.close()
        worker.wait()

    def next_task(self):
        seed = self.dice.randrange(1 << 32)
        if self.arguments.only:
            if self.given:
                return None
            self.given = 1
            point, _, kind = self.arguments.only.partition(",")
            return {"kind": kind or "crowd", "seed": self.arguments.seed or seed, "crash": point or None}
        if self.tour:
            self.touring += 1
            return {"kind": self.tour.pop(), "seed": seed, "crash": None}
        if self.touring:
            return "wait"
        if self.arguments.sample:
            return self.next_sample(seed)
        unhit = [name for name in self.passes if not self.results.get(name) and self.tries.get(name, 0) < 6]
        deaths = sum(map(len, self.results.values()))
        # What is under way is counted as a death: few miss their point.
        if deaths + self.under_way >= self.arguments.points and not unhit:
            return "wait" if deaths < self.arguments.points and self.under_way else None
        self.given += 1
        if unhit:
            name = self.dice.choice(unhit)
        elif self.dice.random() < 0.2:
            return {"kind": self.dice.choice(KINDS), "seed": seed, "crash": None, "after": self.dice.random() * 6}
        else:
            name = self.dice.choice(list(self.passes))
        tries = self.tries[name] = self.tries.get(name, 0) + 1
        if name in self.origins:
            return {**self.origins[name], "second": f"{name}:1"}
        kinds = [kind for kind in self.passes[name] if kind in QUICK] or list(self.passes[name])
        kind = self.dice.choice(kinds)
        # Deep into the life at first; a point that was missed is taken at its first passing.
        at = 1 + self.dice.randrange(self.passes[name][kind]) if tries % 2 else 1
        return {"kind": kind, "seed": seed, "crash": f"{name}:{at}"}

    def next_sample(self, seed):
        if self.given >= self.arguments.points:
            return None
        self.given += 1
        well_known = [
            ("log:append", 6), ("log:appended", 5), ("sqlite:commit", 7), ("launch:spawned", 1), ("launch:greeted", 1),
            ("qmp:cont:sent", 1), ("nft:network:loading", 1), ("netlink:new-link:done", 1), ("namespace:mount", 1),
            ("tap:persist", 1), ("volume:link", 1), ("record:Started:rename", 1), ("cgroup:remove", 1),
            ("volume:removed", 1), ("metadata:spawned", 1), ("folder:remove:lock", 1), ("namespace:unname", 1),
            ("launch:child:described", 1), ("launch:child:closed", 1), ("plan:rename", 2), ("qmp:quit:sent", 1),
        ]  # fmt: skip
        if not self.sample:
            self.sample = self.dice.sample(well_known, len(well_known))
        name, at = self.sample.pop()
        return {"kind": self.dice.choice(["brief", "stopped"]), "seed": seed, "crash": f"{name}:{at}"}

    def take(self, task, result):
        tour = task["crash"] is None and "after" not in task
        self.touring -= tour
        for name, count in result["passes"].items():
            if tour:
                self.passes.setdefault(name, {})[task["kind"]] = count
            elif name not in self.passes:
                # Only a start after a death passes there: it takes two deaths to die of it.
                self.passes[name], self.origins[name] = {task["kind"]: 1}, task
        self.slowest = max(self.slowest, result["slowest"])
        point = task.get("second") or task["crash"]
        name = point.rpartition(":")[0] if point else RANDOM if "after" in task else None
        said = result["wrong"] or ("hit" if result["died"] else "not reached")
        print(f"{point or task.get('after', 'tour')} in {task['kind']} ({task['seed']}): {said}, {result['seconds']:.1f} s", flush=True)
        if result["wrong"]:
            self.failures.append((task, result["wrong"]))
        if name and result["died"]:
            self.results.setdefault(name, []).append("wrong" if result["wrong"] else "ok")

    def report(self, seconds):
        short = self.arguments.only or self.arguments.sample
        unhit = [] if short else [name for name in self.passes if not self.results.get(name)]
        print(f"\n{'point':44} deaths  result")
        for name in sorted(set(self.results) | set(unhit)):
            results = self.results.get(name, [])
            wrong = results.count("wrong")
            said = "not reached" if not results else "converged" if not wrong else f"{wrong} WRONG"
            print(f"{name:44} {len(results):6}  {said}")
        deaths = sum(map(len, self.results.values()))
        print(f"\n{deaths} deaths at {len(self.results)} points in {seconds:.0f} s; slowest convergence {self.slowest:.1f} s;")
        print(f"{len(self.failures)} wrong; points never reached by a death: {', '.join(sorted(unhit)) or 'none'}")
        for task, words in self.failures:
            again = f"--seed {task['seed']} --only '{task['crash'] or ''},{task['kind']}'"
            print(f"WRONG {again}\n  {words}")


class Worker:
    """Lives in namespaces of its own, and does what it is told."""

    def __init__(self, arguments):
        self.arguments, self.folder = arguments, arguments.inside
        self.state = f"{self.folder}/state"

    def serve(self):
        # Whatever is orphaned in here is ours to bury.
        child = os.fork()
        if child:
            while True:
                try:
                    pid, status = os.wait()
                except ChildProcessError:
                    return 1
                if pid == child:
                    return os.waitstatus_to_exitcode(status)
        self.prepare()
        for line in sys.stdin:
            print(json.dumps(self.live(json.loads(line))), flush=True)
        self.cloud.kill()
        return 0

    def prepare(self):
        """A machine as new, with a cloud that has had a first life."""
        os.makedirs("/run/landfall", exist_ok=True)
        os.makedirs("/run/netns", exist_ok=True)
        # What other clouds of this machine have there vanishes when they remove it: it must not be seen here at all.
        for place in reversed(machine.mounts_below("/run/netns")):
            subprocess.run(["umount", "-l", place], check=False)
        for command in (
            "mount -t tmpfs tmpfs /run/landfall",
            "mount -t tmpfs tmpfs /run/netns",
            "ip link set lo up",
            # What stands for the way to the internet.
            "ip link add up0 type veth peer name up1",
            "ip address add 203.0.113.2/24 dev up0",
            "ip link set up0 up",
            "ip route add default via 203.0.113.1",
        ):
            subprocess.run(command.split(), check=True)
        os.makedirs(self.state)
        shutil.copytree(self.arguments.images, f"{self.state}/images")
        self.log = open(f"{self.folder}/server.log", "ab")
        self.cloud = Cloud(self.arguments.binary, self.state, self.log)
        self.residue = machine.Residue(self.state)
        if not self.cloud.start():
            raise SystemExit(f"the server doesn't start: see {self.folder}/server.log")
        names = {"Filter_1_Name": "name", "Filter_1_Value_1": "landfall-mini-*"}
        self.cloud.image = self.cloud.ids("DescribeImages", ".//imagesSet/item/imageId", **names)[0]
        # This life makes what stays.
        Scenario(self.cloud, 1).run("brief")
        Scenario(self.cloud, 2).clean()
        self.cloud.settled()
        self.nothing_left()
        self.residue.settle()

    def forget_all(self):
        """The cloud's state as it is before its first start."""
        for name in os.listdir(self.state):
            if name != "images":
                path = f"{self.state}/{name}"
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        for path in machine.tree(machine.RUNTIME + "/servers"):
            os.unlink(path)
        self.residue.rows = None

    def nothing_left(self):
        def gone():
            self.cloud.survive()
            return not self.residue.find(self.cloud.ever)

        wait_for(lambda: "left over: " + "; ".join(self.residue.find(self.cloud.ever)), gone, pause=0.1)

    def begin_again(self):
        """After something went wrong, so that the next death is judged by itself."""
        self.cloud.kill()
        for pid in [*machine.guests(), *machine.metadata_processes()]:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        for instance in self.cloud.ever:
            for group in machine.groups_of(instance):
                os.rmdir(group)
        names = " ".join(f"/run/netns/{name}" for name in os.listdir("/run/netns"))
        links = "; ".join(f"ip link delete {name}" for name in machine.links() if name != "lo")
        subprocess.run(f"nft flush ruleset; umount {names}; {links}; umount /run/netns; umount /run/landfall; rm -rf {self.state}", shell=True, check=False, stderr=subprocess.DEVNULL)
        self.prepare()

    def live(self, task):
        began, cloud = time.monotonic(), self.cloud
        watch = machine.Watch()
        watch.start()
        wrong = None
        cloud.kill(random.Random(task["seed"]).choice([signal.SIGKILL, signal.SIGTERM]))
        cloud.forget()
        self.log.write(f"\n== {task}\n".encode())
        self.log.flush()
        crashes, executioner = cloud.crashes, None
        try:
            if (task["crash"] or "").startswith(("answers:", "metadata:")):
                for pid in machine.metadata_processes():
                    os.kill(pid, signal.SIGKILL)
            if task["kind"] == "first":
                self.forget_all()
            cloud.second = task.get("second")
            if not cloud.start(task["crash"]):
                cloud.recover()
            if "after" in task:
                executioner = threading.Timer(task["after"], lambda victim=cloud.server: victim.kill())
                executioner.start()
            life = Scenario(cloud, task["seed"])
            life.run(task["kind"])
            cloud.check_wishes()
            life.clean()
            cloud.settled()
            self.nothing_left()
            if task["kind"] == "first":
                self.residue.rows = set(self.residue.live_rows())
            cloud.check_wishes()
            if watch.doubled:
                raise Wrong(watch.doubled[0])
        except Exception as error:  # noqa: BLE001: whatever it is, it is the result
            wrong = str(error) if isinstance(error, Wrong) else traceback.format_exc()
        finally:
            if executioner:
                executioner.cancel()
            watch.going = False
            watch.join()
        cloud.take_passed()
        deaths, passes = cloud.deaths, cloud.passes
        died = (task.get("second") or task["crash"] or "").rpartition(":")[0] in deaths or ("after" in task and cloud.crashes > crashes)
        if wrong:
            self.log.write(f"\n== WRONG {wrong}\n".encode())
            self.log.flush()
            self.begin_again()
        return {"wrong": wrong, "died": died, "passes": passes, "slowest": cloud.slowest, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    sys.exit(main())
