"""The host and its server, killed."""

import contextlib
import os
import signal

import stage
from guest import tcp, until


def gone(pids):
    return until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") and alive(pid) for pid in pids))


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill_server(world):
    world.cloud.kill()
    world.cloud.up()


def kill_all(world):
    """The server first: it shall not see the others end."""
    victims = [world.cloud.pid(), *world.cloud.metadata_pids(), *stage.qemus().values()]
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    gone(victims)
    for guest in (world.a, world.b):
        guest.disconnect()
    # They may get each other's addresses.
    with contextlib.suppress(FileNotFoundError):
        os.remove(f"{world.work}/known")
    until(lambda: not tcp("127.0.0.1", 4566, 0.2))
    world.cloud.up()
