"""The audit table holds personal data as long as it may, and no longer."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_hooks.audit import purging
from django_hooks.models import AuditEvent
from session_store import Person
from tests.session_store.samples import HARRY, SALLY, opened, ref_of

from .audit import end, rows, store_all


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def site_redis(settings, store):
    settings.WIKI_REDIS_URL = store.config.redis_url


@pytest.fixture
def stored(store, follower, site_redis):
    """Sally and Harry have logged in; Sally has ended Harry's session and her own."""
    tokens = {person.name: opened(store, person) for person in (SALLY, HARRY)}
    store.end(ref_of(tokens["harry"], HARRY), "revoked", actor=SALLY.user_id)
    end(store, ref_of(tokens["sally"], SALLY))
    ours = follower()
    store_all(ours, store)
    return ours


def make(days_ago: float, number: int) -> AuditEvent:
    now = timezone.now()
    return AuditEvent(sid=f"{number:022d}", action="end", at=now - timedelta(days=days_ago), stored_at=now)


def test_a_purge_removes_what_is_older_in_batches_and_nothing_else(database, monkeypatch):
    monkeypatch.setattr(purging, "BATCH", 7)
    AuditEvent.objects.bulk_create([make(28.1 + i, i) for i in range(30)] + [make(27.9 - i, 100 + i) for i in range(5)])
    assert run("audit_purge", "--days", "28", "--dry-run").startswith("30 rows from before ")
    assert len(rows()) == 35
    assert json.loads(run("audit_purge", "--days", "28", "--json"))["rows"] == 30
    assert sorted(AuditEvent.objects.values_list("sid", flat=True)) == [f"{100 + i:022d}" for i in range(5)]
    assert json.loads(run("audit_purge", "--days", "28", "--json"))["rows"] == 0


@pytest.mark.parametrize("days", ["0", "-1", "36501", "99999999999"])
def test_a_purge_of_everything_is_refused(days):
    with pytest.raises(CommandError, match="--days must be from 1"):
        run("audit_purge", f"--days={days}")


def personal(row: AuditEvent) -> list[object]:
    return [value for value in (row.user_name, row.email, row.display_name, row.ip, row.user_agent) if value]


def test_a_forgotten_user_leaves_events_and_an_id_and_nothing_else(stored):
    before = rows()
    answer = run("audit_forget_user", "1")
    assert answer.startswith("2 rows of user 1 were erased\nnot reached: the worker's audit log")
    assert rows() == before
    for row in AuditEvent.objects.filter(user_id="1"):
        assert not personal(row)
        assert row.started_at
    assert {row.user_name for row in AuditEvent.objects.filter(user_id="2")} == {"harry"}
    assert AuditEvent.objects.get(user_id="2", action="end").actor == "1"
    everything = json.dumps(list(AuditEvent.objects.filter(user_id="1").values()), default=str)
    assert not any(text in everything for text in ("sally", "Sally", "192.0.2.1", "Firefox"))


def test_the_id_goes_too_where_that_is_asked_for(stored):
    run("audit_forget_user", "1", "--and-id")
    assert not AuditEvent.objects.filter(user_id="1").exists()
    assert AuditEvent.objects.get(user_id="2", action="end").actor == ""
    assert AuditEvent.objects.filter(user_id="").count() == 2


def test_a_dry_run_erases_nothing(stored):
    assert json.loads(run("audit_forget_user", "1", "--dry-run", "--json"))["rows"] == 2
    assert AuditEvent.objects.filter(user_name="sally").count() == 2


def test_a_user_can_be_named_unless_the_name_was_several_users(stored, store):
    assert "2 rows of user 2" in run("audit_forget_user", "harry", "--by-name")
    opened(store, Person("77", "sally"))
    store_all(stored, store)
    with pytest.raises(CommandError, match="several users: 1, 77"):
        run("audit_forget_user", "sally", "--by-name")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("words", [("3",), ("sally",), ("nobody", "--by-name"), ("",), ("", "--by-name")])
def test_a_user_of_whom_nothing_is_known_is_an_error_not_a_success(stored, words):
    with pytest.raises(CommandError, match="no row is of a user"):
        run("audit_forget_user", *words)


def test_it_says_what_it_can_not_reach(stored, store, settings):
    opened(store, SALLY)
    answer = json.loads(run("audit_forget_user", "1", "--json"))
    assert any(place.startswith("live sessions: 1") for place in answer["not_reached"])
    settings.WIKI_REDIS_URL = "unix:///nowhere"
    answer = json.loads(run("audit_forget_user", "1", "--json"))
    assert any(place.startswith("live sessions, if there are any") for place in answer["not_reached"])


def test_erased_rows_stay_erased_though_redis_goes_back(stored, store):
    run("audit_forget_user", "1")
    sids = set(AuditEvent.objects.filter(user_id="1").values_list("sid", flat=True))
    record = SALLY.to_json().replace("{", '{"created":1000,"expires":2000,', 1)
    for sid in sids:
        fields = {"action": "end", "sid": sid, "at": 1500, "reason": "logout", "record": record}
        store.redis.xadd(store.keys.shards[0].audit, fields)
    store_all(stored, store)
    assert not store.redis.xlen(store.keys.shards[0].audit)
    assert not AuditEvent.objects.filter(user_name="sally").exists()
