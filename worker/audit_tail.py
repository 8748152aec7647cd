"""What is already written down: the audit log's last lines, also those of files that it was rotated to."""

from __future__ import annotations

import gzip
import logging
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

#: Bytes read at a time, from the end of a file backwards.
BLOCK = 1 << 20

#: A compressed file can't be read backwards: where its turn comes, all of it counts, which does no harm.
COMPRESSED = ".gz"

#: An event as `Event.to_line` writes it: sid, action, reason. Texts can't contain it: their quotes are escaped.
EVENT = re.compile(rb'"id":"([A-Za-z0-9_-]{22})-(start|end)","action":"[a-z-]+"(?:,"reason":"([a-z_]+)")?')


@dataclass(frozen=True, slots=True)
class Written:
    """A line of the audit log, as far as it matters here; `reason` where it is an end."""

    sid: str
    action: str
    reason: str | None

    @property
    def id(self) -> str:
        """The event's id."""
        return f"{self.sid}-{self.action}"


def parse_line(line: bytes) -> Written | None:
    """Read a line; None for one that is not ours."""
    match = EVENT.search(line)
    return Written(match[1].decode(), match[2].decode(), match[3].decode() if match[3] else None) if match else None


def written_after(path: Path, bases: set[str]) -> Iterator[Written]:
    """Return all lines after the oldest of the bases, newest first; of a compressed file all, in any order.

    Args:
        path: the audit log.
        bases: event ids. Where one of them is nowhere, or is empty, every line counts.
    """
    missing = set(bases)
    for file in [path, *rotated(path)]:
        for written in _written_in(file):
            missing.discard(written.id)
            if not missing and file.suffix != COMPRESSED:
                return
            yield written
        if not missing:
            return


def last_written(path: Path) -> Written | None:
    """Return the newest line there is, in the file or in what it was rotated to."""
    files = (file for file in [path, *rotated(path)] if file.suffix != COMPRESSED)
    return next((written for file in files for written in _written_in(file)), None)


def rotated(path: Path) -> list[Path]:
    """Return the files beside it that it was rotated to, the one written to last in front."""
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    found = [
        other
        for other in beside
        if other.name.startswith(path.name) and other.name not in {path.name, path.name + ".lock"} and other.is_file()
    ]
    return sorted(found, key=lambda other: other.stat().st_mtime_ns, reverse=True)


def _written_in(path: Path) -> Iterator[Written]:
    lines = _lines_compressed(path) if path.suffix == COMPRESSED else _lines_backwards(path)
    return (written for line in lines if (written := parse_line(line)))


def _lines_compressed(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as file:
            yield from (line for line in file if line.endswith(b"\n"))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        _log.warning("%s can be read only in part: %s", path, error)


def _lines_backwards(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        end, rest, whole = file.seek(0, 2), b"", False
        while end:
            start = max(0, end - BLOCK)
            file.seek(start)
            rest, *lines = (file.read(end - start) + rest).split(b"\n")
            if lines and not whole:
                # What follows the last newline is torn: it was never acknowledged, so it is not written down.
                lines.pop()
                whole = True
            yield from reversed(lines)
            end = start
        if whole:
            yield rest
