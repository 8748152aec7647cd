"""The first way of knowing: Redis' keyspace notifications. A hint, acted upon at once; the other ways are the truth."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from redis.keyspace_notifications import KeyNotification

from session_store import Ref, Store, StoreUnavailable

from .canary import Canary
from .flags_keeper import FlagsKeeper
from .gap import OnGap
from .health import Health
from .lane import Lane
from .reaction import Reaction
from .report import Report
from .subscription import Subscription, subscribe

#: Seconds that one step listens; a stop waits no longer.
WAIT = 0.5

#: Notifications taken together: as many as one script ends.
BATCH = 500

#: Seconds before a deaf listener is rebuilt again, at first and at most: where CONFIG is forbidden it may stay deaf.
PATIENCE = (15.0, 300.0)

#: What an event on a session's key says of its end. Our own scripts' DEL comes too where others have switched ``g`` on;
#: then the session has ended already, and nothing is found.
REASONS = {"expired": "expired", "evicted": "evicted", "del": "deleted"}

_log = logging.getLogger(__name__)


class Listener:
    """Ends a session as soon as Redis says that its key is gone.

    Args:
        store: the sessions.
        lanes: while one of them is behind, every end would come back as an event, so it does not listen, and catches up
            afterwards.
        canaries: whose songs it must hear, one a lane.
        report: where ends are counted.
        health: where it says whether it hears.
        flags: looks after the servers' flags.
        on_gap: called when something may have been missed.
    """

    name = "listener"

    def __init__(
        self,
        *,
        store: Store,
        lanes: Sequence[Lane],
        canaries: Sequence[Canary],
        report: Report,
        health: Health,
        flags: FlagsKeeper,
        on_gap: OnGap,
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._canaries = canaries
        self._songs = {canary.key: canary for canary in canaries}
        self._reactions = [
            Reaction(store=store, lane=lane, canary=canary, report=report)
            for lane, canary in zip(lanes, canaries, strict=True)
        ]
        self._by_shard = {
            keys.number: reaction for lane, reaction in zip(lanes, self._reactions, strict=True) for keys in lane.shards
        }
        self._report = report
        self._health = health
        self._flags = flags
        self._on_gap = on_gap
        self._subscription: Subscription | None = None
        self._patience = PATIENCE[0]
        self._rebuild_at = 0.0
        self._doubtful = threading.Event()

    def step(self) -> float:
        """Listen for a while, and end what was heard of."""
        if any(lane.behind.is_set() for lane in self._lanes):
            self.reset()
            return WAIT
        if self._doubtful.is_set():
            self._doubtful.clear()
            if self._subscription is not None and self._subscription.moved():
                self.reset()
        subscription = self._subscription or self._subscribe()
        self._hear(subscription)
        for reaction in self._reactions:
            reaction.act()
        self._follow(subscription)
        self._look_after(subscription)
        self._judge()
        return 0.0

    def doubt(self) -> None:
        """Look whether it still listens to the right server. Any thread may call this."""
        self._doubtful.set()

    def reset(self) -> None:
        """Close the subscription; the next step makes a new one."""
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            subscription.close()

    def _subscribe(self) -> Subscription:
        patterns = (self._store.keys.session_pattern, self._store.keys.canary_pattern)
        subscription = self._subscription = subscribe(self._store.config, patterns, wait=WAIT)
        self._look_after(subscription)
        _log.info("listening at %s", self._store.config.address.name)
        for canary in self._canaries:
            canary.restart()
        self._rebuild_at = time.monotonic() + self._patience
        return subscription

    def _hear(self, subscription: Subscription) -> None:
        wait = WAIT
        for _ in range(BATCH):
            heard = subscription.hear(wait)
            if heard is None:
                break
            wait = 0.0
            song = self._songs.get(heard.key)
            if song:
                song.hear(heard.key)
            else:
                self._sort(heard)

    def _sort(self, heard: KeyNotification) -> None:
        reason = REASONS.get(heard.event_type)
        parsed = self._store.keys.parse_session(heard.key) if reason else None
        if reason and parsed:
            keys, sid = parsed
            reaction = self._by_shard.get(keys.number)
            if reaction:  # else it is in a shard that the monitor is about to learn of
                reaction.hear(reason, Ref(keys.number, sid))

    def _look_after(self, subscription: Subscription) -> None:
        """Set the flags of servers that are heard anew, and have looked at what was missed."""
        for node in subscription.take_new():
            try:
                self._flags.look_after(node, anew=True)
            except StoreUnavailable as error:
                # The others are to be heard; the monitor looks after it as soon as it answers.
                _log.warning("the flags of one could not be looked at: %s", error)
            if self._rebuild_at:
                self._report.reconnected()
            self._on_gap("a new subscription", node=node.name)

    def _follow(self, subscription: Subscription) -> None:
        """Have servers that took over heard: one of our keys is where nobody listens, and it answers there."""
        for canary in self._canaries:
            if canary.answered is not None and not subscription.hears(self._node_of(canary)):
                subscription.follow(canary.answered)
                canary.hurry()

    def _node_of(self, canary: Canary) -> str:
        try:
            return self._store.link.node_of(canary.key).name
        except StoreUnavailable:
            return "nobody"

    def _judge(self) -> None:
        deaf = [canary for canary in self._canaries if not canary.heard_lately]
        if not deaf and all(canary.heard for canary in self._canaries):
            self._health.hearing = True
            self._patience = PATIENCE[0]
        if not deaf or time.monotonic() < self._rebuild_at:
            return
        if self._health.hearing is not False:
            places = sorted(set(map(self._node_of, deaf)))
            _log.warning("no notification arrives any more from %s; subscribing anew", ", ".join(places))
        self._health.hearing = False
        self._patience = min(2 * self._patience, PATIENCE[1])
        self.reset()
