from __future__ import annotations

from session_store import Ref
from worker.recent import KEPT, Recent

from .lines import sid


def test_what_was_just_added_is_known_and_nothing_else():
    recent = Recent()
    recent.add([Ref(0, sid(1)), Ref(0, sid(2))])
    assert sid(1) in recent
    assert sid(2) in recent
    assert sid(3) not in recent


def test_the_last_few_thousand_are_known_and_the_older_ones_are_forgotten():
    recent = Recent()
    for number in range(4 * KEPT):
        recent.add([Ref(0, sid(number))])
    assert all(sid(number) in recent for number in range(3 * KEPT, 4 * KEPT))
    assert sid(0) not in recent
    assert sid(KEPT) not in recent
