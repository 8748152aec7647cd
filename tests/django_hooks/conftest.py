"""A site on a real Redis, people with accounts, and browsers."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient, Client

from django_hooks import entry, retrying, stores
from session_store import Person, Session, Store, parse_token
from session_store.throttle import Throttle
from tests.mariadb import MariaDBServer
from tests.postgres import PostgresServer
from tests.servers import as_user
from tests.session_store.samples import history

from .databases import Database, mariadb, postgresql, routed, sqlite

NAME = "wiki_session"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"

T = TypeVar("T")


class Browser(Client):
    """A browser: it keeps cookies, and knows what its wiki cookie proves."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def log_in(self, username: str = "sally") -> None:
        assert self.post("/enter/", {"username": username, "password": "surf"}).status_code == 200

    def get_text(self, path: str) -> str:
        return self.get(path).content.decode()

    @property
    def wiki_cookie(self) -> str | None:
        morsel = self.cookies.get(NAME)
        return morsel.value or None if morsel else None

    @property
    def wiki_session(self) -> Session | None:
        """What the wiki would make of the cookie."""
        token = parse_token(self.wiki_cookie)
        return self.store.read(token) if token else None

    @property
    def wiki_name(self) -> str | None:
        session = self.wiki_session
        return session.record.person.name if session else None


class AsyncBrowser(Browser):
    """The same, whose requests are answered in an event loop, by Django's ASGI handler."""

    def get(self, *words: Any, **more: Any) -> Any:
        return in_loop(self._client.get, *words, **more)

    def post(self, *words: Any, **more: Any) -> Any:
        return in_loop(self._client.post, *words, **more)

    @property
    def _client(self) -> AsyncClient:
        client = AsyncClient()
        client.cookies = self.cookies
        return client


def in_loop(work: Callable[..., Awaitable[T]], *words: Any, **more: Any) -> T:
    """Do some work in an event loop of its own, which leaves no connection to Redis open."""

    async def main() -> T:
        try:
            return await work(*words, **more)
        finally:
            await stores.get_async_store().close()

    return async_to_sync(main)()


@pytest.fixture
def site(settings, store: Store, db, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The site, on the emptied server."""
    settings.WIKI_REDIS_URL = as_user(store.config.redis_url, "wiki-site")
    monkeypatch.setattr(stores, "_throttle", Throttle(seconds=60))
    monkeypatch.setattr(entry, "_throttle", Throttle(seconds=60))
    monkeypatch.setattr(retrying.pace, "_next", time.monotonic() + 3600)
    site = stores.get_store()
    # Where the site has an ACL user, tests look and meddle as the administrator.
    return site if store.config.redis_url == settings.WIKI_REDIS_URL else store


@pytest.fixture
def people(db) -> dict[str, User]:
    """Two members."""
    create = get_user_model().objects.create_user
    return {
        "sally": create("sally", "sally@example.org", "surf", first_name="Sally", last_name="Surf"),
        "harry": create("harry", "harry@example.org", "surf"),
    }


@pytest.fixture
def kind_of_browser() -> type[Browser]:
    """How requests are answered; a module may ask for both ways."""
    return Browser


@pytest.fixture
def browser(site: Store, people: dict[str, User], kind_of_browser: type[Browser]) -> Browser:
    """A browser that nobody has used yet."""
    return kind_of_browser(site)


@pytest.fixture
def other_browser(site: Store, people: dict[str, User], kind_of_browser: type[Browser]) -> Browser:
    """Another one."""
    return kind_of_browser(site)


def ends_of(store: Store) -> list[tuple[str, str]]:
    """Return sid and reason of every end in the stream, in order."""
    return [(event.sid, event.reason or "") for event in history(store) if event.action == "end"]


def starts_of(store: Store) -> list[str]:
    """Return the sid of every start in the stream, in order."""
    return [f[b"sid"].decode() for _, f in store.redis.xrange(store.keys.shards[0].audit) if f[b"action"] == b"start"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server that tests share."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def maria() -> Iterator[MariaDBServer]:
    """The MariaDB server that tests share."""
    with MariaDBServer() as server:
        yield server


#: How a database of each kind is made, and the server that it needs.
KINDS = {"sqlite": (sqlite, "tmp_path"), "postgresql": (postgresql, "postgres"), "mariadb": (mariadb, "maria")}


@pytest.fixture(params=KINDS)
def database(request, settings, django_db_blocker) -> Iterator[Database]:
    """A database for the audit table alone, of each kind; what is committed there is."""
    make, place = KINDS[request.param]
    database = make(request.getfixturevalue(place))
    with django_db_blocker.unblock(), routed(database, settings):
        yield database


@pytest.fixture
def stop() -> threading.Event:
    """What asks a follower to stop."""
    return threading.Event()


@pytest.fixture
def follower(database, store, stop):
    """Makes followers of the table; one that waits for nothing, as it is called for each step."""
    from django_hooks.audit.follower import Follower

    return lambda **words: Follower(
        **{"store": store, "name": "table", "stop": stop, "on_stored": lambda _: None, "wait": 0.01, **words}
    )


@pytest.fixture
def staff(people, browser: Browser):
    """Let sally into the admin, with some permissions and no others, and log her in."""

    def make(*codenames: str) -> Browser:
        sally = people["sally"]
        sally.is_staff = True
        sally.save()
        sally.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        browser.log_in()
        return browser

    return make


@pytest.fixture
def admin(staff) -> Browser:
    """A browser of sally's, who may see and end sessions, and see audit events."""
    return staff("view_livesession", "end_livesession", "view_auditevent")


@pytest.fixture
def harry(people) -> Person:
    """Who harry is in Redis."""
    return Person(str(people["harry"].pk), "harry", "harry@example.org", "Harry H.", "192.0.2.7", FIREFOX)
