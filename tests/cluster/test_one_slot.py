"""No command that a request sends touches keys of more than one slot; so requests are served by a cluster too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.contrib.auth import get_user_model
from django.urls import path
from moin.app import destroy_app

from django_hooks.whos_online import listing, memory
from moin_auth import ExternalCookie
from session_store import Config, Store
from session_store.keys import Keys
from session_store.scripts import load
from tests.cluster.listening import Heard, listening
from tests.cluster.servers import ClusterServers, slot_of
from tests.django_hooks import urls
from tests.django_hooks.conftest import AsyncBrowser, Browser
from tests.django_hooks.whos_online.urls import page
from tests.moin_auth.conftest import NAME, Wiki, make_app
from tests.servers import PATIENCE, RedisServer

SHARDS = 8
NAMES = ["sally", "harry", "admin"]

#: Scripts that a request can bring about.
EXPECTED = {"open", "check", "end", "forbid", "list_user", "update_user", "search_page", "list_online"}
EXPECTED |= {"report_member", "report_guest", "forget_member"}


class WithOnlinePage:
    """The site's addresses, with a page that shows who is online."""

    urlpatterns = (*urls.urlpatterns, path("page/", page))


@pytest.fixture(scope="module", params=["one server", "a cluster"])
def place(request) -> Iterator[tuple[str, list[redis.Redis]]]:
    """A URL, and clients to the servers behind it. One server refuses nothing: it shows what a cluster would refuse."""
    if request.param == "one server":
        with RedisServer() as server, server.client() as client:
            yield server.url, [client]
    else:
        with ClusterServers(replicas=0) as cluster:
            yield cluster.url, [node.admin for node in cluster.primaries]


@pytest.fixture
def servers(place, settings, db) -> list[redis.Redis]:
    """The servers, emptied, behind a site that counts its visitors."""
    url, servers = place
    for server in servers:
        server.flushall()
    settings.WIKI_REDIS_URL, settings.WIKI_REDIS_SHARDS, settings.WIKI_REDIS_TIMEOUT = url, SHARDS, PATIENCE
    settings.ROOT_URLCONF = WithOnlinePage
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_hooks.middleware.WhosOnlineMiddleware"]
    settings.WIKI_MAX_SESSIONS = 2
    memory.forget_all()
    listing._cache.clear()
    return servers


@pytest.fixture
def wiki(servers, settings, tmp_path: Path) -> Iterator[Wiki]:
    """A wiki on the same servers."""
    options = {"redis_url": settings.WIKI_REDIS_URL, "redis_shards": SHARDS, "redis_timeout": PATIENCE}
    app = make_app(tmp_path / "wiki", "", {"auth": [ExternalCookie(autocreate=True, **options)]})
    yield Wiki(app)
    destroy_app(app)


@pytest.fixture
def store(settings, servers) -> Store:
    """The site's store."""
    return Store(Config(redis_url=settings.WIKI_REDIS_URL, redis_shards=SHARDS, redis_timeout=PATIENCE), pause=0)


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


@pytest.fixture(params=[Browser, AsyncBrowser])
def browsers(request, store: Store) -> Callable[[str], Browser]:
    """Make browsers of people who have accounts, each in a shard of their own."""
    create = get_user_model().objects.create_user
    users = {name: create(name, password="surf", pk=number) for number, name in enumerate(NAMES, 1)}
    users["admin"].is_staff = users["admin"].is_superuser = True
    users["admin"].save()
    assert len({store.keys.of_user(str(user.pk)).number for user in users.values()}) == len(NAMES)

    def make(name: str) -> Browser:
        browser = request.param(store)
        if name:
            browser.log_in(name)
        return browser

    return make


def test_all_that_requests_send_names_keys_of_one_slot(
    servers, browsers, wiki: Wiki, caplog, django_capture_on_commit_callbacks
):
    with listening(servers) as heard:
        walk(browsers, wiki, django_capture_on_commit_callbacks)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert [command for command in heard if len(command.slots) > 1] == []
    assert verbs_in(heard) >= EXPECTED
    assert len({slot for command in heard for slot in command.slots} & shards()) == SHARDS


def walk(browsers: Callable[[str], Browser], wiki: Wiki, committing) -> None:
    """Do in browsers what people do, and look each time whether it worked."""
    sally, other, harry, admin = browsers("sally"), browsers("sally"), browsers("harry"), browsers("admin")
    guest = browsers("")
    reader = wiki.reader(sally.wiki_cookie)
    for browser, name in ((sally, "sally"), (harry, "harry"), (guest, "")):
        assert browser.get_text("/who/") == name
    assert wiki.name(reader) == "sally"
    assert "harry" in sally.get_text("/page/")
    assert "This browser" in sally.get_text("/sso/sessions/")
    assert admin.get("/admin/django_hooks/livesession/?q=sally").status_code == 200
    assert admin.get("/admin/django_hooks/livesession/dashboard/").status_code == 200
    third = browsers("sally")
    assert [browser.wiki_name for browser in (sally, other, third)].count("sally") == 2
    harry.get("/become/sally/")
    assert harry.wiki_name == "sally"
    user = get_user_model().objects.get(username="admin")
    with committing(execute=True):
        user.first_name = "Ada"
        user.save()
    assert third.get("/new-password/kept/").status_code == 200
    assert third.wiki_name == "sally"
    assert third.get_text("/leave/") == "out"
    assert third.wiki_name is None
    assert wiki.name(wiki.reader(admin.wiki_cookie)) == "Ada"
    with committing(execute=True):
        user.is_active = False
        user.save()
    assert wiki.name(wiki.reader(admin.cookies[NAME].value)) is None


def verbs_in(heard: list[Heard]) -> set[str]:
    """Return which of the expected scripts were run."""
    names = {load(verb).sha.encode(): verb for verb in EXPECTED}
    return {names.get(command.words[1], "") for command in heard if command.words[0] == b"EVALSHA"}


def shards() -> set[int]:
    """Return the slots of all shards."""
    return {slot_of(keys.sessions) for keys in Keys(shards=SHARDS).shards}
