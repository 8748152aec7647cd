"""The audit log as the auditors of all lanes share it: they write one at a time, and learn when to begin anew."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from session_store.events import Event
from session_store.throttle import Throttle

from .audit_file import AuditFile, Fate
from .file_lock import FileLock

#: Seconds that a lane waits for the others to acknowledge what they have written, before a new file is begun.
PATIENCE = 1.0

_log = logging.getLogger(__name__)


class AuditLog:
    """A file that this process alone writes to, and several lanes of it in turn. Any thread may call it.

    Whatever goes wrong with the file, all lanes begin anew: what they write counts only for the edition that they have
    looked through for lines to refuse.

    Attributes:
        path: the file's.
        newest: the id of the last event written; empty until one is.
        written: how many were, by this process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.newest = ""
        self.written = 0
        self._lock = FileLock(path)
        self._turn = threading.Condition()
        self._file: AuditFile | None = None
        self._edition = 0
        self._doubtful: set[str] = set()
        self._in_hand: set[str] = set()
        self._throttle = Throttle(seconds=60)

    def open(self) -> int | None:
        """Return the number of the edition that can be written to; None where another process writes the file.

        Raises:
            OSError: it can't be opened.
        """
        with self._turn:
            if not self._lock.acquire():
                if self._throttle.allows("standby"):
                    _log.info("standing by: another worker writes %s", self.path)
                return None
            self._file = self._file or AuditFile(self.path)
            return self._edition

    def reader_name(self) -> str:
        """Return the name under which Redis knows the file; only while it is open."""
        return self._lock.reader_name()

    def doubt(self, lane: str) -> None:
        """Note that Redis may bring a lane what the file has: no new one is begun until `trust`."""
        with self._turn:
            self._doubtful.add(lane)

    def trust(self, lane: str) -> None:
        """Note that a lane is brought only what is new."""
        with self._turn:
            self._doubtful.discard(lane)

    def append(self, lane: str, events: Sequence[Event], edition: int | None) -> bool:
        """Write a lane's events durably; `settle` is to follow. False: begin anew, the file is not what it was.

        Raises:
            OSError: they can't be written.
        """
        with self._turn:
            if self._begins_anew(lane, edition):
                return False
            assert self._file is not None  # noqa: S101 - for the type checker
            self._in_hand.add(lane)
            if events:
                self._write(self._file, events)
            return not self._is_lost(self._file)

    def settle(self, lane: str) -> None:
        """Note that what a lane has written is acknowledged, or that the lane begins anew."""
        with self._turn:
            self._in_hand.discard(lane)
            self._turn.notify_all()

    def look_after(self, lane: str, edition: int | None) -> bool:
        """Begin a new file where the old one has another name and is done with. False: begin anew."""
        with self._turn:
            return not self._begins_anew(lane, edition, patience=0.0) and not self._is_lost(self._file)

    def forsake(self) -> None:
        """Close the file, with which something is wrong: all lanes begin anew."""
        with self._turn:
            self._edition += 1
            if self._file is not None:
                file, self._file = self._file, None
                file.close()

    def close(self) -> None:
        """Close the file and let another process, or another log of this one, write it; not while a write hangs."""
        if self._turn.acquire(timeout=PATIENCE):
            try:
                self.forsake()
                self._lock.release()
            finally:
                self._turn.release()

    def _write(self, file: AuditFile, events: Sequence[Event]) -> None:
        try:
            file.append(events)
        except OSError:
            # A torn line may be its last: it must be mended before anybody writes after it.
            self.forsake()
            raise
        self.newest = events[-1].id
        self.written += len(events)

    def _begins_anew(self, lane: str, edition: int | None, *, patience: float | None = None) -> bool:
        """Whether a lane must, after a new file was begun where that was possible."""
        if self._is_rotated(edition) and not self._doubtful:
            # What others have written and not acknowledged yet is in the old file, should it come again.
            self._turn.wait_for(lambda: not self._in_hand - {lane}, PATIENCE if patience is None else patience)
            if self._is_rotated(edition) and not self._doubtful | (self._in_hand - {lane}):
                self._begin_file()
        return self._file is None or edition != self._edition

    def _is_rotated(self, edition: int | None) -> bool:
        return self._file is not None and edition == self._edition and self._file.fate() is Fate.ROTATED

    def _begin_file(self) -> None:
        _log.info("%s was rotated; beginning a new one", self.path)
        old = self._file
        try:
            self._file = AuditFile(self.path)
        except OSError:
            self.forsake()
            raise
        if old is not None:
            old.close()

    def _is_lost(self, file: AuditFile | None) -> bool:
        fate = file.fate() if file else Fate.SAME
        if fate not in {Fate.REMOVED, Fate.CUT}:
            return False
        _log.error(
            "%s: %s; logrotate's copytruncate, and compress without delaycompress, do that", self.path, fate.value
        )
        self.forsake()
        return True
