"""What a server has of the sessions, read from it as it is: also from a replica that is about to take over."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import redis
from redis.exceptions import MovedError

from session_store.keys import ShardKeys
from tests.cluster.node import Node, Server

from .judgement import NEAR, Kept
from .ledger import Ledger

#: Later than anything: of shards that the server doesn't have nothing is lost with it.
NEVER = 1 << 62


@dataclass
class Snapshot:
    """The state of some shards.

    Attributes:
        known: sids of which anything is there: a record, an event that waits to be stored, a reason for an end.
        deadlines: when those that live there will end, ms since the epoch.
        newest: of each shard, when the last event came that ever came, ms since the epoch; whatever is older came, too.
    """

    known: set[str] = field(default_factory=set)
    deadlines: dict[str, float] = field(default_factory=dict)
    newest: dict[int, int] = field(default_factory=dict)


def take(server: Server, shards: Iterable[ShardKeys]) -> Snapshot:
    """Read a server that is awake, primary or replica."""
    found = Snapshot()
    with redis.Redis.from_url(server.url, single_connection_client=True, decode_responses=True) as client:
        if isinstance(server, Node):
            client.readonly()
        for keys in shards:
            with suppress(
                MovedError
            ):  # the slot has moved on in that very moment: nothing of it was this one's to keep
                _read(client, keys, found)
    found.known.update(found.deadlines)
    return found


def compare(ledger: Ledger, snapshot: Snapshot) -> Kept:
    """Say which sessions the server that takes over can know nothing of, or knows only in an older state."""
    opened = list(ledger.opened.items())
    late = {sid for sid, life in opened if life.created >= snapshot.newest.get(life.shard, NEVER) - NEAR}
    late |= {sid for sid, shard in list(ledger.doubtful.items()) if shard in snapshot.newest}
    there = {sid: life for sid, life in opened if sid in snapshot.deadlines}
    old = {sid for sid, life in there.items() if life.over or life.deadline > snapshot.deadlines[sid] + NEAR}
    return Kept(late - snapshot.known, old)


def _read(client: redis.Redis, keys: ShardKeys, found: Snapshot) -> None:
    found.deadlines |= dict(client.zrange(keys.sessions, 0, -1, withscores=True))
    found.known.update(client.hkeys(keys.records), client.hkeys(keys.ended))
    for _, fields in client.xrange(keys.audit):
        found.known.update((fields.get("sids") or fields["sid"]).split(" "))
    found.newest[keys.number] = _newest(client, keys)


def _newest(client: redis.Redis, keys: ShardKeys) -> int:
    if not client.exists(keys.audit):
        return 0
    return int(client.xinfo_stream(keys.audit)["last-generated-id"].partition("-")[0])
