"""Starts the servers, workers and people that a fault needs, lets it happen, and judges what came of it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from session_store import Config
from tests.cluster.sentinels import SentinelServers
from tests.cluster.servers import ClusterServers
from tests.worker.processes import WorkerProcess

from .group_faults import GroupFault
from .group_verdict import GroupVerdict
from .group_world import SHARDS, GroupWorld
from .groups import ClusterGroup, Group, SentinelGroup
from .hosts import CENTRE, INSIDE, Hosts, WorkerOnHost
from .traffic import Traffic

#: Log-ins a second.
RATE = 100

#: Log-ins before the first strike: by then some sessions have ended by themselves.
BEFORE = 100


def run(
    fault: GroupFault, times: int, place: Path, seed: str, *, progress: Callable[[int], None] = lambda _: None
) -> GroupVerdict:
    """Let a fault happen some times; return what came of it.

    Args:
        fault: which.
        times: how often.
        place: a directory for what the workers write.
        seed: what decides everything that is left to chance.
        progress: told how often it has happened.
    """
    rng = random.Random(seed)  # noqa: S311 - a seed that can be repeated is the point
    with ExitStack() as stack:
        hosts = stack.enter_context(Hosts(fault.hosts)) if fault.hosts > 1 and INSIDE in os.environ else None
        group = _start_group(fault, stack, apart=hosts is not None)
        workers = _start_workers(fault, stack, group, place, hosts)
        config = Config(redis_url=group.url, redis_shards=SHARDS, redis_timeout=0.5)
        traffic = Traffic(config, rng, rate=RATE, pause=1, longest=fault.longest)
        stack.callback(traffic.stop)
        world = GroupWorld(group, workers, traffic, rng, two_primaries=fault.two_primaries)
        traffic.start()
        for number in range(times):
            traffic.wait_for(BEFORE)
            fault.strike(world)
            progress(number + 1)
        return world.settle()


def _start_group(fault: GroupFault, stack: ExitStack, *, apart: bool) -> Group:
    options: dict[str, Any] = dict(fault.options)
    if apart:
        # Who is joined to the switch must listen there; nobody else is.
        options |= {"bind": "0.0.0.0", "protected_mode": False, "cluster_announce_ip": CENTRE}  # noqa: S104 - as said
    if fault.sentinels:
        return SentinelGroup(stack.enter_context(SentinelServers(**options)))
    return ClusterGroup(stack.enter_context(ClusterServers(**options)))


def _start_workers(
    fault: GroupFault, stack: ExitStack, group: Group, place: Path, hosts: Hosts | None
) -> list[WorkerProcess]:
    workers: list[WorkerProcess] = []
    for number in range(fault.hosts):
        directory = place / f"host{number}"
        directory.mkdir()
        settings = {"WIKI_REDIS_SHARDS": str(SHARDS)}
        if hosts:
            worker: WorkerProcess = WorkerOnHost(hosts.hosts[number], directory, group.url, **settings)
        else:
            worker = WorkerProcess(directory, group.url, **settings)
        workers.append(stack.enter_context(worker))
    for worker in workers:
        worker.wait_for_log("writing", 1 if fault.sentinels else SHARDS)
    return workers
