"""A listener and its canaries in threads of their own, with less patience than they really have."""

from __future__ import annotations

import threading
import zlib
from collections import Counter
from itertools import count

from session_store import Ref, Store
from session_store.keys import ShardKeys
from tests.wait import wait_until
from tests.worker.conftest import open_on
from worker.canary import Canary
from worker.flags_keeper import FlagsKeeper
from worker.health import Health
from worker.lane import lanes_of
from worker.listener import Listener
from worker.loop import Loop
from worker.metrics import Metrics
from worker.report import Report


class Ears:
    """Nothing but notifications tells it of ends."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.health = Health()
        self.gaps: Counter[str] = Counter()
        self.stop = threading.Event()
        lanes = lanes_of(store)
        canaries = [Canary(store=store, lane=lane) for lane in lanes]
        self.listener = Listener(
            store=store,
            lanes=lanes,
            canaries=canaries,
            report=Report(Metrics(self.health), self.health),
            health=self.health,
            flags=FlagsKeeper(config=store.config, may_set=True, health=self.health),
            on_gap=lambda _, node: self.gaps.update([node]),
        )
        self.loops = [
            Loop(role, self.stop, health=self.health, on_back=lambda _: self.listener.doubt())
            for role in (self.listener, *canaries)
        ]

    def __enter__(self) -> Ears:
        for loop in self.loops:
            loop.start()
        wait_until(lambda: self.health.hearing, "all to be heard")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for loop in self.loops:
            loop.join(10)
            assert not loop.is_alive()

    def hears(self, keys: ShardKeys, seconds: float = 10) -> None:
        """Wait until a session has ended that nobody but a notification tells of."""
        ref = open_on(self.store, user_in(self.store, keys), age=20)
        wait_until(lambda: self.has_ended(ref), f"an end in shard {keys.number} to be heard of", seconds)

    def has_ended(self, ref: Ref) -> bool:
        """Whether a session has left the sorted set."""
        return self.store.command("ZSCORE", self.store.keys.shards[ref.shard].sessions, ref.sid) is None


def user_in(store: Store, keys: ShardKeys) -> str:
    """Return a user whose sessions are in a shard."""
    shards = len(store.keys.shards)
    return next(str(number) for number in count() if zlib.crc32(str(number).encode()) % shards == keys.number)
