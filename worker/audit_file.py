"""The audit log: a file of JSON lines that is only ever appended to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from session_store.events import Event


class AuditFile:
    """Appends events durably.

    Raises:
        OSError: it can't be opened or written to.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def __enter__(self) -> AuditFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, events: Iterable[Event]) -> None:
        """Write the events, and return when they are on the disk."""
        lines = memoryview(b"".join(event.to_line() for event in events))
        while lines:
            lines = lines[os.write(self._file, lines) :]
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
