"""The audit table, whatever dies at whatever moment: no event is missing, none is there twice."""

from __future__ import annotations

import contextlib
import threading

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction

from session_store import Person, Ref, Store
from tests.session_store.samples import HARRY, MINUTE, SALLY, new_token, opened, ref_of
from tests.wait import wait_until

from .audit import Killed, die, end, forget_lease, once, open_some, read_batch, row_of, rows, store_all, waiting
from .databases import ALIAS


def test_what_began_and_ended_is_a_row_each_and_the_stream_is_trimmed(store, follower):
    refs = open_some(store, 3)
    end(store, refs[0])
    store_all(follower(), store)
    assert rows() == once(refs[0]) + once(*refs[1:], ended=False)
    assert waiting(store) == 0


def test_a_row_says_who_it_was_where_from_when_and_why(store, follower):
    token = opened(store, SALLY)
    session = store.read(token)
    ref = ref_of(token, SALLY)
    store.end(ref, "revoked", actor="9")
    store_all(follower(), store)
    start, ended = row_of(ref, "start"), row_of(ref)
    for row in (start, ended):
        assert (row.user_id, row.user_name, row.email, row.display_name) == (
            "1",
            "sally",
            "sally@example.org",
            "Sally Smith",
        )
        assert (row.ip, row.user_agent) == ("192.0.2.1", "Firefox")
        assert row.started_at.timestamp() * 1000 == pytest.approx(session.record.created)
        assert row.expires_at.timestamp() * 1000 == pytest.approx(session.record.expires)
    assert (start.at, start.duration, start.reason, start.actor) == (start.started_at, None, "", "")
    assert (ended.reason, ended.actor) == ("revoked", "9")
    assert ended.duration == ended.at - ended.started_at


#: Where a follower may die, as the name of a method and whether before or after it.
MOMENTS = [
    ("django_hooks.audit.table.AuditTable._store", "before"),
    ("django.db.models.QuerySet.bulk_create", "before"),
    ("django.db.models.QuerySet.bulk_create", "after"),
    ("django_hooks.audit.table.AuditTable._store", "after"),
    ("session_store.audit.AuditReader.acknowledge", "after"),
    ("session_store.audit.AuditReader.attach", "before"),
    ("session_store.audit.AuditReader.attach", "after"),
]


@pytest.mark.parametrize(("method", "moment"), MOMENTS)
def test_a_death_at_any_moment_costs_no_row_and_repeats_none(store, follower, monkeypatch, method, moment):
    refs = open_some(store, 5)
    end(store, *refs[:3])
    die(monkeypatch, method, moment)
    with pytest.raises(Killed):
        store_all(follower(), store)
    monkeypatch.undo()
    connections[ALIAS].close()
    forget_lease(store)
    end(store, refs[3])
    after = follower()
    store_all(after, store)
    assert rows() == once(*refs[:4]) + once(refs[4], ended=False)
    assert waiting(store) == 0


@pytest.mark.parametrize("clock", ["right", "behind"])
def test_a_redis_that_was_emptied_is_followed_from_its_new_beginning(store, follower, clock):
    first = open_some(store, 2)
    if clock == "behind":
        # As if its clock had been in the year 2286: after the loss, ids begin again far below.
        store.command("XSETID", store.keys.shards[0].audit, "9999999999999-0")
    end(store, first[0])
    ours = follower()
    store_all(ours, store)
    store.redis.flushall()
    ours._lanes[0]._looked = float("-inf")  # as if it had looked a while ago
    later = open_some(store, 2)
    end(store, later[0])
    wanted = once(first[0], later[0]) + once(first[1], later[1], ended=False)
    wait_until(lambda: ours.step() or rows() >= wanted, "the new rows")
    assert rows() == wanted


@pytest.mark.parametrize("restarted", [False, True])
def test_what_had_ended_before_redis_went_back_does_not_live_and_is_no_second_row(store, follower, restarted):
    refs = open_some(store, 700)
    ours = follower()
    store_all(ours, store)
    dump = {key: store.redis.dump(key) for key in store.redis.scan_iter()}
    deadlines = {key: store.redis.pexpiretime(key) for key in dump}
    end(store, *refs[:650])
    store_all(ours, store)
    store.redis.flushall()
    for key, content in dump.items():
        store.redis.restore(key, max(0, deadlines[key]), content, absttl=deadlines[key] > 0)
    if restarted:
        forget_lease(store)
        ours = follower()
    else:
        store.redis.hset(store.keys.shards[0].readers, "table", "0-0 another ")
        ours._lanes[0]._looked = float("-inf")
    wait_until(lambda: ours.step() or store.count() == 50, "those to be ended that had ended")
    assert {session.ref.sid for session in store.sessions()} == {ref.sid for ref in refs[650:]}
    end(store, *refs[650:])
    store_all(ours, store)
    assert rows() == once(*refs)
    assert waiting(store) == 0


