"""A site that wants to know who is online, and nothing else: no wiki."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import AsyncClient, Client
from redis import Redis

from django_hooks.whos_online import listing, memory
from session_store import Store
from session_store.presence import Online, list_online

WINDOW = 900_000

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def club(site: Store, people, settings) -> Iterator[Store]:
    """The site, and its store for looking."""
    settings.ROOT_URLCONF = "tests.django_hooks.whos_online.urls"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django_hooks.middleware.WhosOnlineMiddleware",
    ]
    new_process()
    yield site
    new_process()


@pytest.fixture
def visitor(club: Store) -> Client:
    """A browser."""
    return browser()


def browser(address: str = "192.0.2.1", agent: str = FIREFOX) -> Client:
    return Client(REMOTE_ADDR=address, headers={"User-Agent": agent})


class AsyncBrowser(AsyncClient):
    """A browser that asks in an event loop."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__(headers={"User-Agent": FIREFOX})
        self._address = address

    def _base_scope(self, **request: object) -> dict[str, object]:
        return {**super()._base_scope(**request), "client": (self._address, 4711)}


def log_in(client: Client, name: str = "sally") -> None:
    assert client.post("/enter/", {"username": name, "password": "surf"}).status_code == 200


def new_process() -> None:
    """Forget what this process has reported and read, as another one would not know it."""
    memory.forget_all()
    listing._cache.clear()


def online(store: Store) -> Online:
    return store.run(list_online(store.keys.online, window=WINDOW, limit=100))


def names(store: Store) -> list[str]:
    return [member.name for member in online(store).seen]


@pytest.fixture
def commands(raw: Redis) -> Callable[[], int]:
    """Return how many commands Redis has had since it was last asked."""
    last = 0

    def count() -> int:
        nonlocal last
        # Asking counts too, and is not counted.
        now = int(raw.info("stats")["total_commands_processed"])
        found, last = now - last - 1, now
        return found

    count()
    return count
