"""Every session that Redis acknowledged has exactly one end in the audit log, whatever is broken."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from .faults import FAULTS, Fault
from .world import make_world

SEED = int(os.environ.get("FAULTS_SEED", "20120811"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_repeated(fault: Fault, tmp_path: Path):
    rng = random.Random(f"{SEED} {fault.name}")  # noqa: S311 - a seed that can be repeated is the point
    with make_world(tmp_path, rng, **fault.options) as world:
        fault.strike(world, 1)
        world.traffic.wait_for(11)
        verdict = world.settle()
    assert verdict.sessions > 10
    assert verdict.twice == 0
    assert verdict.wrong == 0
    assert verdict.left == 0
    if not fault.loses:
        assert verdict.lost == 0
