"""Carries what began and ended from the stream to the audit log: no event is lost, and none is written twice.

A batch is read, written, synced to the disk, and only then acknowledged. After whatever went wrong (this process, the
disk, or Redis, which may come back with older data), the auditor attaches anew: the lines after its base in the file
are what it refuses to write again, and what they say has ended is ended in Redis too, if it lives there again.

Where there are several lanes, each has an auditor, and all write to one file. Lines of other lanes are then among what
is refused, which does no harm: a session is in one lane.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from session_store import Ref, Store
from session_store.audit import BATCH, Attachment, AuditReader, Batch, order
from session_store.events import Event
from session_store.keys import ShardKeys
from session_store.throttle import Throttle

from .audit_log import AuditLog
from .audit_tail import Written, last_written, written_after
from .health import Health
from .lane import Lane
from .refused import Refused
from .report import Report

#: Seconds that one step waits for something to come; a stop waits no longer.
WAIT = 1.0

#: Entries of a shard read at once, at least. Each of many has a share of a batch, but not so small a one that a shard
#: which is busy alone takes a sync for a few lines.
LEAST = 250

#: Seconds between two attempts to write to a file that can't be written to, or that another worker writes to.
RETRY = 0.5

#: Seconds between two looks whether Redis still knows the reader, while nothing comes.
LOOK = 5.0

#: Lines written since a lane's base was last moved, from which on it is moved while nothing comes: the next start looks
#: through all that follow it.
MANY = 10_000

_log = logging.getLogger(__name__)


class Auditor:
    """Writes what one lane brings.

    Args:
        store: the sessions.
        lane: whose streams; its sweeper is told of sessions that begin.
        log: the file, which all lanes share.
        report: where events are counted.
        health: where is noted whether the file can be written to.
    """

    def __init__(self, *, store: Store, lane: Lane, log: AuditLog, report: Report, health: Health) -> None:
        self.name = f"auditor{lane.label}"
        self._store = store
        self._shards = lane.shards
        self._share = max(BATCH // len(lane.shards), LEAST)
        self._audit_log = log
        self._report = report
        self._health = health
        self._soon = lane.soon
        self._throttle = Throttle(seconds=60)
        self._edition: int | None = None
        self._reader: AuditReader | None = None
        self._refused = Refused()
        self._until: dict[ShardKeys, str] = {}
        self._looked = 0.0
        self._based = 0

    def step(self) -> float:
        """Store what has come since the last step."""
        try:
            if not self._open():
                return RETRY
            self._store_batches(self._reader or self._attach())
        except OSError as error:
            self.reset()
            self._health.note_writing(self.name, well=False)
            if self._throttle.allows("file"):
                path = self._audit_log.path
                _log.error("%s: %s; events wait in Redis until it can be written to", error.strerror, path)
            return RETRY
        self._health.note_writing(self.name, well=True)
        return 0.0

    def reset(self) -> None:
        """Forget the reader: the next step begins anew, with what the file then holds."""
        self._soon.following = False
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.close()
        self._audit_log.trust(self.name)
        self._audit_log.settle(self.name)

    def _open(self) -> bool:
        """Whether the file is this process' to write; what is known of another edition is forgotten."""
        edition = self._audit_log.open()
        self._health.standby = edition is None
        if edition != self._edition:
            self.reset()
        self._edition = edition
        return edition is not None

    def _attach(self) -> AuditReader:
        # Before the lines are looked through: none of them may be moved further away meanwhile.
        self._audit_log.doubt(self.name)
        reader = AuditReader(self._store, self._audit_log.reader_name(), shards=self._shards, wait=WAIT)
        attachments = reader.attach()
        start = time.monotonic()
        bases = {attachment.base for attachment in attachments}
        self._refused = Refused(self._buried(written_after(self._audit_log.path, bases)))
        # Only now: until it was buried, a session that had come back to life could be ended again by another thread.
        last = {at.keys: reader.last(at.keys) for at in attachments}
        self._until = {at.keys: last[at.keys] for at in attachments if order(last[at.keys]) > order(at.position)}
        took = time.monotonic() - start
        _log.info(
            "%s is writing %s; %d lines to refuse (%.1f s)", self.name, self._audit_log.path, len(self._refused), took
        )
        self._rebase(reader, attachments)
        self._forget_if_passed()
        self._reader, self._looked = reader, time.monotonic()
        return reader

    def _buried(self, lines: Iterator[Written]) -> Iterator[str]:
        """Pass on the lines' event ids; what they say has ended, and lives in Redis again, ends there."""
        ended: list[tuple[Ref, str]] = []
        for line in lines:
            if line.reason:
                ended += [(Ref(keys.number, line.sid), line.reason) for keys in self._shards]
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
        self._based = self._audit_log.written
        if len(self._until) == len(attachments):
            return
        newest = last_written(self._audit_log.path)
        for attachment in attachments:
            if newest and attachment.keys not in self._until and attachment.base != newest.id:
                reader.rebase(attachment.keys, newest.id)

    def _follow_the_others(self, reader: AuditReader) -> bool:
        """Move the base of a lane in which little happens along with what the others write. False: begin anew."""
        if self._until or self._audit_log.written - self._based < MANY:
            return True
        self._based, newest = self._audit_log.written, self._audit_log.newest
        return all(reader.rebase(keys, newest) for keys in self._shards)

    def _store_batches(self, reader: AuditReader) -> None:
        batches = reader.read(self._share)
        for batch in batches:
            self._soon.tell(batch.keys, batch.events)
        self._soon.following = all(len(batch.events) < self._share for batch in batches)
        good = self._store_all(reader, batches) if batches else self._still_attached(reader)
        if not good or not self._audit_log.look_after(self.name, self._edition):
            self.reset()

    def _store_all(self, reader: AuditReader, batches: list[Batch]) -> bool:
        """Write what one read has brought, with one sync, and acknowledge it in one round trip. False: begin anew."""
        new = [self._new(batch) for batch in batches]
        if not self._audit_log.append(self.name, [event for events in new for event in events], self._edition):
            return False
        noted = reader.acknowledge_all([(batch, self._base_of(batch)) for batch in batches])
        for batch, events, good in zip(batches, new, noted, strict=True):
            if good:
                self._note_stored(batch, events)
        if not all(noted):
            _log.warning("Redis is not what it was; comparing it with %s", self._audit_log.path)
            return False
        self._audit_log.settle(self.name)
        self._forget_if_passed()
        return True

    def _new(self, batch: Batch) -> list[Event]:
        """Return what of a batch is not written down yet."""
        return [event for event in batch.events if event.id not in self._refused] if self._refused else batch.events

    def _base_of(self, batch: Batch) -> str:
        """Return the base that a batch allows for once it is stored; empty: the old one stays."""
        return batch.events[-1].id if batch.events and self._passes(batch) else ""

    def _passes(self, batch: Batch) -> bool:
        """Whether nothing that was written before can come in its shard after this batch."""
        return order(batch.last) >= order(self._until.get(batch.keys, "0-0"))

    def _note_stored(self, batch: Batch, new: list[Event]) -> None:
        if self._passes(batch):
            self._until.pop(batch.keys, None)
        self._report.audited(new, refused=len(batch.events) - len(new))

    def _forget_if_passed(self) -> None:
        """Forget what is refused once nothing that was written before can come again."""
        if not self._until:
            self._refused = Refused()
            self._audit_log.trust(self.name)

    def _still_attached(self, reader: AuditReader) -> bool:
        """Look now and then whether Redis was emptied, or went back, while nothing came."""
        if time.monotonic() - self._looked < LOOK:
            return True
        self._looked = time.monotonic()
        attached = reader.attached()
        if not attached:
            _log.warning("Redis is not what it was; comparing it with %s", self._audit_log.path)
        return attached and self._follow_the_others(reader)