def test_of_two_one_fills_the_table_and_the_other_stands_by_until_it_is_gone(store, follower, caplog):
    caplog.set_level("INFO", "django_hooks")
    first, second = follower(), follower()
    refs = open_some(store, 2)
    assert not first.step()
    assert second.step() > 0
    assert second.step() > 0
    assert second.standby
    assert caplog.text.count("standing by") == 1
    first.close()
    end(store, *refs)
    store_all(second, store)
    assert rows() == once(*refs)


def test_one_that_was_paused_and_replaced_writes_nothing_more(store, follower):
    first, second = follower(), follower()
    refs = open_some(store, 2)
    store_all(first, store)
    # Its lease has run out, and another has begun; it knows nothing of that.
    forget_lease(store)
    store_all(second, store)
    first._lease._asked = float("inf")
    end(store, refs[0])
    from django_hooks.audit.table import Replaced

    batch = read_batch(first)
    with pytest.raises(Replaced):
        first.table.store(batch.events, told=False)
    wait_until(lambda: first.step() or not first.attached, "it to notice")
    store_all(second, store)
    assert rows() == once(refs[0]) + once(refs[1], ended=False)


def test_one_that_was_replaced_stands_by_and_does_not_take_back(store, follower):
    first, second = follower(), follower()
    open_some(store, 1)
    store_all(first, store)
    forget_lease(store)
    store_all(second, store)
    open_some(store, 1)
    wait_until(lambda: first.step() or not first.attached, "it to notice")
    assert first.step() > 0
    assert first.standby
    assert second.attached
    store_all(second, store)


def test_a_stop_in_the_middle_of_a_long_comparison_is_heard(store, follower, stop):
    open_some(store, 1)
    stop.set()
    ours = follower()
    assert not ours.step()
    assert not ours.attached
    assert not rows()


def test_whoever_takes_over_waits_for_what_the_other_is_about_to_commit(store, follower):
    """Else rows could appear below those that receivers were told of."""
    first = follower()
    store_all(first, store)
    refs = open_some(store, 1)
    batch = read_batch(first)
    claimed = threading.Event()

    def take_over() -> None:
        try:
            wait_until(claim, "the other one to commit")
            claimed.set()
        finally:
            connections[ALIAS].close()

    def claim() -> bool:
        # It waits for a second at most; on a busy machine the other one may take longer.
        with contextlib.suppress(OperationalError):
            follower().table.claim()
            return True
        return False

    with transaction.atomic(using=ALIAS):
        first.table.store(batch.events, told=False)
        thread = threading.Thread(target=take_over)
        thread.start()
        assert not claimed.wait(0.2)
    thread.join(10)
    assert claimed.is_set()
    assert rows() == once(*refs, ended=False)


def test_an_entry_that_is_no_event_is_passed_over(store, follower, caplog):
    refs = open_some(store, 1)
    stream = store.keys.shards[0].audit
    store.redis.xadd(stream, {"action": "end", "sid": "short", "at": "1", "reason": "logout"})
    store.redis.xadd(stream, {"what": b"\xff"})
    end(store, *refs)
    store_all(follower(), store)
    assert rows() == once(*refs)
    assert waiting(store) == 0


HOSTILE = Person(
    "1" * 400, "nul\0 and \N{SURFER}", "e" * 400, "\u202e" + "d" * 400, "no address", "\N{PILE OF POO}" * 700
)


def test_texts_that_a_database_would_refuse_are_cut_and_mended(store, follower):
    ref = ref_of(opened(store, HOSTILE), HOSTILE)
    end(store, ref)
    store_all(follower(), store)
    row = row_of(ref)
    assert row.user_name == "nul and \N{SURFER}"
    assert row.user_id == "1" * 255
    assert row.user_agent == "\N{PILE OF POO}" * 512
    assert row.ip is None


def test_an_end_without_a_record_is_a_row_all_the_same(store, follower):
    token = opened(store)
    store.redis.hset(store.keys.shards[0].records, token.sid, "garbage")
    assert store.end(ref_of(token, SALLY), "logout") == "logout"
    store_all(follower(), store)
    row = row_of(ref_of(token))
    assert (row.user_id, row.started_at, row.duration, row.reason) == ("", None, None, "logout")


def test_addresses_are_kept_as_the_settings_say_whatever_the_record_holds(store, follower, settings):
    settings.WIKI_AUDIT_IP = "truncated"
    ref = ref_of(opened(store, SALLY), SALLY)
    store_all(follower(), store)
    assert row_of(ref, "start").ip == "192.0.2.0"


