"""One writer a file: a lock beside it, which also keeps the name under which Redis knows the file's writer."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path


class FileLock:
    """An exclusive lock on ``<file>.lock``. The kernel releases it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._target = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._file is not None

    def acquire(self) -> bool:
        """Take the lock if it is free; don't wait.

        Raises:
            OSError: the lock file can't be opened.
        """
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def reader_name(self) -> str:
        """Return the name of the file's reader in Redis: chosen once, by host and path, and kept with the file.

        So a host that is renamed, or a container that is made anew, goes on where it was.
        """
        assert self._file is not None  # noqa: S101 - only the holder may ask
        kept = os.pread(self._file, 4096, 0).decode("utf-8", "replace").strip()
        if kept:
            return kept
        name = f"{socket.gethostname()}:{self._target.absolute()}".replace(" ", "_")
        name = name.encode("utf-8", "backslashreplace").decode()  # a path may be any bytes
        os.pwrite(self._file, name.encode() + b"\n", 0)
        os.fsync(self._file)
        return name
