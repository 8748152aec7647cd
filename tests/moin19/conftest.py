"""Wikis of MoinMoin 1.9 on a real Redis, and sessions as the site opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from session_store import Person, Store, make_nonce, make_token
from tests.moin19.wikis import Wiki, running
from tests.servers import PATIENCE, RedisServer, as_user

HOUR = 3_600_000


@pytest.fixture
def log_in(store: Store) -> Callable[..., str]:
    """Open sessions by hand, as the site would, and return the cookie's value."""

    def open_session(name: str = "sally", user_id: str = "1", *, age: int = HOUR, **person: Any) -> str:
        token = make_token(b"the site's", make_nonce(), 0, 0)
        assert store.open(token, Person(user_id, name, **person), age=age).lives
        return token.value

    return open_session


@pytest.fixture(scope="module")
def make_wiki(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Wiki]]:
    """Run wikis, which a module's tests share where they can."""
    with ExitStack() as wikis:

        def make(place: Path | None = None, *, redis: RedisServer = redis_server, **options: Any) -> Wiki:
            method = {
                "redis_url": as_user(redis.url, "wiki-wiki"),
                "autocreate": True,
                "redis_timeout": PATIENCE,
            } | options.pop("method", {})
            return wikis.enter_context(
                running(place or tmp_path_factory.mktemp("wiki19"), {**options, "method": method})
            )

        yield make
