"""The site's requests while the primary that has somebody's session hangs, with and without an event loop."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model

from session_store import Config, Store, StoreUnavailable
from tests.cluster.servers import ClusterServers
from tests.django_hooks.conftest import AsyncBrowser, Browser
from tests.wait import wait_until

SHARDS = 8
TIMEOUT = 0.5

#: Seconds; what a busy machine may add.
LEEWAY = 0.5


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


@pytest.mark.parametrize("kind", [Browser, AsyncBrowser])
@pytest.mark.django_db
def test_a_request_waits_once_and_the_session_is_there_again_after_the_failover(
    kind: type[Browser], cluster: ClusterServers, settings
) -> None:
    settings.WIKI_REDIS_URL, settings.WIKI_REDIS_SHARDS, settings.WIKI_REDIS_TIMEOUT = cluster.url, SHARDS, TIMEOUT
    store = Store(Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=1), pause=0)
    user = get_user_model().objects.create_user("sally", password="surf")
    browser = kind(store)
    browser.log_in()
    assert browser.wiki_name == "sally"
    key = store.keys.of_user(str(user.pk)).sessions
    owner = cluster.owner_of(key)
    owner.admin.wait(1, 5000)
    owner.pause()
    try:
        assert _seconds_of(browser) < TIMEOUT + LEEWAY
        assert _seconds_of(browser) < LEEWAY, "it is left alone for a second"
        cluster.wait_for_new_owner(key, owner)
        wait_until(lambda: _is_back(browser, "sally"), "the session to be there again", 20)
    finally:
        owner.resume()


def _is_back(browser: Browser, name: str) -> bool:
    browser.get("/who/")
    try:
        return browser.wiki_name == name
    except StoreUnavailable:
        return False


def _seconds_of(browser: Browser) -> float:
    start = time.monotonic()
    assert browser.get("/who/").status_code == 200
    return time.monotonic() - start
