"""The long fault suite: ``make faults``. Prints tables, and exits with 1 if anything was lost or written twice.

``python -m tests.faults --seed 7 --only "worker killed"`` repeats one fault with the seed that a table names.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import group_rows, group_runs, hosts
from .faults import FAULTS, Fault
from .group_faults import GROUP_FAULTS, GroupFault
from .world import Verdict, make_world

HEAD = "| fault | times | sessions | lost | twice | wrong reason | left in Redis | catch-up, s |"


def main() -> int:
    """Run every fault; return the exit code."""
    options = _options()
    faults = [fault for fault in FAULTS if options.only in {None, "one Redis", fault.name}]
    groups = [fault for fault in GROUP_FAULTS if options.only in {None, "groups", fault.title}]
    start, good = time.monotonic(), True
    print(f"seed {options.seed}", file=sys.stderr)
    if faults:
        print(f"\n{HEAD}\n|---|--:|--:|--:|--:|--:|--:|--:|")
    for fault in faults:
        good &= _strike_one(fault, options)
    if groups and hosts.INSIDE not in os.environ:
        print(f"\n{group_rows.HEAD}")
    for group in groups:
        good &= _strike_group(group, options)
    if hosts.INSIDE not in os.environ:
        print(f"\n{'nothing was lost or written twice' if good else 'FAILED'}; {time.monotonic() - start:.0f} s")
    return 0 if good else 1


def _strike_one(fault: Fault, options: argparse.Namespace) -> bool:
    times = options.times or fault.times
    rng = random.Random(f"{options.seed} {fault.name}")  # noqa: S311 - a seed that can be repeated is the point
    with tempfile.TemporaryDirectory(prefix="faults-") as place, make_world(Path(place), rng, **fault.options) as world:
        fault.strike(world, times)
        verdict = world.settle()
    print(_row(fault, times, verdict), flush=True)
    return _good(fault, verdict)


def _strike_group(fault: GroupFault, options: argparse.Namespace) -> bool:
    times = options.times or fault.times
    if fault.hosts > 1 and hosts.INSIDE not in os.environ:
        words = hosts.apart()
        if words:
            return _strike_apart(words, fault, times, options.seed)
        print("network namespaces are not permitted: the hosts share one network", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        verdict = group_runs.run(
            fault,
            times,
            Path(place),
            f"{options.seed} {fault.title}",
            progress=lambda number: print(f"{fault.title}: {number} of {times}", file=sys.stderr),
        )
    print(group_rows.row(fault, times, verdict), flush=True)
    return group_rows.good(fault, verdict)


def _strike_apart(words: list[str], fault: GroupFault, times: int, seed: int) -> bool:
    """Run a fault in another process, in a network of its own; it prints its row."""
    command = [sys.executable, "-m", "tests.faults", "--seed", str(seed), "--only", fault.title, "--times", str(times)]
    sys.stdout.flush()
    return subprocess.run([*words, *command], env={**os.environ, hosts.INSIDE: "1"}, check=False).returncode == 0


def _good(fault: Fault, verdict: Verdict) -> bool:
    spotless = verdict.twice == verdict.wrong == verdict.left == 0
    return spotless and (fault.loses or verdict.lost == 0)


def _row(fault: Fault, times: int, verdict: Verdict) -> str:
    lost = f"{verdict.lost} by Redis" if fault.loses and verdict.lost else str(verdict.lost)
    cells = (fault.name, times, verdict.sessions, lost, verdict.twice, verdict.wrong, verdict.left)
    return "| " + " | ".join(map(str, cells)) + f" | {verdict.seconds:.1f} |"


def _options() -> argparse.Namespace:
    names = [*(fault.name for fault in FAULTS), *(fault.title for fault in GROUP_FAULTS), "one Redis", "groups"]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--only", choices=names, metavar="FAULT", help='its name; "one Redis" or "groups": all of those'
    )
    parser.add_argument("--times", type=int, help="how often each fault strikes, if not as often as it is meant to")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
