"""Who starts while a primary is away finds the others."""

from __future__ import annotations

import asyncio
from contextlib import closing

import pytest

from session_store import AsyncStore, Config, Person, Store, StoreUnavailable, make_nonce, make_token
from tests.wait import wait_until

from .servers import ClusterServers


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_a_new_process_works_on_other_nodes_whichever_redis_py_asks_first(how: str) -> None:
    with ClusterServers(3, replicas=0) as cluster:  # one of two would be no majority
        config = Config(redis_url=cluster.url)
        first = cluster.owner_of(0)
        assert cluster.owner_of(Store(config).keys.shards[0].sessions) is not first
        getattr(first, how)()

        def opens() -> bool:
            try:
                return Store(config, pause=0).open(token(), Person("1", "sally"), age=10_000).lives
            except StoreUnavailable:
                return False

        wait_until(opens, "a session to be opened")

        with closing(asyncio.new_event_loop()) as loop:
            site = AsyncStore(config, pause=0)

            async def opens_in_a_task() -> bool:
                try:
                    return (await site.open(token(), Person("1", "sally"), age=10_000)).lives
                except StoreUnavailable:
                    return False

            wait_until(lambda: loop.run_until_complete(opens_in_a_task()), "a session to be opened in an event loop")
            loop.run_until_complete(site.close())


def token():
    return make_token(b"secret", make_nonce(), 0, 0)
