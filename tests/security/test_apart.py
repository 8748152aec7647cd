"""Two sites on one Redis, under two prefixes or in two databases: what is one site's is nothing to the other."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from session_store import Config, Person, Store, StoreUnavailable, presence
from tests.servers import PATIENCE, RedisServer
from tests.session_store.samples import opened
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess

#: Database and prefix of two sites; one prefix begins like the other, and one holds what is a pattern to Redis.
SITES = {
    "two prefixes": ((0, "sso"), (0, "sso:2")),
    "a prefix that looks like a pattern": ((0, "s[a-z]o"), (0, "sso")),
    "two databases": ((1, "sso"), (2, "sso")),
}


@pytest.mark.parametrize("sites", SITES.values(), ids=SITES)
def test_neither_site_sees_the_other(sites, tmp_path: Path):
    with RedisServer(users=False, notify_keyspace_events="Kxeg") as server, ExitStack() as stack:
        stores, workers = [], []
        for number, (database, prefix) in enumerate(sites):
            place = tmp_path / str(number)
            place.mkdir()
            url = server.url_of(database)
            stores.append(Store(Config(redis_url=url, redis_prefix=prefix, redis_timeout=PATIENCE)))
            workers.append(WorkerProcess(place, url, WIKI_REDIS_PREFIX=prefix, WIKI_REDIS_TIMEOUT="5"))
            stack.enter_context(workers[-1])
        for worker in workers:
            worker.wait_for_log("reconciled")
        lasting = [opened(store, Person("1", f"user of {number}")) for number, store in enumerate(stores)]
        brief = [opened(store, age=300) for store in stores]
        cut = [opened(store) for store in stores]
        for store, token in zip(stores, cut, strict=True):
            store.redis.delete(store.keys.shards[0].session(token.sid))
            store.run(presence.report_member(store.keys.online, "1", f"user of {store}", window=60_000))
        for worker, one, other in zip(workers, brief, cut, strict=True):
            # A pass that the worker makes as it begins to listen may find the deleted one first.
            wanted = [{one.sid: "expired", other.sid: reason} for reason in ("deleted", "lost")]
            wait_until(lambda worker=worker, wanted=wanted: worker.ends in wanted, "each site's own ends", 20)
        stores[0].run(presence.forget_member(stores[0].keys.online, "1"))
        assert stores[0].run(presence.list_online(stores[0].keys.online, window=60_000, limit=9)).members == 0
        assert stores[1].run(presence.list_online(stores[1].keys.online, window=60_000, limit=9)).members == 1
        assert [stores[0].read(token) is not None for token in lasting] == [True, False]
        assert [stores[1].read(token) is not None for token in lasting] == [False, True]
        stores[0].end_user("1", "revoked")
        assert stores[0].count() == 0
        assert [session.record.person.name for session in stores[1].sessions()] == ["user of 1"]
        assert [worker.stop() for worker in workers] == [0, 0]
        assert {event["session"]["id"] for event in workers[1].events} == {
            token.sid for token in (lasting[1], brief[1], cut[1])
        }


def test_a_sites_password_opens_nothing_of_the_other_sites(guarded, scene, store_of):
    token = scene.opened()
    for user in ("wiki-site", "wiki-wiki", "wiki-worker"):
        config = store_of(user).config
        other = Store(Config(redis_url=config.redis_url, redis_prefix="sso2", redis_timeout=PATIENCE), pause=0)
        with pytest.raises(StoreUnavailable, match="may not"):
            other.read(token)
