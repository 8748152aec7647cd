"""An end that was asked for is never forgotten, whatever was away when it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from django_hooks import pending, retrying
from django_hooks.changes import proof_of
from django_hooks.chores import CHORES
from django_hooks.models import PendingEnd
from django_hooks.pending import retry, retry_now_and_then
from session_store import Config, Store, StoreUnavailable
from session_store.throttle import Throttle
from tests.servers import RedisServer

from .conftest import AsyncBrowser, Browser, ends_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def shared_server():
    with RedisServer(appendonly=True, appendfsync="always") as server:
        yield server


@pytest.fixture
def server(shared_server, site, settings):
    """A server that may be stopped; what was in it comes back."""
    with shared_server.client() as client:
        client.flushall()
    settings.WIKI_REDIS_URL = shared_server.url
    yield shared_server
    if shared_server._process is None:
        shared_server.start()


@pytest.fixture(params=[Browser, AsyncBrowser], ids=["sync", "async"])
def kind_of_browser(request):
    return request.param


@pytest.fixture
def own(server, site, people, kind_of_browser):
    return kind_of_browser(Store(Config(redis_url=server.url), pause=0))


@pytest.fixture
def other(server, site, people, kind_of_browser):
    return kind_of_browser(Store(Config(redis_url=server.url), pause=0))


@pytest.fixture
def sally(people):
    return people["sally"]


def look_soon():
    retrying.pace._next = 0.0


def test_a_log_out_while_redis_is_away_is_done_at_anybodys_next_request(own, other, server):
    own.log_in()
    sid = own.wiki_session.ref.sid
    other.log_in("harry")
    server.stop()
    own.get("/leave/")
    assert own.wiki_cookie is None
    assert PendingEnd.objects.count() == 2  # the session, and what a request beside it could have opened in its place
    server.start()
    look_soon()
    assert other.get_text("/who/") == "harry"
    assert ends_of(own.store) == [(sid, "logout")]
    assert not PendingEnd.objects.exists()


def test_a_log_out_while_redis_is_away_is_done_when_somebody_logs_in_and_never_by_who_has_no_session(
    own, other, server
):
    own.log_in()
    sid = own.wiki_session.ref.sid
    server.stop()
    own.get("/leave/")
    server.start()
    look_soon()
    other.get("/untouched/")
    other.get("/who/")
    assert ends_of(own.store) == []
    other.log_in("harry")
    assert ends_of(own.store) == [(sid, "logout")]
    assert not PendingEnd.objects.exists()


def test_a_log_out_while_redis_was_away_is_done_by_any_request_with_a_session(own, other, server):
    own.log_in()
    other.get("/save/")
    server.stop()
    own.get("/leave/")
    server.start()
    look_soon()
    other.get("/untouched/")
    assert [reason for _, reason in ends_of(own.store)] == ["logout"]
    assert not PendingEnd.objects.exists()


def test_who_comes_while_redis_is_away_pays_for_no_look(own, server):
    server.stop()
    look_soon()
    own.log_in()
    assert own.get_text("/who/") == "sally"
    assert retrying.pace.due()


@pytest.mark.parametrize("how", ["disabled", "deleted", "another password"])
def test_a_user_who_changes_while_redis_is_away_is_out_as_soon_as_it_answers(own, other, server, sally, how):
    own.log_in()
    other.log_in("harry")
    server.stop()
    if how == "disabled":
        sally.is_active = False
        sally.save()
    elif how == "deleted":
        sally.delete()
    else:
        sally.set_password("swell")
        sally.save()
    server.start()
    look_soon()
    other.get("/untouched/")
    assert [reason for _, reason in ends_of(own.store)] == [
        "password_change" if how == "another password" else "account_disabled"
    ]
    assert other.wiki_name == "harry"
    assert not PendingEnd.objects.exists()


def test_who_is_enabled_again_meanwhile_was_disabled_all_the_same(own, server, sally):
    own.log_in()
    server.stop()
    for active in (False, True):
        sally.is_active = active
        sally.save()
    server.start()
    retry()
    assert [reason for _, reason in ends_of(own.store)] == ["account_disabled"]


def test_a_new_name_arrives_late(own, server, sally):
    own.log_in()
    server.stop()
    sally.username = "sal"
    sally.save()
    server.start()
    retry()
    assert own.wiki_name == "sal"


def test_the_browser_that_the_password_was_changed_in_goes_on(own, other, server):
    own.log_in()
    other.log_in()
    server.stop()
    own.get("/new-password/kept/")
    server.start()
    retry()
    assert [reason for _, reason in ends_of(own.store)] == ["password_change"]
    assert own.get_text("/who/") == "sally"
    assert own.wiki_name == "sally"
    assert other.get_text("/who/") == ""


def test_a_later_session_is_not_ended_for_what_came_before_it(own, server, sally):
    own.log_in()
    row = PendingEnd.objects.create(user_id=str(sally.pk), reason="password_change", certain=True)
    PendingEnd.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=1))
    retry()
    assert own.wiki_name == "sally"
    assert not PendingEnd.objects.exists()


def test_another_user_in_the_browser_while_redis_is_away_leaves_no_cookie_of_the_first(own, server):
    own.log_in("sally")
    sid = own.wiki_session.ref.sid
    server.stop()
    own.log_in("harry")
    assert own.wiki_cookie is None
    server.start()
    retry()
    assert ends_of(own.store) == [(sid, "replaced")]
    own.get("/untouched/")
    assert own.wiki_name == "harry"


class TestAProcessThatDied:
    """Before it could say that the change had been committed."""

    @pytest.fixture(autouse=True)
    def _long_ago(self, monkeypatch):
        monkeypatch.setattr(pending, "DOUBTFUL", -1)

    @pytest.fixture
    def kind_of_browser(self):
        return Browser

    def test_what_it_had_changed_is_done(self, own, sally):
        own.log_in()
        proof = proof_of(sally)
        get_user_model().objects.filter(pk=sally.pk).update(password="another")
        PendingEnd.objects.create(user_id=str(sally.pk), reason="password_change", proof=proof)
        retry()
        assert [reason for _, reason in ends_of(own.store)] == ["password_change"]

    @pytest.mark.parametrize("reason", ["password_change", "account_disabled"])
    def test_what_it_had_not_changed_is_not(self, own, sally, reason):
        own.log_in()
        PendingEnd.objects.create(user_id=str(sally.pk), reason=reason, proof=proof_of(sally))
        retry()
        assert own.wiki_name == "sally"
        assert not PendingEnd.objects.exists()

    def test_what_is_not_long_ago_may_still_be_under_way(self, sally, monkeypatch):
        monkeypatch.setattr(pending, "DOUBTFUL", 60)
        PendingEnd.objects.create(user_id=str(sally.pk), reason="account_disabled")
        assert retry() == 0
        assert PendingEnd.objects.exists()


def test_one_that_cant_be_done_does_not_keep_others_from_being_done(own, sally, settings):
    own.log_in()
    settings.WIKI_USER_TEST = "tests.django_hooks.test_users.broken"
    PendingEnd.objects.create(user_id=str(sally.pk), certain=True)
    PendingEnd.objects.create(user_id="4711", certain=True)
    PendingEnd.objects.create(sid="x" * 22, shard=77, reason="logout", certain=True)
    assert retry() == 2
    assert PendingEnd.objects.get().user_id == str(sally.pk)


@pytest.mark.leaves_mess
def test_one_that_redis_refuses_keeps_others_waiting_for_one_look_alone(own, other, server, people):
    other.log_in("harry")
    keys = other.store.keys.of_user(str(people["sally"].pk))
    with server.client() as client:
        client.set(keys.users(str(people["sally"].pk)), "no set")
    for name in ("sally", "harry"):
        PendingEnd.objects.create(user_id=str(people[name].pk), reason="password_change", certain=True)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            retry()
    assert [reason for _, reason in ends_of(other.store)] == ["password_change"]
    assert PendingEnd.objects.get().user_id == str(people["sally"].pk)


def test_what_no_longer_matters_is_dropped(site, sally):
    PendingEnd.objects.create(sid="x" * 22, reason="logout", certain=True, until=timezone.now())
    assert retry() == 1
    assert site.redis.hlen(site.keys.shards[0].ended) == 0


def test_while_redis_is_away_nothing_is_dropped(own, server, sally):
    PendingEnd.objects.create(user_id=str(sally.pk), reason="account_disabled", certain=True)
    server.stop()
    with pytest.raises(StoreUnavailable):
        retry()
    assert PendingEnd.objects.exists()
    own.log_in()
    look_soon()
    assert own.get_text("/who/") == "sally"


def test_following_the_stream_does_it_too(own, sally, monkeypatch):
    monkeypatch.setattr(pending, "_pace", Throttle(seconds=60))
    assert retry_now_and_then in CHORES
    PendingEnd.objects.create(user_id=str(sally.pk), certain=True)
    retry_now_and_then()
    assert not PendingEnd.objects.exists()


def test_a_look_takes_no_longer_than_it_may(site, sally):
    for _ in range(5):
        PendingEnd.objects.create(user_id=str(sally.pk), certain=True)
    assert retry(seconds=-1) == 0
    assert retry(most=2) == 2


def test_requests_look_seldom(own, sally, django_assert_num_queries):
    own.log_in()
    look_soon()
    with django_assert_num_queries(2):
        own.get("/untouched/")
    with django_assert_num_queries(1):
        own.get("/untouched/")


def test_without_the_table_accounts_can_still_be_changed(own, sally, caplog, monkeypatch):
    monkeypatch.setattr(pending, "_throttle", Throttle(seconds=60))
    own.log_in()
    with connection.schema_editor() as editor:
        editor.delete_model(PendingEnd)
    try:
        sally.is_active = False
        sally.save()
        assert "has manage.py migrate been run?" in caplog.text
        assert [reason for _, reason in ends_of(own.store)] == ["account_disabled"]
        look_soon()
        assert own.get("/untouched/").status_code == 200
        monkeypatch.setattr(pending, "_pace", Throttle(seconds=60))
        retry_now_and_then()
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(PendingEnd)
