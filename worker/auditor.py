"""Carries what began and ended from the stream to the audit log."""

from __future__ import annotations

import logging
from pathlib import Path

from session_store import Store
from session_store.audit import AuditReader
from session_store.throttle import Throttle

from .audit_file import AuditFile
from .report import Report

#: The reader's name in Redis.
READER = "file"

#: Seconds that one step waits for something to come; a stop waits no longer.
WAIT = 0.5

#: Seconds between two attempts to write to a file that can't be written to.
RETRY = 1.0

_log = logging.getLogger(__name__)


class Auditor:
    """Reads a batch, writes it, has it on the disk, and only then lets Redis forget it."""

    name = "auditor"

    def __init__(self, *, store: Store, report: Report, path: Path) -> None:
        self._store = store
        self._report = report
        self._path = path
        self._throttle = Throttle(seconds=60)
        self._reader: AuditReader | None = None
        self._file: AuditFile | None = None

    def step(self) -> float:
        """Store what has come since the last step."""
        try:
            self._store_batches()
        except OSError as error:
            self.reset()
            if self._throttle.allows("file"):
                _log.error("%s; events wait in Redis until it can be written to: %s", error.strerror, self._path)
            return RETRY
        return 0.0

    def reset(self) -> None:
        """Close the file and attach to the stream anew."""
        self._reader = None
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _store_batches(self) -> None:
        file = self._file = self._file or AuditFile(self._path)
        reader = self._reader = self._reader or AuditReader(self._store, READER, wait=WAIT)
        for batch in reader.read():
            file.append(batch.events)
            self._report.audited(batch.events)
            if not reader.acknowledge(batch):
                _log.warning("the stream is not what it was; attaching to it anew")
                self._reader = None
                return
