"""A line of the audit log, told to a person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from .plain import plain

BOLD, GREEN, YELLOW, DIM, RESET = "\033[1m", "\033[32m", "\033[33m", "\033[2m", "\033[0m"

#: Why sessions end, in plain words.
REASONS = {
    "logout": "logged out",
    "expired": "its time was over",
    "idle": "idle for too long",
    "replaced": "logged in again in the same browser",
    "revoked": "revoked",
    "password_change": "the password was changed",
    "account_disabled": "the account was disabled",
    "limit": "too many sessions of this user",
    "evicted": "Redis ran out of memory",
    "deleted": "its key was deleted by hand",
    "lost": "Redis lost it",
}


@dataclass(frozen=True)
class AuditLine:
    """What a line says.

    Attributes:
        when: when the session began or ended, in this machine's time zone.
        seconds: how long it lasted; None for a start.
    """

    when: datetime
    started: bool
    name: str
    reason: str
    sid: str
    ip: str
    seconds: float | None

    @classmethod
    def parse(cls, line: bytes | str) -> Self | None:
        """Read a line; None if it is not one of the audit log's."""
        try:
            document = json.loads(line)
            event = document["event"]
            started = event["action"] == "session-started"
            when = datetime.fromisoformat(event["start" if started else "end"]).astimezone()
            duration = event.get("duration")
            return cls(
                when=when,
                started=started,
                name=_text(document, "user", "name") or "(unknown)",
                reason=_text(event, "reason"),
                sid=_text(document, "session", "id"),
                ip=_text(document, "source", "ip"),
                seconds=None if duration is None else duration / 1e9,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def what(self) -> str:
        """What happened, in plain words."""
        return "session started" if self.started else f"session ended: {REASONS.get(self.reason, self.reason)}"

    @property
    def lasted(self) -> str:
        """How long the session was, in plain words; empty for a start."""
        return "" if self.seconds is None else _span(self.seconds)

    def show(self, *, colour: bool) -> str:
        """Return the line for a terminal."""
        what = f"{self.what} ({self.reason})" if self.reason in REASONS else self.what
        details = [f"from {self.ip}" if self.started and self.ip else "", f"after {self.lasted}" if self.lasted else ""]
        details.append(f"session {self.sid[:8]}…")
        parts = (f"{self.when:%H:%M:%S}", f"{self.name:<8}", what, "  ".join(filter(None, details)))
        if colour:
            return "  ".join(f"{code}{part}{RESET}" for code, part in zip(self._codes, parts, strict=True))
        return "  ".join(parts)

    @property
    def _codes(self) -> tuple[str, str, str, str]:
        return DIM, BOLD, GREEN if self.started else YELLOW, DIM


def _text(document: Any, *path: str) -> str:
    for key in path:
        document = document.get(key, {})
    return plain(str(document or ""))


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
