"""Carries what began and ended from the stream to the audit log: no event is lost, and none is written twice.

A batch is read, written, synced to the disk, and only then acknowledged. After whatever went wrong (this process, the
disk, or Redis, which may come back with older data), the auditor attaches anew: the lines after its base in the file
are what it refuses to write again, and what they say has ended is ended in Redis too, if it lives there again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from session_store import Ref, Store
from session_store.audit import BATCH, Attachment, AuditReader, Batch, order
from session_store.keys import ShardKeys
from session_store.throttle import Throttle

from .audit_file import AuditFile, Fate
from .audit_tail import Written, last_written, written_after
from .file_lock import FileLock
from .health import Health
from .refused import Refused
from .report import Report
from .soon import Soon

#: Seconds that one step waits for something to come; a stop waits no longer.
WAIT = 1.0

#: Seconds between two attempts to write to a file that can't be written to, or that another worker writes to.
RETRY = 0.5

#: Seconds between two looks whether Redis still knows the reader, while nothing comes.
LOOK = 5.0

_log = logging.getLogger(__name__)


class Auditor:
    """Writes one file."""

    name = "auditor"

    def __init__(self, *, store: Store, report: Report, health: Health, soon: Soon, path: Path) -> None:
        self._store = store
        self._report = report
        self._health = health
        self._soon = soon
        self._path = path
        self._lock = FileLock(path)
        self._throttle = Throttle(seconds=60)
        self._file: AuditFile | None = None
        self._reader: AuditReader | None = None
        self._refused = Refused()
        self._until: dict[ShardKeys, str] = {}
        self._looked = 0.0

    def step(self) -> float:
        """Store what has come since the last step."""
        try:
            if not self._lock.held and not self._take_lock():
                return RETRY
            file = self._file = self._file or AuditFile(self._path)
            reader = self._reader or self._attach()
            self._store_batches(file, reader)
        except OSError as error:
            self.reset()
            self._health.writable = False
            if self._throttle.allows("file"):
                _log.error("%s: %s; events wait in Redis until it can be written to", error.strerror, self._path)
            return RETRY
        self._health.writable = True
        return 0.0

    def reset(self) -> None:
        """Close the file and forget the reader: the next step begins anew, with what the file then holds."""
        self._soon.following = False
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.close()
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _take_lock(self) -> bool:
        taken = self._lock.acquire()
        self._health.standby = not taken
        if not taken and self._throttle.allows("standby"):
            _log.info("standing by: another worker writes %s", self._path)
        return taken

    def _attach(self) -> AuditReader:
        reader = AuditReader(self._store, self._lock.reader_name(), wait=WAIT)
        attachments = reader.attach()
        start = time.monotonic()
        bases = {attachment.base for attachment in attachments}
        self._refused = Refused(self._buried(written_after(self._path, bases)))
        # Only now: until it was buried, a session that had come back to life could be ended again by another thread.
        last = {at.keys: reader.last(at.keys) for at in attachments}
        self._until = {at.keys: last[at.keys] for at in attachments if order(last[at.keys]) > order(at.position)}
        took = time.monotonic() - start
        _log.info("writing %s; %d lines to refuse (%.1f s)", self._path, len(self._refused), took)
        self._rebase(reader, attachments)
        if not self._until:
            self._refused = Refused()
        self._reader, self._looked = reader, time.monotonic()
        return reader

    def _buried(self, lines: Iterator[Written]) -> Iterator[str]:
        """Pass on the lines' event ids; what they say has ended, and lives in Redis again, ends there."""
        ended: list[tuple[Ref, str]] = []
        for line in lines:
            if line.reason:
                ended += [(Ref(keys.number, line.sid), line.reason) for keys in self._store.keys.shards]
            if len(ended) >= 500:
                self._bury(ended)
                ended = []
                # A long file takes long; that is no reason to be taken for stuck.
                self._health.tick(self.name)
            yield line.id
        self._bury(ended)

    def _bury(self, ended: list[tuple[Ref, str]]) -> None:
        buried = self._store.bury(ended)
        if buried:
            _log.warning("Redis has gone back: %d sessions had ended already and are ended again", buried)

    def _rebase(self, reader: AuditReader, attachments: list[Attachment]) -> None:
        """Move the base where nothing can come again: the next start then has less to look through."""
        if len(self._until) == len(attachments):
            return
        newest = last_written(self._path)
        for attachment in attachments:
            if newest and attachment.keys not in self._until and attachment.base != newest.id:
                reader.rebase(attachment.keys, newest.id)

    def _store_batches(self, file: AuditFile, reader: AuditReader) -> None:
        batches = reader.read()
        for batch in batches:
            self._soon.tell(batch.events)
        self._soon.following = all(len(batch.events) < BATCH for batch in batches)
        for batch in batches:
            if not self._store_batch(file, reader, batch):
                self.reset()
                return
        if not batches and not self._still_attached(reader):
            self.reset()
            return
        self._look_after(file)

    def _look_after(self, file: AuditFile) -> None:
        """Begin a new file where the old one has another name, but only when nothing that it holds can come again."""
        fate = file.fate()
        if fate is Fate.ROTATED and not self._until:
            _log.info("%s was rotated; beginning a new one", self._path)
            self._file = None
            file.close()
        elif fate in {Fate.REMOVED, Fate.CUT}:
            self._complain(fate)
            self.reset()

    def _complain(self, fate: Fate) -> None:
        _log.error(
            "%s: %s; logrotate's copytruncate, and compress without delaycompress, do that", self._path, fate.value
        )

    def _store_batch(self, file: AuditFile, reader: AuditReader, batch: Batch) -> bool:
        """Write a batch and acknowledge it. False: begin anew."""
        new = [event for event in batch.events if event.id not in self._refused] if self._refused else batch.events
        if new:
            file.append(new)
        fate = file.fate()
        if fate in {Fate.REMOVED, Fate.CUT}:
            self._complain(fate)
            return False
        passed = order(batch.last) >= order(self._until.get(batch.keys, "0-0"))
        base = batch.events[-1].id if batch.events and passed else ""
        if not reader.acknowledge(batch, base=base):
            _log.warning("Redis is not what it was; comparing it with %s", self._path)
            return False
        if passed:
            self._until.pop(batch.keys, None)
        if not self._until:
            self._refused = Refused()
        self._report.audited(new, refused=len(batch.events) - len(new))
        return True

    def _still_attached(self, reader: AuditReader) -> bool:
        """Look now and then whether Redis was emptied, or went back, while nothing came."""
        if time.monotonic() - self._looked < LOOK:
            return True
        self._looked = time.monotonic()
        attached = reader.attached()
        if not attached:
            _log.warning("Redis is not what it was; comparing it with %s", self._path)
        return attached
