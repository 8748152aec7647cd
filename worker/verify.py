"""Holds an audit log against what it promises: every id once, every end after its start, every start with an end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .audit_tail import parse_line

#: Examples that are kept of each kind of problem.
EXAMPLES = 20

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
    ended: set[str] = set()
    for number, line in enumerate(_lines(files, findings, progress), 1):
        findings.lines = number
        written = parse_line(line)
        if written is None:
            findings.foreign.add(line[:80].decode("utf-8", "replace"))
        elif written.action == "start":
            if written.sid in findings.started or written.sid in ended:
                # Its end may have come first; that is a problem of its own.
                findings.twice.add(written.id)
            else:
                findings.started.add(written.sid)
        elif written.sid in ended:
            findings.twice.add(written.id)
        else:
            if written.sid in findings.started:
                findings.started.discard(written.sid)
            else:
                findings.early.add(written.id)
            ended.add(written.sid)
            findings.ends += 1
    return findings


def note_missing(findings: Findings, live: set[str]) -> None:
    """Name the sessions that began, have no end, and don't live."""
    for sid in sorted(findings.started - live):
        findings.missing.add(sid)


def _lines(files: Iterable[Path], findings: Findings, progress: Callable[[int], None]) -> Iterator[bytes]:
    read = count = 0
    for path in files:
        line = b"\n"
        with path.open("rb") as file:
            for line in file:
                read += len(line)
                count += 1
                if count % STRIDE == 0:
                    progress(read)
                yield line
        if not line.endswith(b"\n"):
            findings.torn.add(str(path))
    progress(read)
