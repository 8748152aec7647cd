"""How things stand, as Redis knows it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from . import verbs
from .audit import order
from .backlog import TOO_MANY
from .errors import StoreUnavailable
from .events import timestamp
from .keys import ShardKeys
from .records import MAX_MS
from .store import Store

#: What a reader's position looks like.
POSITION = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")

#: Entries counted at a time.
PAGE = 10_000


@dataclass(frozen=True)
class ReaderStatus:
    """An audit reader: how many entries it has not stored, and the age of the oldest (seconds)."""

    name: str
    shard: int
    backlog: int
    age: float


@dataclass(frozen=True)
class WorkerStatus:
    """A worker: what it said of itself, and how long ago (seconds)."""

    name: str
    seen: float
    role: str
    ready: bool
    did: str


@dataclass(frozen=True)
class Status:
    """How things stand.

    Attributes:
        live: sessions alive.
        next: when the next one ends, ISO 8601, or None.
        away: why some shards could not be asked, in words; what they have is not in the rest.
    """

    live: int
    next: str | None
    readers: list[ReaderStatus]
    workers: list[WorkerStatus]
    away: list[str]

    def to_json(self) -> str:
        """Return it for machines."""
        return json.dumps(asdict(self), indent=2)

    def to_text(self) -> str:
        """Return it for people."""
        lines = [f"live sessions   {self.live}", f"next deadline   {self.next or 'none'}"]
        for reader in self.readers:
            behind = f"{reader.backlog} behind, the oldest for {reader.age:.1f} s" if reader.backlog else "up to date"
            lines.append(f"audit reader    {reader.name} (shard {reader.shard}): {behind}")
        if not self.readers and not self.away:
            lines.append("audit reader    none: nobody stores what ends")
        for worker in self.workers:
            state = "" if worker.ready else ", not ready"
            lines.append(f"worker          {worker.name} ({worker.role}{state}), {worker.seen:.0f} s ago: {worker.did}")
        if not self.workers and not self.away:
            lines.append("worker          none has been heard of")
        lines += [f"away            {text}" for text in self.away]
        return "\n".join(lines)


def read_status(store: Store, *, partly: bool = False) -> Status:
    """Ask Redis.

    Args:
        store: the sessions.
        partly: whether shards that can't be asked are passed over, if there are others.

    Raises:
        StoreUnavailable: it did not answer.
    """
    store.learn()
    found: list[_Shard] = []
    away: dict[str, list[int]] = {}
    for keys in store.keys.shards:
        try:
            found.append(_read_shard(store, keys))
        except StoreUnavailable as error:
            away.setdefault(str(error), []).append(keys.number)
            if not partly or (not found and keys is store.keys.shards[-1]):
                raise
    soonest = [shard.soonest for shard in found if shard.soonest is not None]
    return Status(
        sum(shard.live for shard in found),
        timestamp(min(soonest)) if soonest else None,
        [reader for shard in found for reader in shard.readers],
        [worker for shard in found for worker in shard.workers],
        [f"shard {', '.join(map(str, numbers))}: {why}" for why, numbers in away.items()],
    )


@dataclass(frozen=True)
class _Shard:
    """What one shard knows."""

    live: int
    soonest: float | None
    readers: list[ReaderStatus]
    workers: list[WorkerStatus]


def _read_shard(store: Store, keys: ShardKeys) -> _Shard:
    now = store.run(verbs.server_time(keys))
    # The workers' own hash is in the first shard, whatever shards there are.
    workers = [] if keys.number else _workers(store, keys, now)
    return _Shard(store.run(verbs.count(keys)), _soonest(store, keys), _readers(store, keys, now), workers)


def _soonest(store: Store, keys: ShardKeys) -> float | None:
    rows = store.command("ZRANGE", keys.sessions, 0, 0, "WITHSCORES")
    row = rows[0] if rows and isinstance(rows[0], list | tuple) else rows
    score = float(row[1]) if row else 0.0
    return score if 0 < score <= MAX_MS else None


def _readers(store: Store, keys: ShardKeys, now: float) -> list[ReaderStatus]:
    positions = {name: kept.split(" ", 1)[0] for name, kept in _pairs(store.command("HGETALL", keys.readers))}
    positions = {name: position for name, position in positions.items() if POSITION.fullmatch(position)}
    slowest = min(map(order, positions.values()), default=(0, 0))
    return [
        _reader(store, keys, now, name, position, slowest=order(position) == slowest)
        for name, position in positions.items()
    ]


def _reader(store: Store, keys: ShardKeys, now: float, name: str, position: str, *, slowest: bool) -> ReaderStatus:
    waiting = store.command("XRANGE", keys.audit, f"({position}", "+", "COUNT", 1)
    if not waiting:
        return ReaderStatus(name, keys.number, 0, 0.0)
    age = max(0.0, now - order(waiting[0][0].decode())[0]) / 1000
    # The stream is trimmed to the slowest reader: for that one, all of it is waiting.
    backlog = int(store.command("XLEN", keys.audit)) if slowest else _count_after(store, keys, position)
    return ReaderStatus(name, keys.number, backlog, age)


def _count_after(store: Store, keys: ShardKeys, position: str) -> int:
    count = 0
    while count < TOO_MANY:
        page = store.command("XRANGE", keys.audit, f"({position}", "+", "COUNT", PAGE)
        count += len(page)
        if len(page) < PAGE:
            break
        position = page[-1][0].decode()
    return count


def _workers(store: Store, keys: ShardKeys, now: float) -> list[WorkerStatus]:
    found = (_worker(name, kept, now) for name, kept in _pairs(store.command("HGETALL", keys.workers)))
    return sorted(filter(None, found), key=lambda worker: worker.seen)


def _worker(name: str, kept: str, now: float) -> WorkerStatus | None:
    """Read what a worker said of itself; None for what no worker has said."""
    try:
        said = json.loads(kept)
        age = max(0.0, now - float(said["seen"])) / 1000
        return WorkerStatus(name, age, str(said["role"]), bool(said["ready"]), str(said["did"]))
    except (ValueError, TypeError, KeyError):
        return None


def _pairs(answer: Any) -> list[tuple[str, str]]:
    rows = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
    return sorted((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in rows)
