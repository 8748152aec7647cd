"""Site, wiki and worker on a cluster under their ACL users, each with no more rights than it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from session_store import Config, Store, StoreUnavailable
from tests.acceptance.houses import PLACES, Browser, house, menu
from tests.cluster.servers import ClusterServers, slot_of
from tests.servers import as_user
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess, run_command
from worker.rights import CLUSTER

#: Seconds; what a busy machine may need.
PATIENCE = 5


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers(users=True) as cluster:
        yield cluster


def refused(cluster: ClusterServers) -> set[str]:
    """Return what the nodes have refused to one of the three; the worker asks for CONFIG, and does without."""
    log = [entry for node in cluster.nodes for entry in node.admin.acl_log()]
    return {f"{entry['username']} {entry['object']}" for entry in log if "config" not in entry["object"]}


def test_in_and_out_while_a_slot_moves_and_a_replica_takes_over(cluster: ClusterServers, tmp_path: Path) -> None:
    sessions = Store(Config(redis_url=cluster.url)).keys.of_user("1").sessions
    with (
        WorkerProcess(tmp_path, cluster.url, WIKI_REDIS_TIMEOUT=str(PATIENCE)) as worker,
        house(tmp_path, cluster.url, *PLACES["below a path"]) as (site, wiki),
    ):
        worker.wait_for_log("listening at")
        browser = Browser()
        browser.send(f"{site}accounts/login/?next=/", username="sally", password="surf")
        assert "sally" in menu(browser.get(f"{wiki}Home"))
        source = cluster.owner_of(sessions)
        target = next(node for node in cluster.primaries if node is not source)
        move = cluster.moving(slot_of(sessions), target)
        move.begin()
        move.carry(*move.keys())
        assert "sally" in browser.get(site)
        move.finish()
        wait_until(lambda: "sally" in menu(browser.get(f"{wiki}Home")), "the wiki to know sally again", 20)
        cluster.failover(target)
        wait_until(lambda: "sally" in menu(browser.get(f"{wiki}Home")), "the wiki to know sally again", 20)
        browser.send(f"{site}sso/leave/")
        wait_until(lambda: list(worker.ends.values()) == ["logout"], "the end in the log", 20)
        done = run_command(cluster.url, "status", WIKI_REDIS_TIMEOUT=str(PATIENCE))
        assert "up to date" in done.stdout, done.stdout
        assert worker.stop() == 0
    assert refused(cluster) == set()


@pytest.mark.parametrize("right", CLUSTER.split())
def test_check_names_what_a_node_does_not_grant(cluster: ClusterServers, right: str) -> None:
    url = as_user(cluster.url, "wiki-worker")
    assert "lacks" not in run_command(url, "check").stdout
    node = cluster.primaries[1]
    node.admin.execute_command("ACL", "SETUSER", "wiki-site", f"-{right}")
    try:
        done = run_command(url, "check")
    finally:
        node.admin.execute_command("ACL", "SETUSER", "wiki-site", f"+{right}")
    assert done.returncode == 1
    assert f"wiki-site lacks +{right} (127.0.0.1:{node.port})" in done.stdout


def test_who_may_not_ask_which_node_has_what_is_told_so(cluster: ClusterServers) -> None:
    url = as_user(cluster.url, "wiki-wiki")
    for node in cluster.nodes:
        node.admin.execute_command("ACL", "SETUSER", "wiki-wiki", "-cluster|slots")
    try:
        with pytest.raises(StoreUnavailable, match=r"user 'wiki-wiki' may not run cluster\|slots"):
            Store(Config(redis_url=url, redis_prefix="other", redis_timeout=PATIENCE)).count()
    finally:
        for node in cluster.nodes:
            node.admin.execute_command("ACL", "SETUSER", "wiki-wiki", "+cluster|slots")
