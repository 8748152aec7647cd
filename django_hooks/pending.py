"""Changes that Redis is told of after they are committed, and once more later where it was away.

Each is a row, written in the change's own transaction and deleted when Redis has heard of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import Error, ProgrammingError, models, router, transaction
from django.utils import timezone

from session_store import Ref, Store, StoreUnavailable, steps
from session_store.throttle import Throttle
from session_store.verbs import server_time

from .changes import proof_of
from .chores import chore
from .entry import find_user, may_enter
from .models import PendingEnd
from .people import groups_of, in_groups, profile
from .stores import get_store

#: Seconds after which a row that nobody has made certain is looked at: the process that wrote it has died.
DOUBTFUL = 60

#: Seconds: a session that began that much later than a change is not ended for it.
MARGIN = 60

#: Rows that one look takes at most, in a request and elsewhere.
FEW, MANY = 20, 500

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)

#: Seconds between two looks by a process that follows the audit stream.
_pace = Throttle(seconds=5)


def remember(rows: Sequence[PendingEnd], *, using: str | None = None) -> bool:
    """Keep rows with the change that is under way. Nobody's change fails for it; whether it worked is returned.

    Args:
        rows: which.
        using: the change's database; where that has no table for them, another is used.
    """
    alias = using if using and router.allow_migrate_model(using, PendingEnd) else router.db_for_write(PendingEnd)
    try:
        with transaction.atomic(using=alias):
            for row in rows:
                row.save(using=alias, force_insert=True)
    except Error:
        if _throttle.allows("remember"):
            _log.exception("a change could not be kept for later; has manage.py migrate been run?")
        return False
    return True


def ends_of(refs: Iterable[Ref], reason: str, *, keep: int) -> list[PendingEnd]:
    """Return the rows for sessions that were to end just now; `keep` in ms: how long that matters."""
    until = timezone.now() + timedelta(milliseconds=keep)
    return [
        PendingEnd(user_id=ref.user_id or "", shard=ref.shard, sid=ref.sid, reason=reason, until=until, certain=True)
        for ref in refs
    ]


def settle(row: PendingEnd) -> None:
    """Tell Redis of a change that has happened, and forget the row; where that fails, it is kept, and is certain now.

    Raises:
        StoreUnavailable: Redis is away.
    """
    was_certain, row.certain = row.certain, True
    try:
        _tell(row, get_store())
    except BaseException:
        if row.pk is not None and not was_certain:
            row.save(update_fields=["certain"], using=row._state.db)
        raise
    if row.pk is not None:
        row.delete(using=row._state.db)


def retry(*, most: int = MANY, seconds: float = 1.0, store: Store | None = None) -> int:
    """Tell Redis of what it has not heard yet, what was tried longest ago first; return how many rows are done.

    Args:
        most: rows to look at.
        seconds: no other row is begun after that.
        store: where; None: the site's.

    Raises:
        StoreUnavailable: Redis is away.
        django.db.Error: the database is, or the table is not there.
    """
    deadline, done = time.monotonic() + seconds, 0
    for alias in _aliases():
        for row in _waiting(alias)[:most]:
            if time.monotonic() > deadline:
                return done
            done += _retried(row, store or get_store())
    return done


@chore
def retry_now_and_then() -> None:
    """Do it beside following the audit stream, where it is due."""
    if not _pace.allows("chore"):
        return
    try:
        retry()
    except Error as error:
        # A database that is away is waited for by whoever follows the stream; one without the table is not.
        if not isinstance(error, ProgrammingError) and "no such table" not in str(error):
            raise
        if _throttle.allows("table"):
            _log.error("what Redis has not heard of yet can't be read: %s; has manage.py migrate been run?", error)


def _retried(row: PendingEnd, store: Store) -> bool:
    try:
        _tell(row, store, late=True)
    except Error:
        raise
    except StoreUnavailable:
        _put_behind(row)  # it may be refused for this one alone, as for a key of the wrong type
        raise
    except Exception:  # noqa: BLE001 - what stands in the row, or the site's own WIKI_USER_TEST; others come after it
        if _throttle.allows("retry"):
            _log.exception("the pending end of %s can't be done; it is tried again", row)
        _put_behind(row)
        return False
    row.delete(using=row._state.db)
    return True


def _put_behind(row: PendingEnd) -> None:
    """Have the next look begin with others."""
    row.tried_at = timezone.now()
    row.save(update_fields=["tried_at"], using=row._state.db)


def _tell(row: PendingEnd, store: Store, *, late: bool = False) -> None:
    if row.sid:
        _end_one(row, store)
        return
    user = find_user(row.user_id)
    if user is None or not may_enter(user):
        store.end_user(row.user_id, "account_disabled", actor=row.actor)
        return
    if row.reason and (row.certain or _still_holds(row, user)):
        but = Ref(row.shard, row.spared) if row.spared else None
        before = _began(row, store) if late else None
        store.do(steps.end_user(store.keys, row.user_id, row.reason, but=but, actor=row.actor, before=before))
    store.update_user(in_groups(profile(user), groups_of(user)))


def _end_one(row: PendingEnd, store: Store) -> None:
    ref = Ref(row.shard, row.sid, row.user_id or None)
    left = _ms_until(row.until)
    if store.keys.of_shard(row.shard) is None or left <= 0:
        return
    if row.reason == "logout":
        store.end_for_good([ref], row.reason, keep=left)
    else:
        store.end_all([ref], row.reason)


def _still_holds(row: PendingEnd, user: object) -> bool:
    """Whether a change whose process has died before it could say so has happened; the user may enter the wiki."""
    return row.reason == "password_change" and proof_of(user) != row.proof


def _began(row: PendingEnd, store: Store) -> int:
    """Return by Redis' clock, ms since the epoch, until when sessions began for which a change counts."""
    ago = (timezone.now() - row.created_at).total_seconds()
    return store.run(server_time(store.keys.shards[0])) - int((ago - MARGIN) * 1000)


def _waiting(alias: str) -> models.QuerySet[PendingEnd]:
    doubtful = timezone.now() - timedelta(seconds=DOUBTFUL)
    ready = models.Q(certain=True) | models.Q(created_at__lt=doubtful)
    return PendingEnd.objects.using(alias).filter(ready).order_by("tried_at", "pk")


def _aliases() -> list[str]:
    """Return the databases in which rows may be: beside the users, and where they go otherwise."""
    aliases = dict.fromkeys((router.db_for_write(get_user_model()), router.db_for_write(PendingEnd)))
    return [alias for alias in aliases if router.allow_migrate_model(alias, PendingEnd)]


def _ms_until(moment: datetime | None) -> int:
    return int((moment - timezone.now()).total_seconds() * 1000) if moment else 0
