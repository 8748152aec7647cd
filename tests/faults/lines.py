"""The audit log as a judge reads it: line by line, with the times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.audit_tail import parse_line, rotated


@dataclass(frozen=True, slots=True)
class Line:
    """A start or an end.

    Attributes:
        at: when it happened, ms since the epoch.
        written: when it was written down, ms since the epoch.
        reason: of an end.
    """

    sid: str
    action: str
    at: int
    written: int
    reason: str | None

    @property
    def late(self) -> int:
        """Milliseconds between the two."""
        return self.written - self.at


def lines_of(path: Path) -> Iterator[Line]:
    """Read an audit log with all that it was rotated to, the oldest line first."""
    for file in [*reversed(rotated(path)), path]:
        yield from lines_from(file, 0)[0]


def lines_from(file: Path, place: int) -> tuple[list[Line], int]:
    """Read the whole lines from a place on; return them, and the place after them.

    Raises:
        AssertionError: one of them is no event.
    """
    with file.open("rb") as opened:
        opened.seek(place)
        text = opened.read()
    whole = text[: text.rfind(b"\n") + 1]
    return [_line(line, file) for line in whole.splitlines()], place + len(whole)


def _line(text: bytes, file: Path) -> Line:
    assert parse_line(text) is not None, f"{file} has a line that is no event: {text[:100]!r}"
    document = json.loads(text)
    event = document["event"]
    action = event["type"][0]
    return Line(document["session"]["id"], action, _ms(event[action]), _ms(document["@timestamp"]), event.get("reason"))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
