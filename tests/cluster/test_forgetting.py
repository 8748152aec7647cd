"""On a cluster each shard has threads of its own in the worker: those of a number set by mistake go by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from session_store import Config, Store
from tests.wait import wait_until
from tests.worker.conftest import open_on
from tests.worker.processes import WorkerProcess
from worker.forgetter import UNUSED

from .servers import ClusterServers

RIGHT, WRONG = 4, 40


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


def threads_of(worker: WorkerProcess) -> int:
    return len(list(Path(f"/proc/{worker.pid}/task").iterdir()))


def test_a_worker_gives_up_the_shards_that_a_site_had_by_mistake(tmp_path) -> None:
    with ClusterServers(3, replicas=0) as cluster:
        right, wrong = (
            Store(Config(redis_url=cluster.url, redis_shards=shards, redis_timeout=5), pause=0)
            for shards in (RIGHT, WRONG)
        )
        by_mistake = [open_on(wrong, str(number)) for number in range(20)]
        kept = [open_on(right, str(number)) for number in range(20)]
        layouts = right.keys.shards[0].layouts
        with WorkerProcess(tmp_path, cluster.url) as worker:
            wait_until(lambda: threads_of(worker) > 4 * WRONG, "threads for all shards")
            assert len(wrong.end_all(by_mistake, "revoked")) == len(by_mistake)
            wait_until(lambda: worker.ends.keys() == {ref.sid for ref in by_mistake}, "the ends")
            wait_until(
                lambda: not any(right.command("XLEN", keys.audit) for keys in wrong.keys.shards), "empty streams"
            )
            for keys in wrong.keys.shards:  # the site may ask no more why they have ended
                right.command("DEL", keys.ended)
            right.command("ZADD", layouts, int(right.command("ZSCORE", layouts, WRONG)) - UNUSED - 60_000, WRONG)
            assert worker.stop() == 0
            worker.start()
            wait_until(lambda: f"sessions are in {RIGHT} shards by now" in worker.log, "a smaller crew", 30)
            wait_until(lambda: threads_of(worker) < 4 * WRONG, "the threads to be gone")
            assert len(right.end_all(kept, "revoked")) == len(kept)
            wait_until(lambda: len(worker.ends) == len(by_mistake) + len(kept), "all ends")
            assert worker.stop() == 0
