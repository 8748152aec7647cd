"""The faults: each breaks a world in one way, under traffic, and leaves it able to mend itself."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.wait import wait_until

from .world import World


@dataclass(frozen=True)
class Fault:
    """A fault, by name.

    Attributes:
        strike: breaks the world so many times.
        times: how often, in the long suite.
        loses: whether Redis itself may lose what it had acknowledged.
        options: what the world is made of.
    """

    name: str
    strike: Callable[[World, int], None]
    times: int = 10
    loses: bool = False
    options: dict[str, str | bool | int] = field(default_factory=dict)


def kill_worker(world: World, times: int) -> None:
    for _ in range(times):
        _pause(world, 0.0, 1.2)
        world.worker.kill()
        world.worker.start()


def kill_redis(world: World, times: int) -> None:
    for _ in range(times):
        world.traffic.wait_for(60)
        world.server.kill()
        _pause(world, 0.0, 0.5)
        world.server.start()


def back_to_a_dump(world: World, times: int) -> None:
    """A dump without an append-only file: Redis comes back with older data, sessions that had ended among it."""
    for _ in range(times):
        world.traffic.wait_for(60)
        world.server.client().save()
        world.traffic.wait_for(100)
        world.server.kill()
        world.server.start()


def stop_worker_for_long(world: World, times: int) -> None:
    for number in range(times):
        world.traffic.wait_for(50)
        assert world.worker.stop() == 0
        _pause(world, 2.6, 3.0)
        world.worker.start()
        world.worker.wait_for_log("writing", number + 2)


def pause_redis(world: World, times: int) -> None:
    for _ in range(times):
        world.traffic.wait_for(50)
        world.server.pause()
        _pause(world, 0.3, 2.0)
        world.server.resume()


def kill_clients(world: World, times: int) -> None:
    client = world.server.client()
    for _ in range(times):
        world.traffic.wait_for(world.rng.randrange(10, 40))
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)


def cut_listener_off(world: World, times: int) -> None:
    """The listener is paused while events come, until its output buffer is over the limit."""
    client = world.server.client()
    client.config_set("client-output-buffer-limit", "pubsub 2kb 1kb 1")
    for _ in range(times):
        world.worker.signal(signal.SIGSTOP)
        world.traffic.wait_for(150)
        world.worker.signal(signal.SIGCONT)
        world.traffic.wait_for(50)


def flush_everything(world: World, times: int) -> None:
    for _ in range(times):
        world.traffic.wait_for(100)
        world.server.client().flushall()


def flush_scripts(world: World, times: int) -> None:
    for _ in range(times):
        world.traffic.wait_for(world.rng.randrange(10, 40))
        world.server.client().script_flush()


def forbid_config(world: World, times: int) -> None:
    """CONFIG forbidden: no flags, so no events; deadlines and reconciling do it alone."""
    client = world.server.client()
    client.config_set("notify-keyspace-events", "")
    client.execute_command("ACL", "SETUSER", "default", "-config")
    try:
        for _ in range(times):
            world.worker.kill()
            world.worker.start()
            world.traffic.wait_for(100)
    finally:
        client.execute_command("ACL", "SETUSER", "default", "+config")


def fill_disk(world: World, times: int) -> None:
    """The file may not grow: a write in the middle of a line fails, as on a full disk."""
    for _ in range(times):
        world.traffic.wait_for(50)
        pid, old = world.worker.pid, resource.prlimit(world.worker.pid, resource.RLIMIT_FSIZE)
        limit = world.worker.audit_log.stat().st_size + world.rng.randrange(50, 1500)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, old[1]))
        world.traffic.wait_for(100)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, old)
        world.traffic.wait_for(20)


def rotate(world: World, times: int) -> None:
    """Rename and go, as logrotate does; half of the times the worker is killed right after."""
    for number in range(times):
        _pause(world, 0.05, 0.4)
        log = world.worker.audit_log
        # The rotation before must have been noticed: two at once would be one to the worker.
        wait_until(log.exists, "the new file")
        log.rename(log.with_name(f"{log.name}.{number}"))
        if world.rng.random() < 0.5:
            world.worker.kill()
            world.worker.start()
    wait_until(world.worker.audit_log.exists, "the last new file")


def block_file(world: World, times: int) -> None:
    """Something that can't be written to stands where the file was."""
    log = world.worker.audit_log
    for number in range(times):
        world.traffic.wait_for(50)
        log.rename(log.with_name(f"{log.name}.{number}"))
        try:
            log.mkdir()
        except FileExistsError:
            continue  # the worker was faster; its new file is in use
        world.traffic.wait_for(100)
        log.rmdir()
        wait_until(log.exists, "the new file")


def three_workers(world: World, times: int) -> None:
    """Three hosts, each with a log of its own; workers are killed and paused at random."""
    for _ in range(times):
        worker = world.rng.choice(world.workers)
        if world.rng.random() < 0.5:
            worker.kill()
            worker.start()
        else:
            worker.signal(signal.SIGSTOP)
            _pause(world, 0.1, 2.0)
            worker.signal(signal.SIGCONT)
        _pause(world, 0.0, 0.3)


FAULTS = [
    Fault("worker killed", kill_worker, times=200),
    Fault("worker stopped for longer than sessions live", stop_worker_for_long, times=5),
    Fault("three workers killed and paused", three_workers, times=40, options={"workers": 3}),
    Fault("Redis killed, AOF always", kill_redis),
    Fault("Redis killed, AOF everysec", kill_redis, loses=True, options={"appendfsync": "everysec"}),
    Fault("Redis back to an old dump", back_to_a_dump, loses=True, options={"appendonly": False}),
    Fault("Redis paused", pause_redis),
    Fault("connections killed", kill_clients, times=40),
    Fault("listener cut off", cut_listener_off),
    Fault("FLUSHALL", flush_everything, loses=True),
    Fault("SCRIPT FLUSH", flush_scripts, times=40),
    Fault("CONFIG forbidden", forbid_config),
    Fault("disk full", fill_disk),
    Fault("file rotated", rotate, times=40),
    Fault("file blocked", block_file),
]


def _pause(world: World, least: float, most: float) -> None:
    """Let the traffic go on for a random while."""
    time.sleep(world.rng.uniform(least, most))
