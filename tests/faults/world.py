"""A Redis, workers and traffic; and the judgement of what the audit logs say in the end."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from session_store import Config, Store
from tests.servers import RedisServer
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess
from worker.audit_tail import Written, parse_line, rotated

from .traffic import Ledger, Traffic


@dataclass(frozen=True)
class Verdict:
    """What came of a fault.

    Attributes:
        sessions: how many Redis had acknowledged.
        lost: of those, how many lack their start or their end in some host's log.
        twice: events that stand in a host's log more than once.
        wrong: ends with a reason that can't be right.
        left: keys that were left in Redis.
        seconds: from the end of the fault until everything was in the logs.
    """

    sessions: int
    lost: int
    twice: int
    wrong: int
    left: int
    seconds: float


class World:
    """Everything that a fault may break."""

    def __init__(self, server: RedisServer, workers: list[WorkerProcess], traffic: Traffic, rng: random.Random) -> None:
        self.server = server
        self.workers = workers
        self.traffic = traffic
        self.rng = rng
        self.store = Store(Config(redis_url=server.url, redis_timeout=5), pause=0)

    @property
    def worker(self) -> WorkerProcess:
        """The first one."""
        return self.workers[0]

    def settle(self) -> Verdict:
        """Let everything come to its end, and judge it."""
        ledger = self.traffic.stop()
        start = time.monotonic()
        wait_until(self._quiet, "everything to be ended and written", 60)
        seconds = time.monotonic() - start
        verdicts = [_judge(ledger, worker) for worker in self.workers]
        lost, twice, wrong = (sum(counts) for counts in zip(*verdicts, strict=True))
        return Verdict(len(ledger.opened), lost, twice, wrong, self._left(), seconds)

    def _quiet(self) -> bool:
        keys = self.store.keys.shards[0]
        if self.store.count() or self.store.command("HLEN", keys.records):
            return False
        if self.store.command("XLEN", keys.audit):
            return False
        return all(worker.running for worker in self.workers)

    def _left(self) -> int:
        keys = self.store.keys.shards[0]
        expected = {keys.ended, keys.audit, keys.readers, keys.canary, keys.lease, keys.workers}
        found = {key.decode() for key in self.store.command("KEYS", f"{self.store.keys.prefix}:*")}
        return len(found - expected)


@contextmanager
def make_world(place: Path, rng: random.Random, *, workers: int = 1, **options: str | bool) -> Iterator[World]:
    """Start everything; end everything."""
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(**{"appendonly": True, "appendfsync": "always", **options}))
        started = []
        for number in range(workers):
            directory = place / f"host{number}"
            directory.mkdir()
            started.append(stack.enter_context(WorkerProcess(directory, server.url)))
        traffic = Traffic(Config(redis_url=server.url, redis_timeout=0.5), rng)
        stack.callback(traffic.stop)
        for worker in started:
            worker.wait_for_log("writing")
        traffic.start()
        yield World(server, started, traffic, rng)


def _judge(ledger: Ledger, worker: WorkerProcess) -> tuple[int, int, int]:
    written = list(_written(worker.audit_log))
    counts = Counter(event.id for event in written)
    reasons = {event.sid: event.reason for event in written if event.reason}
    lost = sum(not (counts[f"{sid}-start"] and counts[f"{sid}-end"]) for sid in ledger.opened)
    twice = sum(count > 1 for count in counts.values())
    wrong = sum(
        sid in reasons and reasons[sid] not in {*life.reasons, "lost", "expired", "idle"}
        for sid, life in ledger.opened.items()
    )
    return lost, twice, wrong


def _written(path: Path) -> Iterator[Written]:
    for file in [*reversed(rotated(path)), path]:
        for line in file.read_bytes().splitlines():
            event = parse_line(line)
            assert event is not None, f"{file} has a line that is no event: {line[:100]!r}"
            yield event
