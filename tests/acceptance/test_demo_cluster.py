"""The demo on a cluster of its own, walked through while one of its primaries is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.cluster.home import COUNT, Home
from demo.cluster.ports import free_row
from demo.cluster.sight import Sight, changes
from tests.acceptance.demos import Demo, FailingDemo
from tests.acceptance.houses import menu
from tests.acceptance.walk import is_anonymous_in_wiki, is_anonymous_on_site, is_known_in_wiki, log_in, log_out
from tests.wait import wait_until


class ClusterDemo(Demo):
    """``make demo-cluster``."""

    def __init__(self, var: Path, **settings: str) -> None:
        super().__init__(var, DEMO_CLUSTER="true", **settings)

    def kill_primary_of(self, name: str) -> None:
        """Kill the node that has a user's sessions, as the terminal says."""
        found = re.search(rf"process (\d+)  primary of .*\(.*\b{name}\b.*\)", self.said)
        assert found, self.said
        os.kill(int(found[1]), signal.SIGKILL)


@pytest.fixture
def cluster_demo(var: Path) -> Iterator[ClusterDemo]:
    with ClusterDemo(var) as demo:
        yield demo


def test_the_walk_goes_on_while_a_primary_is_killed_and_the_next_start_at_other_ports_finds_all_as_it_was(
    cluster_demo: ClusterDemo, var: Path, page: Page
) -> None:
    demo = cluster_demo
    log_in(page, demo)
    is_known_in_wiki(page, demo, "sally")
    assert _is_known(page, demo, "sally")
    demo.kill_primary_of("sally")
    # Nobody has her sessions now: the wiki knows nobody, the site goes on.
    assert not _is_known(page, demo, "sally")
    assert 'id="who">sally<' in _text(page, f"{demo.site}/")
    wait_until(lambda: _is_known(page, demo, "sally"), "the wiki to know sally again", 30)
    page.goto(f"{demo.site}/sso/sessions/")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_contain_text("site and wiki")
    page.goto(demo.site)
    expect(page.locator("#online").get_by_role("listitem")).to_have_text(["sally"])
    page.goto(f"{demo.wiki}/Home")
    page.get_by_role("link", name="Logout").click()
    is_anonymous_in_wiki(page, demo)
    is_anonymous_on_site(page, demo)
    log_in(page, demo, "harry")
    wait_until(lambda: len(demo.events) == 3, "the lines in the audit log", 20)
    told = [(event["event"]["action"], event["user"]["name"]) for event in demo.events]
    assert told == [("session-started", "sally"), ("session-ended", "sally"), ("session-started", "harry")]
    assert demo.ends[0]["event"]["reason"] == "logout"
    wait_until(lambda: re.search(r"is back: process \d+\n.* is now a replica of node \d", demo.said), "the node", 30)
    assert demo.stop() == 0
    assert not demo.programs()
    with ClusterDemo(var, CLUSTER_PORT=str(free_row(6)[0])) as later:
        assert re.search(r"node 1  \S+", later.said)[0] != re.search(r"node 1  \S+", demo.said)[0], "the same port"
        is_known_in_wiki(page, later, "harry")
        log_out(page, later)
        wait_until(lambda: len(later.ends) == 2, "harry's end in the audit log", 20)
        assert len(later.events) == 4


def test_a_taken_port_of_the_cluster_is_named_with_the_remedy(var: Path) -> None:
    row = free_row(6)  # no client is given one of these meanwhile
    with (
        socket.create_server(("127.0.0.1", row[5])),
        FailingDemo(var, DEMO_CLUSTER="true", CLUSTER_PORT=str(row[0])) as demo,
    ):
        assert demo.said.startswith(f"Port {row[5]} is taken,")
        assert re.search(r"Choose others: CLUSTER_PORT=\d+ make demo-cluster\n$", demo.said)
        with FailingDemo(var, DEMO_CLUSTER="true", WIKI_PORT=str(row[5])) as other:
            assert other.said.endswith(" make demo-cluster\n")


def test_the_nodes_keep_their_ports_unless_somebody_else_has_one_of_them(tmp_path: Path) -> None:
    first = Home(tmp_path / "cluster", 0)
    assert first.is_new
    first.prepare()
    (tmp_path / "cluster" / "1" / "half").touch()
    again = Home(tmp_path / "cluster", 0)
    again.prepare()
    assert again.is_new, "it never became a cluster"
    assert not (tmp_path / "cluster" / "1" / "half").exists()
    again.settle()
    (tmp_path / "cluster" / "1" / "kept").touch()
    later = Home(tmp_path / "cluster", 0)
    later.prepare()
    assert (later.ports, later.is_new, later.has_moved) == (again.ports, False, False)
    assert (tmp_path / "cluster" / "1" / "kept").exists()
    with socket.create_server(("127.0.0.1", again.ports[-1])):
        assert Home(tmp_path / "cluster", 0).has_moved
    chosen = Home(tmp_path / "cluster", 7001)
    assert (list(chosen.ports), chosen.has_moved) == ([*range(7001, 7001 + COUNT)], True)


def test_what_happens_to_nodes_is_told_in_words() -> None:
    slots = (range(5461),)
    before = [Sight(1, "a", "", slots), Sight(2, "b", "a")]
    dead = [Sight(None, "a", "", slots), Sight(2, "b", "a")]
    assert list(changes(before, dead)) == ["node 1 is gone; it was the primary of slots 0-5460"]
    over = [Sight(None, "a", "", slots), Sight(2, "b", "", slots)]
    assert list(changes(dead, over)) == ["node 2 is now the primary of slots 0-5460"]
    back = [Sight(3, "a", "b"), Sight(2, "b", "", slots)]
    assert list(changes(over, back)) == ["node 1 is back: process 3", "node 1 is now a replica of node 2"]
    assert list(changes(back, back)) == []


def test_a_cluster_is_not_started_where_a_redis_is_given(var: Path) -> None:
    with FailingDemo(var, DEMO_CLUSTER="true", WIKI_REDIS_URL="redis://localhost/0") as demo:
        assert "WIKI_REDIS_URL names a Redis" in demo.said


def _is_known(page: Page, demo: Demo, name: str) -> bool:
    """Whether the wiki shows a name as the reader's; the way without the browser's window is the quicker one."""
    return name in menu(_text(page, f"{demo.wiki}/Home"))


def _text(page: Page, url: str) -> str:
    answer = page.request.get(url)
    assert answer.ok
    return answer.text()
