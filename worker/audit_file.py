"""The audit log: a file of JSON lines that is only ever appended to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from session_store.events import Event

#: Bytes read at a time while looking for the end of the last whole line.
BLOCK = 65536


class Fate(Enum):
    """What has become of the file that is open."""

    SAME = "it is still the one that its path names"
    ROTATED = "it has another name now"
    REMOVED = "it is gone, with all that was written to it"
    CUT = "somebody has made it shorter"


class AuditFile:
    """Appends events durably, to one file until that has another name.

    A last line that a crash has left torn is cut off: its event was not acknowledged, so it comes again.

    Raises:
        OSError: it can't be opened or written to.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            self._size = self._mend()
            _sync_directory(path.parent)
        except OSError:
            os.close(self._file)
            raise

    def append(self, events: Iterable[Event]) -> None:
        """Write the events, and return when they are on the disk."""
        written = time.time()
        text = b"".join([event.to_line(written=written) for event in events])
        lines = memoryview(text)
        while lines:
            lines = lines[os.write(self._file, lines) :]
        os.fdatasync(self._file)
        self._size += len(text)

    def fate(self) -> Fate:
        """Look what has become of the file."""
        ours = os.fstat(self._file)
        if ours.st_nlink == 0:
            return Fate.REMOVED
        if ours.st_size < self._size:
            return Fate.CUT
        try:
            named = os.stat(self._path)  # noqa: PTH116 - beside fstat
        except FileNotFoundError:
            return Fate.ROTATED
        return Fate.SAME if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) else Fate.ROTATED

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _mend(self) -> int:
        """Cut off a torn last line; return the size in bytes."""
        size = whole = os.fstat(self._file).st_size
        while whole:
            start = max(0, whole - BLOCK)
            newline = os.pread(self._file, whole - start, start).rfind(b"\n")
            if newline >= 0:
                whole = start + newline + 1
                break
            whole = start
        if whole < size:
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
        return whole


def _sync_directory(directory: Path) -> None:
    """Make a new file's name durable too."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
