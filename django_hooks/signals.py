"""Signals of our own: a session has started or ended, and the audit table has it.

``manage.py audit_log --follow`` sends them, each at least once, after the row is committed:

- ``session_started(sender=AuditEvent, event_id, row)``
- ``session_ended(sender=AuditEvent, event_id, row, reason)``

`event_id` is the same whenever an event is told again, after a crash.
"""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

from session_store.throttle import Throttle

_log = logging.getLogger(__name__)


class RobustSignal(Signal):
    """A signal whose receivers may fail, again and again, without filling the log."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = Throttle(seconds=60)

    def tell(self, sender: Any, **words: Any) -> bool:
        """Send it to every receiver; whether all went well. What went wrong is in the log, once a minute each."""
        return not any(isinstance(answer, Exception) for _, answer in self.send_robust(sender, **words))

    def _log_robust_failure(self, receiver: Any, error: Exception) -> None:
        # Django's own would write each failure down; it is called where the exception is handled.
        name = f"{getattr(receiver, '__module__', '')}.{getattr(receiver, '__qualname__', repr(receiver))}"
        if self._throttle.allows(f"{name} {type(error).__name__}"):
            _log.error("%s failed at what it was told; the next one is told all the same", name, exc_info=error)


session_started = RobustSignal()
session_ended = RobustSignal()
