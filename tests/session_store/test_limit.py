"""A user has so many sessions and no more: the oldest ends for the newest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from session_store import AsyncStore
from session_store.steps import TRIES
from tests.session_store.samples import HARRY, HOUR, SALLY, contents, ends, new_token, opened, over, ref_of, wait_past
from tests.session_store.test_async_store import run


def aged(store, person=SALLY):
    """Open a session that is older than the next one."""
    token = opened(store, person)
    wait_past(store, store.read(token).record.created)
    return token


def test_the_oldest_ends_for_the_newest(store):
    first, second, newest = aged(store), aged(store), new_token()
    assert store.open(newest, SALLY, age=HOUR, most=2).status == "opened"
    assert ends(store) == {first.sid: "limit"}
    assert {session.ref.sid for session in store.sessions_of("1")} == {second.sid, newest.sid}


def test_below_the_limit_it_is_one_round_trip_and_above_it_two(store):
    def scripts():
        return store.redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]

    store.open(new_token(), SALLY, age=HOUR, most=2)  # which makes the script known
    counts = []
    for _ in range(3):
        before = scripts()
        store.open(new_token(), SALLY, age=HOUR, most=2)
        counts.append(scripts() - before)
    assert counts == [1, 2, 2]


def test_a_limit_that_was_lowered_ends_as_many_as_it_takes(store):
    tokens = [aged(store) for _ in range(5)]
    newest = new_token()
    store.open(newest, SALLY, age=HOUR, most=1)
    assert ends(store) == dict.fromkeys((token.sid for token in tokens), "limit")
    assert store.read(newest)


def test_more_than_a_script_may_touch_end_all_the_same(store):
    for _ in range(1100):
        opened(store)
    newest = new_token()
    assert store.open(newest, SALLY, age=HOUR, most=1).status == "opened"
    assert [session.ref.sid for session in store.sessions_of("1")] == [newest.sid]
    assert set(ends(store).values()) == {"limit"}
    assert len(ends(store)) == 1100


def test_a_session_whose_key_is_gone_does_not_count_and_is_lost(store):
    first, second, newest = aged(store), aged(store), new_token()
    store.redis.delete(store.keys.shards[0].session(second.sid))
    assert store.open(newest, SALLY, age=HOUR, most=2).status == "opened"
    assert ends(store) == {second.sid: "lost"}
    assert store.read(first)


def test_others_and_what_is_over_dont_count(store):
    opened(store, HARRY)
    over(store)
    token = opened(store)
    assert store.open(new_token(), SALLY, age=HOUR, most=2).status == "opened"
    assert store.read(token)
    assert ends(store) == {}


def test_what_the_new_one_replaces_does_not_count(store):
    first, second = aged(store), aged(store)
    store.open(new_token(), SALLY, age=HOUR, most=2, replaces=[ref_of(second, SALLY)])
    assert ends(store) == {second.sid: "replaced"}
    assert store.read(first)


def test_without_leave_to_end_them_nothing_changes(store):
    from session_store import verbs

    first = aged(store)
    before = contents(store)
    call = verbs.open_session(
        store.keys.shards[0], new_token().sid, SALLY, expires_at=None, age=HOUR, idle=None, most=1, victims=()
    )
    opening = store.run(call)
    assert (opening.status, opening.victims) == ("limit", (first.sid,))
    assert not opening.lives
    assert contents(store) == before


def test_many_log_ins_at_once_leave_exactly_as_many_as_may_live(store):
    tokens = [new_token() for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        openings = list(pool.map(lambda token: store.open(token, SALLY, age=HOUR, most=3), tokens))
    assert len(store.sessions_of("1")) == 3
    assert {opening.status for opening in openings} == {"opened"}
    assert len(ends(store)) == 21
    assert set(ends(store).values()) == {"limit"}


def test_it_gives_up_when_others_are_always_faster(store):
    from session_store import steps
    from session_store.sessions import Opening

    opening = steps.open_session(
        store.keys, new_token(), SALLY, expires_at=None, age=HOUR, idle=None, replaces=(), lost=None, most=1
    )
    *beside, _ = next(opening)
    answers = [*[None] * len(beside), Opening("limit", 0, 0, ("x" * 22,))]
    for _ in range(TRIES - 1):
        assert len(opening.send(answers)) == 1
        answers = answers[-1:]
    with pytest.raises(StopIteration) as stop:
        opening.send(answers)
    assert stop.value.value.status == "limit"


def test_an_event_loop_does_the_same(store):
    first = aged(store)

    async def work(site: AsyncStore) -> None:
        assert (await site.open(new_token(), SALLY, age=HOUR, most=1)).status == "opened"

    run(store.config, work)
    assert ends(store) == {first.sid: "limit"}
