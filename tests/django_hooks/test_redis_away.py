"""The site fails soft: pages and log-ins work without Redis, within the timeout, and the log says so."""

from __future__ import annotations

import time

import pytest

from django_hooks.models import PendingEnd
from django_hooks.pending import retry
from session_store import Config, Store
from tests.servers import RedisServer, free_port

from .conftest import AsyncBrowser, Browser, ends_of


@pytest.fixture
def own_server():
    with RedisServer(appendonly=True, appendfsync="always") as server:
        yield server


@pytest.fixture
def own_browser(own_server, settings, site, people):
    settings.WIKI_REDIS_URL = own_server.url
    return Browser(Store(Config(redis_url=own_server.url), pause=0))


def test_a_login_works_while_redis_is_away_and_the_log_says_so(browser, settings, caplog):
    settings.WIKI_REDIS_URL = f"redis://:secret-word@127.0.0.1:{free_port()}/0"
    browser.log_in()
    for _ in range(3):
        assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie is None
    assert len([r for r in caplog.records if "could not be opened" in r.message]) == 1
    assert "secret-word" not in caplog.text


def test_what_was_missed_while_redis_was_away_is_there_at_the_next_request(own_browser, own_server):
    own_server.stop()
    own_browser.log_in()
    own_server.start()
    own_browser.get("/untouched/")
    assert own_browser.wiki_name == "sally"


def test_nobody_is_logged_out_while_redis_is_away(own_browser, own_server):
    own_browser.log_in()
    token = own_browser.wiki_cookie
    own_server.stop()
    assert own_browser.get_text("/who/") == "sally"
    assert own_browser.wiki_cookie == token
    own_server.start()
    assert own_browser.get_text("/who/") == "sally"
    assert own_browser.wiki_name == "sally"
    assert ends_of(own_browser.store) == []


def test_a_hung_redis_costs_one_timeout_and_then_nothing_for_a_second(own_browser, own_server, settings):
    settings.WIKI_REDIS_TIMEOUT = 0.2
    own_browser.log_in()
    own_server.pause()
    try:
        start = time.monotonic()
        assert own_browser.get_text("/who/") == "sally"
        first = time.monotonic() - start
        for _ in range(5):
            assert own_browser.get_text("/who/") == "sally"
        rest = time.monotonic() - start - first
    finally:
        own_server.resume()
    assert first < 0.8
    assert rest < 0.5


@pytest.mark.parametrize("kind", [Browser, AsyncBrowser], ids=["sync", "async"])
def test_a_redis_that_hangs_between_two_round_trips_costs_no_more_than_one_timeout(
    own_browser, own_server, settings, kind
):
    settings.WIKI_REDIS_TIMEOUT = 1.6
    own_browser.log_in()
    browser = kind(own_browser.store)
    browser.cookies = own_browser.cookies
    settings.HANG = own_server.pause
    start = time.monotonic()
    try:
        assert browser.get("/leave-while-redis-hangs/").status_code == 200
        took = time.monotonic() - start
    finally:
        own_server.resume()
    assert browser.wiki_cookie is None
    # Where a round trip can't be cut off, the second may only take half as long as the first.
    assert took < (1.5 if kind is Browser else 2.3)
    assert PendingEnd.objects.exists()


def test_a_redis_that_dies_before_the_opening_leaves_no_cookie_of_another_user(own_browser, own_server, settings):
    own_browser.log_in("harry")
    sid = own_browser.wiki_session.ref.sid
    settings.HANG = own_server.stop
    own_browser.get("/become-while-redis-hangs/sally/")
    assert own_browser.wiki_cookie is None
    own_server.start()
    assert retry() == 1
    assert ends_of(own_browser.store) == [(sid, "replaced")]
    assert own_browser.get_text("/who/") == "sally"
    assert own_browser.wiki_name == "sally"


def test_a_logout_works_while_redis_is_away(own_browser, own_server, caplog):
    own_browser.log_in()
    own_server.stop()
    own_browser.get("/leave/")
    assert own_browser.wiki_cookie is None
    assert own_browser.get_text("/who/") == ""
    assert "an end has not reached the wiki; it will as soon as Redis answers" in caplog.text


def test_a_read_only_replica_is_no_500(own_browser, own_server):
    own_browser.log_in()
    with own_server.client() as client:
        client.replicaof("127.0.0.1", free_port())
    own_browser.log_in("harry")
    assert own_browser.get_text("/who/") == "harry"


def test_keys_of_the_wrong_type_are_no_500(browser, site, caplog):
    for name in ("sessions", "records", "ended", "audit"):
        site.redis.flushall()
        site.redis.lpush(f"sso:{{0}}:{name}", "x")
        browser.log_in()
        assert browser.get("/who/").status_code == 200
    site.redis.flushall()
    assert "holds a list" in caplog.text