def test_a_database_that_knows_no_other_characters_gets_ascii(store, follower, monkeypatch):
    """Such as one in Latin-1; what it says is a DataError."""
    from django.db import DataError
    from django.db.models import QuerySet

    kept = QuerySet.bulk_create

    def picky(self, rows, **words):
        if not all(row.user_name.isascii() for row in rows):
            raise DataError("character has no equivalent in encoding LATIN1")
        return kept(self, rows, **words)

    monkeypatch.setattr(QuerySet, "bulk_create", picky)
    surfer = Person("7", "s\N{SURFER}rfer")
    refs = [ref_of(opened(store, person), person) for person in (HARRY, surfer, SALLY)]
    store_all(follower(), store)
    assert rows() == once(*refs, ended=False)
    assert row_of(refs[1], "start").user_name == "s?rfer"


def test_an_event_that_the_database_refuses_stops_no_other(store, follower, monkeypatch, caplog):
    from django.db import DataError
    from django.db.models import QuerySet

    from django_hooks.audit import table as audit_table
    from session_store.throttle import Throttle

    monkeypatch.setattr(audit_table, "_throttle", Throttle(seconds=60))
    kept = QuerySet.bulk_create

    def picky(self, rows, **words):
        if any(row.user_id == HARRY.user_id for row in rows):
            raise DataError("no")
        return kept(self, rows, **words)

    monkeypatch.setattr(QuerySet, "bulk_create", picky)
    refs = [ref_of(opened(store, person), person) for person in (SALLY, HARRY, SALLY)]
    store_all(follower(), store)
    assert rows() == once(refs[0], refs[2], ended=False)
    assert waiting(store) == 0
    assert f"{refs[1].sid}-start: the database refuses this event" in caplog.text


def test_every_shard_is_followed(redis_server, raw, database, stop):
    from django_hooks.audit.follower import Follower
    from session_store import Config

    store = Store(Config(redis_url=redis_server.url, redis_timeout=15, redis_shards=3))
    refs = []
    for shard in range(3):
        token = new_token(shard)
        store.open(token, SALLY, age=MINUTE)
        refs.append(Ref(shard, token.sid, SALLY.user_id))
    ours = Follower(store=store, name="table", stop=stop, on_stored=lambda _: None, wait=0.01)
    store_all(ours, store)
    store.redis.flushall()
    assert rows() == once(*refs, ended=False)


def test_shards_that_users_were_or_will_be_spread_over_are_followed_too(redis_server, raw, database, stop):
    from django_hooks.audit.follower import Follower
    from session_store import Config

    before, now, later = (
        Store(Config(redis_url=redis_server.url, redis_timeout=15, redis_shards=shards)) for shards in (3, 2, 5)
    )
    refs = open_spread(before)
    ours = Follower(store=now, name="table", stop=stop, on_stored=lambda _: None, wait=0.01)
    wait_until(lambda: ours.step() or rows() >= once(*refs, ended=False), "the rows of a shard of old")
    refs += open_spread(later)
    ours._learnt = float("-inf")  # as if it had asked a while ago
    wait_until(lambda: ours.step() or rows() >= once(*refs, ended=False), "the rows of new shards")
    store_all(ours, now)
    now.redis.flushall()
    assert rows() == once(*refs, ended=False)


def open_spread(store: Store) -> list[Ref]:
    """Open sessions in every shard, as sites do: over how many users are spread is noted with the first."""
    refs = []
    for number in range(30):
        person = Person(str(number), f"user {number}")
        token = new_token(store.keys.of_user(person.user_id).number)
        assert store.open(token, person, age=MINUTE).lives
        refs.append(ref_of(token, person))
    return refs


def test_a_row_in_the_table_already_is_counted_as_known(store, follower):
    from django_hooks.audit.following import Tally

    tally = Tally()
    refs = open_some(store, 3)
    store_all(follower(on_stored=tally.add), store)
    assert (tally.new, tally.known) == (3, 0)
    for ref in refs:
        store.redis.xadd(store.keys.shards[0].audit, {"action": "start", "sid": ref.sid, "at": 1})
    end(store, refs[0])
    forget_lease(store)
    store_all(follower(on_stored=tally.add), store)
    assert (tally.new, tally.known) == (4, 3)


def test_a_lost_table_is_an_error_that_names_it(store, follower):
    from django_hooks.audit.following import _words

    ours = follower()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DROP TABLE django_hooks_auditevent")
    open_some(store, 1)
    with pytest.raises(DatabaseError) as caught:
        store_all(ours, store)
    assert "has manage.py migrate been run?" in _words(caught.value)
