"""What a worker says of a node that dies: a line for the node, and not one for each shard that it had."""

from __future__ import annotations

import re

import pytest

from session_store.keys import Keys
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

from .servers import ClusterServers

SHARDS = 8


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


def test_a_node_that_dies_is_told_of_once_and_so_is_that_all_goes_on(tmp_path) -> None:
    keys = Keys("sso", SHARDS)
    with (
        ClusterServers() as cluster,
        WorkerProcess(tmp_path, cluster.url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker,
    ):
        worker.wait_for_log("reconciled", SHARDS)
        old = cluster.owner_of(keys.shards[0].sessions)
        there = sum(cluster.owner_of(shard.sessions) is old for shard in keys.shards)
        assert 1 < there < SHARDS
        old.kill()
        cluster.wait_for_new_owner(keys.shards[0].sessions, old)
        name = f"Redis at 127.0.0.1:{old.port}"
        wait_until(lambda: f"what waited for {name} goes on after" in worker.log, "the worker to go on", 20)
        said = [line for line in worker.log.splitlines() if re.search("waits?: |goes on after", line)]
        assert f"{there} of {SHARDS} shards wait: {name}" in said[0]
        assert sum(name in line for line in said) == 2, said
