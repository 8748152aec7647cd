"""The end of a program's log."""

from __future__ import annotations

from pathlib import Path

from .plain import plain


def last_lines(path: Path, count: int = 15) -> str:
    """Return the last lines of a log, indented, fit for a terminal."""
    try:
        lines = path.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"    {plain(line)}" for line in lines) or "    (empty)"
