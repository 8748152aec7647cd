"""Behind Sentinels another server may take over, which has flags of its own."""

from __future__ import annotations

import pytest

from session_store import Config, Store, StoreUnavailable
from tests.wait import wait_until
from worker.flags import SETTING, missing
from worker.flags_keeper import FlagsKeeper
from worker.health import Health

from .sentinels import SentinelServers


@pytest.fixture(autouse=True)
def _no_mess() -> None:
    """The look at what a test leaves behind is for one server."""


def test_after_a_failover_the_new_server_is_named_and_nobody_is_said_to_have_taken_flags_back(caplog):
    caplog.set_level("INFO")
    with SentinelServers(replicas=1) as watched:
        store = Store(Config(redis_url=watched.url, redis_timeout=5), pause=0)
        keeper = FlagsKeeper(config=store.config, may_set=True, health=Health())
        (node,) = store.link.primaries()
        keeper.look_after(node)
        new = watched.failover()
        assert new.admin.config_get(SETTING)[SETTING] == ""
        assert wait_until(lambda: looks_after(keeper, store), "a look at the new server")
        assert missing(new.admin.config_get(SETTING)[SETTING]) == ""
    assert f"Redis at 127.0.0.1:{new.port} is another server than before" in caplog.text
    assert "somebody" not in caplog.text


def looks_after(keeper: FlagsKeeper, store: Store) -> bool:
    try:
        return keeper.look_after(store.link.primaries()[0])
    except StoreUnavailable:
        return False
