"""Under ASGI the middleware runs in the event loop itself: no thread, and no session read where that may block."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from http.cookies import SimpleCookie

import pytest
from asgiref.sync import SyncToAsync, iscoroutinefunction
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpResponse
from django.test import AsyncClient, AsyncRequestFactory

from django_hooks.middleware import WikiMiddleware
from tests.servers import PATIENCE

from .conftest import AsyncBrowser, ends_of, in_loop, starts_of

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]


@pytest.fixture
def kind_of_browser():
    return AsyncBrowser


def enter(browser, name="sally"):
    assert browser.post("/aenter/", {"username": name, "password": "surf"}).status_code == 200


async def answer(request):
    return HttpResponse("answered")


@pytest.mark.parametrize("engine", ENGINES)
def test_async_views_log_in_and_out(browser, settings, tmp_path, engine, site):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    enter(browser)
    token = browser.wiki_cookie
    assert browser.wiki_name == "sally"
    for page in ("/awho/", "/auntouched/", "/who/"):
        assert browser.get(page).status_code == 200
        assert browser.wiki_cookie == token
    browser.get("/aleave/")
    assert browser.wiki_cookie is None
    assert browser.get_text("/awho/") == ""
    assert [reason for _, reason in ends_of(site)] == ["logout"]


@pytest.mark.parametrize("page", ["/awho/", "/who/"])
@pytest.mark.parametrize("counts", [False, True], ids=["", "with who's online"])
def test_the_view_sees_no_user_of_a_session_that_was_ended(browser, site, settings, page, counts):
    if counts:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_hooks.middleware.WhosOnlineMiddleware"]
        settings.WHOS_ONLINE_INTERVAL = 0
    enter(browser)
    assert browser.get_text(page) == "sally"
    site.end(browser.wiki_session.ref, "revoked")
    assert browser.get_text(page) == ""
    assert browser.wiki_cookie is None


def test_another_user_who_logs_in_replaces_the_session(browser, site):
    enter(browser)
    enter(browser, "harry")
    assert browser.wiki_name == "harry"
    assert [reason for _, reason in ends_of(site)] == ["replaced"]


def test_a_streaming_response_gets_its_cookie(browser, people):
    browser.force_login(people["sally"])

    async def read():
        client = AsyncClient()
        client.cookies = browser.cookies
        response = await client.get("/astream/")
        return b"".join([part async for part in response.streaming_content])

    assert in_loop(read) == b"bit by bit"
    assert browser.wiki_name == "sally"


def test_a_logout_counts_though_the_client_has_gone(browser, site):
    enter(browser)
    with suppress(asyncio.CancelledError):
        browser.get("/aleave-and-hang-up/")
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_the_middleware_is_async_beside_async_ones_and_sync_beside_sync_ones():
    assert iscoroutinefunction(WikiMiddleware(answer))
    assert not iscoroutinefunction(WikiMiddleware(lambda _: HttpResponse()))


def test_a_logged_in_request_needs_no_thread(browser, site, settings, monkeypatch):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    enter(browser)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    request = AsyncRequestFactory().get("/", headers={"cookie": cookie})
    request.session = SessionStore(SimpleCookie(cookie)["sessionid"].value)
    AuthenticationMiddleware(answer).process_request(request)

    async def refuse(*_, **__):
        raise AssertionError("a thread was asked to do something")

    monkeypatch.setattr(SyncToAsync, "__call__", refuse)
    threads = threading.active_count()
    assert in_loop(WikiMiddleware(answer), request).content == b"answered"
    assert threading.active_count() == threads
    assert len(starts_of(site)) == 1


@pytest.mark.parametrize("lacks", ["a session of the wiki's", "a cookie"])
def test_many_requests_at_once_open_one_session(browser, people, site, settings, lacks):
    settings.WIKI_REDIS_TIMEOUT = PATIENCE  # on a busy machine they wait for each other
    enter(browser)
    site.redis.flushall()
    if lacks == "a cookie":
        del browser.cookies["wiki_session"]

    async def ask_at_once():
        clients = [AsyncClient() for _ in range(200)]
        for client in clients:
            client.cookies = SimpleCookie({name: morsel.value for name, morsel in browser.cookies.items()})
        await asyncio.gather(*(client.get("/auntouched/") for client in clients))
        return {client.cookies["wiki_session"].value for client in clients}

    tokens = in_loop(ask_at_once)
    assert len(tokens) == 1
    assert len(starts_of(site)) == site.count() == 1
    assert ends_of(site) == []


def test_a_request_without_any_cookie_does_without_session_and_redis(site, settings):
    request = AsyncRequestFactory().get("/")
    request.session = SessionStore(None)
    request.user = AnonymousUser()
    settings.WIKI_REDIS_URL = "redis://127.0.0.1:1/0"
    assert in_loop(WikiMiddleware(answer), request).content == b"answered"
    assert not request.session.accessed
