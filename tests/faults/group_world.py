"""Servers of which one takes over from another, workers and traffic; and what came of it all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from session_store import Config, Store, StoreUnavailable
from session_store.keys import ShardKeys
from tests.cluster.lagging import lagging
from tests.cluster.node import Server
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

from . import snapshot
from .group_verdict import GroupVerdict, Strike
from .groups import Group
from .judgement import Judgement, Kept, judge
from .lines import lines_of
from .recovery import Lateness, now_ms, typical
from .traffic import Traffic
from .witness import Witness

#: Shards of which each of three primaries has one at least.
SHARDS = 6

#: Milliseconds after its deadline at which an end is still punctual, on a machine that has time.
PUNCTUAL = 100

#: Seconds after a failover within which ends must be punctual again.
RECOVERY = 15.0


class GroupWorld:
    """Everything that a fault may break."""

    def __init__(
        self,
        group: Group,
        workers: Sequence[WorkerProcess],
        traffic: Traffic,
        rng: random.Random,
        *,
        two_primaries: bool = False,
    ) -> None:
        """Look at what runs already.

        Args:
            group: the servers.
            workers: one a host.
            traffic: who logs in and out.
            rng: decides what is hit, and when.
            two_primaries: whether, in a failover, two servers may take writes for a moment.
        """
        self.group = group
        self.workers = workers
        self.traffic = traffic
        self.rng = rng
        self.strikes: list[Strike] = []
        self.store = Store(Config(redis_url=group.url, redis_shards=SHARDS, redis_timeout=5), pause=0)
        self._kept = Kept()
        self._witness = Witness(self.store) if two_primaries else None
        self._lateness = [Lateness(worker.audit_log, traffic.ledger) for worker in workers]

    @property
    def shards(self) -> tuple[ShardKeys, ...]:
        """All shards."""
        return self.store.keys.shards

    def any_primary(self) -> Server:
        """Return one that has sessions."""
        return self.rng.choice(sorted({self.group.primary_of(keys) for keys in self.shards}, key=lambda one: one.port))

    def shards_of(self, primary: Server) -> list[ShardKeys]:
        """Return the shards that a primary has."""
        return [keys for keys in self.shards if self.group.primary_of(keys) is primary]

    def lose(
        self, primary: Server, fall: Callable[[], None], mend: Callable[[], None], *, lag: float = 0, wait: bool = True
    ) -> Server:
        """Take a primary away, wait for the one that takes over, and see how long it takes until all is well.

        Args:
            primary: which.
            fall: takes it away.
            mend: brings it back, when another has taken over.
            lag: seconds before that in which its replicas are told nothing.
            wait: whether to see to that; else there is more to come.

        Returns:
            The one that took over.
        """
        hit, replicas, limit = self.shards_of(primary), self.group.replicas_of(primary), self._limit()
        with lagging(primary, *replicas) if lag else nullcontext():
            self.let_pass(lag)
            down = now_ms()
            fall()
        self.let_pass(0.2)  # what was acknowledged is noted, what was sent to the replicas has come
        seen = {replica: snapshot.take(replica, hit) for replica in replicas}
        # For all of them: who is back before that, without what it had, has the others follow it into emptiness.
        successors = [self.group.wait_for_successor(primary, keys) for keys in hit]
        up = now_ms()
        for new in set(successors) & set(replicas):
            self._keep(seen[new])
        mend()
        self.group.wait_until_settled()
        self._doubt(hit, down)
        if wait:
            self.watch(hit, down, up, limit)
        return successors[-1]

    def hand_over(self, primary: Server, *words: str) -> None:
        """Let a replica take over in order, and see how long it takes until all is well."""
        hit, limit, down = self.shards_of(primary), self._limit(), now_ms()
        self.group.begin_failover(primary, *words)
        new = self.group.wait_for_successor(primary, hit[0])
        up = now_ms()
        self._keep(snapshot.take(new, hit))
        self.group.wait_until_settled()
        self._doubt(hit, down)
        self.watch(hit, down, up, limit)

    def change(self, hit: list[ShardKeys], act: Callable[[], None]) -> None:
        """Do something with shards that loses nothing, and see how long it takes until all is well."""
        limit, down = self._limit(), now_ms()
        act()
        self.watch(hit, down, now_ms(), limit)

    def watch(self, hit: list[ShardKeys], down: float, up: float, limit: float) -> None:
        """Wait until the ends of the shards that were hit are punctual in every log; note how long that took."""
        shards = frozenset(keys.number for keys in hit)
        others = frozenset(keys.number for keys in self.shards) - shards
        times = [self._wait_for_punctuality(lateness, up, shards, limit) for lateness in self._lateness]
        meanwhile = max(typical(lateness.due_between(down, up, others)) for lateness in self._lateness)
        found = [(at - up) / 1000 for at in times if at is not None]
        until_punctual = max(found) if len(found) == len(times) else None
        self.strikes.append(Strike((up - down) / 1000, until_punctual, self._revived(up), meanwhile))

    def let_pass(self, least: float, most: float | None = None) -> None:
        """Let the traffic go on for a while, by chance between two numbers of seconds."""
        time.sleep(least if most is None else self.rng.uniform(least, most))

    def settle(self) -> GroupVerdict:
        """Let everything come to its end, and judge it."""
        ledger = self.traffic.stop()
        start = time.monotonic()
        wait_until(self._quiet, "everything to be ended and written", 60)
        seconds = time.monotonic() - start
        if self._witness:
            self._kept.gone = {*ledger.opened, *ledger.doubtful} - self._witness.dismiss()
        found = Judgement()
        for worker in self.workers:
            found = found.worse(judge(ledger, lines_of(worker.audit_log), self._kept))
        return GroupVerdict(len(ledger.opened), found, self._left(), self.strikes, seconds)

    def _limit(self) -> float:
        """Return how late ends may be: on a machine that is busy, somewhat later than they are just now."""
        now = now_ms()
        for lateness in self._lateness:
            lateness.look()
        every = frozenset(keys.number for keys in self.shards)
        return max(PUNCTUAL, *(2 * typical(late.due_between(now - 3000, now, every)) for late in self._lateness))

    def _wait_for_punctuality(
        self, lateness: Lateness, first: float, shards: frozenset[int], limit: float
    ) -> float | None:
        while now_ms() < first + RECOVERY * 1000:
            lateness.look()
            found = lateness.punctual_from(first, shards, limit)
            if found is not None:
                return found
            self.let_pass(0.2)
        return None

    def _revived(self, before: float) -> int:
        """Count the sessions that live although a log had their end before a time, ms since the epoch."""
        alive = {sid.decode() for keys in self.shards for sid in self.store.command("ZRANGE", keys.sessions, 0, -1)}
        return sum(any(lateness.ended.get(sid, before) < before for lateness in self._lateness) for sid in alive)

    def _keep(self, seen: snapshot.Snapshot) -> None:
        kept = snapshot.compare(self.traffic.ledger, seen)
        self._kept.gone |= kept.gone
        self._kept.set_back |= kept.set_back

    def _doubt(self, hit: list[ShardKeys], since: float) -> None:
        """Where two may have taken writes until now, what was said of a session by the wrong one counts for nothing."""
        if self._witness:
            shards, lives = {keys.number for keys in hit}, list(self.traffic.ledger.opened.items())
            self._kept.set_back |= {sid for sid, life in lives if life.shard in shards and life.changed >= since}

    def _quiet(self) -> bool:
        if not all(worker.running for worker in self.workers):
            return False
        try:
            return all(map(self._is_empty, self.shards)) and not (self._witness and self._witness.waits_for_others())
        except StoreUnavailable:
            return False

    def _is_empty(self, keys: ShardKeys) -> bool:
        sizes = [("ZCARD", keys.sessions), ("HLEN", keys.records), *([] if self._witness else [("XLEN", keys.audit)])]
        return not any(self.store.command(verb, key) for verb, key in sizes)

    def _left(self) -> int:
        """Count the keys that should not be there, on any node, replicas included."""
        expected = set().union(
            *(
                {keys.ended, keys.audit, keys.readers, keys.canary, keys.lease, keys.workers, keys.layouts}
                for keys in self.shards
            )
        )
        found = {(server.port, key) for server in self.group.servers for key in _keys(server)}
        return sum(key not in expected for _, key in found)


def _keys(server: Server) -> set[str]:
    return {key.decode() for key in server.admin.keys("*")}
