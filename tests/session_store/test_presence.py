"""Who is online, on a real server. Time is moved by writing scores, as nothing here waits for it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from session_store import AsyncStore, Config, Store, presence
from session_store.keys import CrowdKeys
from session_store.presence import (
    STEP,
    STEPS,
    forget_member,
    hide_member,
    list_online,
    online_history,
    report_member,
    report_visitor,
    tidy_online,
)
from session_store.throttle import Throttle
from tests.wait import wait_until

from .samples import opened, server_time

WINDOW = 900_000
DAY = 86_400_000


@pytest.fixture
def keys(store):
    return store.keys.online


def member(store, user_id="1", name="sally", **more):
    return store.run(report_member(store.keys.online, user_id, name, **{"window": WINDOW, **more}))


def guest(store, number=0, *, crowd=None, days=None, known=100_000, window=WINDOW):
    today = server_time(store) // DAY
    ids = days or {day: f"{number}-{day}" for day in (today - 1, today, today + 1)}
    keys = store.keys.online
    return store.run(report_visitor(keys, crowd or keys.guests, f"w{number}", ids, window=window, known=known))


def online(store, *, window=WINDOW, limit=25):
    return store.run(list_online(store.keys.online, window=window, limit=limit))


def tidy(store, *, window=WINDOW, fresh=0, batch=500):
    return store.run(tidy_online(store.keys.online, window=window, batch=batch, fresh=fresh))


def names(store, **more):
    return [m.name for m in online(store, **more).seen]


def age(store, key, user_id, ms):
    """Make it so that somebody was seen that much earlier."""
    store.redis.zadd(key, {user_id: server_time(store) - ms})


def counts(store):
    now = online(store)
    return now.members, now.hidden, now.guests, now.bots


def test_nobody_is_online_at_first(store):
    now = online(store)
    assert (now.members, now.hidden, now.guests, now.bots, now.peak, now.seen) == (0, 0, 0, 0, None, ())


def test_a_member_is_online_once_reported(store):
    before = server_time(store)
    assert member(store)
    (sally,) = online(store).seen
    assert (sally.user_id, sally.name, sally.hides) == ("1", "sally", False)
    assert before <= sally.seen <= server_time(store)


def test_the_last_seen_comes_first_and_counts_go_beyond_the_limit(store, keys):
    for number in range(5):
        member(store, str(number), f"user {number}")
        age(store, keys.members, str(number), 1000 - number)
    now = online(store, limit=2)
    assert [m.name for m in now.seen] == ["user 4", "user 3"]
    assert now.members == 5


def test_a_new_name_takes_the_old_ones_place(store):
    member(store)
    member(store, name="sally2")
    assert names(store) == ["sally2"]


def test_a_member_who_was_not_seen_within_the_window_is_not_online(store, keys):
    member(store)
    age(store, keys.members, "1", WINDOW)
    assert online(store).members == 0
    assert names(store) == []
    age(store, keys.members, "1", WINDOW - 5000)
    assert online(store).members == 1


def test_who_was_seen_in_a_future_that_no_clock_explains_is_not_online_and_is_forgotten(store, keys):
    member(store)
    age(store, keys.members, "1", -3_600_000)
    assert online(store).members == 0
    assert tidy(store) == 1
    assert not store.redis.exists(keys.members, keys.names)


def test_a_log_out_takes_a_member_off_and_requests_under_way_dont_bring_them_back(store, keys):
    member(store)
    assert store.run(forget_member(keys, "1"))
    assert not member(store)
    assert names(store) == []
    assert 0 < store.redis.pttl(keys.left) <= 30_000
    assert not store.run(forget_member(keys, "1"))


def test_a_log_in_after_a_log_out_counts_at_once(store, keys):
    member(store)
    store.run(forget_member(keys, "1"))
    assert member(store, arrives=True)
    assert member(store)
    assert names(store) == ["sally"]


def test_a_log_out_is_forgotten_in_time(store, keys):
    store.run(forget_member(keys, "1"))
    age(store, keys.left, "1", 1)
    assert member(store)
    age(store, keys.left, "2", 1)
    store.run(forget_member(keys, "3"))
    assert store.redis.zrange(keys.left, 0, -1) == [b"3"]


def test_an_end_takes_off_only_who_was_not_seen_since(store, keys):
    member(store)
    seen = online(store).seen[0].seen
    assert not store.run(forget_member(keys, "1", seen_by=seen - 1))
    assert names(store) == ["sally"]
    assert store.run(forget_member(keys, "1", seen_by=seen))
    assert names(store) == []
    assert member(store)


def test_a_member_who_hides_is_apart_whoever_reports_them(store, keys):
    member(store, hides=True)
    member(store, "2", "harry")
    member(store)
    now = online(store)
    assert [m.name for m in now.seen] == ["harry"]
    assert [(m.name, m.hides) for m in now.seen_hidden] == [("sally", True)]
    assert (now.members, now.hidden) == (1, 1)
    member(store, hides=False)
    assert set(names(store)) == {"sally", "harry"}
    assert counts(store) == (2, 0, 0, 0)
    member(store, hides=True)
    assert counts(store) == (1, 1, 0, 0)


def test_hiding_and_showing_work_at_once_and_keep_when_one_was_seen(store, keys):
    member(store)
    seen = online(store).seen[0].seen
    assert store.run(hide_member(keys, "1", hides=True))
    assert not store.run(hide_member(keys, "1", hides=True))
    now = online(store)
    assert (now.members, now.seen_hidden[0].seen) == (0, seen)
    assert store.redis.pttl(keys.hidden) > 0
    assert store.run(hide_member(keys, "1", hides=False))
    assert [m.seen for m in online(store).seen] == [seen]


def test_who_hides_before_coming_is_hidden_on_coming(store, keys):
    store.run(hide_member(keys, "1", hides=True))
    member(store, arrives=True)
    assert counts(store) == (0, 1, 0, 0)


def test_a_guest_counts_once_however_often_reported(store):
    for _ in range(3):
        guest(store, 1)
    guest(store, 2)
    assert counts(store) == (0, 0, 2, 0)


def test_bots_count_apart(store, keys):
    guest(store, 1, crowd=keys.bots)
    guest(store, 1)
    assert counts(store) == (0, 0, 1, 1)


def test_a_guest_who_logs_in_is_no_guest_any_more(store):
    guest(store, 1)
    guest(store, 2)
    today = server_time(store) // DAY
    member(store, arrives=True, was=[f"1-{day}" for day in (today - 1, today, today + 1)])
    assert counts(store) == (1, 0, 1, 0)


def test_a_guest_who_stays_past_midnight_does_not_count_twice(store, keys):
    today = server_time(store) // DAY
    store.redis.zadd(keys.guests.seen, {f"1-{today - 1}": server_time(store) - 1000})
    guest(store, 1)
    assert store.redis.zrange(keys.guests.seen, 0, -1) == [f"1-{today}".encode()]


@pytest.mark.parametrize("days_off", [-1, 1])
def test_redis_says_which_day_it_is_where_a_host_is_wrong_about_it(store, keys, days_off):
    today = server_time(store) // DAY
    believed = today + days_off
    guest(store, 1, days={day: f"1-{day}" for day in (believed - 1, believed, believed + 1)})
    guest(store, 1)
    assert store.redis.zrange(keys.guests.seen, 0, -1) == [f"1-{today}".encode()]


def test_a_host_whose_clock_is_far_off_still_counts(store, keys):
    guest(store, 1, days={1: "1-1", 2: "1-2", 3: "1-3"})
    assert store.redis.zrange(keys.guests.seen, 0, -1) == [b"1-2"]


def test_beyond_those_who_are_known_one_by_one_the_count_stays_right(store, keys):
    for number in range(3000):
        guest(store, number, known=500)
    assert store.redis.zcard(keys.guests.seen) == 500
    assert online(store).guests == pytest.approx(3000, rel=0.02)
    guest(store, 7, known=500)
    assert online(store).guests == pytest.approx(3000, rel=0.02)


def test_the_sketches_forget_those_who_came_before_the_window(store, keys):
    window = 2_000
    for number in range(50):
        guest(store, number, known=10, window=window)
    assert online(store, window=window).guests == pytest.approx(50, abs=2)
    wait_until(lambda: online(store, window=window).guests == 0, "the crowd to be gone")
    wait_until(lambda: not list(store.redis.scan_iter("*slice*")), "the sketches to be gone")


def test_the_oldest_slice_counts_in_proportion(store, keys):
    width = WINDOW // (CrowdKeys.SLICES - 2)
    now = server_time(store)
    number = now // width - (CrowdKeys.SLICES - 2)
    for ring in keys.guests.rings:
        store.redis.pfadd(ring[number % CrowdKeys.SLICES], *range(250))
    store.redis.set(keys.guests.full, "")
    part = 1 - (now % width) / width
    assert online(store).guests == pytest.approx(1000 * part, abs=25)


def test_writing_forgets_who_was_not_seen_for_long(store, keys):
    for number in range(5):
        member(store, str(number))
        age(store, keys.members, str(number), WINDOW + 1)
        guest(store, number)
    today = server_time(store) // DAY
    for number in range(5):
        age(store, keys.guests.seen, f"{number}-{today}", WINDOW + 1)
    member(store, "9")
    guest(store, 9)
    assert store.redis.zrange(keys.members, 0, -1) == [b"9"]
    assert store.redis.hkeys(keys.names) == [b"9"]
    assert store.redis.zcard(keys.guests.seen) == 1


def test_all_is_gone_when_nobody_comes_any_more(store, keys):
    member(store)
    member(store, "2", hides=True)
    guest(store)
    guest(store, crowd=keys.bots)
    tidy(store)
    lasting = {keys.state.encode(), keys.hiding.encode()}
    for key in store.redis.scan_iter():
        assert (store.redis.pttl(key) > 0) is (key not in lasting), key


def test_no_name_outlives_its_member_because_of_those_who_hide(store, keys):
    member(store)
    store.redis.pexpire(keys.members, 200)
    member(store, "2", hides=True)
    assert store.redis.pttl(keys.members) > 200
    age(store, keys.members, "1", WINDOW)
    member(store, "2")
    assert store.redis.hkeys(keys.names) == [b"2"]


def test_tidying_forgets_in_batches_whoever_is_stale(store, keys):
    for number in range(30):
        store.redis.zadd(keys.members, {str(number): 1})
        store.redis.hset(keys.names, str(number), "x")
        store.redis.zadd(keys.bots.seen, {str(number): 1})
    assert tidy(store, batch=20) == 40
    assert tidy(store, batch=20) == 20
    assert tidy(store, batch=20) == 0
    assert not store.redis.exists(keys.members, keys.names, keys.bots.seen)


def test_only_one_tidies_at_a_time(store, keys):
    assert tidy(store, fresh=5000) == 0
    store.redis.zadd(keys.members, {"1": 1})
    assert tidy(store, fresh=5000) == 0
    assert store.redis.exists(keys.members)
    assert tidy(store) == 1


def test_where_no_site_counts_the_wiki_and_the_worker_leave_nothing_behind(store):
    assert not member(store, window=None)
    assert tidy(store, window=None) is None
    assert list(store.redis.scan_iter()) == []


def test_the_site_says_how_long_a_visitor_counts(store, keys):
    guest(store, window=500_000)
    assert member(store, window=None)
    assert 499_000 < store.redis.pttl(keys.members) <= 500_000
    assert tidy(store, window=None) == 0


def test_the_peak_is_kept_and_never_below_what_is_seen_now(store, keys):
    member(store)
    guest(store)
    assert online(store).peak.total == 2
    tidy(store)
    before = online(store).peak
    store.run(forget_member(keys, "1"))
    tidy(store)
    assert online(store).peak == before
    assert before.total == 2
    assert 0 < before.at <= server_time(store)


def test_who_hides_counts_as_a_guest_in_the_history(store, keys):
    member(store)
    member(store, "2", hides=True)
    guest(store)
    tidy(store)
    now, (moment,) = store.run(online_history(keys))
    assert (moment.members, moment.guests) == (1, 2)
    assert moment.at == now // STEP * STEP


def test_a_step_of_the_history_keeps_the_most_and_the_history_its_size(store, keys):
    now = server_time(store)
    for step in range(now // STEP - 2 * STEPS, now // STEP):
        store.redis.hset(keys.history, step % STEPS, f"{step} {step % 7} 1")
    member(store)
    member(store, "2")
    tidy(store)
    store.run(forget_member(keys, "2"))
    tidy(store)
    _, moments = store.run(online_history(keys))
    assert len(moments) == STEPS == store.redis.hlen(keys.history)
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert (moments[-1].members, moments[-1].guests) == (2, 0)


def test_what_somebody_has_put_there_is_passed_over(store, keys):
    store.redis.hset(keys.state, mapping={"peak": "lots", "noted": "never", "window": "soon"})
    store.redis.hset(keys.history, mapping={"0": "x", "1": "1 2", "what": "\xff", "2": f"{'9' * 30} 1 1"})
    store.redis.zadd(keys.members, {b"\xff": server_time(store)})
    store.redis.hset(keys.names, b"\xff", b"\xfe")
    store.redis.zadd(keys.members, {"nameless": server_time(store)})
    now = online(store)
    assert [m.name for m in now.seen] == ["\ufffd"]
    assert now.peak.total == 2
    assert store.run(online_history(keys))[1] == []
    assert tidy(store) == 0


@pytest.mark.parametrize("name", ["members", "hidden", "hiding", "names", "left", "state"])
def test_a_key_of_another_type_is_named_and_fails_nothing_that_travels_along(store, keys, name, caplog, monkeypatch):
    monkeypatch.setattr(presence, "_throttle", Throttle(seconds=60))
    store.redis.set(getattr(keys, name), "x")
    report = report_member(keys, "1", "sally", window=WINDOW)
    tidying = tidy_online(keys, window=WINDOW)
    first, last, *_ = store.run_all([report, report, tidying])
    assert (first, last) == (False, False)
    assert len(caplog.records) == 1
    assert f"WRONGTYPE sso:{{online}}:{name} holds a string" in caplog.text


@pytest.fixture
def restricted(store, redis_server):
    """The URL of somebody who may only touch sessions."""
    store.redis.acl_setuser("wiki", enabled=True, passwords=["+word"], categories=["+@all"], keys=["sso:{0}:*"])
    yield redis_server.url.replace("redis://", "redis://wiki:word@")
    store.redis.acl_deluser("wiki")


@pytest.mark.parametrize("known", [True, False], ids=["scripts known", "scripts new"])
def test_what_redis_refuses_to_note_does_not_hinder_the_look_at_a_session(store, keys, restricted, known, caplog):
    token = opened(store)
    visitor = report_visitor(keys, keys.guests, "w", {1: "a", 2: "b", 3: "c"}, window=WINDOW)
    beside = [report_member(keys, "1", "sally", window=WINDOW), visitor, tidy_online(keys, window=WINDOW)]
    if known:
        store.run_all(beside)
    else:
        store.redis.script_flush()
    (check,) = Store(Config(redis_url=restricted)).check([token], beside=beside)
    assert check.session.record.person.name == "sally"

    async def in_a_loop():
        site = AsyncStore(Config(redis_url=restricted))
        try:
            return await site.check([token], beside=beside)
        finally:
            await site.close()

    if not known:
        store.redis.script_flush()
    assert asyncio.run(in_a_loop())[0].session == check.session
    assert store.redis.exists(keys.members) == known


def test_names_asked_for_have_a_bound(store):
    call = list_online(store.keys.online, window=WINDOW, limit=10**9)
    assert call.arguments[1] == 5000
    assert list_online(store.keys.online, window=WINDOW, limit=-1).arguments[1] == 0
    assert store.run(call).seen == ()


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user_id=st.text(min_size=1, max_size=40), name=st.text(max_size=300))
def test_any_name_comes_back_as_it_was(store, user_id, name):
    store.redis.flushall()
    utf8 = "".join(c for c in user_id if not 0xD800 <= ord(c) < 0xE000) or "1"
    clean = "".join(c for c in name if not 0xD800 <= ord(c) < 0xE000)
    member(store, utf8, clean)
    (seen,) = online(store).seen
    assert (seen.user_id, seen.name) == (utf8, clean[:150])
