"""Servers as an operator sets them up who trusts nobody more than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from session_store import Config, Store
from tests.certificates import Authority
from tests.security.walks import Scene
from tests.servers import PATIENCE, RedisServer, as_user


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that everybody trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    """A server with the three users, and without a default one."""
    with RedisServer(users=True) as server:
        yield server


@pytest.fixture(scope="module")
def admin(guarded: RedisServer) -> Iterator[redis.Redis]:
    """Who may do everything there."""
    with guarded.client() as client:
        yield client


@pytest.fixture
def scene(guarded: RedisServer, admin: redis.Redis, tmp_path: Path) -> Scene:
    """An empty Redis, to be filled by an administrator."""
    admin.flushall()
    admin.acl_log_reset()
    return Scene(Store(Config(redis_url=guarded.url, redis_timeout=PATIENCE)), admin, tmp_path)


@pytest.fixture
def store_of(guarded: RedisServer) -> Callable[[str], Store]:
    """The store of one of the three."""
    return lambda user: Store(Config(redis_url=as_user(guarded.url, user), redis_timeout=PATIENCE), pause=0)
