"""What a process has used so far, as Linux counts it; and workers and the like, always ended."""

from __future__ import annotations

import os
from pathlib import Path

#: Ticks a second, in which Linux counts the processor's time.
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the processor's time that a process has used, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int, *, peak: bool = False) -> float:
    """Return the memory that a process has, or had at most, in MB."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(wanted)]
    return int(line.split()[1]) / 1024
