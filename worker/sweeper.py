"""The second way of knowing: deadlines. The sorted set says when the next session is due, so that it ends in time."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import NoScriptError

from session_store import Ref, Store, verbs
from session_store.ahead import Ahead
from session_store.keys import ShardKeys
from session_store.scripts import Call
from session_store.sessions import Due

from .agenda import Agenda
from .lane import Lane
from .report import Report

#: Seconds after which the next deadline is asked for again: opening a session fires no event.
LOOK = 0.5

#: The same where the auditor tells of every session that begins; then only what was changed by hand is found so. A
#: lease is kept by asking, and should outlast an answer that is late: this is little more than half of it. Who stands
#: by asks when the lease is over (`LATER`); with this, that is just after it was kept, and so as seldom as can be.
LOOK_FOLLOWING = 1.1

#: Seconds after another worker's lease is over at which one that stands by asks: by chance, so that not all do at once.
#: Who writes the audit log comes before the others: it is told of sessions that begin.
SOON_AFTER, LATER = (0.0, 0.1), (0.2, 0.4)

#: Seconds that one step waits; a stop waits no longer.
NAP = 0.2

#: Full batches, of all shards together, without a pause from which on the worker counts as behind.
MANY = 10

#: Seconds for which a step goes on with two batches under way.
RUSH = 0.5

#: Sessions that are ended in one round trip, of all shards together: what is sent together keeps other clients waiting.
TOGETHER = 1000

#: Sessions that were found due, by shard.
Found = dict[ShardKeys, list[Ref]]

#: A shard, and what was found due in it.
Turn = tuple[ShardKeys, list[Ref]]

_chance = random.SystemRandom()


class Sweeper:
    """Wakes when a session is due and ends what is due, oldest first, in batches.

    Of several workers one comes first. The others ask who does, each time that its lease would be over.

    Args:
        store: the sessions.
        lane: which of them; while full batches are due one after the other, it is behind.
        report: where ends are counted.
        worker: this worker's name; of several, one comes first.
    """

    def __init__(self, *, store: Store, lane: Lane, report: Report, worker: str) -> None:
        self.name = f"sweeper{lane.label}"
        self._store = store
        self._shards = lane.shards
        self._report = report
        self._worker = worker
        self._soon = lane.soon
        self._recent = lane.recent
        self._behind = lane.behind
        self._rank = lane.rank
        self._rank.expect()
        self._agenda = Agenda(lane.shards)
        self._asks_again = 0.0
        self._full = 0
        self._turn = 0
        self._found: Found = {}

    def step(self) -> float:
        """Wait for the next deadline, but not long; where it has come, end what is due, a batch of a shard at most."""
        if self._rank.stands_by and not self._found:
            left = self._asks_again - time.monotonic()
            if left > 0:
                return min(left, NAP)
            self._turn = (self._turn + 1) % len(self._shards)
            self._sweep([self._shards[self._turn]])
            return 0.0
        if self._behind.is_set() and self._found:
            with suppress(NoScriptError):  # the round trip below brings them
                self._rush()
        left = self._agenda.left
        if left > 0 and not self._soon.wait(min(left, NAP)) and left > NAP:
            return 0.0
        told = self._soon.told
        shards = [keys for keys in self._shards if keys in told or self._agenda.asks(keys)]
        self._soon.begin(shards)
        self._sweep(shards)
        return 0.0

    def reset(self) -> None:
        """Forget what was found due: the next step asks again."""
        self._full = 0
        self._found = {}
        self._agenda.clear()
        # The others wait while it is behind; they are not to wait for one that can't go on.
        self._behind.clear()

    def _sweep(self, shards: Sequence[ShardKeys]) -> None:
        """End what was found due, and ask in the same round trip what is due next, and who comes first."""
        found = self._take_found()
        dues = self._exchange(found, [keys for keys in shards if keys not in self._found])
        self._found |= {keys: due.refs for keys, due in dues.items() if due.refs}
        others = max((due.others for due in dues.values()), default=0)
        if dues:
            self._rank.note(first=not others)
        if others:
            self._stand_by(others)
        else:
            self._go_on(dues)

    def _take_found(self) -> Found:
        """Return, and forget, as much of what was found due as is ended in one round trip."""
        taken: Found = {}
        room = TOGETHER
        for keys, refs in list(self._found.items()):
            room -= len(refs)
            if taken and room < 0:
                break
            taken[keys] = self._found.pop(keys)
        return taken

    def _exchange(self, found: Found, shards: Sequence[ShardKeys]) -> dict[ShardKeys, Due]:
        """End what was found, and return what else is due in some shards."""
        return self._read(found, shards, self._store.run_all(self._requests(found, shards)))

    def _requests(self, found: Found, shards: Sequence[ShardKeys], *, over: int = 0) -> list[Call[Any]]:
        """Return what ends what was found, and asks for what else is due, but for the oldest `over` ones."""
        ends = (verbs.end(keys, refs, "lost", only_gone=True, actor="") for keys, refs in found.items())
        lease = self._shards[0].lease
        return [*ends, *(verbs.due(k, verbs.BATCH, worker=self._worker, lease=lease, over=over) for k in shards)]

    def _read(self, found: Found, shards: Sequence[ShardKeys], answers: Sequence[Any]) -> dict[ShardKeys, Due]:
        for ended in answers[: len(found)]:
            self._report.ended(ended)
        dues: dict[ShardKeys, Due] = dict(zip(shards, answers[len(found) :], strict=True))
        for due in dues.values():
            self._recent.add(due.refs)
        return dues

    def _rush(self) -> None:
        """While very many are due, have two batches under way: Redis ends one while the answer to the other is read.

        The shards take turns. Where one is alone, each batch asks for what follows the other's; what was found last is
        found again afterwards.
        """
        until, turns = time.monotonic() + RUSH, deque(self._found.items())
        alone = len(turns) == 1
        if alone:
            turns.appendleft((turns[0][0], []))
        ahead, under_way = Ahead(self._store, self._shards[0].sessions), deque[Turn]()
        try:
            while len(turns) + len(under_way) > 1 and time.monotonic() < until:
                while turns and len(under_way) < 2:
                    under_way.append(self._send(ahead, turns.popleft(), over=verbs.BATCH if alone else 0))
                turns += self._receive(ahead, under_way.popleft())
            while under_way:
                turns += self._receive(ahead, under_way.popleft())
            self._found = {} if alone else dict(turns)
        finally:
            ahead.close()

    def _send(self, ahead: Ahead, turn: Turn, *, over: int) -> Turn:
        keys, refs = turn
        ahead.send(self._requests({keys: refs} if refs else {}, [keys], over=over))
        return turn

    def _receive(self, ahead: Ahead, turn: Turn) -> list[Turn]:
        """Read the answer to a turn; return the next one of its shard, if more is due."""
        keys, refs = turn
        due = self._read({keys: refs} if refs else {}, [keys], ahead.receive())[keys]
        return [(keys, due.refs)] if due.refs and not due.others else []

    def _go_on(self, dues: Mapping[ShardKeys, Due]) -> None:
        look = LOOK_FOLLOWING if self._soon.following else LOOK
        for keys, due in dues.items():
            self._agenda.note(keys, due, look=look)
            self._soon.expect(keys, float("inf") if due.left is None else due.now + due.left)
        full = sum(len(due.refs) == verbs.BATCH for due in dues.values())
        more = any(len(refs) == verbs.BATCH for refs in self._found.values())
        self._full = self._full + full if more else 0
        if self._full >= MANY:
            self._behind.set()
        elif self._full == 0:
            self._behind.clear()

    def _stand_by(self, others: int) -> None:
        """Ask again when another worker's lease, which has that many ms left, is over."""
        more = _chance.uniform(*(SOON_AFTER if self._soon.following else LATER))
        self._asks_again = time.monotonic() + others / 1000 + more
        self._agenda.clear()
        self._behind.clear()
