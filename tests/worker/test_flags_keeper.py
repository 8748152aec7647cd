"""What is said of flags that are gone: that somebody took them, or that the server is another one."""

from __future__ import annotations

import pytest

from session_store import Config
from session_store.link import Node
from tests.servers import RedisServer
from worker.flags import SETTING, missing
from worker.flags_keeper import FlagsKeeper
from worker.health import Health

#: The ACL users may not set what is looked at.
pytestmark = pytest.mark.unguarded


@pytest.fixture
def keeper(redis_server) -> FlagsKeeper:
    return FlagsKeeper(config=Config(redis_url=redis_server.url), may_set=True, health=Health())


def test_flags_that_somebody_takes_back_are_said_to_be(keeper, raw, caplog):
    keeper.look_after(Node("here", raw), anew=True)
    raw.config_set(SETTING, "")
    assert keeper.look_after(Node("here", raw))
    assert "somebody has taken notify-keyspace-events back at here" in caplog.text


def test_another_server_in_its_place_is_said_to_be_another_one_and_nobody_is_blamed(keeper, raw, caplog):
    caplog.set_level("INFO")
    with RedisServer(users=False) as other, other.client() as client:
        keeper.look_after(Node("here", raw), anew=True)
        assert keeper.look_after(Node("here", client))
        assert missing(client.config_get(SETTING)[SETTING]) == ""
        assert "here is another server than before" in caplog.text
        assert "somebody" not in caplog.text


@pytest.mark.parametrize("anew", [True, False])
def test_so_is_one_that_was_started_anew(keeper, anew, caplog):
    caplog.set_level("INFO")
    with RedisServer(users=False) as server, server.client() as client:
        keeper.look_after(Node("here", client))
        server.restart()
        assert keeper.look_after(Node("here", client), anew=anew)
        assert caplog.text.count("here is another server than before, or was started anew") == 1
        assert "somebody" not in caplog.text


def test_who_takes_them_back_afterwards_is_somebody_again(keeper, caplog):
    with RedisServer(users=False, notify_keyspace_events="Kxe") as server, server.client() as client:
        keeper.look_after(Node("here", client))
        server.restart()
        keeper.look_after(Node("here", client), anew=True)
        client.config_set(SETTING, "")
        keeper.look_after(Node("here", client))
        assert "somebody has taken" in caplog.text
