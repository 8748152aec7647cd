"""A Redis that somebody else manages: half of the commands forbidden, RESP2, another database, a prefix."""

from __future__ import annotations

import asyncio
import json

import pytest

from session_store import AsyncStore, Config, Store, StoreUnavailable
from tests.servers import PATIENCE, RedisServer
from tests.session_store.samples import new_token, opened
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess, run_command

FORBIDDEN = (
    "config",
    "info",
    "script",
    "client",
    "acl",
    "monitor",
    "debug",
    "keys",
    "multi",
    "save",
    "bgsave",
    "shutdown",
)

PREFIX = "tenant-7:sso"


@pytest.fixture(scope="module")
def managed():
    """A server with one user, who shares it with others; its flags were set in a parameter group."""
    with RedisServer(users=False, clear=True, notify_keyspace_events="AKE") as server:
        with server.client() as admin:
            rules = [f"-{command}" for command in FORBIDDEN]
            admin.execute_command("ACL", "SETUSER", "tenant", "on", ">pw", "~tenant-7:*", "&*", "+@all", *rules)
        yield server


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def url(managed, request) -> str:
    return f"redis://tenant:pw@127.0.0.1:{managed.port}/5?protocol={request.param}"


def test_site_wiki_and_worker_do_all_their_work_there(managed, url, tmp_path):
    store = Store(Config(redis_url=url, redis_prefix=PREFIX, redis_timeout=PATIENCE))
    with WorkerProcess(tmp_path, url, WIKI_REDIS_PREFIX=PREFIX, WIKI_REDIS_TIMEOUT="5") as worker:
        worker.wait_for_log("listening at")
        worker.wait_for_log("reconciled")  # which, at the start, could find the deleted key before its event is heard
        lasting, brief, left, cut = opened(store), opened(store, age=300), opened(store), opened(store)
        assert store.end_all([store.read(left).ref], "logout")
        store.redis.delete(store.keys.shards[0].session(cut.sid))
        ends = {brief.sid: "expired", left.sid: "logout", cut.sid: "deleted"}
        wait_until(lambda: ends.items() <= worker.ends.items(), "all ends in the log")
        status = json.loads(run_command(url, "status", "--json", WIKI_REDIS_PREFIX=PREFIX).stdout)
        assert status["live"] == 1
        assert worker.stop() == 0
    assert "Traceback" not in worker.log
    assert "failed" not in worker.log

    async def read() -> str:
        other = AsyncStore(store.config)
        try:
            return (await other.read(lasting)).ref.sid
        finally:
            await other.close()

    assert asyncio.run(read()) == lasting.sid
    assert store.end_user("1", "revoked")


def test_check_is_content_with_what_it_may_see(url):
    done = run_command(url, "check", "--json", WIKI_REDIS_PREFIX=PREFIX)
    findings = json.loads(done.stdout)
    assert [finding for finding in findings if finding["level"] == "wrong"] == []
    assert "an expired key was told of" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "noeviction"])
def test_check_fails_where_eviction_may_take_the_index_or_the_log(policy):
    with RedisServer(maxmemory="100mb", maxmemory_policy=policy, notify_keyspace_events="Kxe") as server:
        done = run_command(server.url, "check")
    assert done.returncode == (1 if policy.startswith("allkeys") else 0)


def test_a_server_that_refuses_resp3_says_which_option_helps(tmp_path):
    conf = tmp_path / "redis.conf"
    conf.write_text('rename-command HELLO ""\n')
    with RedisServer(users=False, clear=True, blind=True, conf=conf) as server:
        assert Store(Config(redis_url=server.url + "?protocol=2")).count() == 0
        with pytest.raises(StoreUnavailable, match="add protocol=2 after WIKI_REDIS_URL's") as caught:
            Store(Config(redis_url=server.url)).read(new_token())
        assert "older protocol" in str(caught.value)
