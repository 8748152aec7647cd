"""The first way of knowing: Redis' keyspace notifications. A hint, acted upon at once; the other ways are the truth."""

from __future__ import annotations

import logging
from collections.abc import Callable

from redis.exceptions import RedisError
from redis.keyspace_notifications import KeyNotification, KeyspaceNotifications

from session_store import Ref, Store, StoreUnavailable
from session_store.connections import client, database, server_name

from .flags import ensure_flags
from .report import Report

#: Seconds that one step listens; a stop waits no longer.
WAIT = 0.5

#: Notifications taken together: as many as one script ends.
BATCH = 500

#: What an event on a session's key says of its end. Our own scripts' DEL comes too where others have switched ``g`` on;
#: then the session has ended already, and nothing is found.
REASONS = {"expired": "expired", "evicted": "evicted", "del": "deleted"}

_log = logging.getLogger(__name__)


class Listener:
    """Ends a session as soon as Redis says that its key is gone."""

    name = "listener"

    def __init__(self, *, store: Store, report: Report, set_flags: bool, on_gap: Callable[[], None]) -> None:
        self._store = store
        self._report = report
        self._set_flags = set_flags
        self._on_gap = on_gap
        self._url = store.config.redis_url
        self._redis = client(store.config, patience=WAIT + store.config.redis_timeout)
        self._notifications: KeyspaceNotifications | None = None

    def step(self) -> float:
        """Listen for a while, and end what was heard of."""
        notifications = self._notifications or self._subscribe()
        by_reason: dict[str, list[Ref]] = {}
        for _ in range(BATCH):
            try:
                heard = notifications.get_message(timeout=0.0 if by_reason else WAIT)
            except RedisError as error:
                raise StoreUnavailable(server_name(self._url), str(error)) from error
            if heard is None:
                break
            self._sort(heard, by_reason)
        for reason, refs in by_reason.items():
            self._report.ended(self._store.end_all(refs, reason, only_gone=True))
        return 0.0

    def reset(self) -> None:
        """Close the subscription; the next step makes a new one."""
        if self._notifications is not None:
            notifications, self._notifications = self._notifications, None
            notifications.close()  # type: ignore[no-untyped-call] # redis-py's own

    def _subscribe(self) -> KeyspaceNotifications:
        flags = ensure_flags(self._redis, self._url, may_set=self._set_flags)
        if flags.missing:
            _log.warning(
                "Redis will not tell of ended sessions; deadlines and reconciling go on. Set: %s", flags.remedy
            )
        notifications = self._redis.keyspace_notifications()
        try:
            notifications.subscribe_keyspace(self._store.keys.session_pattern, db=database(self._url))
            # Its confirmation: what happens from here on is heard.
            notifications.get_message(timeout=self._store.config.redis_timeout, ignore_subscribe_messages=False)
        except RedisError as error:
            notifications.close()  # type: ignore[no-untyped-call] # redis-py's own
            raise StoreUnavailable(server_name(self._url), str(error)) from error
        self._notifications = notifications
        _log.info("listening at %s (%s)", server_name(self._url), flags.now or "flags unknown")
        self._on_gap()
        return notifications

    def _sort(self, heard: KeyNotification, by_reason: dict[str, list[Ref]]) -> None:
        reason = REASONS.get(heard.event_type)
        parsed = self._store.keys.parse_session(heard.key) if reason else None
        if reason and parsed:
            keys, sid = parsed
            by_reason.setdefault(reason, []).append(Ref(keys.number, sid))
