"""The audit table of a cluster: a lane a shard, whatever happens to the nodes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from session_store import Config, Ref, Store, StoreUnavailable
from tests.cluster.servers import ClusterServers
from tests.cluster.test_auditors import end, open_in, shards_on
from tests.wait import wait_until

from .audit import once, rows

SHARDS = 6

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


@pytest.fixture
def wide(cluster: ClusterServers) -> Store:
    cluster.wait_until_settled()
    for node in cluster.primaries:
        node.admin.flushall()
    return Store(Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=0.3))


@pytest.fixture
def ours(database, wide, stop):
    from django_hooks.audit.follower import Follower

    follower = Follower(store=wide, name="table", stop=stop, on_stored=lambda _: None, wait=0.05)
    yield follower
    follower.reset()


def step_until_rows(follower, refs: list[Ref]) -> None:
    """Step, whatever Redis says meanwhile, until the sessions have a row for start and end each."""

    def all_there() -> bool:
        try:
            follower.step()
        except StoreUnavailable:
            follower.reset()
        return rows() >= once(*refs)

    wait_until(all_there, "the rows", 20)
    assert rows() == once(*refs)


def test_one_follower_reads_all_shards_wherever_they_are(cluster, wide, ours):
    refs = open_in(wide, *range(SHARDS))
    end(wide, refs)
    step_until_rows(ours, refs)
    more = open_in(wide, *range(SHARDS), each=2)
    end(wide, more)
    step_until_rows(ours, refs + more)


@pytest.mark.parametrize("of", ["the lease", "no lease"])
def test_a_node_that_is_hung_keeps_no_shard_of_another_waiting_and_goes_on_later(cluster, wide, ours, caplog, of):
    lease = cluster.owner_of(wide.keys.shards[0].job("table"))
    node = lease if of == "the lease" else next(node for node in cluster.primaries if node is not lease)
    theirs = shards_on(cluster, wide, node)
    before, waiting = open_in(wide, *range(SHARDS), each=1), open_in(wide, *theirs)
    end(wide, before)
    step_until_rows_of_starts(ours, before, waiting)
    end(wide, waiting)
    hung = [*cluster.replicas_of(node), node]  # or one of them would take over
    for each in hung:
        each.pause()
    try:
        refs = open_in(wide, *(number for number in range(SHARDS) if number not in theirs))
        end(wide, refs)
        ours._lease.doubt()  # as if it were to be asked for again by now
        wait_until(lambda: ours.step() or rows() >= once(*refs), "what the other nodes have", 10)
        named = [f"shard {number} waits: " for number in theirs]
        wait_until(lambda: ours.step() or all(name in caplog.text for name in named), "what hangs to be named", 10)
    finally:
        for each in reversed(hung):
            each.resume()
    step_until_rows(ours, before + waiting + refs)


def step_until_rows_of_starts(follower, ended: list[Ref], live: list[Ref]) -> None:
    wanted = once(*ended) + once(*live, ended=False)
    wait_until(lambda: follower.step() or rows() >= wanted, "the rows", 20)


def test_a_primary_that_is_killed_costs_no_row_that_its_replica_has_and_repeats_none(cluster, wide, ours):
    refs = open_in(wide, *range(SHARDS))
    end(wide, refs)
    wait_until(lambda: ours.step() or rows(), "the first rows")
    node = cluster.owner_of(wide.keys.shards[0].audit)
    node.admin.wait(1, 5000)
    node.kill()
    step_until_rows(ours, refs)
    node.start()
    cluster.wait_until_settled()
