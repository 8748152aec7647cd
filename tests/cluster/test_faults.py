"""A primary is killed under traffic: every session that its replica knew of has one end, and ends are soon punctual."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.group_faults import GROUP_FAULTS, GroupFault
from tests.faults.group_runs import run
from tests.faults.judgement import Judgement

SEED = os.environ.get("FAULTS_SEED", "20120811")

#: Those that are quick; `make faults` has all.
QUICK = [fault for fault in GROUP_FAULTS if fault.name == "primary killed"]


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


@pytest.mark.parametrize("fault", QUICK, ids=lambda fault: fault.title)
def test_nothing_is_lost_or_repeated_but_what_redis_lost(fault: GroupFault, tmp_path: Path) -> None:
    verdict = run(fault, 1, tmp_path, f"{SEED} {fault.title}")
    assert verdict.sessions > 50
    found = verdict.judgement
    assert found == Judgement(by_redis=found.by_redis, undone=found.undone)
    assert found.by_redis < verdict.sessions / 10
    assert verdict.left == 0
    assert verdict.punctual, verdict.strikes
    assert not any(strike.revived for strike in verdict.strikes)
