"""Site, wiki and worker as programs, where a primary is killed while somebody is logged in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session_store.keys import Keys
from tests.acceptance.houses import PLACES, Browser, house, menu
from tests.cluster.sentinels import SentinelServers
from tests.cluster.servers import ClusterServers
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

SHARDS = 6

#: What sally's sessions are kept by; she is the first user.
SESSIONS = Keys("sso", SHARDS).of_user("1").sessions


@pytest.fixture(params=["a cluster", "Sentinels"])
def redis(request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[[], Callable[[], object]]]]:
    """A URL, and what kills the primary that has sally's sessions; that returns what waits for the next one."""
    if request.param == "a cluster":
        with ClusterServers() as cluster:

            def kill_owner() -> Callable[[], object]:
                owner = cluster.owner_of(SESSIONS)
                owner.kill()
                return lambda: cluster.wait_for_new_owner(SESSIONS, owner)

            yield cluster.url, kill_owner
        return
    with SentinelServers() as servers:

        def kill_primary() -> Callable[[], object]:
            primary = servers.primary
            primary.kill()
            return lambda: servers.wait_for_new_primary(primary)

        yield servers.url, kill_primary


def test_who_is_logged_in_is_so_again_when_the_next_primary_has_taken_over_and_each_line_is_written_once(
    redis: tuple[str, Callable[[], Callable[[], object]]], tmp_path: Path
) -> None:
    url, kill = redis
    with (
        house(tmp_path, url, *PLACES["below a path"], shards=SHARDS) as (site, wiki),
        WorkerProcess(tmp_path, url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker,
    ):
        worker.wait_for_log("listening at")
        browser = Browser()
        browser.send(f"{site}accounts/login/?next=/", username="sally", password="surf")
        assert "sally" in menu(browser.get(f"{wiki}Home"))
        wait_until(lambda: worker.events, "sally's start in the log", 20)

        wait_for_the_next = kill()
        assert "sally" not in menu(browser.get(f"{wiki}Home")), "nobody vouches for her"
        assert "sally" in browser.get(site)
        late = Browser()
        late.send(f"{site}accounts/login/?next=/", username="sally", password="surf")
        assert "sally" in late.get(site)
        wait_for_the_next()
        wait_until(lambda: "sally" in menu(browser.get(f"{wiki}Home")), "the wiki to know sally again", 20)
        wait_until(lambda: "sally" in late.get(site) and "sally" in menu(late.get(f"{wiki}Home")), "who came late", 20)

        (leave,) = re.findall(r'href="([^"]*logout[^"]*)"', menu(browser.get(f"{wiki}Home")))
        browser.get(f"{site.rstrip('/')}{leave}".replace("&amp;", "&"))
        assert "sally" not in menu(browser.get(f"{wiki}Home"))
        assert "nobody" in browser.get(site)
        wait_until(lambda: len(worker.events) == 3, "two starts and an end in the log", 20)
        assert sorted(event["event"]["action"] for event in worker.events) == [
            "session-ended",
            "session-started",
            "session-started",
        ]
        assert list(worker.ends.values()) == ["logout"]
        assert worker.stop() == 0
