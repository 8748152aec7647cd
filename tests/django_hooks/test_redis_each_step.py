"""Redis is away, hangs, or can't be written to, at each step of the site's: pages go on, and nothing is forgotten."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from django_hooks.models import PendingEnd
from django_hooks.pending import retry
from session_store import Config, Store, StoreUnavailable
from tests.servers import RedisServer, free_port
from tests.wait import wait_until

from .conftest import AsyncBrowser, Browser, ends_of

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds.
TIMEOUT, BUSY = 0.3, 0.7


@pytest.fixture(scope="module")
def server():
    with RedisServer(appendonly=True, appendfsync="always") as server:
        yield server


class Trouble:
    """What is wrong with Redis, for a while."""

    def __init__(self, kind, server):
        self.kind = kind
        self.server = server
        self.on = False

    def begin(self):
        self.on = True
        if self.kind == "away":
            self.server.stop()
        elif self.kind == "hung":
            self.server.pause()
        else:
            self._follow("127.0.0.1", free_port())

    def end(self):
        if not self.on:
            return
        self.on = False
        if self.kind == "away":
            self.server.start()
        elif self.kind == "hung":
            self.server.resume()
        else:
            self._follow("NO", "ONE")

    def _follow(self, *whom):
        with self.server.client() as client:
            client.replicaof(*whom)


@pytest.fixture(params=["away", "hung", "read-only"])
def trouble(request, server, site, settings):
    with server.client() as client:
        client.flushall()
    settings.WIKI_REDIS_URL = server.url
    settings.WIKI_REDIS_TIMEOUT = TIMEOUT
    trouble = Trouble(request.param, server)
    settings.HANG = trouble.begin
    yield trouble
    trouble.end()


@pytest.fixture(params=[Browser, AsyncBrowser], ids=["sync", "async"])
def own(request, trouble, server, people):
    return request.param(Store(Config(redis_url=server.url), pause=0))


def get(browser, path):
    start = time.monotonic()
    response = browser.get(path)
    assert response.status_code == 200
    assert time.monotonic() - start < TIMEOUT + BUSY
    return response.content.decode()


def log_in(browser):
    """Log in, and wait for a process that has lately seen Redis hang, in another test."""
    browser.log_in()
    wait_until(lambda: is_in_again(browser), "a session in the wiki")


def is_in_again(browser):
    browser.get("/untouched/")
    return browser.wiki_name == "sally"


def caught_up():
    with suppress(StoreUnavailable):
        retry()
    return not PendingEnd.objects.exists()


def test_at_a_log_in(own, trouble):
    trouble.begin()
    own.log_in()
    assert get(own, "/who/") == "sally"
    assert own.wiki_cookie is None
    trouble.end()
    wait_until(lambda: is_in_again(own), "a session in the wiki")


def test_within_a_log_in(own, trouble):
    assert own.post("/enter-while-redis-hangs/", {"username": "sally", "password": "surf"}).status_code == 200
    assert own.wiki_cookie is None
    trouble.end()
    wait_until(lambda: is_in_again(own), "a session in the wiki")


def test_at_a_page(own, trouble):
    log_in(own)
    token = own.wiki_cookie
    trouble.begin()
    assert get(own, "/who/") == "sally"
    assert get(own, "/save/") == "saved"
    trouble.end()
    wait_until(lambda: is_in_again(own), "a session in the wiki")
    assert own.wiki_cookie == token
    assert ends_of(own.store) == []


@pytest.mark.parametrize("page", ["/leave/", "/leave-while-redis-hangs/"])
def test_at_a_log_out(own, trouble, page):
    log_in(own)
    sid = own.wiki_session.ref.sid
    if page == "/leave/":
        trouble.begin()
    get(own, page)
    assert own.wiki_cookie is None
    assert get(own, "/who/") == ""
    trouble.end()
    wait_until(caught_up, "the log-out to be done")
    assert ends_of(own.store) == [(sid, "logout")]


def test_at_a_change_of_an_account(own, trouble, people):
    log_in(own)
    sid = own.wiki_session.ref.sid
    trouble.begin()
    people["sally"].is_active = False
    people["sally"].save()
    assert get(own, "/who/") == ""
    trouble.end()
    wait_until(caught_up, "the change to be told")
    assert [end for end in ends_of(own.store) if end[0] == sid] == [(sid, "account_disabled")]
