"""A growing file, line by line."""

from __future__ import annotations

import os
from pathlib import Path


class Follower:
    """Gives a file's new whole lines, from the end it has now; the file may come later, or be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._position = 0, 0
        if path.exists():
            status = path.stat()
            self._inode, self._position = status.st_ino, status.st_size

    def new_lines(self) -> list[bytes]:
        """Return what has been added since the last call."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            status = os.fstat(file.fileno())
            if status.st_ino != self._inode or status.st_size < self._position:
                self._inode, self._position = status.st_ino, 0
            file.seek(self._position)
            lines = file.readlines()
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        self._position += sum(map(len, lines))
        return lines
