"""The store's verbs on a cluster of real servers, and what it says when a part of that is missing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator

import pytest

from session_store import AsyncStore, Config, Person, Store, StoreUnavailable, make_nonce, make_token
from session_store.link import LOOK_EVERY
from session_store.listing import Query, search
from session_store.presence import report_member
from session_store.reconcile import reconcile_index
from session_store.tokens import Token
from tests.cluster.servers import ClusterServers, slot_of
from tests.servers import free_port
from tests.wait import wait_until

HOUR = 3_600_000
SHARDS = 8
PEOPLE = [Person(str(number), f"user {number}") for number in range(24)]

#: Seconds; what a busy machine may need.
PATIENCE = 5.0

#: Seconds; what it may add where time is measured.
LEEWAY = 0.5


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


def store_of(cluster: ClusterServers, *, timeout: float = PATIENCE) -> Store:
    return Store(Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=timeout), pause=0)


@pytest.fixture
def store(cluster: ClusterServers) -> Store:
    for node in cluster.primaries:
        node.admin.flushall()
    return store_of(cluster)


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


def token_for(store: Store, person: Person) -> Token:
    return make_token(b"secret", make_nonce(), 1, store.keys.of_user(person.user_id).number)


def opened(store: Store, person: Person) -> Token:
    token = token_for(store, person)
    assert store.open(token, person, age=HOUR, idle=HOUR // 2).status == "opened"
    return token


def test_every_verb_works_wherever_a_shard_is(cluster: ClusterServers, store: Store) -> None:
    tokens = {person.user_id: opened(store, person) for person in PEOPLE}
    assert len({cluster.owner_of(keys.sessions).port for keys in store.keys.shards}) > 1
    assert store.count() == len(PEOPLE)
    assert {session.ref.sid for session in store.sessions(page=2)} == {token.sid for token in tokens.values()}
    page = store.do(search(store.keys, Query("user"), limit=100))
    assert len(page.sessions) == len(PEOPLE)
    checks = store.check([*tokens.values()])
    assert all(check and check.session for check in checks)
    for person in PEOPLE:
        token = tokens[person.user_id]
        session = store.read(token)
        assert session
        assert session.record.person == person
        assert store.renew(token)
        assert [each.ref.sid for each in store.sessions_of(person.user_id)] == [token.sid]
    ended = store.end_all([token_ref for each in store.sessions() if (token_ref := each.ref)], "logout")
    assert {end.ref.sid for end in ended} == {token.sid for token in tokens.values()}
    assert store.count() == 0


def test_so_does_every_verb_in_an_event_loop(store: Store) -> None:
    async def walk() -> None:
        site = AsyncStore(store.config)
        try:
            first, second = token_for(store, PEOPLE[0]), token_for(store, PEOPLE[1])
            assert (await site.open(first, PEOPLE[0], age=HOUR)).status == "opened"
            assert (await site.open(second, PEOPLE[1], age=HOUR)).status == "opened"
            online = report_member(store.keys.online, "0", "sally", window=HOUR, hides=False, arrives=True)
            checks = await site.check([first, second], beside=[online])
            assert [bool(check and check.session) for check in checks] == [True, True]
            assert await site.read(first) == store.read(first)
            assert len(await site.end_user("0", "revoked")) == 1
            for node in store.link.primaries():
                node.redis.script_flush()
            assert await site.renew(second)
            assert await site.read(first) is None
        finally:
            await site.close()

    asyncio.run(walk())


def test_scripts_that_a_node_has_forgotten_are_sent_again(store: Store) -> None:
    tokens = [opened(store, person) for person in PEOPLE]
    for node in store.link.primaries():
        node.redis.script_flush()
    assert all(check and check.session for check in store.check(tokens))


def test_a_store_made_before_a_fork_serves_parent_and_child(store: Store) -> None:
    token = opened(store, PEOPLE[0])
    pid = os.fork()
    if not pid:
        os._exit(0 if all(store.read(token) for _ in range(20)) else 1)
    answers = [store.read(token) for _ in range(20)]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert all(answers)


def test_a_slot_that_has_moved_is_followed(cluster: ClusterServers, store: Store) -> None:
    tokens = [opened(store, person) for person in PEOPLE]
    key = store.keys.shards[tokens[0].shard].sessions
    source = cluster.owner_of(key)
    cluster.move_slot(slot_of(key), next(node for node in cluster.primaries if node is not source))
    assert store.read(tokens[0])
    assert all(check and check.session for check in store.check(tokens))
    assert len(store.end_user(PEOPLE[0].user_id, "revoked")) == 1


def test_a_slot_on_the_move_is_said_to_be_on_the_move(cluster: ClusterServers, store: Store) -> None:
    person = PEOPLE[0]
    opened(store, person)
    key = store.keys.of_user(person.user_id).sessions
    source = cluster.owner_of(key)
    move = cluster.moving(slot_of(key), next(node for node in cluster.primaries if node is not source))
    move.begin()
    move.carry(key)
    with pytest.raises(StoreUnavailable, match="on the move"):
        opened(store, person)
    others = [each for each in PEOPLE if store.keys.of_user(each.user_id).sessions != key]
    assert opened(store, others[0])
    move.finish()
    assert opened(store, person)


def test_so_is_one_of_which_a_look_comes_upon_a_session_that_has_gone_on(cluster: ClusterServers, store: Store) -> None:
    token = opened(store, PEOPLE[0])
    keys = store.keys.shards[token.shard]
    source = cluster.owner_of(keys.sessions)
    move = cluster.moving(slot_of(keys.sessions), next(node for node in cluster.primaries if node is not source))
    move.begin()
    move.carry(keys.session(token.sid))
    with pytest.raises(StoreUnavailable, match="on the move"):
        list(reconcile_index(store, keys))
    move.finish()
    assert [page.ends for page in reconcile_index(store, keys)] == [[]]


def test_a_node_that_is_dead_or_hangs_takes_nothing_from_the_others(cluster: ClusterServers) -> None:
    store = store_of(cluster, timeout=0.5)
    tokens = {person.user_id: opened(store, person) for person in PEOPLE}
    victim = cluster.owner_of(store.keys.of_user(PEOPLE[0].user_id).sessions)
    hit = [p for p in PEOPLE if cluster.owner_of(store.keys.of_user(p.user_id).sessions) is victim]
    spared = [p for p in PEOPLE if p not in hit]
    victim.pause()
    try:
        with pytest.raises(StoreUnavailable, match=str(victim.port)):
            store.read(tokens[hit[0].user_id])
        assert all(store.read(tokens[person.user_id]) for person in spared)
    finally:
        victim.resume()
    cluster.wait_until_settled()
    wait_until(lambda: _reads(store, tokens[hit[0].user_id]), "the node's sessions to be there again", 20)


def test_after_a_failover_the_new_primary_is_asked(cluster: ClusterServers, store: Store) -> None:
    tokens = [opened(store, person) for person in PEOPLE]
    key = store.keys.shards[tokens[0].shard].sessions
    victim = cluster.owner_of(key)
    for node in cluster.primaries:
        node.admin.wait(1, 5000)
    victim.kill()
    with pytest.raises(StoreUnavailable):
        store.read(tokens[0])
    cluster.wait_for_new_owner(key, victim)
    wait_until(lambda: _reads(store, tokens[0]), "the new primary to answer", 20)
    assert all(check and check.session for check in store.check(tokens))
    victim.start()
    cluster.wait_until_settled()


def test_a_cluster_that_hangs_costs_a_call_one_timeout(cluster: ClusterServers) -> None:
    store = store_of(cluster, timeout=0.3)
    token = opened(store, PEOPLE[0])
    for node in cluster.nodes:
        node.pause()
    try:
        assert _seconds_until_refused(lambda: store.read(token)) < 0.3 + 0.1 + LEEWAY
        assert _seconds_until_refused(store_of(cluster, timeout=0.31).count) < 0.31 + LEEWAY
        assert asyncio.run(_seconds_of_async(Config(redis_url=cluster.url, redis_timeout=0.32), token)) < 0.32 + LEEWAY
    finally:
        for node in cluster.nodes:
            node.resume()
    cluster.wait_until_settled()
    wait_until(lambda: _reads(store, token), "the session to be there again", 20)


def test_what_is_asked_of_several_nodes_at_once_costs_one_timeout_where_all_of_them_hang(
    cluster: ClusterServers,
) -> None:
    store = store_of(cluster, timeout=1)
    tokens = [opened(store, person) for person in PEOPLE]
    assert all(store.check(tokens))
    for node in cluster.nodes:
        node.pause()
    try:
        assert _seconds_until_refused(lambda: store.check(tokens)) < 1 + LEEWAY
    finally:
        for node in cluster.nodes:
            node.resume()
    cluster.wait_until_settled()
    wait_until(lambda: _reads(store, tokens[0]), "the sessions to be there again", 20)


@pytest.mark.parametrize("kind", [Store, AsyncStore])
def test_who_misses_a_node_does_not_ask_the_others_for_it_again_and_again(kind: type[Store | AsyncStore]) -> None:
    with ClusterServers(replicas=0, node_timeout=60_000) as cluster:
        store = store_of(cluster)
        tokens = [opened(store, person) for person in PEOPLE]
        victim = cluster.owner_of(store.keys.shards[tokens[0].shard].sessions)
        hit = [token for token in tokens if cluster.owner_of(store.keys.shards[token.shard].sessions) is victim]
        victim.kill()
        before = _asked(cluster)
        start = time.monotonic()
        asyncio.run(_read_in_vain(kind(store.config), hit * 100))
        most = 2 + (time.monotonic() - start) / LOOK_EVERY
        assert _asked(cluster) - before < most


def test_a_slot_that_nobody_has_is_named_and_found_again_when_somebody_has_it() -> None:
    with ClusterServers(replicas=0, slots=range(8192)) as half:
        store = store_of(half)
        missing = next(p for p in PEOPLE if slot_of(store.keys.of_user(p.user_id).sessions) >= 8192)
        there = next(p for p in PEOPLE if slot_of(store.keys.of_user(p.user_id).sessions) < 8192)
        wait_until(lambda: _opens(store, there), "the half that is there to be up", 20)
        with pytest.raises(StoreUnavailable, match="no node of the cluster has slot"):
            opened(store, missing)
        half.primaries[0].admin.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
        wait_until(lambda: _opens(store, missing), "the slot to be found", 20)


def test_a_cluster_that_is_down_is_said_to_be_at_once() -> None:
    with ClusterServers(replicas=0) as cluster:
        store = store_of(cluster)
        token = opened(store, PEOPLE[0])
        left = cluster.owner_of(store.keys.shards[token.shard].sessions)
        for node in cluster.nodes:
            if node is not left:
                node.kill()
        wait_until(lambda: left.admin.cluster("INFO")["cluster_state"] == "fail", "the cluster to be down", 20)
        with pytest.raises(StoreUnavailable, match="the cluster is down"):
            store.read(token)
        with pytest.raises(StoreUnavailable, match="the cluster is down"):
            store.check([token])
        # redis-py would sleep for 0.25 s in each, and a web server's threads with it.
        assert min(_seconds_until_refused(lambda: store.read(token)) for _ in range(3)) < 0.2


def test_what_is_no_cluster_or_not_there_is_said_to_be_so(cluster: ClusterServers) -> None:
    with pytest.raises(StoreUnavailable, match="none of its nodes answers"):
        Store(Config(redis_url=f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{free_port()}")).count()
    single = Store(Config(redis_url=f"redis://127.0.0.1:{cluster.primaries[0].port}", redis_shards=SHARDS))
    with pytest.raises(StoreUnavailable, match=r"node of a cluster.*redis\+cluster"):
        list(single.sessions())


def _asked(cluster: ClusterServers) -> int:
    """Return how often the nodes that are left were asked which of them has what."""
    stats = [node.admin.info("commandstats") for node in cluster.awake]
    return sum(found.get("cmdstat_cluster|slots", {}).get("calls", 0) for found in stats)


async def _read_in_vain(store: Store | AsyncStore, tokens: list[Token]) -> None:
    for token in tokens:
        with pytest.raises(StoreUnavailable):
            await _read(store, token)
    if isinstance(store, AsyncStore):
        await store.close()


async def _read(store: Store | AsyncStore, token: Token) -> object:
    return await store.read(token) if isinstance(store, AsyncStore) else store.read(token)


def _seconds_until_refused(call: Callable[[], object]) -> float:
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        call()
    return time.monotonic() - start


async def _seconds_of_async(config: Config, token: Token) -> float:
    site = AsyncStore(config)
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await site.read(token)
    took = time.monotonic() - start
    await site.close()
    return took


def _opens(store: Store, person: Person) -> bool:
    try:
        return bool(opened(store, person))
    except StoreUnavailable:
        return False


def _reads(store: Store, token: Token) -> bool:
    try:
        return store.read(token) is not None
    except StoreUnavailable:
        return False
