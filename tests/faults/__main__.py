"""The long fault suite: ``make faults``. Prints a table, and exits with 1 if anything was lost or written twice.

``python -m tests.faults --seed 7 --only "worker killed"`` repeats one fault with the seed that a table names.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from .faults import FAULTS, Fault
from .world import Verdict, make_world

HEAD = "| fault | times | sessions | lost | twice | wrong reason | left in Redis | catch-up, s |"


def main() -> int:
    """Run every fault; return the exit code."""
    options = _options()
    print(f"seed {options.seed}\n\n{HEAD}\n|---|--:|--:|--:|--:|--:|--:|--:|")
    good = True
    start = time.monotonic()
    for fault in FAULTS:
        if options.only in {None, fault.name}:
            times = options.times or fault.times
            verdict = _run(fault, times, options.seed)
            good &= _good(fault, verdict)
            print(_row(fault, times, verdict), flush=True)
    print(f"\n{'nothing was lost or written twice' if good else 'FAILED'}; {time.monotonic() - start:.0f} s")
    return 0 if good else 1


def _run(fault: Fault, times: int, seed: int) -> Verdict:
    rng = random.Random(f"{seed} {fault.name}")  # noqa: S311 - a seed that can be repeated is the point
    with tempfile.TemporaryDirectory(prefix="faults-") as place, make_world(Path(place), rng, **fault.options) as world:
        fault.strike(world, times)
        return world.settle()


def _good(fault: Fault, verdict: Verdict) -> bool:
    spotless = verdict.twice == verdict.wrong == verdict.left == 0
    return spotless and (fault.loses or verdict.lost == 0)


def _row(fault: Fault, times: int, verdict: Verdict) -> str:
    lost = f"{verdict.lost} by Redis" if fault.loses and verdict.lost else str(verdict.lost)
    cells = (fault.name, times, verdict.sessions, lost, verdict.twice, verdict.wrong, verdict.left)
    return "| " + " | ".join(map(str, cells)) + f" | {verdict.seconds:.1f} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--times", type=int, help="how often each fault strikes, if not as often as it is meant to")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
