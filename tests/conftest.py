"""What all tests share: one real server, a store on it, and a look at what each test leaves behind."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import hypothesis
import moin.log
import pytest
import redis

from session_store import Config, Store

from .servers import PATIENCE, USERS, RedisServer, know_old_servers

# moin configures logging once, and silences every logger that exists by then: the site's, which Django has made.
moin.log.getLogger(__name__)
for logger in logging.Logger.manager.loggerDict.values():
    if isinstance(logger, logging.Logger):
        logger.disabled = False

hypothesis.settings.register_profile("local", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


know_old_servers()


def pytest_configure(config: pytest.Config) -> None:
    """Announce the markers of this project."""
    config.addinivalue_line(
        "markers",
        "unguarded: does what the ACL users may not, or speaks in the clear; left out where `make test-users` runs",
    )
    config.addinivalue_line(
        "markers", "valkey: a millisecond counts, which passes within a script of Redis 6.2 and 7.0; left out there"
    )
    config.addinivalue_line("markers", "redis7: looks with what Redis 6.2 lacks; left out there")
    config.addinivalue_line(
        "markers", "leaves_mess: leaves, on purpose, keys without TTL or an index that its records don't match"
    )


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The server that tests share; one that must kill, pause or fill a server starts its own."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def raw(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A plain client for looking and meddling by hand, on the emptied server."""
    with redis_server.client() as client:
        client.flushall()
        # The worker's ACL user can't set them.
        client.config_set("notify-keyspace-events", "Kxe" if os.environ.get(USERS) else "")
        yield client


@pytest.fixture
def store(redis_server: RedisServer, raw: redis.Redis) -> Store:
    """A store on the emptied server, patient, so that a busy machine fails no test."""
    return Store(Config(redis_url=redis_server.url, redis_timeout=PATIENCE))


@pytest.fixture(autouse=True)
def _no_mess(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves what nothing in Redis would ever clear."""
    if "store" not in request.fixturenames:
        yield
        return
    store: Store = request.getfixturevalue("store")
    raw: redis.Redis = request.getfixturevalue("raw")
    yield
    if request.node.get_closest_marker("leaves_mess") is None:
        mess = list(mess_of(store, raw))
        assert not mess, "left behind: " + "; ".join(mess)


@pytest.fixture(autouse=True)
def _nothing_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which site, wiki or worker wanted to do what their ACL users may not."""
    if "raw" not in request.fixturenames or not os.environ.get(USERS):
        yield
        return
    raw: redis.Redis = request.getfixturevalue("raw")
    raw.acl_log_reset()
    yield
    refused = [f"{entry['username']}: {entry['object']} ({entry['context']})" for entry in raw.acl_log()]
    # The worker asks for CONFIG, and does without.
    refused = [line for line in refused if line.startswith("wiki-") and "config" not in line]
    assert not refused, "not in the ACL: " + "; ".join(refused)


def mess_of(store: Store, raw: redis.Redis) -> Iterator[str]:
    """Name session keys without TTL, and members of the sorted set without record or the other way round."""
    for key in raw.scan_iter(match=store.keys.session_pattern, count=1000):
        if raw.pttl(key) == -1:
            yield f"{key!r} has no TTL"
    for keys in store.keys.shards:
        members, fields = set(raw.zrange(keys.sessions, 0, -1)), set(raw.hkeys(keys.records))
        yield from (f"{member!r} of {keys.sessions} has no record" for member in members - fields)
        yield from (f"{field!r} of {keys.records} is not in {keys.sessions}" for field in fields - members)
