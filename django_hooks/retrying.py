"""When a request looks for what Redis has not heard of yet: seldom, but soon after it could not be told something."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from session_store import StoreUnavailable
from session_store.throttle import Throttle

from .conf import conf
from .models import PendingEnd
from .pending import FEW, remember, retry
from .stores import get_hurried_store, note_unavailable

#: Seconds between two looks of a process: as a rule, and while something is known to wait.
CALM, HURRIED = 10.0, 1.0

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


class Pace:
    """Says when a process is to look again. Its first look is due at once: another one may have died."""

    def __init__(self) -> None:
        self._next = 0.0

    def due(self) -> bool:
        """Return True when a look is due; it counts as made."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + CALM
        return True

    def hurry(self) -> None:
        """Have the next look soon."""
        self._next = time.monotonic() + HURRIED


pace = Pace()


def keep_ends(error: StoreUnavailable, rows: Sequence[PendingEnd]) -> None:
    """Keep ends that Redis could not be told of, and say so in the log."""
    pace.hurry()
    if remember(rows):
        note_unavailable(error, "an end has not reached the wiki; it will as soon as Redis answers")
    else:
        note_unavailable(error, "an end did not reach the wiki; its session lives until its deadline")


def retry_a_few(seconds: float) -> None:
    """Tell Redis of a few changes that it has not heard of; whatever goes wrong, a page goes on.

    Args:
        seconds: how long that may take: what is left of the request's budget.
    """
    if seconds < conf.store.redis_timeout / 2:
        pace.hurry()
        return
    try:
        if retry(most=FEW, seconds=seconds, store=get_hurried_store()):
            pace.hurry()
    except StoreUnavailable as error:
        pace.hurry()
        note_unavailable(error, "what it has not heard of yet waits")
    except Exception:  # noqa: BLE001 - the database, or what stands in its rows; the answer is there, and goes out
        if _throttle.allows("table"):
            _log.exception("what Redis has not heard of yet can't be told; has manage.py migrate been run?")
