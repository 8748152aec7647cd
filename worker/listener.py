"""The first way of knowing: Redis' keyspace notifications. A hint, acted upon at once; the other ways are the truth."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from redis.exceptions import RedisError
from redis.keyspace_notifications import KeyNotification, KeyspaceNotifications

from session_store import Ref, Store
from session_store.connections import client
from session_store.trouble import unavailable

from .canary import Canary
from .flags import Flags, ensure_flags
from .health import Health
from .lane import Lane
from .report import Report

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
        report: where ends are counted.
        health: where it says whether it hears.
        set_flags: whether it may set ``notify-keyspace-events``.
        on_gap: called when something may have been missed.
        lanes: what their sweepers have found due they end themselves. While one of them is behind, every end would come
            back as an event, so it does not listen, and catches up afterwards.
    """

    name = "listener"

    def __init__(
        self,
        *,
        store: Store,
        report: Report,
        health: Health,
        set_flags: bool,
        on_gap: Callable[[str], None],
        lanes: Sequence[Lane],
    ) -> None:
        self._store = store
        self._report = report
        self._health = health
        self._set_flags = set_flags
        self._on_gap = on_gap
        self._lanes = lanes
        self._recent = {keys.number: lane.recent for lane in lanes for keys in lane.shards}
        self._redis = client(store.config, patience=WAIT + store.config.redis_timeout)
        self._canary = Canary(store)
        self._notifications: KeyspaceNotifications | None = None
        self._flags: Flags | None = None
        self._patience = PATIENCE[0]
        self._rebuild_at = 0.0
        self._rebuild_asked = threading.Event()

    def step(self) -> float:
        """Listen for a while, and end what was heard of."""
        if any(lane.behind.is_set() for lane in self._lanes):
            self.reset()
            return WAIT
        if self._rebuild_asked.is_set():
            self._rebuild_asked.clear()
            self.reset()
        notifications = self._notifications or self._subscribe()
        self._canary.sing()
        by_reason: dict[str, list[Ref]] = {}
        for _ in range(BATCH):
            try:
                heard = notifications.get_message(timeout=0.0 if by_reason else WAIT)
            except RedisError as error:
                raise unavailable(self._store.config, error) from error
            if heard is None:
                break
            self._sort(heard, by_reason)
        for reason, refs in by_reason.items():
            self._report.ended(self._store.end_all(refs, reason, only_gone=True))
        self._judge()
        return 0.0

    def rebuild(self) -> None:
        """Subscribe anew at the next step, and look after the flags. Any thread may call this."""
        self._rebuild_asked.set()

    def reset(self) -> None:
        """Close the subscription; the next step makes a new one."""
        if self._notifications is not None:
            notifications, self._notifications = self._notifications, None
            notifications.close()

    def _subscribe(self) -> KeyspaceNotifications:
        self._set_up_flags()
        notifications = self._redis.keyspace_notifications()
        number = self._store.config.address.database
        try:
            for pattern in (self._store.keys.session_pattern, self._canary.pattern):
                notifications.subscribe_keyspace(pattern, db=number)
                # Its confirmation: what happens from here on is heard.
                notifications.get_message(timeout=self._store.config.redis_timeout, ignore_subscribe_messages=False)
            self._watch_connection(notifications)
        except RedisError as error:
            notifications.close()
            raise unavailable(self._store.config, error) from error
        self._notifications = notifications
        _log.info("listening at %s", self._store.config.address.name)
        self._canary.restart()
        self._rebuild_at = time.monotonic() + self._patience
        self._on_gap("a new subscription")
        return notifications

    def _set_up_flags(self) -> None:
        flags = ensure_flags(self._redis, self._store.config, may_set=self._set_flags)
        self._health.flags_missing = None if flags.now is None else flags.missing
        if flags.missing and flags != self._flags:
            _log.warning("Redis may not tell of ended sessions; deadlines and reconciling go on. %s", flags.remedy)
        self._flags = flags

    def _watch_connection(self, notifications: KeyspaceNotifications) -> None:
        """Learn of reconnects that redis-py makes without a word: what happened in between was missed."""
        connection = notifications._pubsub.connection
        if connection is not None:
            connection.register_connect_callback(self._reconnected)

    def _reconnected(self, _connection: object) -> None:
        self._report.reconnected()
        self._on_gap("a reconnect")

    def _sort(self, heard: KeyNotification, by_reason: dict[str, list[Ref]]) -> None:
        if self._canary.hear(heard.key):
            self._health.hearing = True
            self._patience = PATIENCE[0]
            return
        reason = REASONS.get(heard.event_type)
        parsed = self._store.keys.parse_session(heard.key) if reason else None
        if reason and parsed:
            keys, sid = parsed
            if reason != "expired" or sid not in self._recent[keys.number]:
                by_reason.setdefault(reason, []).append(Ref(keys.number, sid))

    def _judge(self) -> None:
        if self._canary.heard_lately or time.monotonic() < self._rebuild_at:
            return
        if self._health.hearing is not False:
            _log.warning("no notification arrives any more; subscribing anew")
        self._health.hearing = False
        self._patience = min(2 * self._patience, PATIENCE[1])
        self._report.reconnected()
        self.reset()
