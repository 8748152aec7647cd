"""The store behind Sentinels: it finds the primary, follows a failover, and says what is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.sentinel import MasterNotFoundError

from session_store import AsyncStore, Config, Person, Store, StoreUnavailable, make_nonce, make_token
from session_store.sentinels import FAILING_OVER, AsyncSentinel, Sentinel
from session_store.tokens import Token
from tests.cluster.node import Server
from tests.cluster.sentinels import SERVICE, SentinelServers
from tests.servers import free_port
from tests.wait import wait_until

HOUR = 3_600_000
SALLY = Person("1", "sally")

#: Seconds; what a busy machine may need.
PATIENCE = 5.0


@pytest.fixture(scope="module")
def watched() -> Iterator[SentinelServers]:
    with SentinelServers() as watched:
        yield watched


@pytest.fixture
def store(watched: SentinelServers) -> Store:
    return Store(Config(redis_url=watched.url, redis_timeout=PATIENCE), pause=0)


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


def opened(store: Store) -> Token:
    token = make_token(b"secret", make_nonce(), 1, 0)
    assert store.open(token, SALLY, age=HOUR).status == "opened"
    return token


def reads(store: Store, token: Token) -> bool:
    try:
        return store.read(token) is not None
    except StoreUnavailable:
        return False


def opens(store: Store) -> bool:
    try:
        return bool(opened(store))
    except StoreUnavailable:
        return False


def test_the_primary_is_found_by_threads_and_event_loops(store: Store) -> None:
    token = opened(store)
    assert store.read(token)

    async def walk() -> None:
        site = AsyncStore(store.config)
        try:
            assert await site.read(token) == store.read(token)
            assert len(await asyncio.gather(*(site.check([token, token]) for _ in range(200)))) == 200
            assert len(await site.end_user("1", "revoked")) >= 1
        finally:
            await site.close()

    asyncio.run(walk())
    assert store.read(token) is None


def test_a_failover_is_followed(watched: SentinelServers, store: Store) -> None:
    token = opened(store)
    old = watched.primary
    assert old.admin.wait(2, 5000) == 2
    watched.failover()
    wait_until(lambda: reads(store, token) and opens(store), "the new primary to be used", 20)
    old.admin.close()


def test_a_killed_primary_is_done_without(watched: SentinelServers, store: Store) -> None:
    token = opened(store)
    old = watched.primary
    old.admin.wait(2, 5000)
    old.kill()
    with pytest.raises(StoreUnavailable, match=SERVICE):
        store.read(token)
    watched.wait_for_new_primary(old)
    wait_until(lambda: reads(store, token) and opens(store), "the new primary to be used", 20)
    old.start()
    watched.wait_until_settled()


def test_the_message_names_service_sentinels_and_remedy(watched: SentinelServers) -> None:
    wrong = Store(Config(redis_url=watched.url_of("another"), redis_timeout=PATIENCE))
    with pytest.raises(StoreUnavailable, match=r"know no service another.*SENTINEL MASTERS"):
        wrong.count()
    port = free_port()
    away = Store(Config(redis_url=f"redis+sentinel://:hunter2@127.0.0.1:{port}/{SERVICE}"))
    with pytest.raises(
        StoreUnavailable, match=f"no Sentinel answers that knows {SERVICE}.*start the Sentinels"
    ) as said:
        away.count()
    assert f"127.0.0.1:{port}" in str(said.value)
    assert "hunter2" not in str(said.value)


def test_a_replica_that_is_taken_for_the_primary_is_told_of(watched: SentinelServers) -> None:
    replica = Store(Config(redis_url=watched.replicas[0].url, redis_timeout=PATIENCE))
    with pytest.raises(StoreUnavailable, match=r"is a replica.*redis\+sentinel"):
        opened(replica)


def test_a_primary_that_was_replaced_and_is_back_is_not_asked_again(watched: SentinelServers) -> None:
    old = watched.primary
    old.pause()
    try:
        wait_until(lambda: any(_leads(sentinel) for sentinel in watched.sentinels), "a failover to be led", 20)
        leader = next(sentinel for sentinel in watched.sentinels if _leads(sentinel))
        by_leader = [("127.0.0.1", leader.port)]
        watched.wait_for_new_primary(old)
    finally:
        old.resume()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        for found in (_discovered(Sentinel(by_leader)), asyncio.run(_discovered_in_a_loop(AsyncSentinel(by_leader)))):
            assert found != old.port
    watched.wait_until_settled()


def _leads(sentinel: Server) -> bool:
    return FAILING_OVER in sentinel.admin.sentinel_master(SERVICE)["flags"]


def _discovered(sentinels: Sentinel) -> int | None:
    with ExitStack() as stack:
        for client in sentinels.sentinels:
            stack.callback(client.close)
        try:
            return int(sentinels.discover_master(SERVICE)[1])
        except MasterNotFoundError:
            return None


async def _discovered_in_a_loop(sentinels: AsyncSentinel) -> int | None:
    try:
        return int((await sentinels.discover_master(SERVICE))[1])
    except AsyncMasterNotFoundError:
        return None
    finally:
        for client in sentinels.sentinels:
            await client.aclose()
