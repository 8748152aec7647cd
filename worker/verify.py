"""Holds an audit log against what it promises: every id once, every end after its start, every start with an end."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from session_store import Store
from session_store.entries import sids_of
from session_store.keys import ShardKeys

from .audit_tail import COMPRESSED, EVENT

#: Examples that are kept of each kind of problem.
EXAMPLES = 20

#: Entries of the stream read at a time.
PAGE = 1000

#: Lines between two reports of progress.
STRIDE = 50_000


@dataclass
class Problem:
    """A kind of problem: how often, and a few examples."""

    text: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Note one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


@dataclass
class Findings:
    """What was found.

    Attributes:
        started: sids that have a start and no end.
    """

    lines: int = 0
    ends: int = 0
    twice: Problem = field(default_factory=lambda: Problem("events written twice"))
    early: Problem = field(default_factory=lambda: Problem("ends before their starts, or without any"))
    foreign: Problem = field(default_factory=lambda: Problem("lines that are no events"))
    torn: Problem = field(default_factory=lambda: Problem("files whose last line is torn"))
    missing: Problem = field(default_factory=lambda: Problem("starts without an end and without a live session"))
    started: set[str] = field(default_factory=set)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong."""
        return [p for p in (self.twice, self.early, self.foreign, self.torn, self.missing) if p.count]


def verify(files: Iterable[Path], *, progress: Callable[[int], None] = lambda _: None) -> Findings:
    """Read the files, the oldest first.

    Args:
        files: an audit log, with those that it was rotated to.
        progress: called now and then with the bytes read so far.

    Raises:
        OSError: a file can't be read.
    """
    findings = Findings()
    started: set[bytes] = set()
    ended: set[bytes] = set()
    for line in _lines(files, findings, progress):
        match = EVENT.search(line)
        if match is None:
            findings.foreign.add(ascii(line[:80].decode("utf-8", "replace")))
            continue
        sid, action = match.group(1, 2)
        seen = started if action == b"start" else ended
        if sid in seen:
            findings.twice.add(f"{sid.decode()}-{action.decode()}")
        elif action == b"end" and sid not in started:
            findings.early.add(f"{sid.decode()}-end")
        seen.add(sid)
    findings.ends = len(ended)
    findings.started = {sid.decode() for sid in started - ended}
    return findings


def note_missing(findings: Findings, known: set[str]) -> None:
    """Name the sessions that began, have no end, and that Redis knows nothing of."""
    for sid in sorted(findings.started - known):
        findings.missing.add(sid)


def known_sids(store: Store) -> set[str]:
    """Return the sid of every live session, and of every event that waits in Redis to be written.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    live = {session.ref.sid for session in store.sessions()}
    return live | {sid for keys in store.keys.shards for sid in _waiting(store, keys)}


def _waiting(store: Store, keys: ShardKeys) -> Iterator[str]:
    """Return the sids of every entry that is still in the stream."""
    position: str = "-"
    page: list[tuple[bytes, dict[bytes, bytes]]] = []
    while position == "-" or page:
        page = store.command("XRANGE", keys.audit, position, "+", "COUNT", PAGE)
        for _, fields in page:
            yield from sids_of(fields)
        position = f"({page[-1][0].decode()}" if page else "+"


def _lines(files: Iterable[Path], findings: Findings, progress: Callable[[int], None]) -> Iterator[bytes]:
    read = count = 0
    for path in files:
        line = b"\n"
        with _open(path) as file:
            for line in file:
                read += len(line)
                count += 1
                if count % STRIDE == 0:
                    progress(read)
                yield line
        if not line.endswith(b"\n"):
            findings.torn.add(str(path))
    findings.lines = count
    progress(read)


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == COMPRESSED else path.open("rb")
