"""Nothing the demo starts outlives it, even if a process is killed in a way it can't notice.

Linux knows two ways: a child may ask for a signal when its parent dies, and a process may adopt its orphaned
grandchildren. Elsewhere this does nothing, and only an ordered stop ends everything.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

#: Seconds an orphan is given to end after TERM.
GRACE = 5.0

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    if _libc:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """In a child just forked: ask for TERM when the parent dies."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def end_orphans() -> None:
    """End every child of this process that is left: TERM, and after a while KILL."""
    deadline = time.monotonic() + GRACE
    _signal_children(signal.SIGTERM)
    while _any_left():
        if time.monotonic() > deadline:
            _signal_children(signal.SIGKILL)
        time.sleep(0.02)


def _signal_children(number: signal.Signals) -> None:
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    for pid in listing.read_text().split() if listing.exists() else ():
        os.kill(int(pid), number)


def _any_left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return Path("/proc/self").exists()  # without /proc there is no telling them apart: don't wait
