"""What is wrong in a log is found, and told from what a failover has lost."""

from __future__ import annotations

import pytest

from .judgement import Judgement, Kept, judge
from .ledger import Ledger, Life
from .lines import Line

OPENED, DUE, AGE = 1_000_000, 1_002_000, 2000
START = Line("sid", "start", OPENED, OPENED + 1, None)


def end(reason: str = "expired", at: int = DUE) -> Line:
    return Line("sid", "end", at, at + 1, reason)


def ledger(**changes: object) -> Ledger:
    life = Life(shard=0, created=OPENED, reasons={"expired"}, expires=DUE, deadline=DUE)
    for name, value in changes.items():
        setattr(life, name, value)
    return Ledger({"sid": life})


def test_a_session_with_its_start_and_its_end_is_whole() -> None:
    assert judge(ledger(), [START, end()], Kept()) == Judgement()
    assert judge(ledger(reasons={"logout"}, over=True), [START, end("logout", OPENED + 5)], Kept()) == Judgement()
    idle = ledger(reasons={"idle", "expired"}, deadline=DUE - 500)
    assert judge(idle, [START, end("idle", DUE - 500)], Kept()) == Judgement()


@pytest.mark.parametrize("lines", [[], [START], [end()]])
def test_what_is_missing_is_lost_unless_redis_lost_it(lines: list[Line]) -> None:
    assert judge(ledger(), lines, Kept()) == Judgement(lost=1)
    assert judge(ledger(), lines, Kept(gone={"sid"})) == Judgement(by_redis=1)


def test_a_start_without_an_end_is_missed_although_nobody_was_told_of_the_session() -> None:
    unknown = Ledger(doubtful={"sid": 0})
    assert judge(unknown, [START], Kept()) == Judgement(lost=1)
    assert judge(unknown, [START, end()], Kept()) == Judgement()
    assert judge(unknown, [], Kept()) == Judgement()


def test_an_event_that_is_there_twice_is_seen() -> None:
    assert judge(ledger(), [START, end(), end()], Kept()) == Judgement(twice=1)
    assert judge(ledger(), [START, START, end()], Kept()) == Judgement(twice=1)


@pytest.mark.parametrize(
    "wrong",
    [end("lost"), end("logout"), end("idle"), end(at=DUE - 50), end(at=DUE + 50)],
    ids=lambda line: f"{line.reason} {line.at - DUE}",
)
def test_a_reason_or_a_time_that_cannot_be_is_wrong_unless_redis_went_back(wrong: Line) -> None:
    assert judge(ledger(), [START, wrong], Kept()) == Judgement(wrong=1)
    assert judge(ledger(), [START, wrong], Kept(set_back={"sid"})) == Judgement(undone=1)


def test_an_idle_session_must_not_end_before_the_deadline_that_was_acknowledged() -> None:
    renewed = ledger(reasons={"idle", "expired"}, deadline=DUE - 200)
    assert judge(renewed, [START, end("idle", DUE - 500)], Kept()) == Judgement(wrong=1)


def test_of_several_hosts_the_worst_counts() -> None:
    assert Judgement(lost=1, twice=4).worse(Judgement(lost=3, wrong=2)) == Judgement(lost=3, twice=4, wrong=2)
