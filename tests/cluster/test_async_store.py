"""An async store's many tasks on a cluster of which a node hangs or dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from session_store import AsyncStore, Config, Person, StoreUnavailable, make_nonce, make_token
from session_store.keys import Keys
from session_store.tokens import Token
from tests.cluster.node import Node
from tests.cluster.servers import ClusterServers
from tests.wait import PAUSE

SHARDS = 8
KEYS = Keys("sso", SHARDS)
PEOPLE = [Person(str(number), f"user {number}") for number in range(12)]

#: Tasks that look at a session again and again: more than a node has idle connections when it is lost.
TASKS = 4


@pytest.fixture
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


@pytest.mark.parametrize("fault", [Node.pause, Node.kill])
def test_a_node_that_hangs_or_dies_takes_nothing_from_the_others(cluster: ClusterServers, fault) -> None:
    owner = cluster.owner_of(KEYS.of_user(PEOPLE[0].user_id).sessions)
    hit = {person for person in PEOPLE if cluster.owner_of(KEYS.of_user(person.user_id).sessions) is owner}
    config = Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=0.5)
    seen = asyncio.run(_look_while(cluster, owner, fault, config))
    for person in PEOPLE:
        refused = {what for what in seen[person] if what != "lives"}
        assert seen[person]["lives"]
        assert bool(refused) == (person in hit), refused
        assert all(str(owner.port) in what for what in refused), refused


async def _look_while(cluster: ClusterServers, owner: Node, fault, config: Config) -> dict[Person, Counter[str]]:
    """Return what each person's tasks have met from the fault on, until somebody else has the node's slots."""
    site = AsyncStore(config)
    tokens = [make_token(b"secret", make_nonce(), 0, KEYS.of_user(person.user_id).number) for person in PEOPLE]
    for token, person in zip(tokens, PEOPLE, strict=True):
        assert (await site.open(token, person, age=3_600_000)).lives
    owner.admin.wait(1, 5000)
    seen: dict[Person, Counter[str]] = {person: Counter() for person in PEOPLE}
    over = asyncio.Event()
    tasks = [
        asyncio.create_task(_look(site, token, seen[person], over))
        for token, person in zip(tokens, PEOPLE, strict=True)
        for _ in range(TASKS)
    ]
    await asyncio.sleep(20 * PAUSE)
    for met in seen.values():
        met.clear()
    fault(owner)
    await asyncio.to_thread(cluster.wait_for_new_owner, KEYS.of_user(PEOPLE[0].user_id).sessions, owner)
    for token in tokens:
        await _until_it_lives(site, token)
    over.set()
    await asyncio.gather(*tasks)
    await site.close()
    return seen


async def _look(site: AsyncStore, token: Token, met: Counter[str], over: asyncio.Event) -> None:
    while not over.is_set():
        try:
            (check,) = await site.check([token])
            met["lives" if check and check.session else "lives no more"] += 1
        except StoreUnavailable as error:
            met[str(error)] += 1
        await asyncio.sleep(2 * PAUSE)


async def _until_it_lives(site: AsyncStore, token: Token) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                if await site.read(token):
                    return
            except StoreUnavailable:
                await asyncio.sleep(PAUSE)
